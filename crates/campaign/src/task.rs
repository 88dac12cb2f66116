//! What a campaign asks to be done: one task at a time, each with a key that names it for good.

use ledger::Job;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What comes next in a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Record that it begins, then carry it out.
    Do(Task),
    /// It was begun by a controller that is gone: find out what became of it, before anything else.
    Inspect(Task),
    /// Record that it is left out, and why.
    Skip(Task, String),
    /// Nothing can begin now.
    Wait(Vec<Waiting>),
    /// All is done that ever will be.
    End,
}

/// Why nothing can begin now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Waiting {
    /// Nobody has started it.
    ForStart {},
    /// Somebody has paused it.
    Paused {
        /// Why.
        reason: String,
    },
    /// A vendor patch must be reviewed for a ring.
    ForReview {
        /// The ring.
        ring: String,
        /// The vendor patch.
        patch: String,
    },
    /// No ring before this one has shown how the vendor patch behaves: say what else has.
    ForEvidence {
        /// The ring.
        ring: String,
        /// The vendor patch.
        patch: String,
    },
    /// Somebody must consent.
    ForConsent {
        /// The ring.
        ring: String,
        /// The service.
        service: String,
        /// Who may answer now.
        who: Vec<String>,
        /// When the answer is due.
        deadline_ms: i64,
    },
    /// It is not yet time.
    Until {
        /// When it is.
        time_ms: i64,
        /// For what.
        what: String,
    },
    /// What was begun must end first.
    ForTasks {
        /// How many tasks.
        running: usize,
    },
}

/// One thing that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignTask")]
pub struct Task {
    /// Names it within its campaign, for good: `production/2/web-1/apply`.
    pub key: String,
    /// The ring that it is for; empty: the whole campaign.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ring: String,
    /// The asset that it is done to; none: it is not done to an asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// What is to be done.
    pub action: Action,
}

/// What is to be done. Each can be done again after it was done in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "CampaignAction")]
pub enum Action {
    /// Send a mail: a question, a notice, a reminder, an all-clear, the report.
    Tell(Mail),
    /// Show a message to whoever works at the asset.
    Message {
        /// What it says.
        text: String,
    },
    /// Let no job of the asset begin and no automatic update run; a job that runs ends first.
    Hold {
        /// Which jobs.
        jobs: Vec<Job>,
        /// Whether automatic updates are switched off, too.
        automatic_updates: bool,
    },
    /// Let jobs and automatic updates run as before the hold, and show that they do.
    Release {
        /// Which jobs.
        jobs: Vec<Job>,
        /// Of these, those that must not be skipped: they are run now.
        run: Vec<Job>,
        /// Whether automatic updates were switched off by the hold.
        automatic_updates: bool,
    },
    /// Keep what is needed to go back.
    BackUp(Backup),
    /// Restore a backup beside the asset, and show that it is whole.
    VerifyBackup(Backup),
    /// The backup is needed no more.
    Discard(Backup),
    /// Install these.
    Apply {
        /// What, in this order.
        changes: Vec<Change>,
    },
    /// Stop services: what they depend on is about to restart.
    Stop {
        /// Their units.
        services: Vec<String>,
    },
    /// Start services: what they depend on is back.
    Start {
        /// Their units.
        services: Vec<String>,
    },
    /// Restart the asset and wait until it can be reached.
    Reboot {
        /// How long that may take.
        timeout_ms: i64,
    },
    /// See whether all of these hold.
    Check {
        /// What.
        checks: Vec<Check>,
    },
    /// Bring the asset back to how it was before.
    RollBack {
        /// How.
        retreat: Retreat,
        /// What was installed, in the order in which it is taken back.
        changes: Vec<Change>,
    },
}

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Addresses.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// An iCalendar object that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
}

/// A backup of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Names it for good: the same name is the same backup.
    pub name: String,
    /// Who makes it, as the executor knows it: `command`, `overlay`, `lvm`, `qcow2`.
    pub provider: String,
    /// How long it is kept after the campaign.
    pub keep_days: u32,
}

/// A vendor patch as it is installed on one asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PatchChange")]
pub struct Change {
    /// The vendor patch.
    pub patch: String,
    /// By what means.
    pub means: Means,
}

/// By what means a vendor patch is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "PatchMeans")]
pub enum Means {
    /// Packages of the asset's own package manager.
    Packages {
        /// Names, each with its version after `=`, or without one for the newest. For dnf the version
        /// is `[EPOCH:]VERSION-RELEASE`.
        names: Vec<String>,
    },
    /// A playbook that ships with the program, or of one's own.
    Playbook {
        /// Its name or path.
        name: String,
        /// What it is told.
        #[serde(default)]
        variables: std::collections::BTreeMap<String, String>,
    },
    /// A command of the documented executor.
    Command {
        /// The program and its arguments.
        arguments: Vec<String>,
    },
}

/// How an asset is brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Retreat {
    /// The versions of before are installed.
    Downgrade {},
    /// The backup is restored.
    Restore(Backup),
}

/// Something that must hold of an asset or a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignCheck")]
pub struct Check {
    /// For people.
    pub name: String,
    /// What is looked at.
    pub probe: Probe,
    /// How long it may take to hold after a restart.
    #[serde(default = "patience_ms")]
    pub timeout_ms: i64,
}

fn patience_ms() -> i64 {
    30_000
}

/// What a check looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "CheckProbe")]
pub enum Probe {
    /// A page answers.
    Http {
        /// Which.
        url: String,
        /// With this status.
        #[serde(default = "ok")]
        status: u16,
        /// With this text in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contains: Option<String>,
    },
    /// A port accepts.
    Tcp {
        /// `host:port`.
        address: String,
    },
    /// A certificate is valid, and stays so.
    Tls {
        /// `host:port`.
        address: String,
        /// For so many days.
        days: u32,
    },
    /// A unit is active on the asset.
    Unit {
        /// Which.
        name: String,
    },
    /// A query of a database gives a text.
    Sql {
        /// Where: a URL; passwords come from the executor's configuration.
        database: String,
        /// What is asked.
        query: String,
        /// The first field of the first row.
        expect: String,
    },
    /// A command on the asset ends with 0.
    Command {
        /// The program and its arguments.
        arguments: Vec<String>,
    },
}

fn ok() -> u16 {
    200
}
