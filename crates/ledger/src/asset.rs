//! What must be patched. What nobody has told is absent, never guessed: its absence is a gap
//! that can be listed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::{Environment, Limits, Refused, check};

named! {
    /// What an asset is.
    pub enum AssetKind {
        /// A server, virtual or not.
        Server = "server",
        /// A computer that a person works at.
        Workstation = "workstation",
        /// A telephone or tablet.
        Mobile = "mobile",
        /// A firewall, a router and the like.
        Appliance = "appliance",
    }
}

named! {
    /// How much depends on an asset.
    pub enum Criticality {
        /// Nobody notices for days.
        Low = "low",
        /// Work goes on without it for a day.
        Medium = "medium",
        /// Work stands still.
        High = "high",
        /// People or the organisation come to harm.
        Critical = "critical",
    }
}
named! {
    /// How software came to an asset.
    #[derive(Default)]
    pub enum SoftwareKind {
        /// By the package manager of the system or of a language.
        #[default]
        Package = "package",
        /// By an installer, or as a part of another program.
        Application = "application",
        /// With the device.
        Firmware = "firmware",
    }
}

named! {
    /// What starts a job.
    pub enum JobKind {
        /// cron, by a table of a user or of the system.
        Cron = "cron",
        /// A timer of systemd.
        Timer = "timer",
        /// A scheduler elsewhere.
        External = "external",
    }
}

/// What an asset runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatingSystem {
    /// As `ID` in os-release: `debian`, `rhel`, `windows`, `ios`.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub id: String,
    /// Its version: `12`, `9.4`, `10.0.22631`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub version: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub title: Option<String>,
    /// The kernel that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub kernel: Option<String>,
    /// The processor's architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub architecture: Option<String>,
}

/// Something installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// As its packager names it.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub name: String,
    /// As its packager writes it.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub version: String,
    /// How it came there.
    #[serde(default, skip_serializing_if = "is_package")]
    pub kind: SoftwareKind,
    /// Its package URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub purl: Option<String>,
    /// Its name in the Common Platform Enumeration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub cpe: Option<String>,
}

/// Something that an asset does by itself at set times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Names it on its asset.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub name: String,
    /// What starts it.
    pub kind: JobKind,
    /// When, as its scheduler writes it.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub schedule: String,
    /// What it runs.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub command: String,
    /// The file that names it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub file: Option<String>,
    /// Who it runs as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub user: Option<String>,
    /// Whether it must run afterwards if it was held.
    #[serde(default)]
    pub must_not_be_skipped: bool,
}

/// Something that installs updates by itself, if it is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoUpdate {
    /// What would do it: `unattended-upgrades`, `dnf-automatic`, `windows-update`.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub by: String,
    /// Whether it does.
    pub on: bool,
}

/// Whether an asset waits for a reboot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reboot {
    /// Whether it does.
    pub needed: bool,
    /// The packages that ask for it, where they are known.
    #[serde(default)]
    #[schemars(length(max = 1000), inner(length(max = 4096), regex(pattern = crate::check::TEXT)))]
    pub because_of: Vec<String>,
}

/// Something that must be patched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Names it.
    #[schemars(length(max = 128), regex(pattern = crate::check::ID))]
    pub id: String,
    /// For people.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub title: String,
    /// What it is.
    pub kind: AssetKind,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// How much depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<Criticality>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub owner: Option<String>,
    /// Where it stands: a site, a region, a room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub location: Option<String>,
    /// The ring of a campaign that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub ring: Option<String>,
    /// The groups that it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), inner(length(max = 4096), regex(pattern = crate::check::TEXT)))]
    pub groups: Vec<String>,
    /// How it is reached: a host name or an address, without a port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub address: Option<String>,
    /// What it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<OperatingSystem>,
    /// What is installed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20000))]
    pub software: Vec<Software>,
    /// The assets that it does not work without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), inner(length(max = 128), regex(pattern = crate::check::ID)))]
    pub depends_on: Vec<String>,
    /// What it does by itself at set times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub jobs: Vec<Job>,
    /// What could update it by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub auto_updates: Vec<AutoUpdate>,
    /// Whether it waits for a reboot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboot: Option<Reboot>,
    /// When it was last backed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_backup_ms: Option<i64>,
    /// When it last answered, or was last seen by what tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_ms: Option<i64>,
    /// What tells of it: `collection`, `ansible`, the name of a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), inner(length(max = 4096), regex(pattern = crate::check::TEXT)))]
    pub sources: Vec<String>,
}

impl Asset {
    /// An asset of which no more is known.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: AssetKind) -> Self {
        let id = id.into();
        Self {
            title: id.clone(),
            id,
            kind,
            environment: None,
            criticality: None,
            owner: None,
            location: None,
            ring: None,
            groups: Vec::new(),
            address: None,
            os: None,
            software: Vec::new(),
            depends_on: Vec::new(),
            jobs: Vec::new(),
            auto_updates: Vec::new(),
            reboot: None,
            last_backup_ms: None,
            last_seen_ms: None,
            sources: Vec::new(),
        }
    }

    /// Whether it may come into the ledger. The assets that it depends on need not be there yet:
    /// they may be told of later, and may depend on it.
    ///
    /// # Errors
    /// A text is missing, malformed or too long, or a list is.
    pub fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::id("id", &self.id, limits)?;
        check::text("title", &self.title, limits)?;
        check::told("owner", &self.owner, limits)?;
        check::told("location", &self.location, limits)?;
        check::told("ring", &self.ring, limits)?;
        check::told("address", &self.address, limits)?;
        check::texts("groups", "group", &self.groups, limits)?;
        check::texts("sources", "source", &self.sources, limits)?;
        check::references("depends_on", "asset", &self.depends_on, limits)?;
        if let Some(os) = &self.os {
            check::text("os id", &os.id, limits)?;
            check::told("os version", &os.version, limits)?;
            check::told("os title", &os.title, limits)?;
            check::told("kernel", &os.kernel, limits)?;
            check::told("architecture", &os.architecture, limits)?;
        }
        self.check_software(limits)?;
        check::entries("jobs", &self.jobs, limits)?;
        for job in &self.jobs {
            check::text("job name", &job.name, limits)?;
            check::text("job schedule", &job.schedule, limits)?;
            check::text("job command", &job.command, limits)?;
            check::told("job file", &job.file, limits)?;
            check::told("job user", &job.user, limits)?;
        }
        check::entries("auto_updates", &self.auto_updates, limits)?;
        for auto_update in &self.auto_updates {
            check::text("auto_update by", &auto_update.by, limits)?;
        }
        let because_of = self.reboot.as_ref().map(|reboot| &reboot.because_of);
        because_of.map_or(Ok(()), |list| {
            check::texts("because_of", "package", list, limits)
        })
    }

    fn check_software(&self, limits: &Limits) -> Result<(), Refused> {
        let mut tally = check::Tally::default();
        for software in &self.software {
            tally.add("software name", &software.name, limits)?;
            tally.add("software version", &software.version, limits)?;
            for name in [&software.purl, &software.cpe].into_iter().flatten() {
                tally.add("software purl or cpe", name, limits)?;
            }
        }
        let entries = self.software.len();
        tally.check("software", entries, limits.software, limits.software_bytes)
    }
}

fn is_package(kind: &SoftwareKind) -> bool {
    *kind == SoftwareKind::Package
}
