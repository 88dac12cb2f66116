//! Envoy asks by `ext_proc` before it forwards: an external processor, one gRPC stream for each
//! request.
//!
//! Envoy shows the head; the answer says whether the body, held up to Envoy's buffer, and the
//! response are shown too, so requests that no rule concerns cost one message. The configuration
//! must let the answer say so (`allow_mode_override`).

mod grpc;
mod head;
mod messages;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::Strip;
use http::header::{ACCEPT_ENCODING, COOKIE, HOST};
use http::request::Parts;
use http::{Request, Response};
use http_body_util::channel::Channel;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::body::Body;
use crate::config::Role;
use crate::framing::Refusal;
use crate::halt::Halt;
use crate::proxy::{Applications, Life, Proxy};
use crate::server::Connection;
use crate::strip::strip;
use grpc::{Answers, End, Messages};
use messages::{Common, GoOn, Instead, Mode, Mutation, Shown, Status, Told};

const PATH: &str = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";

#[doc(hidden)]
pub use head::shown_reads;

/// Answers one stream: the life of one request of Envoy's.
pub(crate) async fn answer(
    proxy: Arc<Proxy>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Channel<Bytes>>, Infallible> {
    let (mut answers, response) = grpc::response();
    let known = request.uri().path() == PATH;
    let messages = Messages::new(request.into_body(), proxy.limits.message_bytes);
    tokio::spawn(async move {
        let ended = match known {
            true => {
                let mut stream = Stream {
                    proxy: &proxy,
                    connection: &connection,
                    messages,
                    answers: &mut answers,
                };
                stream.serve().await
            }
            false => Err(End(
                grpc::UNIMPLEMENTED,
                "this is an external processor alone",
            )),
        };
        if let Err(End(_, why)) = &ended {
            tracing::warn!(peer = %connection.peer, "ext_proc: {why}");
            proxy.metrics.failed("ext_proc");
        }
        grpc::end(answers, ended).await;
    });
    Ok(response)
}

/// What ends the life of a request early.
enum Stop {
    /// It is refused.
    Halt(Halt),
    /// Envoy shows nothing more: the client is gone, or the response came from elsewhere.
    Gone,
    /// What Envoy says is not understood.
    End(End),
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Halt(refusal.into())
    }
}

impl From<End> for Stop {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

struct Stream<'a> {
    proxy: &'a Arc<Proxy>,
    connection: &'a Arc<Connection>,
    messages: Messages,
    answers: &'a mut Answers,
}

impl Stream<'_> {
    async fn serve(&mut self) -> Result<(), End> {
        let applications = self.proxy.applications();
        let mut life = self.proxy.life(Role::ExtProc);
        let lived = self.live(&applications, &mut life).await;
        let (outcome, ended) = match lived {
            Ok(()) | Err(Stop::Gone) => (Ok(()), Ok(())),
            Err(Stop::Halt(halt)) => (Err(halt), Ok(())),
            Err(Stop::End(end)) => (Ok(()), Err(end)),
        };
        if let Ok(Err(page)) = self.proxy.conclude(life, outcome, None) {
            grpc::send(self.answers, &instead(&page)).await;
        }
        ended
    }

    /// The life of a request that Envoy forwards itself, and of its response.
    async fn live<'a>(
        &mut self,
        applications: &'a Applications,
        life: &mut Life<'a>,
    ) -> Result<(), Stop> {
        // Check, and inspect the head.
        let shown = self.shown().await?;
        let (mut head, way) = head::request(&shown, self.connection, &self.proxy.trusted)?;
        life.begin(&head);
        self.proxy.head(applications, &mut head, way, life)?;

        // Let Envoy hold the body where a rule wants it; decide.
        let holds = !way.bodiless && life.inspection.wants_body();
        let response = life.inspection.wants_response();
        let mode = (holds || response).then(|| Mode::new(holds, response, false));
        if holds {
            let told = Told {
                request_headers: Some(GoOn::default()),
                mode_override: mode.clone(),
                ..Told::default()
            };
            self.tell(&told).await?;
            let body = self.body().await?.request_body.unwrap_or_default();
            let mut guard = self.proxy.held.guard();
            if guard.grow(body.body.len()).is_none() {
                life.inspection.no_room()?;
            }
            let more = !body.end_of_stream && !head::is_whole(&head, &body.body);
            life.inspection.shown_body(&body.body, more)?;
        } else {
            life.inspection.shown_body(&[], false)?;
        }

        // Strip; from here on Envoy forwards.
        let readable = life.inspection.wants_response_body();
        let strips = life.inspection.strips();
        if !strips.is_empty() {
            life.stripped();
        }
        let change = change(head, &strips, readable);
        let told = match holds {
            true => Told {
                request_body: Some(change),
                ..Told::default()
            },
            false => Told {
                request_headers: Some(change),
                mode_override: mode,
                ..Told::default()
            },
        };
        self.tell(&told).await?;

        // Back: the response is inspected where a rule wants it.
        if response {
            self.response(life).await?;
        }
        Ok(())
    }

    async fn response(&mut self, life: &mut Life<'_>) -> Result<(), Stop> {
        let shown = self.shown().await?.response_headers.unwrap_or_default();
        let parts = head::response(&shown);
        let holds = life.inspection.response_head(&parts)?.is_some();
        if holds && shown.end_of_stream {
            life.inspection.shown_response_body(&[])?;
        }
        if !holds || shown.end_of_stream {
            let told = Told {
                response_headers: Some(GoOn::default()),
                ..Told::default()
            };
            return self.tell(&told).await;
        }
        let told = Told {
            response_headers: Some(GoOn::default()),
            mode_override: Some(Mode::new(false, true, true)),
            ..Told::default()
        };
        self.tell(&told).await?;
        let body = self.shown().await?.response_body.unwrap_or_default();
        life.inspection.shown_response_body(&body.body)?;
        let told = Told {
            response_body: Some(GoOn::default()),
            ..Told::default()
        };
        self.tell(&told).await
    }

    /// The message that shows a body.
    async fn body(&mut self) -> Result<Shown, Stop> {
        let shown = self.shown().await;
        if matches!(shown, Err(Stop::Gone)) {
            // Or `allow_mode_override` is not set: the request went on unseen.
            self.proxy.metrics.failed("unshown");
            tracing::debug!(peer = %self.connection.peer, "ext_proc: no body is shown");
        }
        shown
    }

    async fn shown(&mut self) -> Result<Shown, Stop> {
        let patience = Duration::from_millis(self.proxy.limits.body_total_ms);
        match timeout(patience, self.messages.next()).await {
            Ok(shown) => shown?.ok_or(Stop::Gone),
            Err(_) => Err(Stop::Gone),
        }
    }

    async fn tell(&mut self, told: &Told) -> Result<(), Stop> {
        match grpc::send(self.answers, told).await {
            true => Ok(()),
            false => Err(Stop::Gone),
        }
    }
}

/// What Envoy is to change of a request that passes.
fn change(mut head: Parts, strips: &[Strip], readable: bool) -> GoOn {
    let mut mutation = Mutation::default();
    if !strips.is_empty() {
        let target = head.uri.clone();
        strip(&mut head, strips);
        if head.uri != target {
            let target = head.uri.path_and_query().map_or("/", |it| it.as_str());
            mutation.set(":path", target.as_bytes());
        }
    }
    for each in strips {
        match each {
            Strip::Header(name) if !name.eq_ignore_ascii_case(HOST.as_str()) => {
                mutation.remove_headers.push(name.to_ascii_lowercase());
            }
            Strip::Cookie(_) => match head.headers.get(COOKIE) {
                Some(left) => mutation.set(COOKIE.as_str(), left.as_bytes()),
                None => mutation.remove_headers.push(COOKIE.as_str().to_owned()),
            },
            Strip::Header(_) | Strip::QueryParameter(_) => {}
        }
    }
    if readable {
        mutation.set(ACCEPT_ENCODING.as_str(), b"identity");
    }
    let changes = mutation != Mutation::default();
    GoOn {
        response: changes.then(|| Common {
            header_mutation: Some(mutation),
        }),
    }
}

/// A refusal, as Envoy gives it to the client.
fn instead(page: &Response<Body>) -> Told {
    let mut headers = Mutation::default();
    for (name, value) in page.headers() {
        headers.set(name.as_str(), value.as_bytes());
    }
    Told {
        immediate_response: Some(Instead {
            status: Some(Status {
                code: i32::from(page.status().as_u16()),
            }),
            headers: Some(headers),
            body: page.body().start(),
            details: "stopgap".to_owned(),
        }),
        ..Told::default()
    }
}
