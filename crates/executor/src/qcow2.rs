//! Snapshots within images of qcow2: by the machine that has the image open, else by `qemu-img`.
//!
//! A snapshot is there whole or not at all, so whatever a crash has left is done again.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use campaign::{Class, Failure};
use serde::Deserialize;

use crate::backups::{PATIENCE, What};
use crate::config::Qcow2;
use crate::qmp::Monitor;
use crate::run::run;
use crate::{Executor, fault};

/// The most bytes of a snapshot's name: `qemu-img` would cut a longer one.
const MAX_NAME: usize = 255;
/// How often it is looked whether another has left the asset.
const GLANCE: Duration = Duration::from_millis(100);

/// What is worked on.
struct Disk<'a> {
    provider: &'a Qcow2,
    asset: &'a str,
    image: String,
    snapshot: String,
}

pub(crate) fn carry_out(
    executor: &Executor,
    provider: &Qcow2,
    asset: &str,
    backup: &str,
    what: &What,
) -> Result<String, Failure> {
    let _alone = alone(executor, asset)?;
    let name = format!("stopgap-{backup}");
    let snapshot = match name.len() {
        0..=MAX_NAME => name,
        _ => format!("stopgap-{}", executor.name_of(backup)),
    };
    let disk = Disk {
        provider,
        asset,
        image: provider.image.replace("{asset}", asset),
        snapshot,
    };
    match what {
        What::Take => disk.take(),
        What::Verify => disk.verify(),
        What::Restore => disk.restore(),
        What::Discard => disk.discard(),
    }
}

/// Waits until nobody else works on the asset.
fn alone(executor: &Executor, asset: &str) -> Result<File, Failure> {
    let path = executor.journal.lock(asset);
    let begun = Instant::now();
    let failed = |why| fault::of(Class::Command, format!("{}: {why}", path.display()));
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(why)) => return Err(failed(why)),
            Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => {
                let said = format!("{asset} is still being worked on");
                return Err(fault::of(Class::Busy, said));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(GLANCE),
        }
    }
}

impl Disk<'_> {
    /// While the machine runs, it is as if its power were cut at that moment.
    fn take(&self) -> Result<String, Failure> {
        match self.monitor()? {
            Some(mut machine) => {
                if self.is_there()? {
                    machine.drop_snapshot(&self.image, &self.snapshot)?;
                }
                machine.snapshot(&self.image, &self.snapshot)?;
                Ok(format!("{}: taken while in use", self.snapshot))
            }
            None => self.while_stopped(|| {
                if self.is_there()? {
                    self.qemu(&["snapshot", "-d", &self.snapshot])?;
                }
                self.qemu(&["snapshot", "-c", &self.snapshot])?;
                Ok(format!("{}: taken", self.snapshot))
            }),
        }
    }

    /// Restores it beside the image, and looks at that.
    fn verify(&self) -> Result<String, Failure> {
        let copy = self.copy();
        // What it holds does not change any more, also while others write into the image.
        let of = format!("snapshot.name={}", self.snapshot);
        let looked = self
            .qemu_to(&["convert", "-U", "-l", &of, "-O", "raw"], &copy)
            .and_then(|_| self.command(&self.provider.look));
        gone(&copy)?;
        looked
    }

    fn restore(&self) -> Result<String, Failure> {
        self.while_stopped(|| {
            self.qemu(&["snapshot", "-a", &self.snapshot])?;
            Ok(format!("{}: restored", self.snapshot))
        })
    }

    fn discard(&self) -> Result<String, Failure> {
        gone(&self.copy())?;
        if self.is_there()? {
            match self.monitor()? {
                Some(mut machine) => machine.drop_snapshot(&self.image, &self.snapshot)?,
                None => self.qemu(&["snapshot", "-d", &self.snapshot]).map(|_| ())?,
            }
        }
        Ok(format!("{}: removed", self.snapshot))
    }

    fn copy(&self) -> String {
        format!("{}.{}", self.image, self.snapshot)
    }

    /// The machine that has the image open, if one answers.
    fn monitor(&self) -> Result<Option<Monitor>, Failure> {
        match &self.provider.qmp {
            Some(socket) => Monitor::of(&socket.replace("{asset}", self.asset)),
            None => Ok(None),
        }
    }

    /// The machine is started again, whatever becomes of the work.
    fn while_stopped(
        &self,
        work: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<String, Failure> {
        if self.provider.stop.is_empty() {
            return work();
        }
        self.command(&self.provider.stop)?;
        let outcome = work();
        let started = self.command(&self.provider.start);
        let said = outcome?;
        started.map(|_| said)
    }

    fn is_there(&self) -> Result<bool, Failure> {
        let told = self.qemu(&["info", "-U", "--output=json"])?;
        let info: Info = serde_json::from_str(&told)
            .map_err(|why| fault::of(Class::Backup, format!("{}: {why}", self.image)))?;
        if info.format != "qcow2" {
            return Err(fault::of(
                Class::Backup,
                format!(
                    "{} is of {}, which holds no snapshots",
                    self.image, info.format
                ),
            ));
        }
        Ok(info.snapshots.iter().any(|it| it.name == self.snapshot))
    }

    fn qemu(&self, arguments: &[&str]) -> Result<String, Failure> {
        self.qemu_to(arguments, "")
    }

    fn qemu_to(&self, arguments: &[&str], target: &str) -> Result<String, Failure> {
        let mut command = Command::new("qemu-img");
        command.env("LC_ALL", "C").args(arguments).arg(&self.image);
        if !target.is_empty() {
            command.arg(target);
        }
        let ended = run(command, b"", PATIENCE)?;
        match ended.status.success() {
            true => Ok(ended.output),
            false => Err(fault::told(&ended.said)),
        }
    }

    fn command(&self, arguments: &[String]) -> Result<String, Failure> {
        let Some((program, rest)) = arguments.split_first() else {
            return Err(fault::of(Class::Command, "a command without a program"));
        };
        let copy = self.copy();
        let mut command = Command::new(program);
        for argument in rest {
            let argument = argument.replace("{asset}", self.asset);
            command.arg(argument.replace("{copy}", &copy));
        }
        command.env("STOPGAP_ASSET", self.asset);
        let ended = run(command, b"", PATIENCE)?;
        match ended.status.success() {
            true => Ok(ended.said),
            false => {
                let said = format!("`{program}` ended with {}\n{}", ended.status, ended.said);
                Err(fault::told(&said))
            }
        }
    }
}

fn gone(path: &str) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(why) if why.kind() != ErrorKind::NotFound => {
            Err(fault::of(Class::Command, format!("{path}: {why}")))
        }
        _ => Ok(()),
    }
}

/// What `qemu-img info` says, of it what is needed.
#[derive(Deserialize)]
struct Info {
    format: String,
    #[serde(default)]
    snapshots: Vec<Snapshot>,
}

#[derive(Deserialize)]
struct Snapshot {
    name: String,
}
