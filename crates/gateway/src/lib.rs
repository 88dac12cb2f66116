//! The ingress data plane: a reverse proxy that inspects before it forwards.
//!
//! Nothing of a request, not even its head, reaches the application before it is decided. A
//! request that no rule concerns is streamed straight through.
//!
//! ```no_run
//! # async fn example() -> Result<(), gateway::Error> {
//! let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 8080));
//! let config = gateway::Config::for_one(listen, "http://127.0.0.1:3000")?;
//! let running = gateway::Gateway::start(config, engine::Plan::empty()).await?;
//! println!("listening on {:?}", running.addresses());
//! running.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! `proxy` holds the life of a request; the other modules are its steps, in this order:
//! `server` and `sniff` (connections), `framing` (one reading only), `inspect` (the engine),
//! `strip`, `forward` and `tunnel` (the upstream), `page`, `events` and `mask`.

mod admin;
mod body;
mod config;
mod error;
mod events;
mod ext_proc;
mod fleet;
mod forward;
mod forward_auth;
mod framing;
mod halt;
mod inspect;
mod limits;
mod mask;
mod metrics;
mod page;
mod proxy;
mod request_id;
mod server;
mod sniff;
mod spoe;
mod strip;
mod timers;
pub mod tls;
mod trace;
mod tunnel;
mod upstream;

use std::net::SocketAddr;
use std::sync::Arc;

use engine::Plan;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

pub use config::{
    Application, Config, Control, EventFormat, Events, Fail, HostPattern, Listen, Network, Patches,
    Protocol, Role, Tls, UpstreamUrl,
};
pub use error::Error;
pub use events::{EVENTS, EventSink};
#[doc(hidden)]
pub use ext_proc::shown_reads;
pub use fleet::{Fleet, FleetMetrics};
pub use limits::Limits;
#[doc(hidden)]
pub use sniff::refused_at;
#[doc(hidden)]
pub use spoe::frame_reads;

use proxy::Proxy;
pub use proxy::REQUESTS;
use server::Server;

/// Starts gateways.
pub struct Gateway;

impl Gateway {
    /// Binds all addresses and serves on them with this plan.
    ///
    /// # Errors
    /// The configuration is wrong, a file that it names cannot be used, or an address is taken;
    /// nothing is served then.
    pub async fn start(config: Config, plan: Arc<Plan>) -> Result<Running, Error> {
        Self::launch(config, plan, None).await
    }

    /// The same, for an ingress point that belongs to a fleet.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_in_fleet(
        config: Config,
        plan: Arc<Plan>,
        fleet: Fleet,
    ) -> Result<Running, Error> {
        Self::launch(config, plan, Some(fleet)).await
    }

    async fn launch(
        config: Config,
        plan: Arc<Plan>,
        fleet: Option<Fleet>,
    ) -> Result<Running, Error> {
        let mut bound = Vec::new();
        for listen in &config.listen {
            let (listener, tls) = server::bind(listen).await?;
            bound.push((listener, tls, listen.role));
        }
        let admin = match config.admin {
            Some(address) => Some(server::bind_address(address).await?),
            None => None,
        };
        let local = |listener: &tokio::net::TcpListener| {
            let unknown = |why| Error::system("a listening address is not known", why);
            listener.local_addr().map_err(unknown)
        };
        let addresses = bound
            .iter()
            .map(|(listener, ..)| local(listener))
            .collect::<Result<_, _>>()?;
        let admin_address = admin.as_ref().map(local).transpose()?;

        let room = Arc::new(Semaphore::new(
            config.limits.connections.min(Semaphore::MAX_PERMITS),
        ));
        let proxy = Arc::new(Proxy::new(config, plan, fleet)?);
        let (stop, stopped) = watch::channel(false);
        let mut servers = Vec::new();
        for (listener, tls, role) in bound {
            let server = Server {
                listener,
                tls,
                role,
                proxy: Arc::clone(&proxy),
                room: Arc::clone(&room),
                stop: stopped.clone(),
            };
            servers.push(tokio::spawn(server.run()));
        }
        let admin =
            admin.map(|listener| tokio::spawn(admin::run(listener, Arc::clone(&proxy), stopped)));
        Ok(Running {
            addresses,
            admin_address,
            proxy,
            stop,
            servers,
            admin,
        })
    }
}

/// A gateway that serves. Dropped without [`stop`](Self::stop), it ends as its runtime ends.
pub struct Running {
    addresses: Vec<SocketAddr>,
    admin_address: Option<SocketAddr>,
    proxy: Arc<Proxy>,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    admin: Option<JoinHandle<()>>,
}

impl Running {
    /// Where clients connect, in the order of the configuration, ports resolved.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where health and metrics are served.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Takes another plan into use. Requests under way end with the plan that they began with;
    /// none is delayed or dropped.
    pub fn swap(&self, plan: Arc<Plan>) {
        self.proxy.plan.store(plan);
        self.proxy.metrics.reloaded(true);
    }

    /// Takes the applications of another configuration into use; a new version of one is reached
    /// from now on. Requests under way end as they began. All other settings stay until the next
    /// start.
    ///
    /// # Errors
    /// The configuration is wrong, or an authority's file cannot be read; nothing changes then.
    pub fn reconfigure(&self, config: &Config) -> Result<(), Error> {
        self.proxy.reconfigure(config)
    }

    /// Counts a plan that could not be taken into use.
    pub fn reload_failed(&self) {
        self.proxy.metrics.reloaded(false);
    }

    /// Sees what it does, from elsewhere.
    pub fn observe(&self) -> Observer {
        Observer {
            proxy: Arc::clone(&self.proxy),
        }
    }

    /// The metrics in Prometheus' text format.
    pub fn metrics(&self) -> String {
        self.proxy.render_metrics()
    }

    /// Stops: accepts no more, lets requests under way end, for at most
    /// [`Limits::stop_ms`], and writes the events that wait.
    pub async fn stop(mut self) {
        // Nobody listens any more if all servers have ended.
        let _: Result<(), _> = self.stop.send(true);
        for server in self.servers.drain(..) {
            if let Err(why) = server.await {
                tracing::error!("a server ended badly: {why}");
            }
        }
        if let Some(admin) = &self.admin {
            admin.abort();
        }
        let proxy = Arc::clone(&self.proxy);
        let ended = tokio::task::spawn_blocking(move || proxy.events.end()).await;
        if let Err(why) = ended {
            tracing::error!("the writer of events ended badly: {why}");
        }
    }
}

/// Sees what a gateway does; it goes on after the gateway has stopped.
pub struct Observer {
    proxy: Arc<Proxy>,
}

impl Observer {
    /// What the applications have answered since the gateway started.
    pub fn traffic(&self) -> Vec<wire::Traffic> {
        self.proxy.traffic()
    }
}

impl Proxy {
    fn render_metrics(&self) -> String {
        let mut told = wire::Exposition::default();
        self.metrics.show(&mut told, self.plan.load().patches());
        if let Some(fleet) = &self.fleet {
            fleet.show(&mut told);
        }
        told.text()
    }
}
