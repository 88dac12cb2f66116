//! `stopgap control`: the ledger's API, until it is told to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use control::Service;
use ledger::rollout::Policy;
use store::Store;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::ledger_place::Place;

/// Serve the ledger's REST API, and make the ledger if it is not there.
///
/// Everybody needs a token: `stopgap token add` makes the first. The API is described at
/// /api/v1/openapi.json. SIGTERM and SIGINT end it in good order.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Where to listen: on this machine, because tokens must not travel without TLS. Put a
    /// gateway with TLS in front for others.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8440")]
    listen: SocketAddr,
    /// Let one person alone enforce in production.
    #[arg(long)]
    one_person: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.listen.ip().is_loopback() {
        bail!(
            "{} is not on this machine, and tokens must not travel without TLS: listen on 127.0.0.1 and put a gateway with TLS in front",
            arguments.listen
        );
    }
    let store = Store::open(&arguments.place.location()?, store::Limits::default())?;
    let store = Arc::new(store);
    let policy = Policy {
        two_persons: !arguments.one_person,
    };
    let service = Service::new(Arc::clone(&store), policy, control::Limits::default());
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(serve(arguments.listen, service))?;
    // Its connections are closed here, where a thread may wait for that.
    drop(runtime);
    drop(store);
    Ok(ExitCode::SUCCESS)
}

async fn serve(listen: SocketAddr, service: Service) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {listen}"))?;
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
