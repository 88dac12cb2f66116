//! Carries out the tasks of patch campaigns on real hosts.
//!
//! Assets are reached by OpenSSH's own client and by Ansible; nothing is installed on them. What was done is
//! written down in a folder before anybody is told, and what has been begun goes on without whoever has
//! begun it, so a controller can be killed at any time: the next one asks what became of it.

mod backups;
mod checks;
mod command;
mod config;
mod fault;
mod jobs;
mod journal;
mod mail;
mod packages;
mod power;
mod qcow2;
mod qmp;
mod remote;
mod run;

use std::path::Path;
use std::time::Duration;

use campaign::{Action, Class, Done, Failure, Found, Hands, Retreat, Task};

pub use config::{
    Ansible, Config, Database, External, MAX_BYTES, MailServer, Provider, Qcow2, Reach, Ssh,
};

pub use remote::look;

use journal::Journal;

const SERVICES: &str = include_str!("scripts/services.sh");
const MESSAGE: &str = include_str!("scripts/message.sh");
/// How long stopping and starting services may take.
const SERVICES_PATIENCE: Duration = Duration::from_secs(600);
/// How long showing a message may take.
const MESSAGE_PATIENCE: Duration = Duration::from_secs(60);

/// Carries out the tasks of one campaign.
pub struct Executor {
    config: Config,
    campaign: String,
    journal: Journal,
}

impl Executor {
    /// For a campaign, with a folder of its own for what it must not forget.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(config: Config, campaign: &str, folder: &Path) -> std::io::Result<Self> {
        Ok(Self {
            config,
            campaign: campaign.to_owned(),
            journal: Journal::open(folder)?,
        })
    }

    fn perform(&self, task: &Task) -> Result<Done, Failure> {
        let asset = || {
            task.asset
                .as_deref()
                .ok_or_else(|| fault::of(Class::Command, format!("{} names no asset", task.key)))
        };
        let of_asset = || Ok((task.key.as_str(), asset()?));
        match &task.action {
            Action::Tell(mail) => mail::send(self, &task.key, mail),
            Action::Message { text } => {
                remote::script(&self.config, asset()?, MESSAGE, &[text], MESSAGE_PATIENCE)
                    .map(|said| self.seen(said))
            }
            Action::Hold {
                jobs,
                automatic_updates,
            } => jobs::hold(self, of_asset()?, jobs, *automatic_updates),
            Action::Release {
                jobs,
                run,
                automatic_updates,
            } => jobs::release(self, of_asset()?, jobs, run, *automatic_updates),
            Action::BackUp(backup) => {
                backups::carry_out(self, of_asset()?, backup, backups::What::Take)
            }
            Action::VerifyBackup(backup) => {
                backups::carry_out(self, of_asset()?, backup, backups::What::Verify)
            }
            Action::Discard(backup) => {
                backups::carry_out(self, of_asset()?, backup, backups::What::Discard)
            }
            Action::Apply { changes } => packages::apply(self, of_asset()?, changes),
            Action::Stop { services } => self.services(asset()?, "stop", services),
            Action::Start { services } => self.services(asset()?, "start", services),
            Action::Reboot { timeout_ms } => power::reboot(self, asset()?, &task.key, *timeout_ms),
            Action::Check { checks } => {
                checks::carry_out(self, task.asset.as_deref().unwrap_or_default(), checks)
            }
            Action::RollBack { retreat, changes } => match retreat {
                Retreat::Downgrade {} => packages::downgrade(self, asset()?, changes),
                Retreat::Restore(backup) => {
                    backups::carry_out(self, of_asset()?, backup, backups::What::Restore)
                }
            },
        }
    }

    fn services(&self, asset: &str, what: &str, units: &[String]) -> Result<Done, Failure> {
        let mut words = vec![what];
        words.extend(units.iter().map(String::as_str));
        remote::script(&self.config, asset, SERVICES, &words, SERVICES_PATIENCE)
            .map(|said| self.seen(said))
    }

    fn external(&self, job: &str) -> Result<&External, Failure> {
        self.config.jobs.get(job).ok_or_else(|| {
            fault::of(
                Class::Command,
                format!("no job `{job}`: add [jobs.{job}] to the executor's configuration"),
            )
        })
    }

    /// What was seen, at most an excerpt's length of it.
    fn seen(&self, said: impl AsRef<str>) -> Done {
        Done {
            evidence: fault::excerpt(said.as_ref()),
            ..Done::default()
        }
    }

    /// Letters and digits that name something of this campaign, and nothing else.
    fn name_of(&self, what: &str) -> String {
        // FNV-1a, 128 bits: names, not secrets.
        let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        for byte in self.campaign.bytes().chain([0]).chain(what.bytes()) {
            hash = (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
        format!("{hash:032x}")
    }
}

impl Hands for Executor {
    fn carry_out(&self, task: &Task) -> Result<Done, Failure> {
        let done = self.perform(task)?;
        self.journal.done(&task.key, &done)?;
        Ok(done)
    }

    fn inspect(&self, task: &Task, _started_ms: i64) -> Result<Found, Failure> {
        if let Some(done) = self.journal.was_done(&task.key)? {
            return Ok(Found::Done(done));
        }
        match (&task.action, task.asset.as_deref()) {
            (Action::Apply { changes }, Some(asset)) => packages::found(self, asset, changes),
            (Action::Reboot { timeout_ms }, Some(asset)) => {
                power::found(self, asset, &task.key, *timeout_ms)
            }
            // Each of the others can be done again: the scripts wait for one that is still at
            // work, and what must happen once is marked on the asset.
            _ => Ok(Found::Undone),
        }
    }
}
