//! What all hosts have: a small Debian, made once and kept.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// What hosts are made of. Databases, proxies and routing are there and wait to be enabled; so is
/// the other package manager.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,openssh-server,cron,python3,python3-apt,iproute2,\
    nftables,unattended-upgrades,postgresql,nginx-light,curl,procps,frr,rpm,dnf,dnf-plugins-core,\
    createrepo-c";
/// What a host does not start unless a test says so: no host updates or serves by itself.
const DISABLED: &[&str] = &[
    "nginx.service",
    "postgresql.service",
    "frr.service",
    "unattended-upgrades.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
];
/// The release of Debian.
const RELEASE: &str = "bookworm";
/// Raised when what is done to the base below changes.
const EDITION: u32 = 2;

/// The folder of the base, made if it is not there. Takes about 100 s then, and 880 MB.
pub(crate) fn base() -> anyhow::Result<PathBuf> {
    let cache = cache()?;
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let folder = cache.join(format!("base-{EDITION}"));
    let lock = File::create(cache.join("lock"))?;
    // Tests of several processes may want it at once.
    lock.lock()?;
    if folder.is_dir() {
        return Ok(folder);
    }
    println!("testbed: the hosts' Debian is made in {}", folder.display());
    let new = cache.join("base.new");
    if new.exists() {
        fs::remove_dir_all(&new)?;
    }
    let mut debootstrap = Command::new("debootstrap");
    debootstrap
        .args(["--variant=minbase", "--include", PACKAGES, RELEASE])
        .arg(&new);
    run(&mut debootstrap)?;
    run(Command::new("chroot")
        .arg(&new)
        .args(["systemctl", "disable"])
        .args(DISABLED))?;
    // Hosts take packages from where a test says, and from nowhere else.
    fs::write(new.join("etc/apt/sources.list"), "")?;
    fs::rename(&new, &folder)?;
    Ok(folder)
}

pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = match (set("XDG_CACHE_HOME"), set("HOME")) {
        (Some(cache), _) => PathBuf::from(cache),
        (None, Some(home)) => Path::new(&home).join(".cache"),
        (None, None) => bail!("neither XDG_CACHE_HOME nor HOME is set"),
    };
    Ok(cache.join("stopgap").join("testbed"))
}

/// Runs a command to its end.
///
/// # Errors
/// It cannot be started, or fails: with what it said.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed: {}\n{said}{error}", output.status);
    }
    Ok(said)
}
