//! `stopgap rollout start`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use jiff::civil::Date;
use ledger::rollout::{Rules, Stage};
use ledger::{AwaitedFix, Environment, Reason, VirtualPatch};
use patch::document::{Document, Source};
use store::{Change, Error};

use super::{due_ms, proof, told};
use crate::ledger_place::{Place, Who, now_ms};
use crate::{source, terms};

/// What a file says of a rollout's rules, in bytes.
const RULES_BYTES: usize = 64 * 1024;

/// Start the rollout of a patch's document, on a proof or in an emergency.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("evidence").required(true).args(["proof", "owed"]))]
pub(super) struct Start {
    #[command(flatten)]
    place: Place,
    /// The patch, by its identifier in the ledger.
    patch: String,
    /// Take this document into the ledger first, as the patch's present one.
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// Where to: test or production.
    #[arg(long)]
    environment: Environment,
    /// The proof, as `stopgap patch prove --json` has written it.
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Why the proof cannot be waited for; it is owed.
    #[arg(long, value_name = "TEXT")]
    owed: Option<String>,
    /// When a proof that is owed must be there.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    proof_within_days: u16,
    /// How it goes on and back by itself, as TOML; see docs/control.md.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Let it go on by itself up to this stage: shadow, canary or enforce.
    #[arg(long, value_name = "STAGE")]
    automatic_until: Option<Stage>,
    #[command(flatten)]
    by: Who,
    /// Write one JSON object: {"version", "value"}.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Start) -> anyhow::Result<ExitCode> {
    let mut rules = arguments
        .rules
        .as_deref()
        .map_or_else(|| Ok(Rules::default()), rules)?;
    rules.automatic_until = arguments.automatic_until.or(rules.automatic_until);
    let store = arguments.place.open()?;
    let brought = arguments.document.as_deref().map(document).transpose()?;
    let text = match &brought {
        Some((text, source)) if *source.document.id.value == *arguments.patch => text.clone(),
        Some((_, source)) => bail!(
            "the document is of {}, not of {}",
            source.document.id.value,
            arguments.patch
        ),
        None => {
            let found = store.read(|it| it.get::<VirtualPatch>(&arguments.patch));
            found?.value.document
        }
    };
    let proof = arguments.proof.as_deref();
    let proof = proof
        .map(|path| proof::read(path, &arguments.patch, &text))
        .transpose()?;
    let by = arguments.by.by(now_ms());
    let started = store.change(&by, |it| {
        if let Some((text, source)) = &brought {
            bring(it, text, &source.document, by.who)?;
        }
        let start = match (&proof, &arguments.owed) {
            (Some(proof), _) => store::Start::Proven(proof),
            (None, owed) => store::Start::Owed(
                owed.as_deref().unwrap_or_default(),
                due_ms(arguments.proof_within_days),
            ),
        };
        it.start_rollout(&arguments.patch, &start, arguments.environment, rules)
    })?;
    told(&started, arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

/// What the file says of the rules, and what they are otherwise.
fn rules(path: &Path) -> anyhow::Result<Rules> {
    let name = path.display();
    let text = source::read(path, RULES_BYTES)?;
    let said: toml::Table = text.parse().with_context(|| format!("{name} is no TOML"))?;
    let mut all = toml::Table::try_from(Rules::default())?;
    all.extend(said);
    let rules = all.try_into();
    rules.with_context(|| format!("{name} does not say rules of a rollout"))
}

fn document(path: &Path) -> anyhow::Result<(String, Source)> {
    let text = source::read(path, Source::BYTES)?;
    let source = Source::parse(&path.display().to_string(), &text)?;
    Ok((text, source))
}

/// Makes the document the patch's present one, and the patch if it is not there.
fn bring(change: &mut Change<'_>, text: &str, document: &Document, who: &str) -> Result<(), Error> {
    let id = &*document.id.value;
    match change.get::<VirtualPatch>(id) {
        Ok(there) if there.value.document == text => Ok(()),
        Ok(there) => {
            let patch = VirtualPatch {
                title: document.title.value.to_string(),
                document: text.to_owned(),
                expires_ms: expires_ms(document).unwrap_or(there.value.expires_ms),
                ..there.value
            };
            change.replace(&patch, None).map(|_| ())
        }
        Err(why) if why.is_missing() => {
            let patch = patch(change, text, document, who)?;
            change.add(&patch).map(|_| ())
        }
        Err(why) => Err(why),
    }
}

fn patch(
    change: &mut Change<'_>,
    text: &str,
    document: &Document,
    who: &str,
) -> Result<VirtualPatch, Error> {
    let id = document.id.value.to_string();
    let vulnerability = &document.vulnerability;
    let mut advisories = Vec::new();
    for name in std::iter::once(&id).chain(&vulnerability.aliases) {
        match change.get::<ledger::Advisory>(name) {
            Ok(_) => advisories.push(name.clone()),
            Err(why) if why.is_missing() => {}
            Err(why) => return Err(why),
        }
    }
    let reason = document.reason.as_ref();
    let reason = reason.map_or(Reason::ThirdParty, |reason| terms::reason(reason.value));
    let owner = document.owner.as_ref();
    let fixed = vulnerability.fixed_in.as_ref();
    let link = fixed.map(|version| format!("version {version}"));
    let link = link.or_else(|| vulnerability.references.first().cloned());
    Ok(VirtualPatch {
        title: document.title.value.to_string(),
        advisories,
        owner: owner.map_or_else(|| who.to_owned(), |owner| owner.value.to_string()),
        reason,
        expires_ms: expires_ms(document).unwrap_or_else(|| due_ms(90)),
        fix: AwaitedFix {
            link: link.unwrap_or_else(|| "there is none yet".to_owned()),
            verified_by: None,
        },
        document: text.to_owned(),
        id,
    })
}

fn expires_ms(document: &Document) -> Option<i64> {
    let day: Date = document.expires.as_ref()?.value.parse().ok()?;
    terms::ends_ms(day).ok()
}
