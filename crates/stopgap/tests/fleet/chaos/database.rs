//! The control side and what it keeps its ledger in; either can be killed, and starts again.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::client::Client;
use crate::cluster::Cluster;
use crate::disk::Disk;

/// Debian's package faketime.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
/// How long anything may take to start.
const STARTS: Duration = Duration::from_secs(60);

/// Of the disk: a cluster takes 28 MB of it.
const DISK_BYTES: usize = 128 << 20;
/// As much is written in all of a run to take room that is left within the database's files; each
/// takes 210 KB of the disk for good.
const CROWDS: usize = 200;
/// How long the disk stays full if nobody is refused.
const STAYS_FULL: Duration = Duration::from_millis(1_500);

pub(crate) struct Database {
    disk: Arc<Disk>,
    place: Place,
    listen: SocketAddr,
    secret: String,
    control: Mutex<Child>,
    cluster: Option<Mutex<Cluster>>,
    crowds: AtomicUsize,
}

/// Where the ledger is, as arguments of the program.
struct Place(Vec<String>);

impl Database {
    pub(crate) fn file() -> Self {
        let disk = Disk::of(DISK_BYTES);
        let ledger = disk.path().join("ledger").display().to_string();
        Self::start(disk, Place(vec!["--data".to_owned(), ledger]), None)
    }

    pub(crate) fn postgresql() -> Self {
        let disk = Disk::of(DISK_BYTES);
        let cluster = Cluster::start(&disk, free_port());
        let place = Place(vec!["--database".to_owned(), cluster.url(&disk)]);
        Self::start(disk, place, Some(cluster))
    }

    fn start(disk: Disk, place: Place, cluster: Option<Cluster>) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut token = place.program(&disk, &["token", "add", "op"]);
        token.args([
            "--of", "op", "--role", "admin", "--who", "op", "--why", "a test",
        ]);
        let output = token.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let secret = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let control = start_control(&disk, &place, listen, None);
        Self {
            disk: Arc::new(disk),
            place,
            listen,
            secret,
            control: Mutex::new(control),
            cluster: cluster.map(Mutex::new),
            crowds: AtomicUsize::new(0),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listen
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.listen, &self.secret)
    }

    /// It is full when everything else is.
    pub(crate) fn disk(&self) -> Arc<Disk> {
        Arc::clone(&self.disk)
    }

    pub(crate) fn kill_control(&self) {
        let mut control = self.control.lock().unwrap();
        end(&mut control);
        *control = self.started(None);
    }

    /// The control side's clock is wrong for a while.
    pub(crate) fn jump(&self, by: &str) {
        let mut control = self.control.lock().unwrap();
        end(&mut control);
        *control = self.started(Some(by));
        std::thread::sleep(Duration::from_millis(300));
        end(&mut control);
        *control = self.started(None);
    }

    /// The database; where it is a file, that is the control side again.
    pub(crate) fn kill(&self) {
        let Some(cluster) = &self.cluster else {
            return self.kill_control();
        };
        let mut cluster = cluster.lock().unwrap();
        cluster.kill();
        cluster.runs(&self.disk);
    }

    /// The disk is full until somebody is refused for it; whatever has ended then starts again.
    pub(crate) fn fill(&self, client: &Client, meanwhile: impl FnOnce()) {
        let before = client.refused_for_room();
        self.disk.fill_but(0);
        let begun = Instant::now();
        meanwhile();
        while client.refused_for_room() == before && begun.elapsed() < STAYS_FULL {
            match self.crowds.fetch_add(1, Ordering::Relaxed) {
                number @ ..CROWDS => client.crowd(number),
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        self.disk.empty();
        if let Some(cluster) = &self.cluster {
            cluster.lock().unwrap().runs(&self.disk);
        }
    }

    fn started(&self, clock: Option<&str>) -> Child {
        start_control(&self.disk, &self.place, self.listen, clock)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that has failed may have failed while it held it.
        let control = self.control.get_mut();
        end(control.unwrap_or_else(PoisonError::into_inner));
    }
}

fn end(child: &mut Child) {
    // It may have ended.
    let _ = child.kill();
    child.wait().unwrap();
}

/// A port that nothing listens on, and that no connection is given for its own end: such a one could be
/// taken while the server that has it restarts.
fn free_port() -> u16 {
    let first = 20_000 + u16::try_from(std::process::id() % 5_000).unwrap() * 2;
    (first..32_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

impl Place {
    fn program(&self, disk: &Disk, arguments: &[&str]) -> Command {
        let mut command = disk.command(env!("CARGO_BIN_EXE_stopgap"));
        command.args(arguments).args(&self.0);
        command.env_remove("STOPGAP_DATABASE");
        command
    }
}

fn start_control(disk: &Disk, place: &Place, listen: SocketAddr, clock: Option<&str>) -> Child {
    let begun = Instant::now();
    loop {
        let listen = listen.to_string();
        let mut command = place.program(disk, &["control", "--listen", &listen, "--one-person"]);
        if let Some(by) = clock {
            // The program of this name would outlive its own end.
            command.env("LD_PRELOAD", FAKETIME).env("FAKETIME", by);
        }
        command.arg("--keys").arg(disk.path().join("keys"));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        if line.starts_with("listening on ") {
            return child;
        }
        // Its database may be starting, too.
        end(&mut child);
        assert!(begun.elapsed() < STARTS, "the control side does not start");
        std::thread::sleep(Duration::from_millis(100));
    }
}
