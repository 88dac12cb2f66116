//! Processes that are measured: started, read from `/proc`, ended by their own id.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

/// A server under measurement, ended when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
}

/// Which of its outputs a server tells its address on.
#[derive(Clone, Copy)]
pub(crate) enum Tells {
    Stdout,
    Stderr,
}

impl Server {
    /// Starts a server that tells its address after these words.
    pub(crate) fn start(mut command: Command, tells: Tells, words: &str) -> anyhow::Result<Self> {
        match tells {
            Tells::Stdout => command.stdout(Stdio::piped()),
            Tells::Stderr => command.stdout(Stdio::null()).stderr(Stdio::piped()),
        };
        let mut child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let output: Option<Box<dyn Read + Send>> = match tells {
            Tells::Stdout => child.stdout.take().map(|output| Box::new(output) as _),
            Tells::Stderr => child.stderr.take().map(|output| Box::new(output) as _),
        };
        let mut lines = BufReader::new(output.context("the server has no output")?).lines();
        let mut said = Vec::new();
        let address = loop {
            let Some(line) = lines.next() else {
                let _: Result<_, _> = child.wait();
                bail!("{command:?} ended: {}", said.join("\n"));
            };
            let line = line?;
            let told = line.split_once(words).map(|(_, rest)| {
                let end = rest.find([',', ' ']).unwrap_or(rest.len());
                rest.get(..end).unwrap_or_default().to_owned()
            });
            if let Some(told) = told {
                break crate::address(&told)?;
            }
            said.push(line);
        };
        // What it still says must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { address, child })
    }

    /// Starts a server that listens on an address known before.
    pub(crate) fn start_at(mut command: Command, address: SocketAddr) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut server = Self { address, child };
        for _ in 0..100 {
            if std::net::TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("{command:?} ended: {status}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("{command:?} does not listen on {address}");
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Seconds of CPU, user and system, that it and its children have used.
    pub(crate) fn cpu(&self) -> anyhow::Result<f64> {
        let own = self.id();
        let mut seconds = 0.0;
        for id in numbers("/proc")? {
            // Another process may end meanwhile.
            if id == own || stat(id).is_ok_and(|stat| stat.parent == own) {
                seconds += cpu_of(id)?;
            }
        }
        Ok(seconds)
    }

    /// The most memory that it ever had, in MB.
    pub(crate) fn peak_megabytes(&self) -> anyhow::Result<f64> {
        peak_megabytes(self.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(id) = Pid::from_raw(self.id().cast_signed()) {
            let _: Result<_, _> = rustix::process::kill_process(id, Signal::TERM);
        }
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _: Result<_, _> = self.child.kill();
        let _: Result<_, _> = self.child.wait();
    }
}

/// A process that does what lines tell it, and answers each with a line; ended when dropped.
pub(crate) struct Worker {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts it and waits until it says "ready".
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let orders = child.stdin.take().context("no input")?;
        let answers = BufReader::new(child.stdout.take().context("no output")?);
        let mut worker = Self {
            child,
            orders,
            answers,
        };
        let said = worker.answer().with_context(|| format!("{command:?}"))?;
        anyhow::ensure!(said == "ready", "{command:?} said {said}");
        Ok(worker)
    }

    pub(crate) fn tell(&mut self, order: &str) -> anyhow::Result<String> {
        writeln!(self.orders, "{order}")?;
        self.answer()
    }

    fn answer(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("it ended: {}", self.child.wait()?);
        }
        Ok(line.trim().to_owned())
    }

    /// Seconds of CPU, user and system, that it has used.
    pub(crate) fn cpu(&self) -> anyhow::Result<f64> {
        cpu_of(self.child.id())
    }

    /// The memory that it has now, in MB.
    pub(crate) fn megabytes(&self) -> anyhow::Result<f64> {
        megabytes(self.child.id(), "VmRSS:")
    }

    /// Lets it end by itself: its input is at its end.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        let Self {
            mut child, orders, ..
        } = self;
        drop(orders);
        let status = child.wait()?;
        anyhow::ensure!(status.success(), "it failed: {status}");
        Ok(())
    }
}

/// Runs a program to its end; its seconds of CPU, what it wrote, and its peak memory in MB.
pub(crate) fn run(mut command: Command) -> anyhow::Result<(f64, Vec<u8>)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    let mut output = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut output)?;
    }
    // Ended but not yet collected, it still has its counters.
    let id = Pid::from_raw(child.id().cast_signed()).context("a process without an id")?;
    rustix::process::waitid(
        WaitId::Pid(id),
        WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
    )?;
    let ticks = stat(child.id())?.ticks;
    let status = child.wait()?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    Ok((seconds, output))
}

/// The most memory that a process ever had, in MB.
pub(crate) fn peak_megabytes(id: u32) -> anyhow::Result<f64> {
    megabytes(id, "VmHWM:")
}

fn megabytes(id: u32, field: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let kilobytes: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .context("the system tells no memory")?
        .trim()
        .parse()?;
    Ok(kilobytes * 1024.0 / 1e6)
}

/// Seconds of CPU that this thread has used.
pub(crate) fn own_cpu() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(nanoseconds(&text)? as f64 / 1e9)
}

fn cpu_of(process: u32) -> anyhow::Result<f64> {
    let mut nanoseconds = 0;
    for thread in numbers(&format!("/proc/{process}/task"))? {
        nanoseconds += on_cpu(process, thread)?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// Nanoseconds that a thread was on a CPU: finer than the ticks of `/proc/PID/stat`.
fn on_cpu(process: u32, thread: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{process}/task/{thread}/schedstat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    nanoseconds(&text)
}

fn nanoseconds(schedstat: &str) -> anyhow::Result<u64> {
    Ok(schedstat.split(' ').next().unwrap_or_default().parse()?)
}

/// The entries of a folder that are numbers.
fn numbers(folder: &str) -> anyhow::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(numbers)
}

struct Stat {
    parent: u32,
    ticks: u64,
}

fn stat(id: u32) -> anyhow::Result<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name, in parentheses, may hold anything.
    let (_, rest) = text.rsplit_once(')').context("/proc/PID/stat is unknown")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |at: usize| fields.get(at).context("/proc/PID/stat is too short");
    Ok(Stat {
        parent: field(1)?.parse()?,
        ticks: field(11)?.parse::<u64>()? + field(12)?.parse::<u64>()?,
    })
}

/// Makes sure that a program is there, by the system's packages if need be.
pub(crate) fn installed(program: &str, package: &str, version: &[&str]) -> anyhow::Result<()> {
    let is_there = || {
        let asked = Command::new(program).args(version).output();
        asked.is_ok_and(|output| output.status.success())
    };
    if is_there() {
        return Ok(());
    }
    eprintln!("bench: installing {package}");
    for arguments in [
        &["update", "--quiet"][..],
        &["install", "--yes", "--no-install-recommends", package],
    ] {
        let output = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .output();
        if !output.is_ok_and(|output| output.status.success()) {
            break;
        }
    }
    if is_there() {
        return Ok(());
    }
    bail!("{program} is missing and could not be installed: install the package {package}");
}
