//! What people say of a campaign.

use std::path::PathBuf;
use std::process::ExitCode;

use campaign::{Answer, Move, Origin, Source, SourceKind, Word};
use clap::Args;
use serde_json::json;
use store::NOTE_BYTES;

use super::{Moved, told};
use crate::ledger_place::{Place, now_ms};
use crate::source;

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
    /// The release notes that you have read: an address, or what they say. Of an address whose text
    /// is kept, the review tells the text.
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

/// Keep what there is to read of a vendor patch, as it is now, for whoever signs its review.
#[derive(Args)]
pub(crate) struct Keep {
    #[command(flatten)]
    moved: Moved,
    /// The vendor patch.
    #[arg(long, value_name = "ID")]
    patch: String,
    /// What it is: release-notes, known-issues or reports.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: SourceKind,
    #[command(flatten)]
    text: Text,
    /// Who is trusted to sign the certificate of its address, in PEM; without it, the public authorities.
    #[arg(long, value_name = "FILE.pem")]
    authorities: Option<PathBuf>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Text {
    /// Fetch it there, by HTTP or HTTPS.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Read it from a file; `-` is the standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

fn kind(name: &str) -> Result<SourceKind, String> {
    let kinds = [
        SourceKind::ReleaseNotes,
        SourceKind::KnownIssues,
        SourceKind::Reports,
    ];
    let found = kinds.into_iter().find(|it| it.name() == name);
    found.ok_or_else(|| "say release-notes, known-issues or reports".to_owned())
}

/// Show what is kept to be read of a campaign's vendor patches.
#[derive(Args)]
pub(crate) struct Read {
    #[command(flatten)]
    place: Place,
    /// The campaign's number.
    id: i64,
    /// Of this vendor patch alone.
    #[arg(long, value_name = "ID")]
    patch: Option<String>,
    /// Write one JSON object: {"notes"}, without the texts.
    #[arg(long)]
    json: bool,
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

pub(super) fn keep(arguments: &Keep) -> anyhow::Result<ExitCode> {
    let moved = &arguments.moved;
    let (address, text) = match (&arguments.text.url, &arguments.text.file) {
        (Some(url), _) => {
            let authorities = arguments.authorities.as_deref();
            let text = source::fetch(url, authorities, NOTE_BYTES)?;
            (Some(url.as_str()), text)
        }
        (None, Some(file)) => (None, source::read(file, NOTE_BYTES)?),
        (None, None) => anyhow::bail!("say --url URL or --file FILE"),
    };
    let what = (&*arguments.patch, arguments.kind);
    let store = moved.place.open()?;
    let kept = store.change(&moved.by.by(now_ms()), |it| {
        it.note_campaign(moved.id, what, (address, &text), None)
    })?;
    told(&kept, "note", moved.json);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn read(arguments: &Read) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let campaign = store.read(|it| it.campaign(arguments.id))?.value;
    let mut notes = campaign.notes;
    notes.retain(|it| {
        let patch = arguments.patch.as_ref();
        patch.is_none_or(|patch| it.patch == *patch)
    });
    if arguments.json {
        println!("{}", json!({ "notes": notes }));
        return Ok(ExitCode::SUCCESS);
    }
    for note in notes {
        let (_, text) = store.read(|it| it.campaign_note(arguments.id, &note.digest))?;
        let address = note.address.as_deref().unwrap_or("pasted");
        let time = jiff::Timestamp::from_millisecond(note.word.time_ms)?;
        println!("== {} of {}: {address}", note.kind.name(), note.patch);
        println!("{time} by {}, sha256 {}\n", note.word.who, note.digest);
        println!("{}\n", campaign::readable(&text));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn review(arguments: &Review) -> anyhow::Result<ExitCode> {
    let sources = |kind, texts: &[String]| {
        let texts = texts.iter().cloned();
        let sources = texts.map(|text| Source {
            kind,
            text,
            digest: None,
        });
        sources.collect::<Vec<_>>()
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
