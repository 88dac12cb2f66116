//! Applications in the cache: installed once, whole or not at all.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use super::process::Group;
use super::recipe::Recipe;
use super::registry::App;
use crate::demo::screen::{Screen, cut};

/// How long one command may take.
const STEP: Duration = Duration::from_secs(300);
/// How long another demo's installation is waited for.
const OTHERS: Duration = Duration::from_secs(600);
/// How long asking for a tool may take.
const CHECK: Duration = Duration::from_secs(20);
/// Characters of a command that are shown.
const COMMAND: usize = 80;
/// Bytes of a log's end that are shown.
const LOG_TAIL: usize = 1500;
/// Written last: what is without it is not whole.
const COMPLETE: &str = ".complete";

/// Where applications are kept if nothing else is said.
pub(super) fn default_cache() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = match (set("XDG_CACHE_HOME"), set("HOME")) {
        (Some(cache), _) => PathBuf::from(cache),
        (None, Some(home)) => PathBuf::from(home).join(".cache"),
        (None, None) => {
            bail!("neither XDG_CACHE_HOME nor HOME is set; say with --cache where to install")
        }
    };
    Ok(base.join("stopgap").join("apps"))
}

/// Installs a version unless it is there, and gives its folder.
pub(super) async fn installed(
    app: &App,
    recipe: &Recipe,
    version: &str,
    cache: &Path,
    screen: &Screen,
) -> anyhow::Result<PathBuf> {
    let home = cache.join(format!("{}-{}", app.name, hash(app)));
    let folder = home.join(version);
    fs::create_dir_all(&home)
        .with_context(|| format!("cannot make {}; see --cache", home.display()))?;
    let _lock = lock(&home.join(format!("{version}.lock")), screen).await?;
    if folder.join(COMPLETE).is_file() {
        let place = folder.display();
        screen.say(&format!("{} {version} is installed in {place}", app.name));
        return Ok(folder);
    }
    missing(recipe).await?;
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove what is left in {}", folder.display()))?;
    }
    screen.say(&format!(
        "{} {version} is installed, about {} MB, in {}",
        app.name,
        recipe.size_megabytes,
        folder.display()
    ));
    copy(app, &folder)?;
    let log = home.join(format!("{version}.log"));
    let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    for command in recipe.install(version) {
        let started = Instant::now();
        let told = cut(&command.join(" "), COMMAND);
        screen.begin(&format!("  {told} …"));
        let done = run(recipe, &command, &folder, &output, STEP).await;
        screen.finish(&format!(" {:.0} s", started.elapsed().as_secs_f32()));
        done.with_context(|| {
            format!(
                "cannot install {} {version}: `{told}`; {}",
                app.name,
                tail(&log)
            )
        })?;
    }
    File::create(folder.join(COMPLETE))?.sync_all()?;
    Ok(folder)
}

/// Another recipe is another application.
fn hash(app: &App) -> String {
    let mut hash = Sha256::new();
    hash.update(app.recipe);
    for (path, text) in app.files {
        hash.update(path);
        hash.update([0]);
        hash.update(text);
        hash.update([0]);
    }
    let hash = hash.finalize();
    hash.iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Holds a version for as long as the file is open: two demos do not install it at once.
async fn lock(path: &Path, screen: &Screen) -> anyhow::Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let end = Instant::now() + OTHERS;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
            Err(TryLockError::WouldBlock) if Instant::now() > end => {
                bail!("another demo holds {} for too long", path.display())
            }
            Err(TryLockError::WouldBlock) => {
                if !told {
                    screen.say("waiting for another demo that installs it");
                    told = true;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Says what the system lacks.
async fn missing(recipe: &Recipe) -> anyhow::Result<()> {
    let mut what = Vec::new();
    let mut packages = Vec::new();
    for need in &recipe.needs {
        let nothing = File::options().write(true).open("/dev/null")?;
        let check = run(recipe, &need.check, Path::new("/"), &nothing, CHECK).await;
        if check.is_err() {
            what.push(need.what.as_str());
            packages.push(need.debian.as_str());
        }
    }
    if !what.is_empty() {
        bail!(
            "{} needs {}, which this system has not; on Debian: apt-get install {}",
            recipe.name,
            what.join(" and "),
            packages.join(" ")
        );
    }
    Ok(())
}

fn copy(app: &App, folder: &Path) -> anyhow::Result<()> {
    for (name, text) in app.files {
        let path = folder.join(name);
        let place = path.parent().unwrap_or(folder);
        fs::create_dir_all(place)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    fs::create_dir_all(folder)?;
    Ok(())
}

async fn run(
    recipe: &Recipe,
    command: &[String],
    folder: &Path,
    log: &File,
    limit: Duration,
) -> anyhow::Result<()> {
    let mut group = Group::start(command, folder, recipe.environment.clone(), log)?;
    match group.wait(limit).await? {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("it ended with {status}"),
        None => bail!("it took more than {} s", limit.as_secs()),
    }
}

/// The end of a log, for an error.
pub(super) fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let from = bytes.len().saturating_sub(LOG_TAIL);
    let text = String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).into_owned();
    match text.trim() {
        "" => format!("{} is empty", log.display()),
        text => format!("the end of {}:\n{text}\n", log.display()),
    }
}
