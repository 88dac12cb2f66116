//! What people say of a campaign.

use std::process::ExitCode;

use campaign::{Answer, Move, Origin, Source, SourceKind, Word};
use clap::Args;

use super::Moved;

/// Sign that a vendor patch was reviewed for a ring; why is your remark.
#[derive(Args)]
pub(crate) struct Review {
    #[command(flatten)]
    moved: Moved,
    /// The vendor patch.
    #[arg(long, value_name = "ID")]
    patch: String,
    /// The ring.
    #[arg(long, value_name = "NAME")]
    ring: String,
    /// The release notes that you have read: an address, or what they say.
    #[arg(long, value_name = "TEXT", required = true)]
    release_notes: Vec<String>,
    /// The known issues that you have read: an address, or what they say.
    #[arg(long, value_name = "TEXT", required = true)]
    known_issues: Vec<String>,
    /// What others report who have it.
    #[arg(long, value_name = "TEXT")]
    reports: Vec<String>,
    /// A known issue that concerns us: the patch does not go to this ring, nor to later ones.
    #[arg(long, value_name = "TEXT")]
    issue: Option<String>,
}

/// Record what shows how a vendor patch behaves where no test region does; why says what was seen.
#[derive(Args)]
pub(crate) struct Evidence {
    #[command(flatten)]
    moved: Moved,
    /// The vendor patch.
    #[arg(long, value_name = "ID")]
    patch: String,
    #[command(flatten)]
    origin: From,
    /// Assets restart for it.
    #[arg(long)]
    reboot: bool,
    /// How long an asset took, in minutes.
    #[arg(long, value_name = "N")]
    minutes: Option<u32>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct From {
    /// A provider says so.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// It was tried on this asset alone.
    #[arg(long, value_name = "ASSET")]
    canary: Option<String>,
}

/// Consent to what a campaign does to a service, or object; why says why.
#[derive(Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    moved: Moved,
    /// The ring.
    #[arg(long, value_name = "NAME")]
    ring: String,
    /// The service.
    #[arg(long, value_name = "ID")]
    service: String,
    /// Object: the campaign stops.
    #[arg(long)]
    object: bool,
}

/// Tell what is done about an asset that failed; why says what was found out and will be done.
#[derive(Args)]
pub(crate) struct Remedy {
    #[command(flatten)]
    moved: Moved,
    /// The asset.
    #[arg(long, value_name = "ID")]
    asset: String,
    /// Who does it: an address.
    #[arg(long, value_name = "WHO")]
    owner: String,
}

/// What somebody says; who that is and when is known to the ledger.
fn word(moved: &Moved) -> Word {
    Word {
        who: String::new(),
        text: moved.by.why.clone(),
        time_ms: 0,
    }
}

pub(super) fn review(arguments: &Review) -> anyhow::Result<ExitCode> {
    let sources = |kind, texts: &[String]| {
        let texts = texts.iter().cloned();
        texts.map(|text| Source { kind, text }).collect::<Vec<_>>()
    };
    let read = [
        sources(SourceKind::ReleaseNotes, &arguments.release_notes),
        sources(SourceKind::KnownIssues, &arguments.known_issues),
        sources(SourceKind::Reports, &arguments.reports),
    ];
    arguments.moved.go(&Move::Review(campaign::Review {
        patch: arguments.patch.clone(),
        ring: arguments.ring.clone(),
        read: read.concat(),
        issue: arguments.issue.clone(),
        word: word(&arguments.moved),
    }))
}

pub(super) fn evidence(arguments: &Evidence) -> anyhow::Result<ExitCode> {
    let from = match (&arguments.origin.provider, &arguments.origin.canary) {
        (Some(name), _) => Origin::Provider { name: name.clone() },
        (None, Some(asset)) => Origin::Canary {
            asset: asset.clone(),
        },
        (None, None) => anyhow::bail!("say --provider NAME or --canary ASSET"),
    };
    arguments.moved.go(&Move::Show(campaign::Evidence {
        patch: arguments.patch.clone(),
        from,
        reboot: arguments.reboot,
        took_ms: arguments.minutes.map(|it| i64::from(it) * 60_000),
        word: word(&arguments.moved),
    }))
}

pub(super) fn approve(arguments: &Approve) -> anyhow::Result<ExitCode> {
    arguments.moved.go(&Move::Answer(Answer {
        ring: arguments.ring.clone(),
        service: arguments.service.clone(),
        consents: !arguments.object,
        word: word(&arguments.moved),
    }))
}

pub(super) fn remedy(arguments: &Remedy) -> anyhow::Result<ExitCode> {
    arguments.moved.go(&Move::Remedy(campaign::Remedy {
        asset: arguments.asset.clone(),
        owner: arguments.owner.clone(),
        word: word(&arguments.moved),
    }))
}
