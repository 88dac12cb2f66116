//! Snapshots within images of qcow2: by the machine that has the image open, else by `qemu-img`.
//!
//! Each program holds the asset's lock, also when whoever has begun it is gone: who comes next waits for it. What must
//! happen once leaves a mark when it has ended well; a snapshot is there whole or not at all.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use campaign::{Class, Failure};
use serde::Deserialize;

use crate::backups::{PATIENCE, What};
use crate::config::Qcow2;
use crate::qmp::Monitor;
use crate::remote::quoted;
use crate::run::{Ended, MAX_OUTPUT, run};
use crate::{Executor, fault};

/// The most bytes of a snapshot's name: `qemu-img` would cut a longer one.
const MAX_NAME: usize = 255;
/// How long `stop` and `start` may take, each: who has stopped a machine does not leave it down for hours.
const POWER_SECONDS: u64 = 600;
/// How long what does not heed the end of its time is let be, in seconds.
const KILL_SECONDS: u64 = 10;
/// How often it is looked whether another has left the asset.
const GLANCE: Duration = Duration::from_millis(100);
/// What `qemu-img` needs be told of an image: left to guess, it believes what a guest may have written there.
const FORMAT: [&str; 2] = ["-f", "qcow2"];

/// What is worked on.
struct Disk<'a> {
    executor: &'a Executor,
    provider: &'a Qcow2,
    asset: &'a str,
    image: String,
    snapshot: String,
    /// There once this run of the step has been done.
    mark: PathBuf,
    /// There from before the machine is stopped until it has been started again.
    stopped: PathBuf,
}

pub(crate) fn carry_out(
    executor: &Executor,
    provider: &Qcow2,
    (key, asset): (&str, &str),
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
        executor,
        provider,
        asset,
        image: provider.image.replace("{asset}", asset),
        snapshot,
        mark: executor.journal.mark(key),
        stopped: executor.journal.stopped(asset),
    };
    // Whatever a controller that is gone has begun comes to its end first.
    disk.ended(Command::new("true"))?;
    let said = match what {
        What::Take | What::Restore if disk.mark.is_file() => disk.found_done(),
        What::Take => disk.take(),
        What::Verify => disk.verify(),
        What::Restore => disk.restore(),
        What::Discard => disk.discard(),
    };
    said.map_err(|failure| match disk.stopped.exists() {
        // Whatever else it is: a machine that is down cannot wait.
        true => Failure {
            class: Class::Down,
            ..failure
        },
        false => failure,
    })
}

/// Waits until nobody else of this process works on the asset.
fn alone(executor: &Executor, asset: &str) -> Result<File, Failure> {
    let path = executor.journal.turn(asset);
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
    /// The machine may not have been started again since.
    fn found_done(&self) -> Result<String, Failure> {
        if self.stopped.exists() {
            match self.is_in_use()? {
                // Somebody else has started it.
                true => self.is_started()?,
                false => self.while_stopped("true")?,
            }
        }
        Ok(format!("{}: found done", self.snapshot))
    }

    /// While the machine runs, it is as if its power were cut at that moment.
    fn take(&self) -> Result<String, Failure> {
        if let Some(mut machine) = self.monitor()? {
            if self.is_there()? {
                machine.drop_snapshot(&self.image, &self.snapshot)?;
            }
            machine.snapshot(&self.image, &self.snapshot)?;
            File::create(&self.mark).map_err(|why| at(&self.mark, &why))?;
            return Ok(format!("{}: taken while in use", self.snapshot));
        }
        let mut work = self.line(&["snapshot", "-c", &self.snapshot]);
        if self.is_there()? {
            work = format!(
                "{} && {work}",
                self.line(&["snapshot", "-d", &self.snapshot])
            );
        }
        // One that is off stays off; one that was stopped for this before is started again.
        match self.is_in_use()? || self.stopped.exists() {
            true => self.while_stopped(&work)?,
            false => self.script(&once(&work))?,
        };
        Ok(format!("{}: taken", self.snapshot))
    }

    /// Restores it beside the image, and looks at that.
    fn verify(&self) -> Result<String, Failure> {
        self.clear()?;
        let looked = self.room().and_then(|()| {
            self.empty_copy()?;
            // What it holds does not change any more, also while others write into the image.
            let of = format!("snapshot.name={}", self.snapshot);
            let mut convert = Command::new("qemu-img");
            convert.env("LC_ALL", "C").args(["convert", "-U"]);
            convert.args(FORMAT).args(["-l", &of, "-O", "raw"]);
            self.well(convert.arg(&self.image).arg(self.copy()))?;
            self.command(&self.provider.look)
        });
        self.clear()?;
        looked
    }

    fn restore(&self) -> Result<String, Failure> {
        self.monitor()?;
        if !self.is_there()? {
            let said = format!("{} has no snapshot {}", self.image, self.snapshot);
            return Err(fault::of(Class::Backup, said));
        }
        self.while_stopped(&self.line(&["snapshot", "-a", &self.snapshot]))?;
        Ok(format!("{}: restored", self.snapshot))
    }

    fn discard(&self) -> Result<String, Failure> {
        self.clear()?;
        if self.is_there()? {
            match self.monitor()? {
                Some(mut machine) => machine.drop_snapshot(&self.image, &self.snapshot)?,
                None => self
                    .qemu(&["snapshot"], &["-d", &self.snapshot])
                    .map(|_| ())?,
            }
        }
        Ok(format!("{}: removed", self.snapshot))
    }

    /// The machine that has the image open, if one answers. Where none does, none has it open, or what is said of the
    /// monitor is wrong, and nothing may be stopped for that.
    fn monitor(&self) -> Result<Option<Monitor>, Failure> {
        let Some(socket) = &self.provider.qmp else {
            return Ok(None);
        };
        let socket = socket.replace("{asset}", self.asset);
        let mut found = Monitor::of(&socket)?;
        match &mut found {
            Some(machine) => machine.has(&self.image)?,
            None if self.is_in_use()? => {
                let said = format!(
                    "nobody answers at {socket}, and yet a machine has {} open: name its monitor in `qmp`",
                    self.image
                );
                return Err(fault::of(Class::Busy, said));
            }
            None => {}
        }
        Ok(found)
    }

    /// A line of shell is run once the machine has stopped, and the machine started again, whatever becomes of the
    /// line and of whoever waits here for it.
    fn while_stopped(&self, work: &str) -> Result<(), Failure> {
        if self.provider.stop.is_empty() {
            return self.script(&once(work));
        }
        let [stop, start] = [&self.provider.stop, &self.provider.start].map(|it| self.power(it));
        let work = once(&format!("true >\"$2\" && {stop} && {work}"));
        let done = self.script(&format!(
            "{work}; ended=$?\n\
             if [ ! -e \"$2\" ]; then :; elif {start}; then rm -f \"$2\"; elif [ $ended = 0 ]; then ended=1; fi\n\
             (exit $ended)"
        ));
        let Err(failure) = done else {
            return Ok(());
        };
        // Its time was over, and nobody has started the machine.
        if failure.class == Class::Timeout && self.stopped.exists() {
            let mut shell = Command::new("sh");
            if self.well(shell.args(["-c", &start])).is_ok() {
                self.is_started()?;
            }
        }
        Err(failure)
    }

    fn is_started(&self) -> Result<(), Failure> {
        fs::remove_file(&self.stopped).map_err(|why| at(&self.stopped, &why))
    }

    /// A script of shell, with the mark and the note that the machine is stopped as its arguments. What it says goes
    /// to a file first: whoever would read a pipe may be gone, and a program that writes to it then is ended.
    fn script(&self, text: &str) -> Result<(), Failure> {
        let text = format!(
            "(umask 077; true >\"$2.said\")\n{{ {text}\n}} >\"$2.said\" 2>&1; ended=$?\n\
             tail -c {MAX_OUTPUT} \"$2.said\"; rm -f \"$2.said\"; exit $ended"
        );
        let mut shell = Command::new("sh");
        shell.env("LC_ALL", "C").args(["-c", &text, "sh"]);
        self.well(shell.arg(&self.mark).arg(&self.stopped))
            .map(|_| ())
    }

    /// `qemu-img` on the image, as a line of shell.
    fn line(&self, arguments: &[&str]) -> String {
        let (first, rest) = arguments.split_at(1);
        let words = [&["qemu-img"], first, &FORMAT, rest, &[&*self.image]].concat();
        words
            .iter()
            .map(|it| quoted(it))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// A command of the provider that stops or starts the machine, as a line of shell.
    fn power(&self, arguments: &[String]) -> String {
        let words: Vec<_> = arguments.iter().map(|it| quoted(&self.told(it))).collect();
        let program = words.first().map_or("", String::as_str);
        let late = format!("printf '`%s` did not end in {POWER_SECONDS} s\\n' {program}");
        let words = words.join(" ");
        format!(
            "{{ timeout -k {KILL_SECONDS} {POWER_SECONDS} {words} || {{ ended=$?; \
             case $ended in 124|137) {late};; esac; (exit $ended); }}; }}"
        )
    }

    fn is_there(&self) -> Result<bool, Failure> {
        let info = self.info()?;
        Ok(info.snapshots.iter().any(|it| it.name == self.snapshot))
    }

    fn info(&self) -> Result<Info, Failure> {
        let told = self.qemu(&["info", "-U"], &["--output=json"])?;
        serde_json::from_str(&told)
            .map_err(|why| fault::of(Class::Backup, format!("{}: {why}", self.image)))
    }

    /// Whether a machine has the image open.
    fn is_in_use(&self) -> Result<bool, Failure> {
        match self.qemu(&["info"], &[]) {
            Ok(_) => Ok(false),
            Err(failure) if failure.class == Class::Busy => Ok(true),
            Err(failure) => Err(failure),
        }
    }

    fn qemu(&self, first: &[&str], rest: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new("qemu-img");
        command.env("LC_ALL", "C").args(first).args(FORMAT);
        self.well(command.args(rest).arg(&self.image))
            .map(|it| it.output)
    }

    fn command(&self, arguments: &[String]) -> Result<String, Failure> {
        let Some((program, rest)) = arguments.split_first() else {
            return Err(fault::of(Class::Command, "a command without a program"));
        };
        let mut command = Command::new(program);
        command.args(rest.iter().map(|it| self.told(it)));
        self.well(&mut command).map(|it| it.said)
    }

    fn told(&self, argument: &str) -> String {
        let argument = argument.replace("{asset}", self.asset);
        argument.replace("{copy}", &self.copy().display().to_string())
    }

    /// Runs a program to its end, which must be a good one.
    fn well(&self, command: &mut Command) -> Result<Ended, Failure> {
        let name = command.get_program().to_string_lossy().into_owned();
        let ended = self.ended(std::mem::replace(command, Command::new("true")))?;
        match ended.status.success() {
            true => Ok(ended),
            false => {
                let said = format!("`{name}` ended with {}\n{}", ended.status, ended.said);
                Err(fault::told(&said))
            }
        }
    }

    /// Runs a program with the asset's lock, which `flock` holds, not the program: a machine that it starts would keep it.
    fn ended(&self, command: Command) -> Result<Ended, Failure> {
        let mut flock = Command::new("flock");
        flock
            .arg("--close")
            .arg(self.executor.journal.lock(self.asset))
            .arg(command.get_program())
            .args(command.get_args())
            .env("STOPGAP_ASSET", self.asset);
        for (name, value) in command.get_envs() {
            flock.env(name, value.unwrap_or_default());
        }
        run(flock, b"", PATIENCE)
    }

    /// A folder for a copy that is looked at.
    fn trial(&self) -> PathBuf {
        format!("{}.{}.trial", self.image, self.snapshot).into()
    }

    fn copy(&self) -> PathBuf {
        self.trial().join("disk.raw")
    }

    /// The copy holds whatever the disk does: nobody else may read it, and nobody may have laid it ready.
    fn empty_copy(&self) -> Result<(), Failure> {
        let (trial, copy) = (self.trial(), self.copy());
        let made = DirBuilder::new().mode(0o700).create(&trial);
        made.map_err(|why| at(&trial, &why))?;
        let mut private = File::options();
        private.write(true).create_new(true).mode(0o600);
        private
            .open(&copy)
            .map(|_| ())
            .map_err(|why| at(&copy, &why))
    }

    /// Whether the copy has room beside the image: a disk that fills up there would halt the machines.
    fn room(&self) -> Result<(), Failure> {
        let needed = self.info()?.virtual_size;
        let folder = Path::new(&self.image).parent().unwrap_or(Path::new("/"));
        let system = rustix::fs::statvfs(folder).map_err(|why| at(folder, &why.into()))?;
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        match free < needed {
            true => Err(fault::of(
                Class::Space,
                format!(
                    "{}: a copy for trial takes {needed} bytes, and {free} are free",
                    folder.display()
                ),
            )),
            false => Ok(()),
        }
    }

    fn clear(&self) -> Result<(), Failure> {
        let trial = self.trial();
        match fs::remove_dir_all(&trial) {
            Err(why) if why.kind() != ErrorKind::NotFound => Err(at(&trial, &why)),
            _ => Ok(()),
        }
    }
}

/// A line of shell that is not run where the mark is there, and leaves it: by whoever waited for the lock longest, too.
/// `true`, as a shell that cannot write to where `:` is sent ends.
fn once(work: &str) -> String {
    format!("[ -f \"$1\" ] || {{ {work} && true >\"$1\"; }}")
}

fn at(path: &Path, why: &io::Error) -> Failure {
    fault::of(Class::Command, format!("{}: {why}", path.display()))
}

/// What `qemu-img info` says, of it what is needed.
#[derive(Deserialize)]
struct Info {
    #[serde(rename = "virtual-size")]
    virtual_size: u64,
    #[serde(default)]
    snapshots: Vec<Snapshot>,
}

#[derive(Deserialize)]
struct Snapshot {
    name: String,
}
