//! Signing in at the provider of identities.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{REFRESH, SET_COOKIE};
use axum::response::Response;
use axum::routing::get;
use ledger::User;
use store::By as Changing;

use super::session::By;
use super::visit::Fields;
use super::{TOO_MANY, cookie_of, keep, render, see, set};
use crate::oidc::{Failure, Oidc, RETURN, Returned, UNDER_WAY_S, client};
use crate::problem::Problem;
use crate::serve::Service;
use crate::telemetry::waiting;

/// The cookie of a sign-in that is under way. The provider's page leads back: it must come with that.
const UNDER_WAY: &str = "stopgap-signing-in";
/// The same where it goes over TLS alone: no page without TLS can set it.
const UNDER_WAY_SECURE: &str = "__Secure-stopgap-signing-in";

/// Adds the way to the provider and the way back.
pub(super) fn add(router: Router, service: &Arc<Service>) -> Router {
    if service.oidc.is_none() {
        return router;
    }
    let (going, coming) = (Arc::clone(service), Arc::clone(service));
    let begin = move |request: Request| {
        let service = Arc::clone(&going);
        async move { begin(&service, client(request.headers())).await }
    };
    let end = move |request: Request| {
        let service = Arc::clone(&coming);
        async move { end(service, request).await }
    };
    router
        .route("/sign-in/provider", get(begin))
        .route(RETURN, get(end))
}

/// The ways to sign in, and what was wrong with one.
pub(super) fn choice(service: &Service, trouble: &str) -> Response {
    let provider = service.oidc.as_ref();
    render::sign_in(trouble, provider.map(|it| (it.issuer(), None)))
}

/// Where whoever has signed out goes.
pub(super) fn after(service: &Service) -> &'static str {
    match service.oidc {
        Some(_) => "/sign-in?out",
        None => "/sign-in",
    }
}

/// The ways to sign in, and out of the provider for whoever has just signed out here.
pub(super) fn ways(service: &Service, request: &Request) -> Response {
    match &service.oidc {
        Some(oidc) if request.uri().query() == Some("out") => {
            render::sign_in("", Some((oidc.issuer(), oidc.sign_out())))
        }
        _ => choice(service, ""),
    }
}

async fn begin(service: &Service, client: Option<IpAddr>) -> Response {
    let Some(oidc) = &service.oidc else {
        return see("/sign-in");
    };
    match oidc.begin(client, service.now_ms(), &service.limits).await {
        Ok((place, cookie)) => {
            let mut response = see(&place);
            set(
                &mut response,
                SET_COOKIE,
                &under_way(oidc, &cookie, UNDER_WAY_S),
            );
            response
        }
        Err(why) => failed(service, &why),
    }
}

/// The cookie's name; by the console's address, as the cookie itself.
fn under_way_name(oidc: &Oidc) -> &'static str {
    match oidc.is_secure() {
        true => UNDER_WAY_SECURE,
        false => UNDER_WAY,
    }
}

fn under_way(oidc: &Oidc, cookie: &str, seconds: i64) -> String {
    let secure = if oidc.is_secure() { "; Secure" } else { "" };
    let name = under_way_name(oidc);
    format!("{name}={cookie}; HttpOnly; SameSite=Lax; Path=/sign-in; Max-Age={seconds}{secure}")
}

/// The way back; whatever comes of it, the sign-in is under way no more.
async fn end(service: Arc<Service>, request: Request) -> Response {
    let Some(oidc) = &service.oidc else {
        return see("/sign-in");
    };
    let mut response = ended(&service, oidc, request).await;
    if let Ok(over) = HeaderValue::from_str(&under_way(oidc, "", 0)) {
        response.headers_mut().append(SET_COOKIE, over);
    }
    response
}

async fn ended(service: &Arc<Service>, oidc: &Oidc, request: Request) -> Response {
    let query = Fields::of_query(request.uri().query().unwrap_or_default());
    let returned = Returned {
        cookie: cookie_of(request.headers(), under_way_name(oidc)).unwrap_or_default(),
        state: query.get("state"),
        code: query.get("code"),
        issuer: query.get("iss"),
        error: query.get("error"),
    };
    let now_ms = service.now_ms();
    // What we have not begun costs nothing and counts for nothing: other sites can send people here.
    if !oidc.has_begun(&returned, now_ms) {
        let why = "this sign-in did not begin in this browser, or too long ago";
        return failed(service, &Failure::Told(why.to_owned()));
    }
    if !service.sessions.may_try("", now_ms, &service.limits) {
        return choice(service, TOO_MANY);
    }
    let client = client(request.headers());
    let ended = oidc.end(client, &returned, now_ms, &service.limits);
    let user = match ended.await {
        Ok(user) => user,
        Err(why) => {
            if !matches!(why, Failure::Busy) {
                service.sessions.note_failure("", now_ms);
            }
            return failed(service, &why);
        }
    };
    let (who, secure) = (user.id.clone(), oidc.is_secure());
    let under_way = Arc::clone(service);
    let work = waiting(move || admitted(&under_way, &user, now_ms));
    let opened = work
        .await
        .unwrap_or_else(|defect| Err(Problem::internal(&defect)));
    match opened {
        Ok(cookie) => {
            // A cookie of ours alone does not come with what another site leads to: from this page it does.
            let mut response = render::signed_in(&who);
            set(&mut response, REFRESH, "0; url=/");
            keep(&mut response, &cookie, secure);
            response
        }
        Err(problem) => {
            service.sessions.note_failure("", now_ms);
            failed(service, &Failure::Told(problem.told().2.to_owned()))
        }
    }
}

/// What the cookie is to hold of somebody whom the provider has shown.
fn admitted(service: &Service, user: &User, now_ms: i64) -> Result<String, Problem> {
    let issuer = user.account.as_ref().map_or("", |it| it.issuer.as_str());
    let why = format!("signed in at {issuer}");
    let by = Changing {
        who: &user.id,
        why: &why,
        now_ms,
    };
    service.store.change(&by, |it| it.admit_user(user))?;
    let by = By::user(&user.id, "");
    let opened = service.sessions.open(by, now_ms, &service.limits);
    opened.map_err(|why| Problem::internal(&why))
}

fn failed(service: &Service, why: &Failure) -> Response {
    let (told, logged) = match why {
        Failure::Busy => ("too many sign in at one time, try again", None),
        Failure::Told(why) => (why.as_str(), None),
        Failure::Logged(why) => (
            "the provider gives no answer of use: the log tells why",
            Some(why),
        ),
    };
    tracing::warn!(
        "nobody was signed in: {}",
        logged.map_or(told, String::as_str)
    );
    choice(service, &format!("Nobody was signed in: {told}."))
}
