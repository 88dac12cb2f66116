//! What is remembered of a request, and what is answered and told at its end.

use std::net::SocketAddr;

use engine::{Action, Decision, Match};
use http::header::{CONNECTION, LOCATION};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Response, StatusCode, Uri, Version};
use wire::{Event, EventMatch};

use super::{Dropped, Proxy};
use crate::body::Body;
use crate::config::Role;
use crate::events::Reference;
use crate::fleet::Answered;
use crate::halt::Halt;
use crate::trace::Place;
use crate::{forward_auth, mask, page};

/// What is remembered of a request while it lives.
pub(super) struct Story<'a> {
    /// Names its event and its page.
    pub(super) reference: Reference,
    /// By what a trusted proxy knows it.
    pub(super) given: Option<HeaderValue>,
    /// Where a trusted proxy says that it stands in a trace.
    pub(super) place: Option<Place>,
    pub(super) accept: Option<HeaderValue>,
    pub(super) version: Version,
    /// None: it is for no application.
    pub(super) answered: Option<&'a Answered>,
    /// None: no rule concerns it.
    pub(super) seen: Option<Seen<'a>>,
    pub(super) stripped: bool,
    /// Who forwards it.
    pub(super) role: Role,
    pub(super) matches: Vec<Match>,
}

/// What an event tells of a request, shared with it rather than copied.
pub(super) struct Seen<'a> {
    pub(super) time_ms: u64,
    pub(super) application: &'a str,
    pub(super) client: SocketAddr,
    pub(super) method: Method,
    pub(super) host: Option<HeaderValue>,
    pub(super) target: Uri,
    pub(super) probe: Option<HeaderValue>,
}

impl Story<'_> {
    /// The id that a trusted proxy gave.
    pub(super) fn given_text(&self) -> Option<&str> {
        self.given.as_ref().and_then(|given| given.to_str().ok())
    }

    /// The trace that a trusted proxy says it belongs to.
    fn trace(&self) -> Option<&str> {
        self.place.as_ref().map(Place::trace)
    }

    /// What names the request to the next hop.
    pub(super) fn id(&self) -> HeaderValue {
        self.given.clone().unwrap_or_else(|| {
            let own = HeaderValue::from_bytes(&self.reference.digits());
            own.unwrap_or_else(|_| HeaderValue::from_static(""))
        })
    }
}

impl Proxy {
    /// What a client gets whose request was halted; recorded and counted.
    pub(super) fn answer(&self, story: Story<'_>, halt: Halt) -> Result<Response<Body>, Dropped> {
        if let Some(kind) = halt.kind() {
            self.metrics.failed(kind);
        }
        let (reference, request_id) = (story.reference, story.given_text());
        let trace = story.trace();
        match &halt {
            Halt::Upstream(_, why) => {
                tracing::warn!(%reference, request_id, trace, "upstream: {why}")
            }
            Halt::Uninspected => {
                tracing::error!(%reference, request_id, trace, "inspection failed")
            }
            Halt::Request(_, why) => {
                tracing::debug!(%reference, request_id, trace, "request: {why}")
            }
            Halt::Decided(decision) => {
                let patch = decision.cause.patch.as_deref().unwrap_or("-");
                let rule = decision.cause.rule;
                tracing::info!(%reference, request_id, trace, patch, rule, "stopped");
            }
            Halt::Busy => {
                tracing::warn!(%reference, request_id, trace, "no room to hold another body")
            }
        }
        let status = match &halt {
            Halt::Decided(decision) => match &decision.action {
                Action::Block { status } | Action::Redirect { status, .. } => {
                    StatusCode::from_u16(*status).unwrap_or(StatusCode::FORBIDDEN)
                }
                // Nobody here has the client's connection.
                Action::Drop if matches!(story.role, Role::ForwardAuth | Role::ExtProc) => {
                    StatusCode::FORBIDDEN
                }
                Action::Drop => {
                    self.tell(story, Some(&halt), None);
                    return Err(Dropped);
                }
            },
            Halt::Request(status, _) | Halt::Upstream(status, _) => *status,
            Halt::Uninspected | Halt::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        let asked = story.role == Role::ForwardAuth;
        let status = match asked {
            true => forward_auth::refusal(status),
            false => status,
        };
        let mut response = page::page(
            status,
            &reference.to_string(),
            page::prefers_json(story.accept.as_ref()),
        );
        if let Halt::Decided(decision) = &halt
            && let Action::Redirect { location, .. } = &decision.action
            && !asked
        {
            match HeaderValue::from_str(location) {
                Ok(location) => {
                    response.headers_mut().insert(LOCATION, location);
                }
                Err(_) => *response.status_mut() = StatusCode::FORBIDDEN,
            }
        }
        if matches!(halt, Halt::Request(..)) && story.version != Version::HTTP_2 {
            // What a client that breaks the rules sends next is better not read.
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        self.tell(story, Some(&halt), Some(response.status()));
        Ok(response)
    }

    /// Counts and records what was done with a request that a rule concerned.
    pub(super) fn tell(&self, story: Story<'_>, halted: Option<&Halt>, status: Option<StatusCode>) {
        let request_id = story.given_text().map(str::to_owned);
        let trace = story.trace().map(str::to_owned);
        let Some(seen) = story.seen else {
            return;
        };
        let decision = match halted {
            Some(Halt::Decided(decision)) => Some(&**decision),
            Some(Halt::Uninspected) => None,
            _ if story.matches.is_empty() => return,
            _ => None,
        };
        let action = match decision.map(|decision| &decision.action) {
            Some(Action::Block { .. }) => wire::Action::Block,
            Some(Action::Redirect { .. }) => wire::Action::Redirect,
            Some(Action::Drop) => wire::Action::Drop,
            None if matches!(halted, Some(Halt::Uninspected)) => wire::Action::Block,
            None if story.stripped => wire::Action::Strip,
            None => wire::Action::Pass,
        };
        self.count(&story.matches, decision, action);
        let event = Event {
            version: Event::VERSION,
            reference: story.reference.to_string(),
            time_ms: seen.time_ms,
            ingress: self.ingress.clone(),
            application: seen.application.to_owned(),
            client: seen.client.ip().to_canonical().to_string(),
            method: seen.method.to_string(),
            host: text(seen.host.as_ref()),
            path: mask::target(
                seen.target
                    .path_and_query()
                    .map_or("/", PathAndQuery::as_str),
            ),
            action,
            status: status.map(|status| status.as_u16()),
            request_id,
            matches: story.matches.iter().map(told).collect(),
            probe: seen
                .probe
                .as_ref()
                .and_then(|mark| mark.to_str().ok())
                .filter(|mark| mark.len() <= Event::PROBE_BYTES)
                .map(str::to_owned),
        };
        self.events.send(event, trace, &self.metrics);
    }

    /// Counts each patch once for each thing that it did.
    fn count(&self, matches: &[Match], decision: Option<&Decision>, action: wire::Action) {
        if let Some(decision) = decision {
            self.metrics
                .decided(decision.cause.patch.as_ref(), action.name());
        }
        let mut counted = Vec::new();
        for each in matches {
            let what = match (each.disruptive, each.enforced) {
                (true, true) if decision.is_some() => continue,
                (true, true) => action.name(),
                (true, false) => "shadow",
                (false, _) => wire::Action::Pass.name(),
            };
            let entry = (each.patch.as_ref(), what);
            if !counted.contains(&entry) {
                counted.push(entry);
                self.metrics.decided(entry.0, what);
            }
        }
    }
}

fn told(found: &Match) -> EventMatch {
    let (message, value) = mask::value(found);
    EventMatch {
        patch: found.patch.as_deref().map(str::to_owned),
        rule: found.rule,
        phase: found.phase,
        target: found.target.clone(),
        message,
        value,
        severity: found.severity,
        enforced: found.enforced,
    }
}

fn text(value: Option<&HeaderValue>) -> String {
    value.map_or_else(String::new, |value| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    })
}
