//! HAProxy asks by SPOE before it forwards: an agent that speaks SPOP 2.0.
//!
//! HAProxy shows the head, and as much of the body as its buffer holds. The answer is variables
//! of the transaction, which its own rules act by: `verdict` is `pass`, `deny`, `redirect` or
//! `drop`; `status`, `reference` and `location` go with the refusals, `target` and `cookie` are
//! what a request that passes is to have instead. It cannot be told to take out a header whose
//! name it does not know, so such a request is refused.

mod frame;
mod question;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use engine::Strip;
use http::header::{COOKIE, LOCATION};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use crate::body::Body;
use crate::config::Role;
use crate::halt::Halt;
use crate::page::Reference;
use crate::proxy::{Applications, Life, Proxy, Way};
use crate::server::Connection;
use crate::strip::strip;
use frame::{Frame, HAPROXY_DISCONNECT, HAPROXY_HELLO, Hello, Malformed, NOTIFY, Written};
use question::Question;

/// The smallest frame that everyone must take.
const LEAST_FRAME_BYTES: usize = 256;

/// The codes of SPOP for the end of a connection.
const NORMAL: u32 = 0;
const TIMED_OUT: u32 = 2;
const TOO_BIG: u32 = 3;
const INVALID: u32 = 4;
const NO_ROOM: u32 = 10;

/// Whether these bytes are a frame that HAProxy may send, read to its end.
#[doc(hidden)]
pub fn frame_reads(bytes: &[u8]) -> bool {
    let Ok(frame) = Frame::read(bytes) else {
        return false;
    };
    match frame.kind {
        HAPROXY_HELLO => Hello::read(frame.payload).is_ok(),
        NOTIFY => {
            let question = Question::read(frame.payload);
            question.is_ok_and(|question| question.head(usize::MAX).is_ok())
        }
        _ => false,
    }
}

/// Why a connection ends; HAProxy is told the code.
struct End(u32, &'static str);

impl From<Malformed> for End {
    fn from(Malformed(why): Malformed) -> Self {
        Self(INVALID, why)
    }
}

/// Serves one connection of HAProxy until either side ends it.
pub(crate) async fn serve(
    proxy: &Arc<Proxy>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: &Arc<Connection>,
) -> io::Result<()> {
    let mut agent = Agent {
        proxy,
        connection,
        stream: BufReader::new(stream),
        frame_bytes: proxy.limits.message_bytes,
    };
    let End(code, why) = match agent.talk().await {
        Ok(None) => return Ok(()),
        Ok(Some(end)) => end,
        Err(why) => return Err(why),
    };
    if code != NORMAL {
        tracing::warn!(peer = %connection.peer, "SPOE: {why}");
        proxy.metrics.failed("spoe");
    }
    agent.write(&Written::disconnect(code, why)).await
}

struct Agent<'a, S> {
    proxy: &'a Arc<Proxy>,
    connection: &'a Arc<Connection>,
    stream: BufReader<S>,
    /// Bytes of the largest frame.
    frame_bytes: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Agent<'_, S> {
    /// The life of a connection: a hello, then notifications, each answered. None: the other
    /// side is gone already.
    async fn talk(&mut self) -> io::Result<Option<End>> {
        let mut stop = self.connection.stop.clone();
        let mut greeted = false;
        loop {
            let length = tokio::select! {
                length = self.length() => length?,
                _ = stop.wait_for(|stop| *stop) => return Ok(Some(End(NORMAL, "it stops"))),
            };
            let length = match length {
                Some(Ok(length)) => length,
                Some(Err(end)) => return Ok(Some(end)),
                None => return Ok(None),
            };
            let mut guard = self.proxy.held.guard();
            if guard.grow(length).is_none() {
                return Ok(Some(End(NO_ROOM, "there is no room for another frame")));
            }
            let mut bytes = vec![0; length];
            let patience = Duration::from_millis(self.proxy.limits.body_idle_ms);
            match timeout(patience, self.stream.read_exact(&mut bytes)).await {
                Ok(read) => read.map(drop)?,
                Err(_) => return Ok(Some(End(TIMED_OUT, "a frame came too slowly"))),
            }
            let answer = match self.answer(&bytes, &mut greeted) {
                Ok(Some(answer)) => answer,
                Ok(None) => return Ok(Some(End(NORMAL, "it was asked to"))),
                Err(end) => return Ok(Some(end)),
            };
            self.write(&answer).await?;
        }
    }

    /// The length of the next frame; none at the end of the connection.
    async fn length(&mut self) -> io::Result<Option<Result<usize, End>>> {
        let mut length = [0; 4];
        let patience = Duration::from_millis(self.proxy.limits.head_ms);
        match timeout(patience, self.stream.read_exact(&mut length)).await {
            Err(_) => return Ok(Some(Err(End(NORMAL, "nothing was asked for long")))),
            Ok(Err(why)) if why.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Ok(read) => read.map(drop)?,
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        Ok(Some(match length <= self.frame_bytes {
            true => Ok(length),
            false => Err(End(TOO_BIG, "a frame is larger than was agreed")),
        }))
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let patience = Duration::from_millis(self.proxy.limits.write_idle_ms);
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(patience, write).await?
    }

    /// Answers one frame; none: the connection ends.
    fn answer(&mut self, bytes: &[u8], greeted: &mut bool) -> Result<Option<Vec<u8>>, End> {
        let frame = Frame::read(bytes)?;
        match (frame.kind, *greeted) {
            (HAPROXY_HELLO, false) => {
                let hello = Hello::read(frame.payload)?;
                let theirs = usize::try_from(hello.frame_bytes).unwrap_or(usize::MAX);
                if theirs < LEAST_FRAME_BYTES {
                    return Err(End(INVALID, "frames of this size hold no request"));
                }
                self.frame_bytes = self.frame_bytes.min(theirs);
                *greeted = true;
                let agreed = u32::try_from(self.frame_bytes).unwrap_or(u32::MAX);
                Ok(Some(Written::hello(agreed)))
            }
            (HAPROXY_DISCONNECT, _) => Ok(None),
            (NOTIFY, true) => {
                let question = Question::read(frame.payload)?;
                let to = Written::acknowledge(frame.stream, frame.number);
                Ok(Some(self.decide(&question, to)))
            }
            _ => Err(End(INVALID, "a frame comes out of turn")),
        }
    }

    /// The life of a request that HAProxy forwards itself.
    fn decide(&self, question: &Question<'_>, mut to: Written) -> Vec<u8> {
        let applications = self.proxy.applications();
        let mut life = self.proxy.life(Role::Spoe);
        let outcome = self.live(&applications, question, &mut life);
        match self.proxy.conclude(life, outcome, None) {
            Ok(Ok(changes)) => {
                to.set_text("verdict", b"pass");
                if let Some(target) = &changes.target {
                    to.set_text("target", target.as_bytes());
                }
                if let Some(cookie) = &changes.cookie {
                    to.set_text("cookie", cookie.as_bytes());
                }
            }
            Ok(Err(page)) => refuse(&mut to, &page),
            Err(crate::proxy::Dropped) => to.set_text("verdict", b"drop"),
        }
        to.end()
    }

    fn live<'a>(
        &self,
        applications: &'a Applications,
        question: &Question<'_>,
        life: &mut Life<'a>,
    ) -> Result<Changes, Halt> {
        let mut head = question.head(self.proxy.limits.headers)?;
        life.begin(&head);
        let more = question.is_cut(&head, self.frame_bytes);
        let way = Way {
            client: question.client(),
            server: question.server.unwrap_or(self.connection.local),
            bodiless: question.body.is_empty() && !more,
        };
        self.proxy.head(applications, &mut head, way, life)?;
        life.inspection.shown_body(question.body, more)?;
        let strips = life.inspection.strips();
        let changes = Changes::of(head, &strips)?;
        if !strips.is_empty() {
            life.stripped();
        }
        Ok(changes)
    }
}

/// What a request that passes is to have instead.
#[derive(Default)]
struct Changes {
    target: Option<String>,
    cookie: Option<HeaderValue>,
}

impl Changes {
    fn of(mut head: Parts, strips: &[Strip]) -> Result<Self, Halt> {
        if strips.is_empty() {
            return Ok(Self::default());
        }
        if strips.iter().any(|each| matches!(each, Strip::Header(_))) {
            let why = "a header must be taken out, which HAProxy cannot be told to do";
            return Err(Halt::Request(StatusCode::FORBIDDEN, why));
        }
        let (uri, cookie) = (head.uri.clone(), head.headers.get(COOKIE).cloned());
        strip(&mut head, strips);
        let target = head.uri.path_and_query().map(|target| target.to_string());
        let left = || head.headers.get(COOKIE).cloned();
        let empty = HeaderValue::from_static("");
        Ok(Self {
            target: target.filter(|_| head.uri != uri),
            cookie: match left() == cookie {
                true => None,
                false => Some(left().unwrap_or(empty)),
            },
        })
    }
}

fn refuse(to: &mut Written, page: &Response<Body>) {
    let text = |name| page.headers().get(name).map(HeaderValue::as_bytes);
    match text(LOCATION) {
        Some(location) => {
            to.set_text("verdict", b"redirect");
            to.set_text("location", location);
        }
        None => to.set_text("verdict", b"deny"),
    }
    to.set_number("status", u32::from(page.status().as_u16()));
    if let Some(reference) = page.extensions().get::<Reference>() {
        to.set_text("reference", reference.0.as_bytes());
    }
}
