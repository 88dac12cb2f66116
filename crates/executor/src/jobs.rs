//! Jobs and automatic updates are held and released.

use std::time::Duration;

use campaign::{Class, Done, Failure};
use ledger::{Job, JobKind};
use serde_json::json;

use crate::command::{self, About};
use crate::{Executor, fault, packages, remote};

const HOLDS: &str = include_str!("scripts/holds.sh");
/// The playbook that does it on Windows.
const WINDOWS: &str = "windows-automatic-updates";
const RUN: &str = include_str!("scripts/job.sh");
/// How long a job that runs is waited for, and what else holding takes.
const PATIENCE: Duration = Duration::from_secs(900);
/// How long a job that is run afterwards may take.
const JOB: Duration = Duration::from_secs(4 * 3600);

/// Holds jobs, or refuses to before anything is held.
pub(crate) fn hold(
    executor: &Executor,
    of: (&str, &str),
    jobs: &[Job],
    automatic_updates: bool,
) -> Result<Done, Failure> {
    refuse(executor, of.1, jobs)?;
    let mut evidence = String::new();
    for seen in set(executor, of, "hold", jobs, automatic_updates) {
        evidence.push_str(&seen?);
    }
    Ok(executor.seen(evidence))
}

/// Releases jobs, and then runs those that were due during the hold, each once. What can be done is done, whatever else
/// cannot.
pub(crate) fn release(
    executor: &Executor,
    of: (&str, &str),
    jobs: &[Job],
    due: &[Job],
    automatic_updates: bool,
) -> Result<Done, Failure> {
    let released = set(executor, of, "release", jobs, automatic_updates);
    let (mut evidence, mut failed, mut class) = (String::new(), String::new(), None);
    for seen in released.chain(run(executor, of, due)) {
        match seen {
            Ok(seen) => evidence.push_str(&seen),
            Err(failure) => {
                failed.push_str(&format!("\n{}", failure.excerpt));
                // What passes is tried again.
                if class.is_none_or(|it: Class| !it.is_passing()) {
                    class = Some(failure.class);
                }
            }
        }
    }
    match class {
        Some(class) => Err(fault::of(class, evidence + &failed)),
        None => Ok(executor.seen(evidence)),
    }
}

/// `hold` or `release`, step by step.
fn set<'a>(
    executor: &'a Executor,
    (key, asset): (&'a str, &'a str),
    what: &'a str,
    jobs: &'a [Job],
    automatic_updates: bool,
) -> impl Iterator<Item = Result<String, Failure>> {
    let windows = executor.config.is_windows(asset);
    let (elsewhere, here): (Vec<&Job>, Vec<&Job>) =
        jobs.iter().partition(|it| it.kind == JobKind::External);
    let elsewhere = elsewhere.into_iter().map(move |job| {
        let external = executor.external(&job.name)?;
        let arguments = match what {
            "hold" => &external.hold,
            _ => &external.release,
        };
        let run = format!("{key}/{}", job.name);
        command::run(executor, &about(asset, &run), arguments, PATIENCE)
    });
    let there = move || match windows {
        true => {
            let mut evidence: String = here.iter().map(|job| not_held(asset, job)).collect();
            if automatic_updates {
                let variables = json!({ "what": what });
                let said = packages::playbook(executor, asset, WINDOWS, &variables)?;
                evidence.push_str(&said);
            }
            Ok(evidence)
        }
        false => {
            let mut words = vec![what];
            words.extend(here.iter().filter_map(|job| words_of(job)).flatten());
            if automatic_updates {
                words.extend(["updates", "-", "-", "-", "-"]);
            }
            match words.len() {
                1 => Ok(String::new()),
                _ => remote::script(&executor.config, asset, HOLDS, &words, PATIENCE),
            }
        }
    };
    elsewhere.chain(std::iter::once_with(there))
}

fn run<'a>(
    executor: &'a Executor,
    (key, asset): (&'a str, &'a str),
    jobs: &'a [Job],
) -> impl Iterator<Item = Result<String, Failure>> {
    let windows = executor.config.is_windows(asset);
    jobs.iter().map(move |job| {
        let run = executor.name_of(&format!("{key}/run/{}", job.name));
        match words_of(job) {
            Some(_) if windows => Ok(not_held(asset, job)),
            Some(of_job) => {
                let mut words = vec![run.as_str()];
                words.extend(of_job);
                remote::script(&executor.config, asset, RUN, &words, JOB)
            }
            None => {
                let external = executor.external(&job.name)?;
                command::run(executor, &about(asset, &run), &external.run, JOB)
            }
        }
    })
}

/// Before anything is held: what would be found out only after a part of it.
fn refuse(executor: &Executor, asset: &str, jobs: &[Job]) -> Result<(), Failure> {
    let windows = executor.config.is_windows(asset);
    for job in jobs {
        if job.kind == JobKind::External {
            executor.external(&job.name)?;
        } else if windows {
            let said = format!(
                "{asset} runs Windows, where `{}` cannot be held: register it as a job elsewhere (external)",
                job.name
            );
            return Err(fault::of(Class::Command, said));
        }
    }
    Ok(())
}

/// What there is to give back of a job that a hold refuses.
fn not_held(asset: &str, job: &Job) -> String {
    format!("`{}` was never held: {asset} runs Windows\n", job.name)
}

fn about<'a>(asset: &'a str, run: &'a str) -> About<'a> {
    About {
        asset,
        backup: "",
        run,
    }
}

/// As the scripts take it; none: it is elsewhere.
fn words_of(job: &Job) -> Option<[&str; 5]> {
    match job.kind {
        JobKind::Cron => Some([
            "cron",
            job.file.as_deref().unwrap_or("/etc/crontab"),
            &job.schedule,
            &job.command,
            job.user.as_deref().unwrap_or("root"),
        ]),
        JobKind::Timer => Some(["timer", &job.name, "-", "-", "-"]),
        JobKind::External => None,
    }
}
