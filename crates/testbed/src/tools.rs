//! What works on the hosts from outside: Ansible, and a mail server that keeps what it gets.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::Testbed;
use crate::base::{cache, run};

/// Python's packages that hold them.
const PACKAGES: &[&str] = &["ansible-core==2.17.14", "aiosmtpd==1.4.6"];
/// The package that holds Ansible's collections, as many as there are, and those that playbooks of ours need.
const COLLECTIONS: &str = "ansible==10.7.0";
const NEEDED: &[&str] = &[
    "ansible/netcommon",
    "ansible/utils",
    "ansible/windows",
    "arista/eos",
    "cisco/ios",
    "junipernetworks/junos",
];
/// How long the mail server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// `ansible-playbook`, installed if it is not there.
///
/// # Errors
/// It cannot be installed.
pub fn ansible_playbook() -> anyhow::Result<PathBuf> {
    Ok(tools()?.join("bin/ansible-playbook"))
}

/// The folder of a Python environment that has them.
fn tools() -> anyhow::Result<PathBuf> {
    let cache = cache()?;
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let folder = cache.join("tools");
    let lock = File::create(cache.join("tools.lock"))?;
    lock.lock()?;
    let complete = folder.join(".complete");
    let wanted = PACKAGES.join(" ");
    if fs::read_to_string(&complete).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    println!("testbed: {wanted} is installed in {}", folder.display());
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder))?;
    run(Command::new(folder.join("bin/pip"))
        .args(["install", "--quiet"])
        .args(PACKAGES))?;
    fs::write(complete, wanted)?;
    Ok(folder)
}

/// Ansible's collections for Windows and for network devices, as `ANSIBLE_COLLECTIONS_PATH` takes them, installed
/// if they are not there.
///
/// # Errors
/// They cannot be installed.
pub fn ansible_collections() -> anyhow::Result<PathBuf> {
    let (python, cache) = (tools()?.join("bin/python"), cache()?);
    let folder = cache.join("collections");
    let lock = File::create(cache.join("collections.lock"))?;
    lock.lock()?;
    let complete = folder.join(".complete");
    let wanted = format!("{COLLECTIONS} {}", NEEDED.join(" "));
    if fs::read_to_string(&complete).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    println!("testbed: {wanted} is unpacked in {}", folder.display());
    let wheel = tempfile::tempdir_in(&cache)?;
    run(Command::new(&python)
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .arg(wheel.path())
        .arg(COLLECTIONS))?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    run(Command::new(&python)
        .args(["-c", UNPACK])
        .args([wheel.path(), &folder])
        .args(NEEDED))?;
    fs::write(complete, wanted)?;
    Ok(folder)
}

/// Unpacks what is needed of the one wheel that is in a folder.
const UNPACK: &str = "
import pathlib, sys, zipfile
[wheel] = pathlib.Path(sys.argv[1]).iterdir()
needed = tuple(f'ansible_collections/{name}/' for name in sys.argv[3:])
with zipfile.ZipFile(wheel) as all:
    all.extractall(sys.argv[2], [name for name in all.namelist() if name.startswith(needed)])
";

/// A mail server on the hosts' network, at `smtp://10.77.0.1:2525`. It takes any mail.
pub struct MailServer {
    server: Child,
    folder: tempfile::TempDir,
}

impl MailServer {
    /// A server that listens.
    ///
    /// # Errors
    /// It cannot be installed or does not start.
    pub fn start(testbed: &Testbed) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = testbed
            .command(tools()?.join("bin/python"))
            .args(["-m", "aiosmtpd", "-n", "-l", "10.77.0.1:2525"])
            .args(["-c", "aiosmtpd.handlers.Mailbox"])
            .arg(folder.path().join("mail"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start aiosmtpd")?;
        let started = Self { server, folder };
        let begun = Instant::now();
        let listens = ["-c", "exec 3<>/dev/tcp/10.77.0.1/2525"];
        while run(testbed.command("bash").args(listens)).is_err() {
            ensure!(
                begun.elapsed() < PATIENCE,
                "the mail server does not listen"
            );
            sleep(Duration::from_millis(100));
        }
        Ok(started)
    }

    /// The mails that have come, as they were sent.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn mails(&self) -> anyhow::Result<Vec<String>> {
        let folder = self.folder.path().join("mail/new");
        let mut mails = Vec::new();
        for entry in fs::read_dir(folder)? {
            let bytes = fs::read(entry?.path())?;
            mails.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        mails.sort();
        Ok(mails)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may have ended with its network.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
