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

/// `hold` or `release`.
pub(crate) fn set(
    executor: &Executor,
    (key, asset): (&str, &str),
    what: &str,
    jobs: &[Job],
    automatic_updates: bool,
) -> Result<Done, Failure> {
    refuse(executor, asset, jobs)?;
    let mut evidence = String::new();
    let mut words = vec![what];
    for job in jobs {
        match words_of(job) {
            Some(of_job) => words.extend(of_job),
            None => {
                let external = executor.external(&job.name)?;
                let arguments = match what {
                    "hold" => &external.hold,
                    _ => &external.release,
                };
                let run = format!("{key}/{}", job.name);
                let about = about(asset, &run);
                evidence.push_str(&command::run(executor, &about, arguments, PATIENCE)?);
            }
        }
    }
    if executor.config.is_windows(asset) {
        if automatic_updates {
            let variables = json!({ "what": what });
            let said = packages::playbook(executor, asset, WINDOWS, &variables)?;
            evidence.push_str(&said);
        }
        return Ok(executor.seen(evidence));
    }
    if automatic_updates {
        words.extend(["updates", "-", "-", "-", "-"]);
    }
    if words.len() > 1 {
        let said = remote::script(&executor.config, asset, HOLDS, &words, PATIENCE)?;
        evidence.push_str(&said);
    }
    Ok(executor.seen(evidence))
}

/// Runs jobs that were due during the hold, each once.
pub(crate) fn run(
    executor: &Executor,
    asset: &str,
    key: &str,
    jobs: &[Job],
) -> Result<String, Failure> {
    let mut evidence = String::new();
    for job in jobs {
        let run = executor.name_of(&format!("{key}/run/{}", job.name));
        if let Some(of_job) = words_of(job) {
            let mut words = vec![run.as_str()];
            words.extend(of_job);
            evidence.push_str(&remote::script(&executor.config, asset, RUN, &words, JOB)?);
        } else {
            let external = executor.external(&job.name)?;
            let about = about(asset, &run);
            evidence.push_str(&command::run(executor, &about, &external.run, JOB)?);
        }
    }
    Ok(evidence)
}

/// Before anything is held or released: what would be found out only after a part of it.
pub(crate) fn refuse(executor: &Executor, asset: &str, jobs: &[Job]) -> Result<(), Failure> {
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
