//! The monitor of a machine of QEMU: QMP, a line of JSON for each command and answer.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use campaign::{Class, Failure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fault;

/// The most bytes of a line.
const MAX_LINE: u64 = 4 * 1024 * 1024;
/// The most lines of events before an answer.
const MAX_EVENTS: usize = 10_000;
/// How long a line is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Monitor {
    socket: String,
    stream: BufReader<UnixStream>,
}

/// An answer has one of both; what has neither is an event, or the greeting.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "return")]
    returned: Option<Value>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    desc: String,
}

#[derive(Deserialize)]
struct Node {
    #[serde(rename = "node-name")]
    name: String,
    file: String,
    drv: String,
}

impl Monitor {
    /// None: nobody listens there, so the machine does not run.
    pub(crate) fn of(socket: &str) -> Result<Option<Self>, Failure> {
        let stream = match UnixStream::connect(socket) {
            Ok(stream) => stream,
            Err(why)
                if matches!(
                    why.kind(),
                    ErrorKind::NotFound | ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(why) => return Err(failed(socket, why)),
        };
        for set in [UnixStream::set_read_timeout, UnixStream::set_write_timeout] {
            set(&stream, Some(PATIENCE)).map_err(|why| failed(socket, why))?;
        }
        let mut monitor = Self {
            socket: socket.to_owned(),
            stream: BufReader::new(stream),
        };
        monitor.call("qmp_capabilities", json!({}))?;
        Ok(Some(monitor))
    }

    /// Fails if the machine does not have the image open: it is another one.
    pub(crate) fn has(&mut self, image: &str) -> Result<(), Failure> {
        self.node(image).map(|_| ())
    }

    pub(crate) fn snapshot(&mut self, image: &str, name: &str) -> Result<(), Failure> {
        self.on_node("blockdev-snapshot-internal-sync", image, name)
    }

    pub(crate) fn drop_snapshot(&mut self, image: &str, name: &str) -> Result<(), Failure> {
        self.on_node("blockdev-snapshot-delete-internal-sync", image, name)
    }

    fn on_node(&mut self, command: &str, image: &str, name: &str) -> Result<(), Failure> {
        let node = self.node(image)?;
        self.call(command, json!({ "device": node, "name": name }))
            .map(|_| ())
    }

    /// The name of what the image is within the machine.
    fn node(&mut self, image: &str) -> Result<String, Failure> {
        let nodes = self.call("query-named-block-nodes", json!({ "flat": true }))?;
        let nodes: Vec<Node> =
            serde_json::from_value(nodes).map_err(|why| failed(&self.socket, why))?;
        let found = nodes
            .into_iter()
            .find(|it| it.drv == "qcow2" && it.file == image);
        found.map(|it| it.name).ok_or_else(|| {
            failed(
                &self.socket,
                format_args!(
                    "the machine does not have {image} open: name the image as the machine does"
                ),
            )
        })
    }

    fn call(&mut self, command: &str, arguments: Value) -> Result<Value, Failure> {
        let line = json!({ "execute": command, "arguments": arguments });
        let sent = writeln!(self.stream.get_mut(), "{line}");
        sent.map_err(|why| failed(&self.socket, why))?;
        for _ in 0..MAX_EVENTS {
            let mut line = String::new();
            let read = (&mut self.stream).take(MAX_LINE).read_line(&mut line);
            if read.map_err(|why| failed(&self.socket, why))? == 0 {
                return Err(failed(&self.socket, "the machine closed its monitor"));
            }
            let line: Line =
                serde_json::from_str(&line).map_err(|why| failed(&self.socket, why))?;
            match line {
                Line {
                    returned: Some(returned),
                    ..
                } => return Ok(returned),
                Line {
                    error: Some(error), ..
                } => {
                    return Err(failed(
                        &self.socket,
                        format_args!("{command}: {}", error.desc),
                    ));
                }
                _ => {}
            }
        }
        Err(failed(&self.socket, "the machine tells of events alone"))
    }
}

fn failed(socket: &str, why: impl std::fmt::Display) -> Failure {
    fault::of(Class::Command, format!("{socket}: {why}"))
}
