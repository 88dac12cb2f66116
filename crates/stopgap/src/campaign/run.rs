//! The work of a campaign: what comes next is recorded, carried out, and recorded again.

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::Context;
use campaign::findings::{Course, courses};
use campaign::machine::{Signals, next_step};
use campaign::{Campaign, Class, Failure, Hands, Journal, Outcome, Step, Task, Waiting};
use clap::Args;
use store::{By, Error, Store, Stored};

use super::hands::Program;
use crate::ledger_place::{Place, now_ms};
use crate::logging::Logging;

/// How long a controller that is gone keeps others from its campaign, in milliseconds.
const HELD_MS: i64 = 30_000;
/// How often it tells that it is there, in milliseconds.
const TELL_MS: i64 = 5_000;
/// How often it looks whether what it has asked is answered, in milliseconds.
const GLANCE_MS: u64 = 20;
/// How often it looks whether people have said something, in milliseconds.
const LOOK_MS: u64 = 500;
/// Longer than this it does not wait with --no-wait, in milliseconds.
const SHORT_MS: i64 = 60_000;
/// How often findings follow what became of their assets, in milliseconds.
const FOLLOW_MS: i64 = 2_000;
/// How many findings follow in one change.
const FOLLOWED: usize = 200;
/// How long it waits before it asks again what became of a task, in milliseconds.
const ASK_AGAIN_MS: u64 = 5_000;

/// Work on a campaign until it has ended; it can be stopped, or killed, and run again, at any time.
#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    place: Place,
    /// The campaign's number.
    id: i64,
    #[command(flatten)]
    by: Means,
    /// Where what was done is written down before the ledger is told, in a folder of this
    /// campaign (`campaign-N`); without it, in the folder of the ledger.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// End with exit status 1 when it waits for people, or for longer than a minute.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    logging: Logging,
}

/// Who carries out the tasks.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Means {
    /// OpenSSH and Ansible, as this file says: docs/executor.md.
    #[arg(long, value_name = "FILE.toml")]
    executor: Option<PathBuf>,
    /// A program of your own: docs/campaigns.md says what it is told.
    #[arg(long, value_name = "PROGRAM")]
    program: Option<PathBuf>,
}

impl Run {
    fn hands(&self) -> anyhow::Result<Box<dyn Hands>> {
        let Some(file) = &self.by.executor else {
            let program = self.by.program.clone();
            let program = program.context("say --executor FILE or --program PROGRAM")?;
            return Ok(Box::new(Program(program)));
        };
        let config = executor_config(file)?;
        let folder = self.folder.as_deref().or(self.place.folder());
        let folder = folder.context("say --folder DIR: the ledger is in no folder")?;
        // Tasks have the same keys in each campaign.
        let campaign = format!("campaign-{}", self.id);
        let folder = folder.join(&campaign);
        let hands = executor::Executor::new(config, &campaign, &folder)
            .with_context(|| format!("cannot use {}", folder.display()))?;
        Ok(Box::new(hands))
    }
}

/// How assets are reached, as a file says.
pub(crate) fn executor_config(file: &Path) -> anyhow::Result<executor::Config> {
    let text = crate::source::read(file, executor::MAX_BYTES)?;
    let at = file.display();
    executor::Config::parse(&text).map_err(|why| anyhow::anyhow!("{at}: {why}"))
}

pub(super) fn run(arguments: &Run) -> anyhow::Result<ExitCode> {
    let _exports = arguments.logging.start("stopgap-campaign")?;
    let store = arguments.place.open()?;
    let hands = arguments.hands()?;
    let hands: &dyn Hands = &*hands;
    let place = place();
    let holder = format!("{PROCESS}{} on {place}", std::process::id());
    let ended = std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        let controller = Controller {
            store: &store,
            id: arguments.id,
            holder,
            place,
            no_wait: arguments.no_wait,
            ended: receiver,
            running: BTreeSet::new(),
            told: Vec::new(),
            held_ms: 0,
            followed: HashSet::new(),
            followed_ms: 0,
        };
        controller.work(hands, &|task: Task| {
            let sender = sender.clone();
            scope.spawn(move || carry_out(hands, task, &sender));
        })
    })?;
    Ok(match ended {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What the name of a controller begins with.
const PROCESS: &str = "process ";

/// Where process ids mean the same: this machine since it was started, and its namespace.
fn place() -> String {
    let name = rustix::system::uname();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!(
        "{} ({} {})",
        name.nodename().to_string_lossy(),
        boot.trim(),
        namespace.display()
    )
}

/// Whether a controller of this very place is there no more.
fn is_gone(holder: &str, place: &str) -> bool {
    let id = holder
        .strip_prefix(PROCESS)
        .and_then(|rest| rest.strip_suffix(place)?.strip_suffix(" on "))
        .and_then(|id| rustix::process::Pid::from_raw(id.parse().ok()?));
    id.is_some_and(|id| rustix::process::test_kill_process(id) == Err(rustix::io::Errno::SRCH))
}

/// Carries out a task and tells how it ended, also if that is a defect.
fn carry_out(hands: &dyn Hands, task: Task, ended: &Sender<(String, Outcome)>) {
    let outcome = catch_unwind(AssertUnwindSafe(|| hands.carry_out(&task)));
    let outcome = match outcome {
        Ok(Ok(done)) => Outcome::Done(done),
        Ok(Err(failure)) => Outcome::Failed(failure),
        Err(_) => Outcome::Failed(Failure {
            class: Class::Command,
            excerpt: "the executor has a defect: see its log".to_owned(),
        }),
    };
    // Nobody hears it when the controller ends first; the next one asks.
    let _ = ended.send((task.key, outcome));
}

struct Controller<'a> {
    store: &'a Store,
    id: i64,
    holder: String,
    place: String,
    no_wait: bool,
    ended: Receiver<(String, Outcome)>,
    running: BTreeSet<String>,
    /// What was said last of what it waits for.
    told: Vec<String>,
    /// When it told last that it is there.
    held_ms: i64,
    /// What findings have followed.
    followed: HashSet<Course>,
    /// When they did last.
    followed_ms: i64,
}

impl Controller<'_> {
    /// Whether the campaign has come to its end.
    fn work(mut self, hands: &dyn Hands, begin: &dyn Fn(Task)) -> anyhow::Result<bool> {
        let ended = self.until_the_end(hands, begin)?;
        // Others need not wait until it is gone.
        let now_ms = now_ms();
        self.held_until(now_ms, now_ms)?;
        Ok(ended)
    }

    fn until_the_end(&mut self, hands: &dyn Hands, begin: &dyn Fn(Task)) -> anyhow::Result<bool> {
        self.hold()?;
        let (mut known, mut journal) = self.read()?;
        loop {
            self.hold()?;
            let campaign = &known.value;
            if now_ms().saturating_sub(self.followed_ms) >= FOLLOW_MS {
                self.follow(campaign, &journal)?;
            }
            let seen = Signals {
                running: self.running.clone(),
            };
            match next_step(campaign, &journal, &seen, now_ms()) {
                Step::Do(task) => {
                    let holder = (&*self.holder, known.version);
                    let begun = self.change(&task.key, |it| it.begin_task(self.id, &task, holder));
                    let entry = match begun {
                        // People have said something meanwhile: that comes first.
                        Err(why) if why.is_changed() => {
                            known = self.read_campaign()?;
                            continue;
                        }
                        begun => begun?,
                    };
                    tracing::info!("begins: {}", task.key);
                    journal.keep(entry);
                    self.running.insert(task.key.clone());
                    begin(task);
                }
                Step::Inspect(task) => self.inspect(hands, &task, &mut journal)?,
                Step::Skip(task, why) => {
                    tracing::warn!("left out: {}, {why}", task.key);
                    journal.keep(self.change(&task.key, |it| {
                        it.skip_task(self.id, &task, &why, &self.holder)
                    })?);
                }
                Step::Wait(why) => {
                    self.tell(&Step::Wait(why.clone()));
                    let long = why.iter().all(|it| is_long(it, now_ms()));
                    if self.no_wait && self.running.is_empty() && long {
                        self.follow(campaign, &journal)?;
                        return Ok(false);
                    }
                    self.wait(&mut journal)?;
                    known = self.read_campaign()?;
                }
                Step::End => {
                    self.follow(campaign, &journal)?;
                    self.tell(&Step::End);
                    return Ok(true);
                }
            }
        }
    }

    /// Lets findings follow what became of their assets.
    fn follow(&mut self, campaign: &Campaign, journal: &Journal) -> anyhow::Result<()> {
        if campaign.started.is_none() {
            return Ok(());
        }
        let mut changed = courses(campaign, journal);
        changed.retain(|it| !self.followed.contains(it));
        let why = format!("campaign {}: {}", self.id, campaign.title);
        for some in changed.chunks(FOLLOWED) {
            self.hold()?;
            self.change(&why, |it| {
                some.iter()
                    .try_for_each(|course| it.follow_campaign(course))
            })?;
            self.followed.extend(some.iter().cloned());
        }
        self.followed_ms = now_ms();
        Ok(())
    }

    /// Says what it waits for, once.
    fn tell(&mut self, step: &Step) {
        let lines = step.told();
        if lines != self.told {
            lines.iter().for_each(|line| println!("{line}"));
            self.told = lines;
        }
    }

    /// Tells that it is there, so that nobody else works on the campaign.
    fn hold(&mut self) -> anyhow::Result<()> {
        let now_ms = now_ms();
        if now_ms.saturating_sub(self.held_ms) >= TELL_MS {
            let until_ms = now_ms.saturating_add(HELD_MS);
            self.held_until(now_ms, until_ms)?;
            self.held_ms = now_ms;
        }
        Ok(())
    }

    fn held_until(&self, now_ms: i64, until_ms: i64) -> anyhow::Result<()> {
        let gone = |holder: &str| is_gone(holder, &self.place);
        let times = (now_ms, until_ms);
        Ok(self
            .store
            .hold_campaign(self.id, &self.holder, gone, times)?)
    }

    fn read(&self) -> Result<(Stored<Campaign>, Journal), Error> {
        self.store
            .read(|it| Ok((it.campaign(self.id)?, it.campaign_journal(self.id)?)))
    }

    fn read_campaign(&self) -> Result<Stored<Campaign>, Error> {
        self.store.read(|it| it.campaign(self.id))
    }

    fn change<T>(
        &self,
        why: &str,
        change: impl FnOnce(&mut store::Change<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let by = By {
            who: &self.holder,
            why,
            now_ms: now_ms(),
        };
        self.store.change(&by, change)
    }

    /// Finds out what became of a task that a controller before this one began.
    fn inspect(
        &mut self,
        hands: &dyn Hands,
        task: &Task,
        journal: &mut Journal,
    ) -> anyhow::Result<()> {
        let begun_ms = journal.get(&task.key).map_or(0, |it| it.begun_ms);
        // What is still under way may be waited for for hours: the campaign stays held meanwhile.
        let found = std::thread::scope(|scope| {
            let asked = scope.spawn(|| hands.inspect(task, begun_ms));
            while !asked.is_finished() {
                self.hold()?;
                std::thread::sleep(Duration::from_millis(GLANCE_MS));
            }
            let found = asked.join();
            found.map_err(|_| anyhow::anyhow!("the executor has a defect: see its log"))
        })?;
        match found {
            Ok(found) => {
                tracing::info!("found out: {}", task.key);
                self.end(&task.key, Outcome::from(found), journal)
            }
            Err(failure) => {
                tracing::warn!("{}: {}", task.key, failure.excerpt);
                std::thread::sleep(Duration::from_millis(ASK_AGAIN_MS));
                Ok(())
            }
        }
    }

    /// Until a task ends, or a moment.
    fn wait(&mut self, journal: &mut Journal) -> anyhow::Result<()> {
        match self.ended.recv_timeout(Duration::from_millis(LOOK_MS)) {
            Ok((key, outcome)) => {
                self.running.remove(&key);
                self.end(&key, outcome, journal)
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("no task can end any more"),
        }
    }

    fn end(&self, key: &str, outcome: Outcome, journal: &mut Journal) -> anyhow::Result<()> {
        match &outcome {
            Outcome::Failed(failure) => {
                tracing::warn!(
                    "{key} failed ({}): {}",
                    failure.class.name(),
                    failure.excerpt
                );
            }
            _ => tracing::info!("ended: {key}"),
        }
        journal.keep(self.change(key, |it| it.end_task(self.id, key, outcome, &self.holder))?);
        Ok(())
    }
}

/// Whether it takes people, or so long that nobody waits beside it.
fn is_long(why: &Waiting, now_ms: i64) -> bool {
    match why {
        Waiting::ForTasks { .. } => false,
        Waiting::Until { time_ms, .. } => time_ms.saturating_sub(now_ms) > SHORT_MS,
        _ => true,
    }
}
