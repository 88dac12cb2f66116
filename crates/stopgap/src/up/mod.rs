//! `stopgap up`: everything in one process.

mod sample;

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use control::{Keys, Secret, Service};
use ledger::{Enrolment, Environment, Role, Token};
use store::{By, Location, Paging, Store};
use tokio::sync::oneshot;

use crate::courier::{Mail, Messenger};
use crate::gateway;
use crate::ledger_place::now_ms;
use crate::logging::Logging;
use crate::oidc::SignIn;

/// Run everything in one process: the console, its API, and one gateway that enforces what the
/// rollouts say.
///
/// Prints where they are and a token to sign in with, made at each start, which ends after a
/// day. SIGTERM and SIGINT end it in good order.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where everything is kept; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "stopgap-data")]
    data: PathBuf,
    /// Where the console and the API are: on this machine, because tokens must not travel without
    /// TLS.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8440")]
    listen: SocketAddr,
    /// Where clients connect to the gateway.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    gateway: SocketAddr,
    /// The application behind the gateway; http://127.0.0.1:3000 if nothing is said, in the example
    /// organisation a small shop, vulnerable on purpose, that is part of this program.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// The application's name, as the scopes of patches have it; "default", that of the shop "shop".
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Where health and metrics of the console's side are: /-/live, /-/ready and /metrics. No token
    /// is asked for.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    /// Where those of the gateway are.
    #[arg(long, value_name = "ADDRESS")]
    gateway_admin: Option<SocketAddr>,
    /// Let one person alone enforce in production.
    #[arg(long)]
    one_person: bool,
    /// Fill a ledger that is still empty with an example organisation, and let people visit its
    /// shop: some attack it.
    #[arg(long)]
    sample: bool,
    #[command(flatten)]
    sign_in: SignIn,
    #[command(flatten)]
    mail: Mail,
    #[command(flatten)]
    logging: Logging,
    /// Write one JSON object once all are ready: {"console", "api", "gateway", "token"}.
    #[arg(long)]
    json: bool,
}

/// What is protected if nothing is said.
const UPSTREAM: &str = "http://127.0.0.1:3000";
/// The ingress point's name in the ledger.
const INGRESS: &str = "local";
const HOUR_MS: i64 = 60 * 60 * 1000;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    crate::control::must_be_loopback(arguments.listen)?;
    if arguments.sample && arguments.upstream.is_none() && !arguments.gateway.ip().is_loopback() {
        anyhow::bail!(
            "the example's shop is vulnerable on purpose: let --gateway be on this machine, or name another --upstream"
        );
    }
    let _exports = arguments.logging.start("stopgap")?;
    let store = Store::open(&Location::folder(&arguments.data), store::Limits::default())?;
    let store = Arc::new(store);
    if arguments.sample && is_empty(&store)? {
        tracing::info!("the example organisation is made: its patches are proven first");
        sample::fill(&store, now_ms())?;
    }
    let keys = Keys::open(&arguments.data.join("keys"))?;
    let service = crate::control::service(&store, keys, arguments.one_person)?;
    let messenger = Messenger::new(&arguments.mail)?;
    let service = service.with_courier(Arc::new(messenger));
    let service = arguments.sign_in.add(service)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let ended = runtime.block_on(together(arguments, service, &store));
    // Its connections are closed here, where a thread may wait for that.
    drop(runtime);
    drop(store);
    ended
}

/// The control side, and the gateway that it tells what to enforce, until a signal comes.
async fn together(
    arguments: &Arguments,
    service: Service,
    store: &Arc<Store>,
) -> anyhow::Result<ExitCode> {
    let listener = crate::control::bind(arguments.listen).await?;
    let service = crate::control::with_admin(service, arguments.admin).await?;
    let console = format!("http://{}", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel();
    let stopped = async {
        // Also if the sender is gone.
        let _: Result<(), _> = stopped.await;
    };
    let control = tokio::spawn(control::serve(listener, service, stopped));
    let state = arguments.data.join("gateway");
    if !gateway::has_joined(&state)? {
        let secret = on_a_thread(store, leave_to_join).await?;
        gateway::join(&console, &secret, &state).await?;
    }
    let token = on_a_thread(store, token).await?;
    let with_shop = arguments.sample && arguments.upstream.is_none();
    let shop = match with_shop && on_a_thread(store, sample::is_there).await? {
        true => Some(sample::shop().await?),
        false => None,
    };
    let upstream = match (&arguments.upstream, &shop) {
        (Some(upstream), _) => upstream.clone(),
        (None, Some(shop)) => format!("http://{}", shop.address()),
        (None, None) => UPSTREAM.to_owned(),
    };
    let app = arguments.app.as_deref();
    let app = app.unwrap_or(if shop.is_some() { "shop" } else { "default" });
    let served = gateway::Arguments::in_fleet(
        (arguments.gateway, &upstream, app),
        (&console, &state),
        arguments.gateway_admin,
        arguments.data.join("events.jsonl"),
    );
    let mut visitors = None;
    let ready = |gateway: SocketAddr| {
        let reached = || reached_at(store, gateway).map_err(std::io::Error::other);
        let reached = tokio::task::block_in_place(reached)?;
        if shop.is_some() {
            let come = sample::Visitors::of(reached).map_err(std::io::Error::other)?;
            visitors = Some(come);
        }
        tell(arguments, (&console, gateway, &upstream), &token)
    };
    let ended = gateway::serve(&served, ready).await;
    drop(visitors);
    if let Some(shop) = shop {
        shop.stop().await;
    }
    // The control side may have ended by itself.
    let _: Result<(), ()> = stop.send(());
    control.await??;
    ended
}

async fn on_a_thread<T: Send + 'static>(
    store: &Arc<Store>,
    work: fn(&Store) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || work(&store)).await?
}

fn is_empty(store: &Store) -> anyhow::Result<bool> {
    let first = Paging {
        after: None,
        most: Some(1),
    };
    let changes = store.read(|it| it.audit(None, first))?;
    Ok(changes.items.is_empty())
}

fn by(now_ms: i64) -> By<'static> {
    By {
        who: "stopgap up",
        why: "it was started",
        now_ms,
    }
}

/// Where our own gateway is probed, which the ledger learns.
fn reached_at(store: &Store, gateway: SocketAddr) -> Result<SocketAddr, store::Error> {
    let mut reached = gateway;
    if gateway.ip().is_unspecified() {
        reached.set_ip(match gateway {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    store.change(&by(now_ms()), |it| {
        crate::ingress::reached_at(it, INGRESS, Some(format!("http://{reached}")))
    })?;
    Ok(reached)
}

/// Somebody to sign in as.
fn token(store: &Store) -> anyhow::Result<String> {
    let now_ms = now_ms();
    let id = format!("up-{now_ms}");
    let secret = Secret::new(&id)?;
    let token = Token {
        id,
        who: std::env::var("USER").unwrap_or_else(|_| "admin".to_owned()),
        role: Role::Admin,
        areas: Vec::new(),
        expires_ms: now_ms.saturating_add(24 * HOUR_MS),
        revoked_ms: None,
    };
    store.change(&by(now_ms), |it| it.add_token(&token, &secret.hash()))?;
    Ok(secret.text())
}

/// Leave for our own gateway to join the fleet.
fn leave_to_join(store: &Store) -> anyhow::Result<String> {
    let now_ms = now_ms();
    let secret = Secret::new(INGRESS)?;
    let enrolment = Enrolment {
        ingress: INGRESS.to_owned(),
        environment: Environment::Production,
        expires_ms: now_ms.saturating_add(HOUR_MS),
        used_ms: None,
    };
    store.change(&by(now_ms), |it| {
        it.add_enrolment(&enrolment, &secret.hash())
    })?;
    Ok(secret.text())
}

fn tell(
    arguments: &Arguments,
    (console, gateway, upstream): (&str, SocketAddr, &str),
    token: &str,
) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    if arguments.json {
        let told = serde_json::json!({
            "console": console,
            "api": format!("{console}/api/v1"),
            "gateway": format!("http://{gateway}"),
            "token": token,
        });
        writeln!(output, "{told}")?;
    } else {
        writeln!(output, "console  {console}")?;
        writeln!(output, "token    {token}")?;
        writeln!(output, "gateway  http://{gateway}, in front of {upstream}")?;
        writeln!(
            output,
            "\nSign in at the console with the token. Ctrl-C ends all of it."
        )?;
    }
    output.flush()
}
