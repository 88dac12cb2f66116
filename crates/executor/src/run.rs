//! Programs that are run here, within bounds.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use campaign::{Class, Failure};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::fault;

/// The most bytes that are kept of what a program says: its end.
pub(crate) const MAX_OUTPUT: usize = 256 * 1024;
/// How long an output is read on that stays open after its program has ended.
const LEFT_BEHIND: Duration = Duration::from_secs(2);
/// How often it is looked whether a program has ended.
const GLANCE: Duration = Duration::from_millis(20);

/// What a program said and how it ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it wrote to its standard output.
    pub(crate) output: String,
    /// What it wrote to both outputs.
    pub(crate) said: String,
}

/// Runs a program to its end, or ends it when its time is over.
pub(crate) fn run(command: Command, input: &[u8], patience: Duration) -> Result<Ended, Failure> {
    run_within(command, input, patience, MAX_OUTPUT)
}

/// The same, and keeps this many bytes of the end of its standard output.
pub(crate) fn run_within(
    mut command: Command,
    input: &[u8],
    patience: Duration,
    most: usize,
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
    let (output, errors) = (
        Output::of(child.stdout.take(), most),
        Output::of(child.stderr.take(), MAX_OUTPUT),
    );
    let status = thread::scope(|scope| {
        scope.spawn(move || {
            // A program need not read it all.
            let _ = stdin.map(|mut stdin| stdin.write_all(input));
        });
        wait(&mut child, begun, patience)
    });
    let output = output.said();
    let said = format!("{output}{}", errors.said());
    match status {
        Ok(Some(status)) => Ok(Ended {
            status,
            output,
            said,
        }),
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

/// What is read of an output, by a thread of its own: what a program has left behind, such as the master of
/// shared connections, may hold the output open for good.
struct Output {
    kept: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
    most: usize,
}

impl Output {
    fn of(output: Option<impl Read + Send + 'static>, most: usize) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = channel();
        let all = Arc::clone(&kept);
        thread::spawn(move || {
            if let Some(output) = output {
                keep(output, &all, most);
            }
            drop(end);
        });
        Self { kept, ended, most }
    }

    /// The end of what was said; a moment after the program has ended all of it is there.
    fn said(self) -> String {
        // It ends by being closed: nothing is ever sent.
        let _ = self.ended.recv_timeout(LEFT_BEHIND);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let from = kept.len().saturating_sub(self.most);
        String::from_utf8_lossy(kept.get(from..).unwrap_or_default()).into_owned()
    }
}

fn keep(mut output: impl Read, all: &Mutex<Vec<u8>>, most: usize) {
    let mut buffer = [0; 8192];
    while let Ok(count) = output.read(&mut buffer) {
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
            break;
        };
        let mut kept = all.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(read);
        if kept.len() > most.saturating_mul(2) {
            let surplus = kept.len() - most;
            kept.drain(..surplus);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::run;

    #[test]
    fn what_a_program_leaves_behind_is_not_waited_for() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo first; setsid sleep 60 & echo $!"]);
        let begun = Instant::now();
        let ended = run(shell, b"", Duration::from_secs(30)).unwrap();
        let (first, left) = ended.said.trim_end().split_once('\n').unwrap();
        let killed = Command::new("kill").arg(left).status().unwrap();
        assert!(killed.success(), "it was still there");
        assert!(ended.status.success());
        assert_eq!(first, "first");
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_program_ends_with_its_time_and_so_does_what_it_has_started() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo begun; sleep 60; true"]);
        let begun = Instant::now();
        let failure = run(shell, b"", Duration::from_millis(300)).err().unwrap();
        assert_eq!(failure.class, campaign::Class::Timeout);
        assert!(failure.excerpt.contains("begun"), "{}", failure.excerpt);
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}
