//! `stopgap gateway`: the ingress point, and what keeps its patches current.

mod feed;
mod plan;
mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use engine::Mode;
use gateway::{Config, Control, EventFormat, Gateway, Patches, Role, Running};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::Receiver;

use feed::{Enrol, Member, Offer};
pub(crate) use feed::{has_joined, join};
use plan::{Loaded, Rejected};

use crate::logging::Logging;

/// Run a reverse proxy that enforces virtual patches.
///
/// Patches are taken into use as their files change; a patch that is wrong leaves
/// the running ones as they are, and the log and the metrics say so. SIGHUP reads
/// the configuration again (applications and patches; other settings need a
/// restart). SIGTERM and SIGINT let the requests under way end.
///
/// To roll a patch back, remove its file. With --control, a control side says which patches are
/// enforced, besides these; the last that it said stays in use while it is away.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["config", "upstream", "forward_auth", "spoe", "ext_proc"]))]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The configuration; see docs/gateway.md.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["listen", "forward_auth", "spoe", "ext_proc", "app", "patches", "mode", "rules", "admin", "events", "events_format", "control"])]
    config: Option<PathBuf>,
    /// Where clients connect.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The application, such as http://127.0.0.1:3000.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Forward nothing: answer other proxies that ask before they forward, as nginx does with
    /// auth_request; `stopgap ingress snippet` shows how they are told to.
    #[arg(long)]
    forward_auth: bool,
    /// Forward nothing: answer HAProxy, which asks by SPOE before it forwards;
    /// `stopgap ingress snippet haproxy` shows how it is told to.
    #[arg(long)]
    spoe: bool,
    /// Forward nothing: answer Envoy, which asks an external processor before it forwards;
    /// `stopgap ingress snippet envoy` shows how it is told to.
    #[arg(long)]
    ext_proc: bool,
    /// The application's name, as the scopes of patches have it.
    #[arg(long, value_name = "NAME", default_value = "default")]
    app: String,
    /// A patch, or a folder of them; can be repeated.
    #[arg(long = "patch", value_name = "FILE|DIR")]
    patches: Vec<PathBuf>,
    /// Enforce the patches, or only record what they would do.
    #[arg(long, value_enum, default_value_t = AsMode::Enforce)]
    mode: AsMode,
    /// A file of SecLang rules for every request, such as the core rule set's, with what it
    /// includes; can be repeated.
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Where /-/live, /-/ready and /metrics are served.
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: Option<SocketAddr>,
    /// A file for events, as JSON lines; `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    events: PathBuf,
    /// How events are written there.
    #[arg(long, value_enum, default_value_t = Written::Stopgap)]
    events_format: Written,
    /// The control side, such as https://control.example:8443; see `stopgap gateway enrol`.
    #[arg(long, value_name = "URL", requires = "state")]
    control: Option<String>,
    /// The folder of an enrolled gateway.
    #[arg(long, value_name = "DIR", requires = "control")]
    state: Option<PathBuf>,
    /// A PEM file of the authorities that sign the control side's certificate; none: the public
    /// ones.
    #[arg(long, value_name = "FILE", requires = "control")]
    control_ca: Option<PathBuf>,
    #[command(flatten)]
    logging: Logging,
}

#[derive(Subcommand)]
enum Command {
    Enrol(Enrol),
}

/// How an event is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Written {
    /// As `docs/telemetry.md` says, with all that is known.
    Stopgap,
    /// As HTTP Activity of the Open Cybersecurity Schema Framework.
    Ocsf,
}

#[derive(Clone, Copy, ValueEnum)]
enum AsMode {
    /// Stop what they match.
    Enforce,
    /// Record it.
    Shadow,
}

impl Arguments {
    /// For one application at an address, told by a control side what to enforce.
    pub(crate) fn in_fleet(
        (listen, upstream, app): (SocketAddr, &str, &str),
        (control, state): (&str, &Path),
        admin: Option<SocketAddr>,
        events: PathBuf,
    ) -> Self {
        Self {
            command: None,
            config: None,
            listen,
            upstream: Some(upstream.to_owned()),
            forward_auth: false,
            spoe: false,
            ext_proc: false,
            app: app.to_owned(),
            patches: Vec::new(),
            mode: AsMode::Enforce,
            rules: Vec::new(),
            admin,
            events,
            events_format: Written::Stopgap,
            control: Some(control.to_owned()),
            state: Some(state.to_owned()),
            control_ca: None,
            logging: Logging::default(),
        }
    }

    /// Whose questions are answered, where nothing is forwarded.
    fn asked_by(&self) -> Role {
        match (self.spoe, self.ext_proc) {
            (true, _) => Role::Spoe,
            (_, true) => Role::ExtProc,
            _ => Role::ForwardAuth,
        }
    }
}

/// Serves until a signal ends it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let _exports = arguments.logging.start("stopgap-gateway")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match &arguments.command {
        Some(Command::Enrol(arguments)) => runtime.block_on(feed::enrol(arguments)),
        None => runtime.block_on(serve(arguments, |_| Ok(()))),
    }
}

fn configuration(arguments: &Arguments) -> anyhow::Result<Config> {
    if let Some(path) = &arguments.config {
        return Ok(Config::load(path)?);
    }
    let mut config = match &arguments.upstream {
        Some(upstream) => Config::for_one(arguments.listen, upstream)?,
        None => Config::for_questions(arguments.listen, arguments.asked_by()),
    };
    let mode = match arguments.mode {
        AsMode::Enforce => Mode::Enforce,
        AsMode::Shadow => Mode::Shadow,
    };
    config.patches = arguments
        .patches
        .iter()
        .map(|path| Patches {
            path: path.clone(),
            mode,
        })
        .collect();
    config.rules.clone_from(&arguments.rules);
    for application in &mut config.application {
        application.name.clone_from(&arguments.app);
    }
    config.admin = arguments.admin;
    if let (Some(url), Some(state)) = (&arguments.control, &arguments.state) {
        config.control = Some(Control {
            url: url.clone(),
            state: state.clone(),
            authorities: arguments.control_ca.clone(),
        });
    }
    config.events = Some(gateway::Events {
        format: match arguments.events_format {
            Written::Stopgap => EventFormat::Stopgap,
            Written::Ocsf => EventFormat::Ocsf,
        },
        ..gateway::Events::to(arguments.events.clone())
    });
    Ok(config)
}

/// Serves until a signal comes; tells where clients connect once they can.
pub(crate) async fn serve(
    arguments: &Arguments,
    ready: impl FnOnce(SocketAddr) -> std::io::Result<()>,
) -> anyhow::Result<ExitCode> {
    // Before anyone is told that it listens: until then a signal ends the process.
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut config = configuration(arguments)?;
    let member = config.control.as_ref().map(Member::load).transpose()?;
    let member = member.as_ref();
    let loaded = load(&config, member)?;
    let mut changes = watch::Changes::of(&config)?;
    let started = match member {
        Some(member) => {
            let mut config = config.clone();
            member.ingress().clone_into(&mut config.ingress);
            Gateway::start_in_fleet(config, loaded.plan, member.fleet()).await
        }
        None => Gateway::start(config.clone(), loaded.plan).await,
    };
    let running = started.context("the gateway does not start")?;
    for address in running.addresses() {
        tracing::info!("listening on {address}, {} patches", loaded.patches);
    }
    if let Some(&address) = running.addresses().first() {
        ready(address)?;
    }
    for why in &loaded.idle {
        tracing::warn!("{why}");
    }
    if loaded.patches == 0 && config.rules.is_empty() {
        tracing::warn!("there are no patches: nothing is stopped");
    }
    if let Some(address) = running.admin_address() {
        tracing::info!("health and metrics on http://{address}");
    }
    let following = member.map(|member| member.start(running.observe()));
    let (mut offers, tasks) = following.unzip();
    loop {
        tokio::select! {
            Some(offer) = offered(&mut offers) => {
                if let Some(member) = member {
                    consider(offer, &config, member, &running).await;
                }
            }
            _ = hangup.recv() => {
                if let Some(new) = reconfigured(arguments, &running) {
                    changes = watch::Changes::of(&new)?;
                    config = new;
                }
                reload(&config, member, &running).await;
            }
            () = changes.next() => reload(&config, member, &running).await,
            _ = terminate.recv() => break,
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    tracing::info!("stopping: requests under way may end");
    drop(tasks);
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Reads the configuration again; what is wrong with it changes nothing.
fn reconfigured(arguments: &Arguments, running: &Running) -> Option<Config> {
    let config = configuration(arguments).and_then(|config| {
        running.reconfigure(&config)?;
        Ok(config)
    });
    match config {
        Ok(config) => Some(config),
        Err(why) => {
            running.reload_failed();
            tracing::error!("the configuration stays as it was: {why:#}");
            None
        }
    }
}

/// What the configuration names, and the bundle in use, if there is one.
fn load(config: &Config, member: Option<&Arc<Member>>) -> Result<Loaded, Rejected> {
    let bundle = member.map_or(Ok(Vec::new()), |member| member.enforced())?;
    plan::load(config, bundle)
}

/// The next bundle to try; waits for ever where there is no control side.
async fn offered(offers: &mut Option<Receiver<Offer>>) -> Option<Offer> {
    match offers {
        Some(offers) => offers.recv().await,
        None => std::future::pending().await,
    }
}

/// Takes a bundle into use, if it is as good as its patches say.
async fn consider(offer: Offer, config: &Config, member: &Arc<Member>, running: &Running) {
    let (config, member) = (config.clone(), Arc::clone(member));
    let tried = tokio::task::spawn_blocking(move || {
        let bundle = offer.patches(&member);
        let loaded = bundle
            .map_err(Rejected::from)
            .and_then(|it| plan::load(&config, it));
        (offer, member, loaded)
    });
    match tried.await {
        Ok((offer, member, Ok(loaded))) => {
            offer.accept(&member, || running.swap(loaded.plan));
            for why in &loaded.idle {
                tracing::warn!("{why}");
            }
        }
        Ok((offer, _, Err(why))) => {
            running.reload_failed();
            offer.decline(why.name(), &why.into());
        }
        Err(why) => {
            running.reload_failed();
            tracing::error!("a bundle is not taken: trying it failed: {why}");
        }
    }
}

/// Takes the patches into use as they are now; what is wrong with them changes nothing.
async fn reload(config: &Config, member: Option<&Arc<Member>>, running: &Running) {
    let (config, of) = (config.clone(), member.cloned());
    let loaded = tokio::task::spawn_blocking(move || load(&config, of.as_ref())).await;
    match loaded {
        Ok(Ok(loaded)) => {
            running.swap(loaded.plan);
            for why in &loaded.idle {
                tracing::warn!("{why}");
            }
            tracing::info!("{} patches are in use", loaded.patches);
            if let Some(member) = member {
                member.reconsider();
            }
        }
        Ok(Err(why)) => {
            running.reload_failed();
            tracing::error!("the patches stay as they were: {why}");
        }
        Err(why) => {
            running.reload_failed();
            tracing::error!("the patches stay as they were: reading them failed: {why}");
        }
    }
}
