//! Pages as HTML.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::{guarded, guarded_live};
use crate::problem::Problem;

/// What is around every page.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// The path of its place in the navigation.
    pub(super) section: String,
    pub(super) who: String,
    pub(super) role: String,
    pub(super) form_key: String,
    pub(super) now_ms: i64,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    trouble: &'a str,
    /// The provider of identities, and where people sign out of it.
    provider: Option<(&'a str, Option<String>)>,
}

/// What stands for the console until the browser goes there by itself.
#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedIn<'a> {
    who: &'a str,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Trouble<'a> {
    frame: &'a Frame,
    title: &'a str,
    detail: &'a str,
}

pub(super) fn page(status: StatusCode, html: String) -> Response {
    let kind = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    guarded((status, kind, html).into_response())
}

/// What stands in a page and renews itself.
pub(super) fn live(html: String) -> Response {
    let kind = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    guarded_live((StatusCode::OK, kind, html).into_response())
}

/// A template, filled in.
pub(super) fn filled(template: &impl Template) -> Result<String, Problem> {
    template.render().map_err(|why| Problem::internal(&why))
}

pub(super) fn sign_in(trouble: &str, provider: Option<(&str, Option<String>)>) -> Response {
    let status = match trouble.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNAUTHORIZED,
    };
    match filled(&SignIn { trouble, provider }) {
        Ok(html) => page(status, html),
        Err(problem) => problem.into_response(),
    }
}

pub(super) fn signed_in(who: &str) -> Response {
    match filled(&SignedIn { who }) {
        Ok(html) => page(StatusCode::OK, html),
        Err(problem) => problem.into_response(),
    }
}

/// What went wrong, for people.
pub(super) fn problem(frame: &Frame, problem: &Problem) -> Response {
    let (status, title, detail) = problem.told();
    let template = Trouble {
        frame,
        title,
        detail,
    };
    match filled(&template) {
        Ok(html) => page(status, html),
        Err(problem) => problem.into_response(),
    }
}

/// How values are written on pages.
#[expect(unreachable_pub, reason = "the macro makes its types public")]
pub(super) mod filters {
    use askama::{Result, Values};
    use jiff::Timestamp;
    use ledger::rollout::Stage;
    use ledger::{Rollout, State};
    use wire::Event;

    pub(crate) fn written(time_ms: i64) -> String {
        let time = Timestamp::from_millisecond(time_ms);
        time.map_or_else(
            |_| "never".to_owned(),
            |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        )
    }

    /// Milliseconds since 1970.
    #[askama::filter_fn]
    pub(crate) fn date(time_ms: &i64, _: &dyn Values) -> Result<String> {
        Ok(written(*time_ms))
    }

    #[askama::filter_fn]
    pub(crate) fn event_date(event: &Event, _: &dyn Values) -> Result<String> {
        Ok(written(i64::try_from(event.time_ms).unwrap_or(i64::MAX)))
    }

    /// With its seconds.
    #[askama::filter_fn]
    pub(crate) fn moment(time_ms: &i64, _: &dyn Values) -> Result<String> {
        let time = Timestamp::from_millisecond(*time_ms);
        Ok(time.map_or_else(
            |_| "never".to_owned(),
            |time| time.strftime("%H:%M:%S UTC").to_string(),
        ))
    }

    /// Rounded up.
    #[askama::filter_fn]
    pub(crate) fn minutes(time_ms: &i64, _: &dyn Values) -> Result<i64> {
        Ok(time_ms.saturating_add(59_999) / 60_000)
    }

    /// How good it is what became of a patch on an asset.
    #[askama::filter_fn]
    pub(crate) fn result_class(result: &str, _: &dyn Values) -> Result<&'static str> {
        Ok(match result {
            "done" => "good",
            "failed" => "bad",
            _ => "warn",
        })
    }

    #[askama::filter_fn]
    pub(crate) fn hours(time_ms: &i64, _: &dyn Values) -> Result<i64> {
        Ok(time_ms / 3_600_000)
    }

    /// How far it has come, with the share of clients.
    #[askama::filter_fn]
    pub(crate) fn stage(rollout: &Rollout, _: &dyn Values) -> Result<String> {
        Ok(match (rollout.stage, rollout.share_percent) {
            (Stage::Canary, Some(share)) => format!("canary, {share} % of the clients"),
            (stage, _) => stage.name().to_owned(),
        })
    }

    /// How good that is.
    #[askama::filter_fn]
    pub(crate) fn state_class(state: &State, _: &dyn Values) -> Result<&'static str> {
        Ok(match state {
            State::Open => "bad",
            State::Excepted | State::Scheduled => "warn",
            State::Shielded | State::Fixed | State::Closed => "good",
        })
    }
}
