//! Processes that are ended together with all that they have started.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How often a process is asked whether it has ended.
const PULSE: Duration = Duration::from_millis(25);

/// A process in a group of its own. Dropping it ends the group.
pub(super) struct Group {
    child: Child,
    ended: Option<ExitStatus>,
}

impl Group {
    /// Starts a command in a folder, with what it says going to a file. A program
    /// with a slash in its name is one of the folder's own.
    pub(super) fn start(
        command: &[String],
        folder: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        log: &File,
    ) -> io::Result<Self> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| io::Error::other("the command is empty"))?;
        let program = match program.contains('/') {
            true => folder.join(program),
            false => program.into(),
        };
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .process_group(0)
            .spawn()?;
        Ok(Self { child, ended: None })
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        Ok(self.ended)
    }

    /// Waits for its end; none when the time is up.
    pub(super) async fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let end = Instant::now() + limit;
        loop {
            let ended = self.ended()?;
            if ended.is_some() || Instant::now() > end {
                return Ok(ended);
            }
            tokio::time::sleep(PULSE).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Once its end was asked for, the number may be another's.
        if self.ended.is_some() {
            return;
        }
        let id = Pid::from_child(&self.child);
        // Nobody is left to tell that it has ended already.
        let _: Result<(), _> = kill_process_group(id, Signal::KILL);
        let _: io::Result<ExitStatus> = self.child.wait();
    }
}
