//! `stopgap control`: the ledger's API, and bundles for ingress points, until it is told to stop.

mod key;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use control::{Keys, Service};
use ledger::rollout::Policy;
use store::Store;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::courier::{Mail, Messenger};
use crate::ledger_place::{Place, now_ms};
use crate::logging::Logging;
use crate::oidc::SignIn;
use crate::workshop::Bench;

/// Serve the ledger's REST API and give out bundles; make the ledger if it is not there.
///
/// Everybody needs a token: `stopgap token add` makes the first. The API is described at
/// /api/v1/openapi.json. SIGTERM and SIGINT end it in good order.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    place: Option<Place>,
    #[command(flatten)]
    keys: KeysFolder,
    /// Where to listen: on this machine, because tokens must not travel without TLS. Put a
    /// gateway with TLS in front for others.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8440")]
    listen: SocketAddr,
    /// Where /-/live, /-/ready and /metrics are served; no token is asked for there.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    /// Let one person alone enforce in production.
    #[arg(long)]
    one_person: bool,
    /// Know calls by the X-Request-Id that they bring, in the log and in answers. For a control side
    /// that only a gateway of ours can reach, which sets it.
    #[arg(long)]
    believe_request_ids: bool,
    #[command(flatten)]
    sign_in: SignIn,
    #[command(flatten)]
    mail: Mail,
    #[command(flatten)]
    logging: Logging,
}

#[derive(Subcommand)]
enum Command {
    Key(key::Arguments),
}

/// Where the private keys are.
#[derive(Args)]
struct KeysFolder {
    /// The folder of the private keys that sign bundles; in the ledger's folder if not said. Every
    /// process that serves one ledger needs the same.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
}

impl KeysFolder {
    fn open(&self, place: &Place) -> anyhow::Result<Keys> {
        let own = place.folder().map(|folder| folder.join("keys"));
        let folder = self.keys.clone().or(own);
        let folder = folder.context("say --keys DIR: a database keeps no private keys")?;
        Ok(Keys::open(&folder)?)
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(Command::Key(arguments)) = &arguments.command {
        return key::run(arguments);
    }
    let place = arguments.place.as_ref();
    let place = place.context("say --data DIR or --database URL")?;
    must_be_loopback(arguments.listen)?;
    let _exports = arguments.logging.start("stopgap-control")?;
    let keys = arguments.keys.open(place)?;
    let store = Store::open(&place.location()?, store::Limits::default())?;
    let store = Arc::new(store);
    let service = service(&store, keys, arguments.one_person)?;
    let messenger = Messenger::new(&arguments.mail)?;
    let service = service.with_courier(Arc::new(messenger));
    let service = arguments.sign_in.add(service)?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(serve(arguments, service))?;
    // Its connections are closed here, where a thread may wait for that.
    drop(runtime);
    drop(store);
    Ok(ExitCode::SUCCESS)
}

/// Tokens travel without TLS.
pub(crate) fn must_be_loopback(listen: SocketAddr) -> anyhow::Result<()> {
    if !listen.ip().is_loopback() {
        bail!(
            "{listen} is not on this machine, and tokens must not travel without TLS: listen on 127.0.0.1 and put a gateway with TLS in front"
        );
    }
    Ok(())
}

/// The control side of a ledger.
pub(crate) fn service(store: &Arc<Store>, keys: Keys, one_person: bool) -> anyhow::Result<Service> {
    keys.ready(store, now_ms())?;
    let policy = Policy {
        two_persons: !one_person,
    };
    let (clock, limits) = (Arc::new(now_ms), control::Limits::default());
    let service = Service::new(Arc::clone(store), policy, keys, clock, limits);
    let bench = Arc::new(Bench);
    Ok(service.with_workshop(bench.clone()).with_prober(bench))
}

pub(crate) async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(listen).await;
    listener.with_context(|| format!("cannot listen on {listen}"))
}

/// With health and metrics, where that is asked for.
pub(crate) async fn with_admin(
    service: Service,
    admin: Option<SocketAddr>,
) -> anyhow::Result<Service> {
    let Some(admin) = admin else {
        return Ok(service);
    };
    let listener = bind(admin).await?;
    tracing::info!("health and metrics on http://{}", listener.local_addr()?);
    Ok(service.with_admin(listener))
}

async fn serve(arguments: &Arguments, service: Service) -> anyhow::Result<()> {
    let listener = bind(arguments.listen).await?;
    let mut service = with_admin(service, arguments.admin).await?;
    if arguments.believe_request_ids {
        service = service.believing_request_ids();
    }
    let mut ends = [
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    ];
    let mut output = std::io::stdout();
    writeln!(output, "listening on http://{}", listener.local_addr()?)?;
    output.flush()?;
    let stop = async move {
        let [terminate, interrupt] = &mut ends;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(control::serve(listener, service, stop).await?)
}
