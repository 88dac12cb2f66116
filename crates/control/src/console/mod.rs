//! The console: pages for people, over the same routes as programs have, so that who may do
//! what, and what is logged of it, is decided in one place.
//!
//! It works without scripts. A page is a function of a [`Visit`], in the one table [`pages`].

mod api;
mod campaigns;
mod change;
mod chart;
mod coverage;
mod exceptions;
mod hits;
mod look;
mod password;
mod provider;
mod render;
mod session;
mod settings;
mod today;
mod versions;
mod visit;
mod workshop;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Multipart, RawPathParams, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION,
    REFERRER_POLICY, REFRESH, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use ledger::Token;

use crate::Secret;
use crate::call::token_of;
use crate::password::is_password;
use crate::problem::{Kind, Problem};
use crate::serve::Service;
use crate::telemetry::waiting;
use render::Frame;
pub(crate) use session::Sessions;
use session::{By, Session};
use visit::{Fields, Shown, Visit};
pub use workshop::{Examined, Made, Refined, Workshop};

/// Every page that can be gone to from everywhere: its path and its name.
pub(crate) const NAVIGATION: [(&str, &str); 13] = [
    ("/", "Today"),
    ("/findings", "Findings"),
    ("/exceptions", "Exceptions"),
    ("/patches", "Patches"),
    ("/rollouts", "Rollouts"),
    ("/coverage", "Coverage"),
    ("/hits", "Hits"),
    ("/campaigns", "Campaigns"),
    ("/calendar", "Calendar"),
    ("/inbox", "Inbox"),
    ("/inventory", "Inventory"),
    ("/audit", "Audit"),
    ("/settings", "Settings"),
];

/// The cookie that tells who is signed in.
const COOKIE_NAME: &str = "stopgap-session";
const TOO_MANY: &str = "Too many attempts have failed: wait a minute.";
/// Nothing but our own style, forms to ourselves, and a chart of our own.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What stands in a page and renews itself; looking on does not keep anybody signed in.
const LIVE: &str = "/rollouts/{id}/chart";
const LIVE_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'self'";
/// After how many seconds it does.
const RENEWED_S: &str = "10";

type Page = fn(&Visit<'_>) -> Result<Shown, Problem>;

/// What can be looked at, and what forms do.
fn pages() -> [(MethodFilter, &'static str, Page); 49] {
    let (look, act) = (MethodFilter::GET, MethodFilter::POST);
    [
        (look, "/", look::today),
        (look, "/findings", look::findings),
        (look, "/findings/{id}", look::finding),
        (act, "/findings/{id}/moves", change::move_finding),
        (look, "/exceptions", exceptions::exceptions),
        (look, "/exceptions/{id}", exceptions::exception),
        (act, "/exceptions/{id}/moves", exceptions::move_exception),
        (look, "/patches", look::patches),
        (look, "/patches/new", change::new_patch),
        (act, "/patches/new", change::keep_patch),
        (act, "/patches/import", change::import_patch),
        (look, "/patches/{id}", look::patch),
        (look, "/patches/{id}/proof", versions::proof),
        (look, "/patches/{id}/history", versions::history),
        (look, "/patches/{id}/document", versions::document),
        (act, "/patches/{id}/document", versions::keep_document),
        (act, "/patches/{id}/rollouts", change::start_rollout),
        (look, "/rollouts", look::rollouts),
        (look, "/rollouts/{id}", look::rollout),
        (look, LIVE, chart::chart),
        (act, "/rollouts/{id}/moves", change::move_rollout),
        (look, "/coverage", coverage::coverage),
        (act, "/rollback", coverage::roll_back),
        (look, "/campaigns", campaigns::campaigns),
        (look, "/campaigns/new", campaigns::plan),
        (act, "/campaigns/new", campaigns::planned),
        (look, "/campaigns/{id}", campaigns::campaign),
        (act, "/campaigns/{id}/moves", campaigns::move_campaign),
        (act, "/campaigns/{id}/remedies", campaigns::remedy),
        (act, "/campaigns/{id}/answers", campaigns::answer),
        (look, "/campaigns/{id}/review", campaigns::review),
        (act, "/campaigns/{id}/reviews", campaigns::sign),
        (act, "/campaigns/{id}/notes", campaigns::note),
        (act, "/campaigns/{id}/fetch", campaigns::fetch),
        (look, "/campaigns/{id}/report", campaigns::report),
        (look, "/campaigns/{id}/report.html", campaigns::report_html),
        (look, "/campaigns/{id}/report.csv", campaigns::report_csv),
        (look, "/campaigns/{id}/report.json", campaigns::report_json),
        (look, "/calendar", campaigns::calendar),
        (look, "/inbox", campaigns::inbox),
        (look, "/hits", hits::hits),
        (look, "/hits/legitimate", hits::legitimate),
        (look, "/inventory", look::inventory),
        (look, "/audit", look::audit),
        (look, "/settings", settings::settings),
        (act, "/settings/password", settings::renew),
        (act, "/settings/{id}", settings::change),
        (look, "/settings/people/{id}", settings::person),
        (act, "/sign-out", sign_out),
    ]
}

/// Adds the console's pages.
pub(crate) fn add(mut router: Router, service: &Arc<Service>) -> Router {
    for (filter, path, page) in pages() {
        let service = Arc::clone(service);
        let answer = move |parameters: RawPathParams, request: Request| {
            let service = Arc::clone(&service);
            async move { answered(service, (page, path == LIVE), &parameters, request).await }
        };
        router = router.route(path, on(filter, answer));
    }
    let drawn = service.workshop.as_ref().map_or("", |it| it.style());
    let style = format!("{}{drawn}", include_str!("style.css"));
    let (shown, signer) = (Arc::clone(service), Arc::clone(service));
    let sign_in = move |request: Request| {
        let service = Arc::clone(&signer);
        async move { sign_in(service, request).await }
    };
    let ways = move |request: Request| {
        let service = Arc::clone(&shown);
        async move { provider::ways(&service, &request) }
    };
    provider::add(router, service)
        .route("/sign-in", get(ways).post(sign_in))
        .route(
            "/style.css",
            get(async move || ([(CONTENT_TYPE, "text/css")], style.clone())),
        )
}

async fn answered(
    service: Arc<Service>,
    page: (Page, bool),
    parameters: &RawPathParams,
    request: Request,
) -> Response {
    let id = parameters.iter().next().map(|(_, id)| id.to_owned());
    match answer(service, page, id, request).await {
        Ok(response) => response,
        Err(problem) => render::problem(&Frame::default(), &problem),
    }
}

/// A visit, from the cookie to the page.
async fn answer(
    service: Arc<Service>,
    (page, live): (Page, bool),
    id: Option<String>,
    request: Request,
) -> Result<Response, Problem> {
    let busy = |_| Problem::new(Kind::Busy, "too much to do at one time, try again later");
    let _place = service.calls.try_acquire().map_err(busy)?;
    let now_ms = service.now_ms();
    let Some(session) = session_of(&service, request.headers(), (now_ms, !live)) else {
        return Ok(see("/sign-in"));
    };
    let query = Fields::of_query(request.uri().query().unwrap_or_default());
    let changes = request.method() != axum::http::Method::GET;
    let form = form_of(&service, request).await?;
    // Another site can send a form here, but not with this key in it.
    if changes && form.get("form_key") != session.form_key {
        return Err(Problem::new(
            Kind::Forbidden,
            "this form is of another session: open it again",
        ));
    }
    let under_way = Arc::clone(&service);
    let work = waiting(move || {
        let Some(token) = access(&under_way, &session.by, now_ms) else {
            return Ok(see("/sign-in"));
        };
        let visit = Visit {
            service: &under_way,
            session,
            token,
            id,
            query,
            form,
            now_ms,
        };
        let frame = visit.frame("");
        Ok(match page(&visit) {
            Ok(Shown::Page(html)) => render::page(StatusCode::OK, html),
            Ok(Shown::Followed(html, seconds)) => followed(html, seconds),
            Ok(Shown::File { name, kind, text }) => file(&name, kind, text),
            Ok(Shown::Live(html)) => render::live(html),
            Ok(Shown::Elsewhere(path)) => see(&path),
            Ok(Shown::SignedOut) => signed_out(&under_way),
            Err(problem) => render::problem(&frame, &problem),
        })
    });
    let response = work
        .await
        .unwrap_or_else(|defect| Err(Problem::internal(&defect)))?;
    if changes && !response.status().is_client_error() {
        service.fleet.changed.notify_one();
    }
    Ok(response)
}

/// What the form says; nothing where there is none.
async fn form_of(service: &Service, request: Request) -> Result<Fields, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).cloned();
    let kind = kind
        .as_ref()
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let (bytes, patience) = (service.limits.form_bytes, service.limits.body_ms);
    let malformed = |why: &dyn std::fmt::Display| Problem::new(Kind::Malformed, why.to_string());
    let read = async {
        let (head, body) = request.into_parts();
        let whole = to_bytes(body, bytes).await.map_err(|_| {
            Problem::new(Kind::TooLarge, format!("a form has {bytes} bytes at most"))
        })?;
        if !kind.starts_with("multipart/form-data") {
            return Ok(Fields::of_query(&String::from_utf8_lossy(&whole)));
        }
        let request = Request::from_parts(head, Body::from(whole));
        let parts = Multipart::from_request(request, &()).await;
        let mut parts = parts.map_err(|why| malformed(&why))?;
        let mut fields = Fields::default();
        while let Some(part) = parts.next_field().await.map_err(|why| malformed(&why))? {
            let name = part.name().unwrap_or_default().to_owned();
            let file = part.file_name().map(str::to_owned);
            let text = part.text().await.map_err(|why| malformed(&why))?;
            fields.add(&name, text);
            if let Some(file) = file {
                fields.add(&format!("{name}_name"), file);
            }
        }
        Ok(fields)
    };
    match tokio::time::timeout(Duration::from_millis(patience), read).await {
        Ok(read) => read,
        Err(_) => Err(Problem::new(
            Kind::TooSlow,
            format!("a form must come within {patience} ms"),
        )),
    }
}

/// The cookie of this name.
fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

fn session_of(service: &Service, headers: &HeaderMap, look: (i64, bool)) -> Option<Session> {
    let cookie = cookie_of(headers, COOKIE_NAME)?;
    service.sessions.of(cookie, look, &service.limits)
}

/// What somebody may who has signed in so; none: nothing any more.
fn access(service: &Service, by: &By, now_ms: i64) -> Option<Token> {
    let access = match by {
        By::Token(id) => service.store.read(|it| it.token(id)).ok()?.value,
        By::User { id, .. } => {
            let (user, hash) = service.store.read(|it| it.user_with_hash(id)).ok()?;
            let user = (*by == By::user(id, &hash)).then_some(user)?;
            user.value.access()?
        }
    };
    access.holds(now_ms).then_some(access)
}

/// Whoever shows what the form holds; none: nobody.
fn shown_by(service: &Service, form: &Fields, now_ms: i64) -> Result<Option<By>, Problem> {
    let name = form.get("name").trim();
    if name.is_empty() {
        let Some(secret) = Secret::read(form.get("token").trim()) else {
            return Ok(None);
        };
        let token = token_of(&service.store, &secret, now_ms)?;
        return Ok(token.map(|token| By::Token(token.id)));
    }
    let kept = match service.store.read(|it| it.user_with_hash(name)) {
        Ok((user, hash)) => user.value.access().map(|_| hash),
        Err(why) if why.is_missing() => None,
        Err(why) => return Err(why.into()),
    };
    let same = is_password(form.get("password"), kept.as_deref());
    let by = |hash: String| By::user(name, &hash);
    Ok(kept.filter(|_| same).map(by))
}

/// Whoever shows a token that counts, or a password, is signed in.
async fn sign_in(service: Arc<Service>, request: Request) -> Response {
    // Only a gateway in front can have spoken TLS: we listen on this machine alone.
    let forwarded = request.headers().get("x-forwarded-proto");
    let secure = forwarded.is_some_and(|proto| proto == "https");
    let form = match form_of(&service, request).await {
        Ok(form) => form,
        Err(problem) => return render::problem(&Frame::default(), &problem),
    };
    let now_ms = service.now_ms();
    let name = form.get("name").trim().to_owned();
    if !service.sessions.may_try(&name, now_ms, &service.limits) {
        return provider::choice(&service, TOO_MANY);
    }
    let busy = |_| Problem::new(Kind::Busy, "too many sign in at one time, try again");
    let place = service.sessions.turns.try_acquire().map_err(busy);
    if let Err(problem) = place {
        return render::problem(&Frame::default(), &problem);
    }
    let trouble = match name.is_empty() {
        true => "This is no token that counts.",
        false => "This name and this password do not belong together.",
    };
    let under_way = Arc::clone(&service);
    let work = waiting(move || {
        let Some(by) = shown_by(&under_way, &form, now_ms)? else {
            under_way.sessions.note_failure(&name, now_ms);
            return Ok(None);
        };
        let opened = under_way.sessions.open(by, now_ms, &under_way.limits);
        opened.map(Some).map_err(|why| Problem::internal(&why))
    });
    let opened = work
        .await
        .unwrap_or_else(|defect| Err(Problem::internal(&defect)));
    match opened {
        Ok(Some(cookie)) => {
            let mut response = see("/");
            keep(&mut response, &cookie, secure);
            response
        }
        Ok(None) => provider::choice(&service, trouble),
        Err(problem) => render::problem(&Frame::default(), &problem),
    }
}

/// The browser keeps who has signed in.
fn keep(response: &mut Response, cookie: &str, secure: bool) {
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE_NAME}={cookie}; HttpOnly; SameSite=Strict; Path=/{secure}");
    set(response, SET_COOKIE, &cookie);
}

fn sign_out(visit: &Visit<'_>) -> Result<Shown, Problem> {
    visit.service.sessions.close(&visit.session);
    Ok(Shown::SignedOut)
}

fn signed_out(service: &Service) -> Response {
    let mut response = see(provider::after(service));
    let cookie = format!("{COOKIE_NAME}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    set(&mut response, SET_COOKIE, &cookie);
    response
}

/// A page that browsers show anew by themselves: whoever looks has asked for it, and can stop it.
fn followed(html: String, seconds: u32) -> Response {
    let mut response = render::page(StatusCode::OK, html);
    set(&mut response, REFRESH, &seconds.to_string());
    response
}

/// Something to keep.
fn file(name: &str, kind: &'static str, text: String) -> Response {
    let mut response = text.into_response();
    set(&mut response, CONTENT_TYPE, kind);
    let disposition = format!("attachment; filename=\"{name}\"");
    set(&mut response, CONTENT_DISPOSITION, &disposition);
    guarded(response)
}

/// Go there and look.
fn see(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    set(&mut response, LOCATION, path);
    guarded(response)
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// With what keeps browsers from doing more with a page than show it.
fn guarded(response: Response) -> Response {
    held(response, POLICY, "DENY")
}

/// The same for what stands in a page of ours, with when it is renewed.
fn guarded_live(response: Response) -> Response {
    let mut response = held(response, LIVE_POLICY, "SAMEORIGIN");
    set(&mut response, REFRESH, RENEWED_S);
    response
}

fn held(mut response: Response, policy: &'static str, frames: &'static str) -> Response {
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, policy),
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, frames),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
