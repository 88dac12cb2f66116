//! The control side and what it keeps its ledger in; either can be killed, and starts again.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::client::Client;

/// Debian's package faketime.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
/// How long anything may take to start.
const STARTS: Duration = Duration::from_secs(60);

pub(crate) struct Database {
    folder: tempfile::TempDir,
    /// PostgreSQL's port; none: the ledger is a file.
    port: Option<u16>,
    listen: SocketAddr,
    control: Mutex<Child>,
    server: Mutex<Option<Child>>,
    secret: String,
}

impl Database {
    pub(crate) fn file() -> Self {
        Self::start(None)
    }

    pub(crate) fn postgresql() -> Self {
        Self::start(Some(free_port()))
    }

    fn start(port: Option<u16>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = port.map(|port| {
            make_cluster(folder.path());
            start_server(folder.path(), port)
        });
        let listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut token = stopgap(folder.path(), port, &["token", "add", "op"]);
        token.args([
            "--of", "op", "--role", "admin", "--who", "op", "--why", "a test",
        ]);
        let output = token.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let secret = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let control = start_control(folder.path(), port, listen, None);
        Self {
            folder,
            port,
            listen,
            control: Mutex::new(control),
            server: Mutex::new(server),
            secret,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listen
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.listen, &self.secret)
    }

    pub(crate) fn kill_control(&self) {
        let mut control = self.control.lock().unwrap();
        end(&mut control);
        *control = start_control(self.folder.path(), self.port, self.listen, None);
    }

    /// The control side's clock is wrong for a while.
    pub(crate) fn jump(&self, by: &str) {
        let mut control = self.control.lock().unwrap();
        end(&mut control);
        *control = start_control(self.folder.path(), self.port, self.listen, Some(by));
        std::thread::sleep(Duration::from_millis(300));
        end(&mut control);
        *control = start_control(self.folder.path(), self.port, self.listen, None);
    }

    /// The database; where it is a file, that is the control side again.
    pub(crate) fn kill(&self) {
        let Some(port) = self.port else {
            return self.kill_control();
        };
        let mut server = self.server.lock().unwrap();
        if let Some(server) = server.as_mut() {
            end(server);
        }
        *server = Some(start_server(self.folder.path(), port));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that has failed may have failed while it held them.
        let control = self.control.get_mut();
        end(control.unwrap_or_else(PoisonError::into_inner));
        let server = self.server.get_mut();
        if let Some(server) = server.unwrap_or_else(PoisonError::into_inner) {
            end(server);
        }
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

fn url(folder: &Path, port: u16) -> String {
    let folder = folder.display().to_string().replace('/', "%2F");
    format!("postgres://stopgap@{folder}:{port}/postgres")
}

/// A command on the ledger.
fn stopgap(folder: &Path, port: Option<u16>, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stopgap"));
    command.args(arguments);
    on_ledger(&mut command, folder, port);
    command
}

fn on_ledger(command: &mut Command, folder: &Path, port: Option<u16>) {
    command.env_remove("STOPGAP_DATABASE");
    match port {
        Some(port) => command.args(["--database", &url(folder, port)]),
        None => command.arg("--data").arg(folder.join("ledger")),
    };
}

fn start_control(
    folder: &Path,
    port: Option<u16>,
    listen: SocketAddr,
    clock: Option<&str>,
) -> Child {
    let begun = Instant::now();
    loop {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stopgap"));
        if let Some(by) = clock {
            // The program of this name would outlive its own end.
            command.env("LD_PRELOAD", FAKETIME).env("FAKETIME", by);
        }
        command.args(["control", "--listen", &listen.to_string(), "--one-person"]);
        on_ledger(&mut command, folder, port);
        if port.is_some() {
            command.arg("--keys").arg(folder.join("keys"));
        }
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

/// PostgreSQL does not run as root.
fn as_postgres(program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    command.arg(program);
    command
}

fn programs() -> std::path::PathBuf {
    let mut found: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .unwrap()
        .map(|entry| entry.unwrap().path().join("bin"))
        .collect();
    found.sort();
    found.pop().unwrap()
}

fn make_cluster(folder: &Path) {
    if rustix::process::geteuid().is_root() {
        let owned = Command::new("chown").arg("postgres").arg(folder).status();
        assert!(owned.unwrap().success());
    }
    let made = as_postgres(&programs().join("initdb"))
        .args([
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "-U",
            "stopgap",
        ])
        .arg(folder.join("cluster"))
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

fn start_server(folder: &Path, port: u16) -> Child {
    let begun = Instant::now();
    loop {
        let mut child = as_postgres(&programs().join("postgres"))
            .arg("-D")
            .arg(folder.join("cluster"))
            .arg("-k")
            .arg(folder)
            .args(["-p", &port.to_string(), "-c", "listen_addresses="])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while child.try_wait().unwrap().is_none() {
            if postgres_answers(folder, port) {
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

fn postgres_answers(folder: &Path, port: u16) -> bool {
    let mut ready = Command::new(programs().join("pg_isready"));
    ready
        .arg("-q")
        .arg("-h")
        .arg(folder)
        .args(["-p", &port.to_string()]);
    ready.status().unwrap().success()
}
