//! `stopgap advisory`: what is known of vulnerabilities, and which assets it concerns.

mod matching;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use advisories::Limits;
use advisories::read::{KINDS, Told};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use ledger::Advisory;
use serde_json::json;
use store::{Change, Stored};

use crate::ledger_place::{Place, Who, now_ms};

/// Notes on one import that are printed.
const NOTES: usize = 20;

/// Tell the ledger of vulnerabilities, and find the assets that have them.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Import(Import),
    Match(matching::Arguments),
}

/// Read advisories into the ledger: from files, from an address, or both.
#[derive(Args)]
struct Import {
    /// What they are.
    #[arg(value_parser = PossibleValuesParser::new(kinds()))]
    kind: String,
    /// The sources; `-` is standard input. gzip is unpacked.
    #[arg(value_name = "FILE", required_unless_present = "url")]
    files: Vec<PathBuf>,
    /// An address to read from, by HTTP or HTTPS.
    #[arg(long, value_name = "URL")]
    url: Vec<String>,
    /// A PEM file of those that are trusted to sign the address's certificate.
    #[arg(long, value_name = "FILE", requires = "url")]
    authorities: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    who: Who,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

fn kinds() -> Vec<clap::builder::PossibleValue> {
    let kinds = KINDS.iter();
    kinds
        .map(|it| clap::builder::PossibleValue::new(it.name).help(it.summary))
        .collect()
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Import(import) => import.run(),
        Command::Match(arguments) => matching::run(arguments),
    }
}

#[derive(Default)]
struct Counts {
    new: usize,
    changed: usize,
    unchanged: usize,
    ignored: usize,
}

impl Import {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let told = self.read()?;
        let store = self.place.open()?;
        let counts = store.change(&self.who.by(now_ms()), |it| {
            let mut counts = Counts::default();
            for news in &told.news {
                counts.add(it, news)?;
            }
            Ok(counts)
        })?;
        let mut output = std::io::stdout().lock();
        if self.json {
            let whole = json!({
                "new": counts.new, "changed": counts.changed, "unchanged": counts.unchanged,
                "ignored": counts.ignored, "notes": told.notes,
            });
            writeln!(output, "{whole}")?;
            return Ok(ExitCode::SUCCESS);
        }
        for note in told.notes.iter().take(NOTES) {
            writeln!(output, "{note}")?;
        }
        if told.notes.len() > NOTES {
            writeln!(output, "and {} notes more", told.notes.len() - NOTES)?;
        }
        writeln!(
            output,
            "{} new, {} changed, {} unchanged, {} of vulnerabilities that are not known",
            counts.new, counts.changed, counts.unchanged, counts.ignored
        )?;
        Ok(ExitCode::SUCCESS)
    }

    fn read(&self) -> anyhow::Result<Told> {
        let limits = Limits::default();
        let most = limits.source_bytes;
        let kind = KINDS.iter().find(|it| it.name == self.kind);
        let kind = kind.ok_or_else(|| anyhow::anyhow!("there is no kind `{}`", self.kind))?;
        let mut all = Told::default();
        let mut add = |text: &str, name: &str| -> anyhow::Result<()> {
            let told = kind.read(text, name, &limits).map_err(anyhow::Error::msg)?;
            all.news.extend(told.news);
            all.notes.extend(told.notes);
            Ok(())
        };
        for file in &self.files {
            let text = crate::source::read(file, most)?;
            add(&text, &file.display().to_string())?;
        }
        for url in &self.url {
            let text = crate::source::fetch(url, self.authorities.as_deref(), most)?;
            add(&text, url)?;
        }
        Ok(all)
    }
}

impl Counts {
    fn add(
        &mut self,
        change: &mut Change<'_>,
        news: &advisories::News,
    ) -> Result<(), store::Error> {
        let known: Option<Stored<Advisory>> = match change.get(news.id()) {
            Ok(known) => Some(known),
            Err(why) if why.is_missing() => None,
            Err(why) => return Err(why),
        };
        let known = known.map(|known| known.value);
        match (news.after(known.as_ref()), known) {
            (None, _) => self.ignored += 1,
            (Some(next), Some(known)) if next == known => self.unchanged += 1,
            (Some(next), Some(_)) => {
                change.replace(&next, None)?;
                self.changed += 1;
            }
            (Some(next), None) => {
                change.add(&next)?;
                self.new += 1;
            }
        }
        Ok(())
    }
}
