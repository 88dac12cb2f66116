//! The demo as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// The demo, waiting to be played with; ended by its own process id.
pub(crate) struct Demo {
    child: Child,
    pub(crate) said: String,
    pub(crate) protected: SocketAddr,
    /// The older or first instance.
    pub(crate) direct: SocketAddr,
}

impl Demo {
    /// Of the shop, or of published software.
    pub(crate) fn of(app: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stopgap"));
        command.arg("demo");
        if let Some(name) = app {
            let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("apps");
            command.args(["--app", name, "--cache"]).arg(cache);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let (mut protected, mut direct) = (None, None);
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            said.push_str(&line);
            said.push('\n');
            let address = || line.rsplit_once("http://")?.1.parse::<SocketAddr>().ok();
            let line = line.trim_start();
            if line.starts_with("protected:") {
                protected = address();
            } else if line.starts_with("not protected:") && direct.is_none() {
                direct = address();
            } else if line.starts_with("Ctrl-C") {
                break;
            }
        }
        let (Some(protected), Some(direct)) = (protected, direct) else {
            let mut errors = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut errors)
                .unwrap();
            panic!("the demo of {app:?} did not show all it claims:\n{said}{errors}");
        };
        Self {
            child,
            said,
            protected,
            direct,
        }
    }

    /// As Ctrl-C does; nothing stays behind.
    pub(crate) fn end(mut self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(status.success());
        assert!(self.child.wait().unwrap().success());
        let left = TcpStream::connect_timeout(&self.direct, PATIENCE);
        assert!(left.is_err(), "the application still runs");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // A test that fails in between: the demo ends its applications on this signal alone.
        if !self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            return;
        }
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-INT", &id]).status();
        let _ = self.child.wait();
    }
}
