//! Hosts for tests: each boots a systemd of its own, answers SSH, has its own packages, jobs and
//! network address, and reboots. They are containers (`systemd-nspawn`) over one small Debian
//! (`debootstrap`), on a bridge in a network namespace that no other process is in.
//!
//! Everything lives in namespaces that end with the [`Testbed`], also when the process that holds it
//! is killed. Needs root.

mod base;
mod packages;
mod rpm;
mod tools;

use std::fs;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

pub use packages::{Package, Repository};
pub use rpm::RpmRepository;
pub use tools::{MailServer, ansible_collections, ansible_playbook};

use base::run;

/// How many hosts a testbed may have.
pub const MAX_HOSTS: usize = 16;
/// How long anything that a host is asked for may take.
const PATIENCE: Duration = Duration::from_secs(60);
const KEEPER: &str = include_str!("keeper.sh");

/// Some hosts, until it is dropped.
pub struct Testbed {
    keeper: Child,
    /// The keeper's process: its namespaces are the hosts' surroundings.
    inside: u32,
    folder: PathBuf,
    hosts: Vec<String>,
    // Dropped last.
    _space: tempfile::TempDir,
}

impl Testbed {
    /// Hosts of these names (lower-case letters and digits), as soon as all of them answer.
    ///
    /// # Errors
    /// Something that it takes is missing, or a host does not answer within a minute.
    pub fn start(hosts: &[&str]) -> anyhow::Result<Self> {
        ensure!(hosts.len() <= MAX_HOSTS, "at most {MAX_HOSTS} hosts");
        let base = base::base()?;
        let space = tempfile::Builder::new().prefix("testbed-").tempdir()?;
        let folder = space.path().to_owned();
        let key = folder.join("key");
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key))?;
        for (index, host) in hosts.iter().enumerate() {
            furnish(&folder, &base, hosts, index)
                .with_context(|| format!("cannot furnish {host}"))?;
        }
        let script = folder.join("keeper.sh");
        fs::write(&script, KEEPER)?;
        let keeper = Command::new("unshare")
            .args([
                "--mount",
                "--pid",
                "--net",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .arg("sh")
            .arg(&script)
            .arg(&folder)
            .arg(&base)
            .args(hosts)
            .stdin(Stdio::null())
            .stderr(fs::File::create(folder.join("keeper.log"))?)
            .spawn()
            .context("cannot start `unshare`")?;
        let mut testbed = Self {
            inside: 0,
            keeper,
            folder,
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            _space: space,
        };
        testbed.wait_until("the keeper is ready", |bed| {
            bed.folder.join("ready").exists()
        })?;
        testbed.inside = child_of(testbed.keeper.id())?;
        for host in hosts {
            testbed.wait_for(host)?;
        }
        Ok(testbed)
    }

    /// Where a host answers.
    ///
    /// # Errors
    /// There is no such host.
    pub fn address(&self, host: &str) -> anyhow::Result<Ipv4Addr> {
        let index = self.hosts.iter().position(|name| name == host);
        let index = index.with_context(|| format!("there is no host {host}"))?;
        Ok(address(index))
    }

    /// What SSH knows of the hosts: their names, addresses and keys.
    #[must_use]
    pub fn ssh_config(&self) -> PathBuf {
        self.folder.join("ssh_config")
    }

    /// The folder of all that the hosts have changed, by host.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts this thread, and whatever it starts from now on, on the hosts' network.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn enter(&self) -> anyhow::Result<()> {
        let network = fs::File::open(format!("/proc/{}/ns/net", self.inside))?;
        let kind = Some(LinkNameSpaceType::Network);
        Ok(move_into_link_name_space(network.as_fd(), kind)?)
    }

    /// A command on the hosts' network, where it has the address 10.77.0.1.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--net", "--target", &self.inside.to_string()])
            .arg(program);
        command
    }

    /// Runs a line of shell on a host, as root.
    ///
    /// # Errors
    /// The host does not answer, or the line fails.
    pub fn on(&self, host: &str, line: &str) -> anyhow::Result<String> {
        let mut ssh = self.command("timeout");
        ssh.args(["60", "ssh", "-F"])
            .arg(self.ssh_config())
            .args([host, line]);
        run(&mut ssh)
    }

    /// Writes a file on a host that is running or not; seen by it at once.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, host: &str, path: &str, text: &str) -> anyhow::Result<()> {
        let mut ssh = self.command("ssh");
        ssh.arg("-F").arg(self.ssh_config()).args([
            host,
            &format!("mkdir -p \"$(dirname {path})\" && cat > {path}"),
        ]);
        let mut child = ssh.stdin(Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            std::io::Write::write_all(&mut input, text.as_bytes())?;
        }
        ensure!(child.wait()?.success(), "cannot write {path} on {host}");
        Ok(())
    }

    /// How often a host has started.
    ///
    /// # Errors
    /// There is no such host.
    pub fn boots(&self, host: &str) -> anyhow::Result<u32> {
        let text = fs::read_to_string(self.folder.join(host).join("boots"))?;
        Ok(text.trim().parse()?)
    }

    /// Takes the power of a host away; it starts again at once.
    ///
    /// # Errors
    /// It does not come back.
    pub fn cut_power(&self, host: &str) -> anyhow::Result<()> {
        let before = self.boots(host)?;
        fs::write(self.folder.join(host).join("cut"), "")?;
        self.wait_until("the host starts again", |bed| {
            bed.boots(host).is_ok_and(|boots| boots > before)
        })?;
        self.wait_for(host)
    }

    /// Two commands for a provider of snapshots, each to be followed by a host's name and a snapshot's.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn snapshots(&self) -> anyhow::Result<(PathBuf, PathBuf)> {
        let snapshots = self.folder.join("snapshots");
        fs::create_dir_all(&snapshots)?;
        let folder = self.folder.display();
        let take = script(
            &self.folder.join("snapshot"),
            &format!(
                "rm -rf {folder}/snapshots/$1-$2.new\n\
                 cp -a {folder}/$1/upper {folder}/snapshots/$1-$2.new\n\
                 rm -rf {folder}/snapshots/$1-$2\n\
                 mv {folder}/snapshots/$1-$2.new {folder}/snapshots/$1-$2"
            ),
        )?;
        let restore = script(
            &self.folder.join("restore"),
            &format!(
                "[ -d {folder}/snapshots/$1-$2 ]\n\
                 before=$(cat {folder}/$1/boots)\n\
                 echo {folder}/snapshots/$1-$2 > {folder}/$1/restore.new\n\
                 mv {folder}/$1/restore.new {folder}/$1/restore\n\
                 until [ $(cat {folder}/$1/boots) -gt $before ]; do sleep 0.1; done"
            ),
        )?;
        Ok((take, restore))
    }

    /// Waits until a host answers.
    ///
    /// # Errors
    /// It does not within a minute.
    pub fn wait_for(&self, host: &str) -> anyhow::Result<()> {
        self.wait_until(&format!("{host} answers"), |bed| {
            let mut ssh = bed.command("ssh");
            ssh.arg("-F").arg(bed.ssh_config());
            run(ssh.args(["-o", "ConnectTimeout=2", host, "true"])).is_ok()
        })
    }

    fn wait_until(&self, what: &str, holds: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !holds(self) {
            if begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.folder.join("keeper.log")).unwrap_or_default();
                bail!("waited in vain until {what}\n{log}");
            }
            sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        // With it the kernel ends what is in its namespaces.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        // The kernel takes a moment for it.
        let begun = Instant::now();
        while !remove_groups(&self.folder) && begun.elapsed() < PATIENCE {
            sleep(Duration::from_millis(50));
        }
    }
}

/// What a host has of its own before it starts for the first time.
fn furnish(folder: &Path, base: &Path, hosts: &[&str], index: usize) -> anyhow::Result<()> {
    let host = hosts.get(index).copied().unwrap_or_default();
    let here = folder.join(host);
    let etc = here.join("upper/etc");
    let ssh = here.join("upper/root/.ssh");
    fs::create_dir_all(&etc)?;
    fs::create_dir_all(&ssh)?;
    fs::set_permissions(here.join("upper/root"), fs::Permissions::from_mode(0o700))?;
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o700))?;
    fs::copy(folder.join("key.pub"), ssh.join("authorized_keys"))?;
    fs::write(here.join("boots"), "0\n")?;
    fs::write(etc.join("hostname"), format!("{host}\n"))?;
    // Empty: systemd makes one for each.
    fs::write(etc.join("machine-id"), "")?;
    let mut names = "127.0.0.1 localhost\n10.77.0.1 controller\n".to_owned();
    for (index, host) in hosts.iter().enumerate() {
        names.push_str(&format!("{} {host}\n", address(index)));
    }
    fs::write(etc.join("hosts"), names)?;
    if index == 0 {
        let public = fs::read_to_string(base.join("etc/ssh/ssh_host_ed25519_key.pub"))?;
        let mut config = format!(
            "Host *\n  User root\n  IdentityFile {0}/key\n  IdentitiesOnly yes\n  \
             UserKnownHostsFile {0}/known_hosts\n  StrictHostKeyChecking yes\n  LogLevel ERROR\n  \
             ConnectTimeout 5\n",
            folder.display()
        );
        let mut known = String::new();
        for (index, host) in hosts.iter().enumerate() {
            let address = address(index);
            config.push_str(&format!("Host {host}\n  HostName {address}\n"));
            known.push_str(&format!("{address} {public}"));
        }
        fs::write(folder.join("ssh_config"), config)?;
        fs::write(folder.join("known_hosts"), known)?;
    }
    Ok(())
}

fn address(index: usize) -> Ipv4Addr {
    let last = u8::try_from(index).unwrap_or(u8::MAX).saturating_add(11);
    Ipv4Addr::new(10, 77, 0, last)
}

fn script(path: &Path, lines: &str) -> anyhow::Result<PathBuf> {
    fs::write(path, format!("#!/bin/sh\nset -eu\n{lines}\n"))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(path.to_owned())
}

/// The one child of a process.
fn child_of(process: u32) -> anyhow::Result<u32> {
    let path = format!("/proc/{process}/task/{process}/children");
    let children = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let child = children.split_whitespace().next();
    Ok(child.context("`unshare` has no child")?.parse()?)
}

/// Removes the control groups of hosts that have ended: the kernel leaves them. Whether none is left.
fn remove_groups(folder: &Path) -> bool {
    let mut gone = true;
    for tree in [
        "/sys/fs/cgroup/systemd",
        "/sys/fs/cgroup/unified",
        "/sys/fs/cgroup",
    ] {
        for entry in fs::read_dir(tree).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let of_testbed = name.to_str().and_then(|name| name.strip_prefix("testbed-"));
            let keeper = folder.file_name().and_then(|name| name.to_str());
            if let (Some(name), Some(keeper)) = (of_testbed, keeper)
                && name.starts_with(keeper)
            {
                gone &= remove_group(&entry.path());
            }
        }
    }
    gone
}

fn remove_group(group: &Path) -> bool {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_group(&entry.path());
        }
    }
    fs::remove_dir(group).is_ok()
}
