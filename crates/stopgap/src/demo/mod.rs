//! `stopgap demo`: the main job from beginning to end, on a vulnerable application.

mod screen;
mod shop;
mod story;
mod subject;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use screen::Screen;

/// Show the main job: an exploit works, a virtual patch is proven and enforced,
/// the exploit and its variants are stopped, a new version is covered, and a
/// rollback takes it all back.
///
/// Everything listens on this machine alone. Without --app the application is a
/// small shop, vulnerable on purpose, that is part of this program.
///
/// Exit status: 0 every step showed what it claims, 1 one did not.
#[derive(Args)]
pub(crate) struct Arguments {
    /// End after the last step; otherwise the gateway stays for you to play with.
    #[arg(long)]
    no_wait: bool,
    /// Where the gateway listens.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// Tells the story.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let mut screen = Screen::default();
            let subject = shop::subject()?;
            let scene = story::tell(subject, arguments.listen, &mut screen).await?;
            let shown = screen.end();
            if shown && !arguments.no_wait {
                story::stay(&scene, &screen).await?;
            }
            scene.end().await;
            Ok(match shown {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            })
        })
}
