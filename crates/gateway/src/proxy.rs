//! A request's life.

mod story;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use engine::{MemoryStore, Plan};
use http::header::{ACCEPT, CONNECTION, HOST};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tracing::Instrument;
use tracing::field::Empty;

use crate::body::{Body, ClientBody, End, UpstreamBody};
use crate::config::{Application, Config, Network, Role};
use crate::error::Error;
use crate::events::{Events, now_ms};
use crate::fleet::{Answered, Fleet, FleetMetrics};
use crate::forward;
use crate::halt::Halt;
use crate::inspect::{HeldBytes, Inspection, Origin};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::server::Connection;
use crate::trace::Place;
use crate::upstream::Upstreams;
use crate::{forward_auth, framing, mask, request_id, strip, trace, tunnel};
use story::{Seen, Story};

/// What all requests share.
pub(crate) struct Proxy {
    pub(crate) plan: ArcSwap<Plan>,
    pub(crate) metrics: Metrics,
    pub(crate) events: Events,
    pub(crate) limits: Limits,
    pub(crate) trusted: Vec<Network>,
    ingress: String,
    applications: ArcSwap<Applications>,
    pub(crate) fleet: Option<Arc<FleetMetrics>>,
    pub(crate) held: HeldBytes,
    /// Persistent collections; they stay when plans are swapped.
    store: Arc<MemoryStore>,
}

/// By this target each request is a span of `tracing`, for whoever listens.
pub const REQUESTS: &str = "gateway::request";

/// What is protected.
pub(crate) type Applications = Vec<Protected>;

/// An application and the way to it.
pub(crate) struct Protected {
    is: Application,
    upstreams: Upstreams,
    /// Goes on when the configuration is read again.
    answered: Arc<Answered>,
}

/// The client's connection is to be closed without an answer.
#[derive(Debug)]
pub(crate) struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a rule dropped the connection")
    }
}

impl std::error::Error for Dropped {}

impl Proxy {
    pub(crate) fn new(
        config: Config,
        plan: Arc<Plan>,
        fleet: Option<Fleet>,
    ) -> Result<Self, Error> {
        config.check().map_err(Error::configuration)?;
        let applications = protected(&config, &[])?;
        let (sink, fleet) = fleet.map(|fleet| (fleet.events, fleet.metrics)).unzip();
        Ok(Self {
            plan: ArcSwap::new(plan),
            metrics: Metrics::default(),
            events: Events::start(config.events.as_ref(), sink)?,
            held: HeldBytes::new(config.limits.held_bytes),
            store: Arc::default(),
            limits: config.limits,
            trusted: config.trusted_proxies,
            ingress: config.ingress,
            applications: ArcSwap::from_pointee(applications),
            fleet,
        })
    }

    pub(crate) fn reconfigure(&self, config: &Config) -> Result<(), Error> {
        config.check().map_err(Error::configuration)?;
        let before = self.applications.load();
        self.applications
            .store(Arc::new(protected(config, &before)?));
        Ok(())
    }

    pub(crate) fn traffic(&self) -> Vec<wire::Traffic> {
        let applications = self.applications.load();
        let traffic = applications.iter().map(|each| each.answered.told(&each.is));
        traffic.collect()
    }

    /// Answers one request.
    ///
    /// # Errors
    /// A rule wants the connection closed without an answer.
    pub(crate) async fn serve(
        &self,
        connection: &Arc<Connection>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Dropped> {
        let applications = self.applications();
        let mut life = self.life(connection.role);
        let version = request.version();
        let span = tracing::trace_span!(
            target: REQUESTS,
            "request",
            reference = %life.story.reference,
            method = %request.method(),
            path = mask::target(request.uri().path()),
            request_id = Empty,
            trace = Empty,
            parent = Empty,
            status = Empty,
        );
        life.traced = !span.is_disabled();
        // PERF: a life is large; where it stands it is not moved for its span, if there is any.
        let outcome = {
            let live = pin!(self.live(connection, &applications, request, &mut life));
            match span.is_disabled() {
                true => live.await,
                false => live.instrument(span.clone()).await,
            }
        };
        if let Some(id) = life.story.given_text() {
            span.record("request_id", id);
        }
        if let Some(place) = life.story.place {
            span.record("trace", place.trace());
            span.record("parent", place.parent());
        }
        let status = outcome.as_ref().ok().map(Response::status);
        // Who asks must not ask again on a connection that ends since nobody has read all.
        let closes = version != Version::HTTP_2
            && (life.question.as_ref()).is_some_and(|question| !question.was_read());
        let answer = self.conclude(life, outcome, status)?;
        let mut answer = answer.unwrap_or_else(|page| page);
        if closes {
            let close = HeaderValue::from_static("close");
            answer.headers_mut().insert(CONNECTION, close);
        }
        span.record("status", answer.status().as_u16());
        Ok(answer)
    }

    /// The applications as they are now; requests under way end as they began.
    pub(crate) fn applications(&self) -> Arc<Applications> {
        self.applications.load_full()
    }

    /// Begins the life of a request.
    pub(crate) fn life<'a>(&'a self, role: Role) -> Life<'a> {
        self.metrics.requested();
        Life {
            begin: Instant::now(),
            traced: false,
            question: None,
            inspection: Inspection::new(&self.metrics),
            story: Story {
                reference: self.events.reference(),
                given: None,
                place: None,
                accept: None,
                version: Version::default(),
                answered: None,
                seen: None,
                stripped: false,
                role,
                matches: Vec::new(),
            },
        }
    }

    /// Ends the life of a request: what matched is told; what was halted becomes an answer, the
    /// inner error.
    ///
    /// # Errors
    /// A rule wants the connection closed without an answer.
    pub(crate) fn conclude<T>(
        &self,
        life: Life<'_>,
        outcome: Result<T, Halt>,
        status: Option<StatusCode>,
    ) -> Result<Result<T, Response<Body>>, Dropped> {
        let mut story = life.story;
        if let Some(answered) = story.answered {
            answered.count(outcome.as_ref().map(|_| status), life.begin.elapsed());
        }
        story.matches = life.inspection.into_matches();
        match outcome {
            Ok(passed) => {
                if !story.matches.is_empty() {
                    self.tell(story, None, status);
                }
                Ok(Ok(passed))
            }
            Err(halt) => self.answer(story, halt).map(Err),
        }
    }

    /// The first steps of every request, whoever forwards it: check that its head reads one way
    /// only and that an application is meant, then inspect the head.
    pub(crate) fn head<'a>(
        &self,
        applications: &'a Applications,
        head: &mut Parts,
        way: Way,
        life: &mut Life<'a>,
    ) -> Result<Meant<'a>, Halt> {
        let Life {
            inspection, story, ..
        } = life;
        framing::settle(head, self.limits.headers)?;
        let host = head.headers.get(HOST).cloned();
        let application = choose(applications, host.as_ref())?;
        story.answered = Some(&*application.answered);
        let origin = Origin {
            application: &application.is.name,
            host: host.as_ref(),
            fail: application.is.fail,
            client: way.client,
            server: way.server,
            bodiless: way.bodiless,
            store: &self.store,
        };
        let flow = inspection.head(&self.plan.load(), head, origin);
        if inspection.is_concerned() {
            story.seen = Some(Seen {
                time_ms: now_ms(),
                application: &application.is.name,
                client: way.client,
                method: head.method.clone(),
                host: host.clone(),
                target: head.uri.clone(),
                probe: head.headers.get(wire::Event::PROBE_HEADER).cloned(),
            });
        }
        flow?;
        Ok(Meant { application, host })
    }

    /// The life of a request, from its head to the head of its response.
    async fn live<'a>(
        &self,
        connection: &Arc<Connection>,
        applications: &'a Applications,
        request: Request<Incoming>,
        life: &mut Life<'a>,
    ) -> Result<Response<Body>, Halt> {
        // Check, and inspect the head; most requests concern no rule and go straight on.
        let (mut head, incoming) = request.into_parts();
        life.begin(&head);
        if connection.is_trusted {
            let place = Place::of(&head.headers);
            life.story.given = request_id::given(&head.headers, place.as_ref());
            life.story.place = place;
        }
        let asked = connection.role == Role::ForwardAuth;
        if asked {
            forward_auth::original(&mut head)?;
        }
        let way = Way {
            client: connection.client(&head.headers, &self.trusted),
            server: connection.local,
            bodiless: hyper::body::Body::is_end_stream(&incoming),
        };
        let mut body = ClientBody::new(incoming, &self.limits);
        life.question = asked.then(|| body.end());
        let Meant { application, host } = self.head(applications, &mut head, way, life)?;
        let Life {
            inspection,
            story,
            traced,
            ..
        } = life;

        // Hold the body where a rule wants it; decide.
        let (body, held) = inspection.body(body, &self.held).await?;

        // Strip, then make the head that of the next hop.
        let strips = inspection.strips();
        if asked {
            // What was held of it goes with its first piece.
            drop(held);
            body.skip(self.limits.message_bytes).await;
            return forward_auth::verdict(&strips);
        }
        strip::strip(&mut head, &strips);
        story.stripped = !strips.is_empty();
        let upgrade = tunnel::wanted(&mut head);
        let readable = inspection.wants_response_body();
        forward::prepare(
            &mut head.headers,
            host,
            story.id(),
            connection,
            upgrade.is_some(),
            readable,
        );
        let span = traced.then_some(story.reference);
        trace::pass_on(&mut head.headers, story.place, span);

        // Forward: nothing of the request has reached the upstream before this line.
        let patience = &connection.patience;
        let request = Request::from_parts(head, body);
        let mut response = application.upstreams.send(request, patience).await?;
        drop(held);

        // Back: a tunnel, or a response that is inspected where a rule wants it.
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.open_tunnel(connection, upgrade, response);
        }
        forward::hop_by_hop(response.headers_mut());
        let mut response = inspection.response(response).await?;
        *response.version_mut() = Version::HTTP_11;
        Ok(response)
    }

    fn open_tunnel(
        &self,
        connection: &Arc<Connection>,
        client: Option<OnUpgrade>,
        mut response: Response<UpstreamBody>,
    ) -> Result<Response<Body>, Halt> {
        let upstream = response.extensions_mut().remove::<OnUpgrade>();
        let (Some(client), Some(upstream)) = (client, upstream) else {
            let why = "the upstream switched protocols, which nobody asked for".to_owned();
            return Err(Halt::Upstream(StatusCode::BAD_GATEWAY, why));
        };
        forward::hop_by_hop(response.headers_mut());
        tunnel::accept(response.headers_mut());
        connection.signals.tunnel.store(true, Ordering::Release);
        let idle = Duration::from_millis(self.limits.tunnel_idle_ms);
        tokio::spawn(tunnel::carry(
            client,
            upstream,
            Arc::clone(connection),
            idle,
        ));
        Ok(response.map(|_| Body::default()))
    }
}

fn protected(config: &Config, before: &[Protected]) -> Result<Applications, Error> {
    config
        .application
        .iter()
        .map(|is| {
            let upstreams = Upstreams::new(is, &config.limits)?;
            let same = before.iter().find(|each| each.is.name == is.name);
            Ok(Protected {
                is: is.clone(),
                upstreams,
                answered: same.map_or_else(Arc::default, |same| Arc::clone(&same.answered)),
            })
        })
        .collect()
}

/// The application that a request is for.
fn choose<'a>(
    applications: &'a [Protected],
    host: Option<&HeaderValue>,
) -> Result<&'a Protected, Halt> {
    if let [only] = applications {
        return Ok(only);
    }
    let host = host
        .and_then(|host| host.to_str().ok())
        .map_or("", without_port);
    let fits = |each: &&Protected| {
        let hosts = &each.is.hosts;
        hosts.is_empty() || hosts.iter().any(|pattern| pattern.fits(host))
    };
    applications.iter().find(fits).ok_or(Halt::Request(
        StatusCode::MISDIRECTED_REQUEST,
        "no application has this host",
    ))
}

/// A request under way.
pub(crate) struct Life<'a> {
    begin: Instant,
    /// It is a span that somebody records.
    traced: bool,
    /// Of another proxy's question: whether its body was read.
    question: Option<End>,
    pub(crate) inspection: Inspection<'a>,
    story: Story<'a>,
}

impl Life<'_> {
    /// Remembers how a refusal would have to look.
    pub(crate) fn begin(&mut self, head: &Parts) {
        self.story.accept = head.headers.get(ACCEPT).cloned();
        self.story.version = head.version;
    }

    /// Remembers that parts were taken out.
    pub(crate) fn stripped(&mut self) {
        self.story.stripped = true;
    }
}

/// What a request's head does not say of where it came from.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
    /// No body follows the head.
    pub(crate) bodiless: bool,
}

/// What a request is for.
pub(crate) struct Meant<'a> {
    application: &'a Protected,
    host: Option<HeaderValue>,
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
