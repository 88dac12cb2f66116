//! `stopgap demo`: the main job from beginning to end, on a vulnerable application.

mod apps;
mod screen;
mod shop;
mod shown;
mod site;
mod story;
mod subject;

pub(crate) use shop::PATCHES as SHOP_PATCHES;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use screen::Screen;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Show the main job on a vulnerable application.
///
/// An exploit works; a virtual patch is proven and enforced; the exploit and its
/// variants are stopped and legitimate use goes on; a new version is covered; a
/// rollback takes it all back.
///
/// Everything listens on this machine alone. Without --app the application is a
/// small shop, vulnerable on purpose, that is part of this program; nothing is
/// installed and no network is needed.
///
/// Exit status: 0 every step showed what it claims, 1 one did not, 2 it could not be shown.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Show it on published software in an affected version instead: aiohttp, bentoml,
    /// deep-extend, django, ip, js-yaml, markdown2, monolog, nextjs, node-serialize, pyload,
    /// snakeyaml, svglib or systeminformation. It is installed, once, with pip or npm; monolog
    /// and snakeyaml are Debian's.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Where applications are installed; $XDG_CACHE_HOME/stopgap/apps or
    /// ~/.cache/stopgap/apps if left out.
    #[arg(long, value_name = "DIR", requires = "app")]
    cache: Option<PathBuf>,
    /// End after the last step; otherwise the gateway stays for you to play with.
    #[arg(long)]
    no_wait: bool,
    /// Where the gateway listens.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// Tells the story, until its end or a signal.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            // Applications do not get the terminal's signals: they are ended here, by being dropped.
            let mut end = End::new()?;
            let mut screen = Screen::default();
            let told = tokio::select! {
                told = tell(arguments, &mut screen) => Some(told),
                () = end.wait() => None,
            };
            let Some(told) = told else {
                anyhow::bail!("ended by a signal before all was shown");
            };
            let scene = told?;
            let shown = screen.end();
            if shown && !arguments.no_wait && screen.is_open() {
                tokio::select! {
                    () = story::stay(&scene, &screen) => {}
                    () = end.wait() => {}
                }
            }
            scene.end().await;
            Ok(match shown {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            })
        })
}

async fn tell(arguments: &Arguments, screen: &mut Screen) -> anyhow::Result<story::Scene> {
    screen.head(
        "Stopgap turns a known vulnerability into a rule that stops its exploitation in transit.",
    );
    let subject = match &arguments.app {
        None => shop::subject()?,
        Some(name) => apps::subject(name, arguments.cache.as_deref(), screen).await?,
    };
    story::tell(subject, arguments.listen, screen).await
}

/// Whatever asks the demo to end.
struct End([Signal; 3]);

impl End {
    fn new() -> std::io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
