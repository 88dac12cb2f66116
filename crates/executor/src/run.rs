//! Programs that are run here, within bounds.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use campaign::{Class, Failure};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::fault;

/// The most bytes that are kept of what a program says: its end.
const MAX_OUTPUT: usize = 256 << 10;
/// How often it is looked whether a program has ended.
const GLANCE: Duration = Duration::from_millis(20);

/// What a program said and how it ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it wrote to both outputs.
    pub(crate) said: String,
}

/// Runs a program to its end, or ends it when its time is over.
pub(crate) fn run(
    mut command: Command,
    input: &[u8],
    patience: Duration,
) -> Result<Ended, Failure> {
    let begun = Instant::now();
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // What it starts ends with it when its time is over.
        .process_group(0)
        .spawn()
        .map_err(|why| fault::of(Class::Command, format!("cannot start `{name}`: {why}")))?;
    let stdin = child.stdin.take();
    let outputs: (_, _) = (child.stdout.take(), child.stderr.take());
    let (status, said) = thread::scope(|scope| {
        scope.spawn(move || {
            // A program need not read it all.
            let _ = stdin.map(|mut stdin| stdin.write_all(input));
        });
        let out = scope.spawn(|| tail(outputs.0));
        let error = scope.spawn(|| tail(outputs.1));
        let status = wait(&mut child, begun, patience);
        let mut said = out.join().unwrap_or_default();
        said.push_str(&error.join().unwrap_or_default());
        (status, said)
    });
    match status {
        Ok(Some(status)) => Ok(Ended { status, said }),
        Ok(None) => Err(fault::of(
            Class::Timeout,
            format!("`{name}` did not end in {} s\n{said}", patience.as_secs()),
        )),
        Err(why) => Err(fault::of(
            Class::Command,
            format!("cannot wait for `{name}`: {why}"),
        )),
    }
}

/// How it ended; none: it was ended, as its time was over.
fn wait(
    child: &mut Child,
    begun: Instant,
    patience: Duration,
) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > patience {
            kill_process_group(Pid::from_child(child), Signal::KILL)?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(GLANCE);
    }
}

/// The end of what is said.
fn tail(output: Option<impl Read>) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 8192];
    let Some(mut output) = output else {
        return String::new();
    };
    while let Ok(count) = output.read(&mut buffer) {
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
            break;
        };
        kept.extend_from_slice(read);
        if kept.len() > 2 * MAX_OUTPUT {
            kept.drain(..kept.len() - MAX_OUTPUT);
        }
    }
    let from = kept.len().saturating_sub(MAX_OUTPUT);
    String::from_utf8_lossy(kept.get(from..).unwrap_or_default()).into_owned()
}
