//! One request's inspection: http types to the engine's, its flow to ours.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use engine::{
    BodyNeed, Context, Flow, Match, MemoryStore, Plan, RequestHead, ResponseHead, Store, Strip,
    Transaction,
};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, Version};
use http_body_util::BodyExt;

use crate::body::{Body, ClientBody, Rest, UpstreamBody};
use crate::config::Fail;
use crate::events::now_ms;
use crate::halt::Halt;
use crate::metrics::Metrics;

/// Header lines as the engine reads them.
struct Lines<'a>(&'a HeaderMap);

impl engine::Headers for Lines<'_> {
    fn for_each(&self, each: &mut dyn FnMut(&[u8], &[u8])) {
        for (name, value) in self.0 {
            each(name.as_str().as_bytes(), value.as_bytes());
        }
    }
}

/// Where a request came from and is for: what its head does not say.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) application: &'a str,
    pub(crate) host: Option<&'a HeaderValue>,
    pub(crate) fail: Fail,
    pub(crate) client: std::net::SocketAddr,
    pub(crate) server: std::net::SocketAddr,
    /// No body follows the head.
    pub(crate) bodiless: bool,
    /// Keeps the collections that outlive a request.
    pub(crate) store: &'a Arc<MemoryStore>,
}

/// The inspection of one request and its response.
pub(crate) struct Inspection<'a> {
    /// None as soon as the engine needs to see no more.
    transaction: Option<Transaction>,
    matches: Vec<Match>,
    fail: Fail,
    metrics: &'a Metrics,
    took: Duration,
    concerned: bool,
}

impl<'a> Inspection<'a> {
    pub(crate) fn new(metrics: &'a Metrics) -> Self {
        Self {
            transaction: None,
            matches: Vec::new(),
            fail: Fail::Closed,
            metrics,
            took: Duration::ZERO,
            concerned: false,
        }
    }

    /// Phase 1. Afterwards [`is_concerned`](Self::is_concerned) tells whether to go on.
    pub(crate) fn head(
        &mut self,
        plan: &Arc<Plan>,
        parts: &http::request::Parts,
        origin: Origin<'_>,
    ) -> Result<(), Halt> {
        if plan.is_empty() {
            return Ok(());
        }
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let lines = Lines(&parts.headers);
        let head = RequestHead {
            application: origin.application,
            client: origin.client,
            server: origin.server,
            host: origin.host.map_or(b"", |host| host.as_bytes()),
            method: parts.method.as_str().as_bytes(),
            target: target.as_bytes(),
            version: name_of(parts.version),
            headers: &lines,
            bodiless: origin.bodiless,
        };
        self.fail = origin.fail;
        self.transaction = Some(plan.begin_in(Context {
            now: now_ms() / 1000,
            store: Some(Arc::clone(origin.store) as Arc<dyn Store>),
            ..Context::default()
        }));
        self.run(1, |transaction| transaction.request_head(&head))?;
        self.transaction
            .take_if(|transaction| !transaction.is_concerned());
        // One that was given up has ended, and is told.
        self.concerned |= self.transaction.is_some();
        Ok(())
    }

    /// Whether any rule concerns the request.
    pub(crate) fn is_concerned(&self) -> bool {
        self.concerned
    }

    /// Phase 2: holds the body back where rules want it, up to their budget.
    pub(crate) async fn body(
        &mut self,
        mut body: ClientBody,
        room: &HeldBytes,
    ) -> Result<(Body, Option<HeldGuard>), Halt> {
        let Some(transaction) = &self.transaction else {
            return Ok((body.into(), None));
        };
        let BodyNeed::Hold { bytes: budget, .. } = transaction.request_body_need() else {
            self.run(2, Transaction::request_body_end)?;
            return Ok((body.into(), None));
        };
        let mut guard = room.guard();
        let mut held = Held::default();
        let mut rest = Rest::None;
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame.map_err(|why| Halt::from(&why))?.into_data() else {
                continue;
            };
            // The engine stops what is too large, unless the patches say that it may pass.
            self.run(2, |transaction| transaction.request_body(&piece))?;
            let room = guard.grow(piece.len());
            held.push(piece);
            if room.is_none() {
                self.no_room()?;
            }
            if room.is_none() || held.len() > budget {
                rest = Rest::Client(body);
                break;
            }
        }
        self.run(2, Transaction::request_body_end)?;
        Ok((Body::new(held.into_bytes(), rest), Some(guard)))
    }

    /// No room is left to hold the body: where that fails open, the request goes on uninspected.
    pub(crate) fn no_room(&mut self) -> Result<(), Halt> {
        if self.fail == Fail::Closed {
            return Err(Halt::Busy);
        }
        self.finish();
        self.went_on(2, "busy", "there is no room to hold its body");
        Ok(())
    }

    /// Phase 2 where another proxy holds the body: what it shows of it, and whether more follows.
    pub(crate) fn shown_body(&mut self, body: &[u8], more: bool) -> Result<(), Halt> {
        self.run(2, |transaction| transaction.request_body(body))?;
        if more {
            self.run(2, Transaction::request_body_cut)?;
        }
        self.run(2, Transaction::request_body_end)
    }

    /// Whether rules want the request's body.
    pub(crate) fn wants_body(&self) -> bool {
        self.transaction
            .as_ref()
            .is_some_and(|transaction| transaction.request_body_need() != BodyNeed::None)
    }

    /// Whether rules want the response.
    pub(crate) fn wants_response(&self) -> bool {
        self.transaction
            .as_ref()
            .is_some_and(Transaction::wants_response)
    }

    /// What to take out of the request; then, if no rule wants the response, the engine is done.
    pub(crate) fn strips(&mut self) -> Vec<Strip> {
        let Some(transaction) = &mut self.transaction else {
            return Vec::new();
        };
        let strips = transaction.strips().to_vec();
        if transaction.wants_response() {
            transaction.rest();
        } else {
            self.finish();
        }
        strips
    }

    /// Whether rules want to read the response's body: then it must not be compressed.
    pub(crate) fn wants_response_body(&self) -> bool {
        self.transaction
            .as_ref()
            .is_some_and(|transaction| transaction.response_body_need() != BodyNeed::None)
    }

    /// Phases 3 and 4. A stream of events is never held: it may have no end.
    pub(crate) async fn response(
        &mut self,
        response: Response<UpstreamBody>,
    ) -> Result<Response<Body>, Halt> {
        if self.transaction.is_none() {
            return Ok(response.map(Body::from));
        }
        let (parts, mut incoming) = response.into_parts();
        let mut held = Held::default();
        let mut rest = Rest::None;
        match self.response_head(&parts)? {
            Some(budget) => {
                while let Some(frame) = incoming.frame().await {
                    let frame = frame.map_err(|why| {
                        Halt::Upstream(http::StatusCode::BAD_GATEWAY, why.to_string())
                    })?;
                    let Ok(piece) = frame.into_data() else {
                        continue;
                    };
                    self.run(4, |transaction| transaction.response_body(&piece))?;
                    held.push(piece);
                    if held.len() > budget {
                        rest = Rest::Upstream(incoming);
                        break;
                    }
                }
                self.run(4, Transaction::response_body_end)?;
            }
            None => rest = Rest::Upstream(incoming),
        }
        self.finish();
        let body = Body::new(held.into_bytes(), rest);
        Ok(Response::from_parts(parts, body))
    }

    /// Phase 3. Of the body, so many bytes must be held; none: nothing of it.
    pub(crate) fn response_head(
        &mut self,
        parts: &http::response::Parts,
    ) -> Result<Option<usize>, Halt> {
        let lines = Lines(&parts.headers);
        let head = ResponseHead {
            status: parts.status.as_u16(),
            version: name_of(parts.version),
            headers: &lines,
        };
        self.run(3, |transaction| transaction.response_head(&head))?;
        let need = self
            .transaction
            .as_ref()
            .map_or(BodyNeed::None, Transaction::response_body_need);
        Ok(match need {
            BodyNeed::Hold { bytes, .. } if !is_event_stream(&parts.headers) => Some(bytes),
            _ => None,
        })
    }

    /// Phase 4 where another proxy holds the response's body: what it shows of it.
    pub(crate) fn shown_response_body(&mut self, body: &[u8]) -> Result<(), Halt> {
        self.run(4, |transaction| transaction.response_body(body))?;
        self.run(4, Transaction::response_body_end)
    }

    /// Ends it and says what matched.
    pub(crate) fn into_matches(mut self) -> Vec<Match> {
        self.finish();
        if self.concerned {
            self.metrics.inspected(self.took);
        }
        self.matches
    }

    fn finish(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            let begin = Instant::now();
            match guarded(|| transaction.finish()) {
                Some(matches) => self.matches = matches,
                // The request is decided; what matched is lost.
                None => self.went_on(5, "inspection", "its inspection failed at the end"),
            }
            self.took += begin.elapsed();
        }
    }

    /// Counts and tells that a request passes without inspection, or what is left of it.
    fn went_on(&mut self, phase: u8, kind: &'static str, why: &str) {
        self.concerned = true;
        self.metrics.failed(kind);
        self.matches.push(Match::of_engine(phase, why.to_owned()));
    }

    fn run(
        &mut self,
        number: u8,
        phase: impl FnOnce(&mut Transaction) -> Flow,
    ) -> Result<(), Halt> {
        let Some(transaction) = &mut self.transaction else {
            return Ok(());
        };
        let begin = Instant::now();
        let flow = guarded(|| phase(transaction));
        self.took += begin.elapsed();
        match flow {
            Some(Flow::Continue) => Ok(()),
            Some(Flow::Stop(_)) if self.fail == Fail::Open && transaction.gave_up() => {
                self.finish();
                self.concerned = true;
                self.metrics.failed("inspection");
                Ok(())
            }
            Some(Flow::Stop(decision)) => {
                self.concerned = true;
                Err(Halt::Decided(decision))
            }
            None => {
                let transaction = self.transaction.take();
                self.matches = transaction.map_or_else(Vec::new, Transaction::abandon);
                self.concerned = true;
                match self.fail {
                    Fail::Closed => Err(Halt::Uninspected),
                    Fail::Open => {
                        self.went_on(number, "inspection", "its inspection failed");
                        Ok(())
                    }
                }
            }
        }
    }
}

/// Runs what must not take the gateway down; none if it panicked.
fn guarded<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

fn name_of(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_10 => b"HTTP/1.0",
        Version::HTTP_2 => b"HTTP/2.0",
        _ => b"HTTP/1.1",
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let start = value.as_bytes().get(.."text/event-stream".len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(b"text/event-stream"))
    })
}

/// Pieces held back. One piece stays as it is; more are copied together, so that many small
/// ones do not each hold a read buffer.
#[derive(Default)]
struct Held {
    one: Bytes,
    more: BytesMut,
}

impl Held {
    fn push(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.one = piece;
            return;
        }
        if self.more.is_empty() {
            self.more.extend_from_slice(&std::mem::take(&mut self.one));
        }
        self.more.extend_from_slice(&piece);
    }

    fn len(&self) -> usize {
        self.one.len() + self.more.len()
    }

    fn into_bytes(self) -> Bytes {
        if self.more.is_empty() {
            self.one
        } else {
            self.more.freeze()
        }
    }
}

/// Bytes held by all requests together.
pub(crate) struct HeldBytes {
    now: Arc<AtomicUsize>,
    most: usize,
}

/// One request's part of them, given back when dropped.
pub(crate) struct HeldGuard {
    now: Arc<AtomicUsize>,
    most: usize,
    own: usize,
}

impl HeldBytes {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            now: Arc::default(),
            most,
        }
    }

    pub(crate) fn guard(&self) -> HeldGuard {
        HeldGuard {
            now: Arc::clone(&self.now),
            most: self.most,
            own: 0,
        }
    }
}

impl HeldGuard {
    pub(crate) fn grow(&mut self, bytes: usize) -> Option<()> {
        self.own += bytes;
        let before = self.now.fetch_add(bytes, Ordering::Relaxed);
        (before + bytes <= self.most).then_some(())
    }
}

impl Drop for HeldGuard {
    fn drop(&mut self) {
        self.now.fetch_sub(self.own, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a request in whose body a defect shows, and what is told of it.
    fn failing(fail: Fail) -> (Result<(), Halt>, Vec<Match>) {
        let rules = "SecRule ARGS \"@streq x\" \"id:1,phase:1,pass,log\"";
        let rules = seclang::parse("r.conf", rules, &seclang::Limits::default()).unwrap();
        let input = engine::Input {
            rules: vec![rules],
            patches: Vec::new(),
        };
        let limits = engine::Limits::default();
        let plan = engine::compile(&input, limits, &engine::NoResources).unwrap();
        let metrics = Metrics::default();
        let mut inspection = Inspection::new(&metrics);
        inspection.fail = fail;
        inspection.transaction = Some(plan.begin());
        let none = Lines(&HeaderMap::new());
        let head = RequestHead::new(b"GET", b"/?a=x", &none);
        let first = inspection.run(1, |transaction| transaction.request_head(&head));
        assert!(first.is_ok());
        let outcome = inspection.run(2, |_| panic!("a defect of the engine"));
        assert!(inspection.transaction.is_none() && inspection.is_concerned());
        (outcome, inspection.into_matches())
    }

    #[test]
    fn a_failing_inspection_stops_the_request_where_it_fails_closed() {
        let (outcome, told) = failing(Fail::Closed);
        assert!(matches!(outcome, Err(Halt::Uninspected)));
        assert_eq!(told.iter().map(|it| it.rule).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_failing_inspection_lets_the_request_go_where_it_fails_open_and_is_told() {
        let (outcome, told) = failing(Fail::Open);
        assert!(outcome.is_ok());
        let told: Vec<_> = told.iter().map(|it| (it.rule, it.phase)).collect();
        assert_eq!(told, [(1, 1), (0, 2)]);
    }

    #[test]
    fn a_request_that_takes_too_much_work_passes_only_where_it_fails_open() {
        let rules = "SecRule ARGS \"@rx x$\" \"id:1,phase:1,deny,t:none\"";
        let rules = seclang::parse("r.conf", rules, &seclang::Limits::default()).unwrap();
        let input = engine::Input {
            rules: vec![rules],
            patches: Vec::new(),
        };
        let limits = engine::Limits {
            work_bytes: 10,
            ..engine::Limits::default()
        };
        for fail in [Fail::Closed, Fail::Open] {
            // Of its own: what is known of a value takes no work.
            let plan = engine::compile(&input, limits.clone(), &engine::NoResources).unwrap();
            let metrics = Metrics::default();
            let mut inspection = Inspection::new(&metrics);
            inspection.fail = fail;
            inspection.transaction = Some(plan.begin());
            let none = Lines(&HeaderMap::new());
            let head = RequestHead::new(b"GET", b"/?a=xx!!", &none);
            let outcome = inspection.run(1, |transaction| transaction.request_head(&head));
            assert_eq!(outcome.is_ok(), fail == Fail::Open);
            // Either way it is told.
            assert_eq!(inspection.into_matches().len(), 1, "{fail:?}");
        }
    }

    #[test]
    fn held_bytes_are_bounded_over_all_requests() {
        let room = HeldBytes::new(10);
        let mut first = room.guard();
        assert!(first.grow(6).is_some());
        let mut second = room.guard();
        assert!(second.grow(5).is_none());
        drop((first, second));
        assert!(room.guard().grow(10).is_some());
    }

    #[test]
    fn pieces_held_are_one_body() {
        let mut held = Held::default();
        for piece in ["ab", "", "c", "def"] {
            held.push(Bytes::from_static(piece.as_bytes()));
        }
        assert_eq!(held.len(), 6);
        assert_eq!(held.into_bytes(), "abcdef");
    }
}
