//! A PostgreSQL server on a small disk; it can be killed, and starts again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::disk::Disk;

/// How long it may take to start.
const STARTS: Duration = Duration::from_secs(60);

pub(crate) struct Cluster {
    port: u16,
    server: Child,
}

impl Cluster {
    /// The port only names its socket, which is on the disk.
    pub(crate) fn start(disk: &Disk, port: u16) -> Self {
        let made = as_postgres(disk, &programs().join("initdb"))
            .args(["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
            .args(["--wal-segsize=1", "-U", "stopgap", "-D"])
            .arg(disk.path().join("cluster"))
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let server = start_server(disk, port);
        Self { port, server }
    }

    pub(crate) fn url(&self, disk: &Disk) -> String {
        let folder = disk.path().display().to_string().replace('/', "%2F");
        format!("postgres://stopgap@{folder}:{}/postgres", self.port)
    }

    pub(crate) fn kill(&mut self) {
        // It may have ended.
        let _ = self.server.kill();
        self.server.wait().unwrap();
    }

    /// Does what whoever runs it does when it has ended.
    pub(crate) fn runs(&mut self, disk: &Disk) {
        if self.server.try_wait().unwrap().is_some() {
            self.server = start_server(disk, self.port);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

/// PostgreSQL does not run as root, which everybody is on the disk.
fn as_postgres(disk: &Disk, program: &Path) -> Command {
    let mut command = disk.command("unshare");
    command.args(["--user", "--map-user=postgres", "--map-group=postgres"]);
    command.arg(program);
    command
}

fn programs() -> PathBuf {
    let mut found: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .unwrap()
        .map(|entry| entry.unwrap().path().join("bin"))
        .collect();
    found.sort();
    found.pop().unwrap()
}

fn start_server(disk: &Disk, port: u16) -> Child {
    let begun = Instant::now();
    loop {
        let mut child = as_postgres(disk, &programs().join("postgres"))
            .arg("-D")
            .arg(disk.path().join("cluster"))
            .arg("-k")
            .arg(disk.path())
            .args(["-p", &port.to_string(), "-c", "listen_addresses="])
            // Its log takes new room, so that a full disk is felt at once.
            .args(["-c", "wal_recycle=off"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while child.try_wait().unwrap().is_none() {
            if answers(disk, port) {
                return child;
            }
            assert!(begun.elapsed() < STARTS, "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        // Processes of the one before may still be ending.
        assert!(begun.elapsed() < STARTS, "PostgreSQL does not start");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn answers(disk: &Disk, port: u16) -> bool {
    let mut ready = disk.command(programs().join("pg_isready"));
    ready.arg("-q").arg("-h").arg(disk.path());
    ready.args(["-p", &port.to_string()]);
    ready.status().unwrap().success()
}
