//! Signing in at the provider of identities.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{REFRESH, SET_COOKIE};
use axum::response::Response;
use axum::routing::get;
use ledger::User;
use store::By as Changing;

use super::session::By;
use super::visit::Fields;
use super::{cookie_of, keep, render, see, set};
use crate::oidc::{RETURN, Returned};
use crate::problem::Problem;
use crate::serve::Service;
use crate::telemetry::waiting;

/// The cookie of a sign-in that is under way. The provider's page leads back: it must come with that.
const UNDER_WAY: &str = "stopgap-signing-in";
/// How long it may take, in seconds.
const UNDER_WAY_S: u32 = 600;

/// Adds the way to the provider and the way back.
pub(super) fn add(router: Router, service: &Arc<Service>) -> Router {
    if service.oidc.is_none() {
        return router;
    }
    let (going, coming) = (Arc::clone(service), Arc::clone(service));
    let begin = move || {
        let service = Arc::clone(&going);
        async move { begin(&service).await }
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

async fn begin(service: &Service) -> Response {
    let Some(oidc) = &service.oidc else {
        return see("/sign-in");
    };
    match oidc.begin(service.now_ms(), &service.limits).await {
        Ok((place, cookie)) => {
            let mut response = see(&place);
            let secure = if oidc.is_secure() { "; Secure" } else { "" };
            let cookie = format!(
                "{UNDER_WAY}={cookie}; HttpOnly; SameSite=Lax; Path=/sign-in; Max-Age={UNDER_WAY_S}{secure}"
            );
            set(&mut response, SET_COOKIE, &cookie);
            response
        }
        Err(why) => failed(service, &why),
    }
}

async fn end(service: Arc<Service>, request: Request) -> Response {
    let Some(oidc) = &service.oidc else {
        return see("/sign-in");
    };
    let query = Fields::of_query(request.uri().query().unwrap_or_default());
    let returned = Returned {
        cookie: cookie_of(request.headers(), UNDER_WAY).unwrap_or_default(),
        state: query.get("state"),
        code: query.get("code"),
        issuer: query.get("iss"),
        error: query.get("error"),
    };
    let now_ms = service.now_ms();
    let user = match oidc.end(&returned, now_ms, &service.limits).await {
        Ok(user) => user,
        Err(why) => return failed(&service, &why),
    };
    let (who, secure) = (user.id.clone(), oidc.is_secure());
    let under_way = Arc::clone(&service);
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
        Err(problem) => failed(&service, problem.told().2),
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
    let by = By::User(user.id.clone());
    let opened = service.sessions.open(by, now_ms, &service.limits);
    opened.map_err(|why| Problem::internal(&why))
}

fn failed(service: &Service, why: &str) -> Response {
    tracing::warn!("nobody was signed in: {why}");
    choice(service, &format!("Nobody was signed in: {why}."))
}
