//! One running application.

use std::fs::{self, DirBuilder, File};
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::install::tail;
use super::process::Group;
use super::recipe::Recipe;
use crate::demo::subject::Instance;
use crate::live::Target;

/// How long an application may take until it answers.
const START: Duration = Duration::from_secs(120);
/// How long one answer may take while it starts.
const ANSWER: Duration = Duration::from_secs(5);
/// Ports that are tried: another program may take one just when it was found free.
const PORTS: u32 = 3;

/// An application with a folder of its own, which goes with it.
struct Application {
    address: SocketAddr,
    // Ended before its folder goes.
    process: Option<Group>,
    folder: PathBuf,
}

/// Starts what is installed in a folder and waits until it answers.
pub(super) async fn start(
    recipe: &Recipe,
    installed: &Path,
) -> anyhow::Result<impl Instance + use<>> {
    let mut last = None;
    for _ in 0..PORTS {
        let mut application = Application::start(recipe, installed)?;
        match application.ready(recipe).await {
            Ok(()) => return Ok(application),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("no port was tried")))
}

impl Application {
    fn start(recipe: &Recipe, installed: &Path) -> anyhow::Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        // The number makes it unique: nobody else has this port now.
        let name = format!("stopgap-{}-{}-{port}", recipe.name, std::process::id());
        let mut application = Self {
            address,
            process: None,
            folder: std::env::temp_dir().join(name),
        };
        let folder = &application.folder;
        populate(installed, folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        // Locks and the like of one instance are not in the way of another.
        let temporary = folder.join("tmp");
        DirBuilder::new().recursive(true).create(&temporary)?;
        let mut environment = recipe.environment.clone();
        environment.insert("TMPDIR".to_owned(), temporary.display().to_string());
        let log = File::create(application.log())?;
        let command = recipe.start(port);
        let process = Group::start(&command, folder, environment, &log)
            .with_context(|| format!("cannot start {}", command.join(" ")))?;
        application.process = Some(process);
        Ok(application)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("stopgap.log")
    }

    async fn ready(&mut self, recipe: &Recipe) -> anyhow::Result<()> {
        let end = Instant::now() + START;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n",
            recipe.ready.path
        );
        loop {
            if let Some(process) = &mut self.process
                && let Some(status) = process.ended()?
            {
                bail!("{} ended with {status}; {}", recipe.name, tail(&self.log()));
            }
            let target = Target::new(self.address, ANSWER);
            let bytes = request.clone().into_bytes();
            let reply = tokio::task::spawn_blocking(move || target.send(&bytes)).await?;
            if reply.is_ok_and(|reply| reply.status == recipe.ready.status) {
                return Ok(());
            }
            if Instant::now() > end {
                bail!(
                    "{} does not answer within {} s; {}",
                    recipe.name,
                    START.as_secs(),
                    tail(&self.log())
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A folder that looks like what is installed: its folders are shared, its files are copies.
fn populate(installed: &Path, folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)?;
    for entry in fs::read_dir(installed)? {
        let entry = entry?;
        let there = folder.join(entry.file_name());
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), there)?;
        } else {
            symlink(entry.path(), there)?;
        }
    }
    Ok(())
}

impl Instance for Application {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn stop(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { drop(self) })
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.process = None;
        // Left over in the folder for temporary files, at worst.
        let _: std::io::Result<()> = fs::remove_dir_all(&self.folder);
    }
}
