//! Assets restart.

use std::thread::sleep;
use std::time::{Duration, Instant};

use campaign::{Class, Done, Failure, Found};

use serde_json::json;

use crate::{Executor, fault, packages, remote};

const BOOT: &str = include_str!("scripts/boot.sh");
/// The playbook that does it on Windows, and marks there that it was asked for.
const WINDOWS: &str = "windows-restart";
const REBOOT: &str = include_str!("scripts/reboot.sh");
/// How long an asset that is up may take to answer.
const QUESTION: Duration = Duration::from_secs(30);
/// How often an asset that restarts is asked.
const GLANCE: Duration = Duration::from_millis(500);
/// How long a restart that was asked for may take to begin.
const BEGINS: Duration = Duration::from_secs(20);

impl Executor {
    /// Which start of the system this is.
    pub(crate) fn boot(&self, asset: &str) -> Result<String, Failure> {
        remote::script(&self.config, asset, BOOT, &[], QUESTION)
    }
}

/// Restarts an asset and waits until it answers again.
pub(crate) fn reboot(
    executor: &Executor,
    asset: &str,
    key: &str,
    timeout_ms: i64,
) -> Result<Done, Failure> {
    if executor.config.is_windows(asset) {
        let variables = json!({
            "run": executor.name_of(key),
            "timeout": patience(timeout_ms).as_secs(),
        });
        let said = packages::playbook(executor, asset, WINDOWS, &variables)?;
        return Ok(executor.seen(said));
    }
    let before = executor.boot(asset)?;
    // Kept before it is asked for: whoever comes after a crash can tell whether it happened.
    executor.journal.keep("boot", key, &before)?;
    match remote::script(&executor.config, asset, REBOOT, &[], QUESTION) {
        Ok(_) => {}
        // The connection may go down with the system.
        Err(failure) if failure.class == Class::Unreachable => {}
        Err(failure) => return Err(failure),
    }
    await_start(executor, asset, &before, timeout_ms)
}

/// What became of a restart that was asked for.
pub(crate) fn found(
    executor: &Executor,
    asset: &str,
    key: &str,
    timeout_ms: i64,
) -> Result<Found, Failure> {
    // On Windows the playbook finds out what has happened, and can be begun again.
    let Some(before) = executor.journal.kept::<String>("boot", key)? else {
        return Ok(Found::Undone);
    };
    let begun = Instant::now();
    loop {
        match executor.boot(asset) {
            Ok(now) if now != before => {
                return Ok(Found::Done(Done {
                    evidence: "found restarted".to_owned(),
                    ..Done::default()
                }));
            }
            // It would have begun by now.
            Ok(_) if begun.elapsed() > BEGINS => return Ok(Found::Undone),
            Ok(_) => {}
            Err(failure) if failure.class != Class::Unreachable => return Err(failure),
            Err(_) if begun.elapsed() > patience(timeout_ms) => {
                return Ok(Found::Failed(late(asset, timeout_ms)));
            }
            Err(_) => {}
        }
        sleep(GLANCE);
    }
}

fn await_start(
    executor: &Executor,
    asset: &str,
    before: &str,
    timeout_ms: i64,
) -> Result<Done, Failure> {
    let begun = Instant::now();
    while begun.elapsed() < patience(timeout_ms) {
        sleep(GLANCE);
        if executor.boot(asset).is_ok_and(|now| now != before) {
            return Ok(executor.seen(format!(
                "answers {} s after the restart was asked for",
                begun.elapsed().as_secs()
            )));
        }
    }
    Err(late(asset, timeout_ms))
}

fn late(asset: &str, timeout_ms: i64) -> Failure {
    fault::of(
        Class::Timeout,
        format!(
            "{asset} has not come back within {} s of its restart",
            timeout_ms / 1000
        ),
    )
}

fn patience(timeout_ms: i64) -> Duration {
    Duration::from_millis(timeout_ms.try_into().unwrap_or(0))
}
