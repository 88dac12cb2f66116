//! `stopgap inventory`: what there is to patch.

mod apply;
mod bring;
mod collect;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::inventory::{Found, GapKind, Importer, Options, differences, importers};
use bring::{Bring, told};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use ledger::{Asset, AssetKind};
use serde_json::{Value, json};
use store::{Paging, Store, Stored};

use crate::ledger_place::{Place, now_ms};

/// Tell the ledger what there is to patch, and see what is missing.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Import(Import),
    Collect(collect::Collect),
    Diff(Diff),
    Gaps(Gaps),
    /// Print the script that tells of a host: `stopgap inventory script | ssh HOST sh`.
    Script,
}

/// Which sources are read, and how.
#[derive(Args)]
struct Sources {
    /// What they are.
    #[arg(value_parser = PossibleValuesParser::new(kinds()))]
    kind: String,
    /// Which column is what, as TOML; for csv and mdm.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// The asset's name, where a source tells of one and not of its name.
    #[arg(long, value_name = "NAME")]
    asset: Option<String>,
    /// What assets are, where a source does not tell: server, workstation, mobile, appliance.
    #[arg(long, value_name = "KIND")]
    asset_kind: Option<AssetKind>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

/// Show what sources say other than the ledger; with --apply, write it into the ledger.
#[derive(Args)]
struct Import {
    #[command(flatten)]
    sources: Sources,
    /// The sources; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    bring: Bring,
}

/// Show what differs between two sources of one kind.
#[derive(Args)]
struct Diff {
    #[command(flatten)]
    sources: Sources,
    /// What was told before.
    before: PathBuf,
    /// What is told now.
    now: PathBuf,
}

/// Show what is missing: owners, environments, backups, names of software; and what updates
/// itself, or has not been seen.
#[derive(Args)]
struct Gaps {
    #[command(flatten)]
    place: Place,
    /// How many days an asset may go without a backup, and without being seen.
    #[arg(long, value_name = "N", default_value_t = 30)]
    days: u32,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

fn kinds() -> Vec<clap::builder::PossibleValue> {
    let kinds = importers().iter();
    kinds
        .map(|it| clap::builder::PossibleValue::new(it.kind).help(it.summary))
        .collect()
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Import(import) => import.run(),
        Command::Collect(collect) => collect.run(),
        Command::Diff(diff) => diff.run(),
        Command::Gaps(gaps) => gaps.run(),
        Command::Script => {
            print!("{}", ::inventory::COLLECT);
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl Sources {
    fn importer(&self) -> anyhow::Result<&'static Importer> {
        let importer = importers().iter().find(|it| it.kind == self.kind);
        importer
            .copied()
            .ok_or_else(|| anyhow::anyhow!("there is no kind `{}`", self.kind))
    }

    fn read(&self, files: &[&Path]) -> anyhow::Result<Vec<Found>> {
        let importer = self.importer()?;
        let mut options = Options {
            asset: self.asset.clone(),
            asset_kind: self.asset_kind,
            ..Options::default()
        };
        let most = options.limits.source_bytes;
        if let Some(mapping) = &self.mapping {
            options.mapping = Some(crate::source::read(mapping, most)?);
        }
        let mut all = Vec::new();
        for file in files {
            let text = crate::source::read(file, most)?;
            let found = importer.import(&text, &file.display().to_string(), &options);
            all.extend(found.map_err(anyhow::Error::msg)?);
        }
        Ok(all)
    }
}

impl Import {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let files: Vec<&Path> = self.files.iter().map(PathBuf::as_path).collect();
        let found = self.sources.read(&files)?;
        let brought = self.bring.bring(&found, &self.sources.kind, &[])?;
        let json = self.sources.json.then(|| json!({}));
        brought.tell(&mut std::io::stdout().lock(), json)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Diff {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let read = |file: &Path| -> anyhow::Result<Vec<Asset>> {
            let found = self.sources.read(&[file])?;
            let none = BTreeMap::new();
            Ok(told(&none, &found, &self.sources.kind, 0)
                .into_values()
                .collect())
        };
        let differences = differences(&read(&self.before)?, &read(&self.now)?);
        let mut output = std::io::stdout().lock();
        bring::tell(
            &mut output,
            &differences,
            self.sources.json.then(|| json!({})),
        )?;
        if !self.sources.json && differences.is_empty() {
            writeln!(output, "nothing differs")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Gaps {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let store = self.place.open()?;
        let now_ms = now_ms();
        let mut output = std::io::stdout().lock();
        let mut counts: BTreeMap<GapKind, usize> = BTreeMap::new();
        let mut all = Vec::new();
        let mut assets = 0;
        each_asset(&store, |page| {
            assets += page.len();
            for asset in &page {
                for gap in ::inventory::gaps(&asset.value, self.days, now_ms) {
                    *counts.entry(gap.kind).or_default() += 1;
                    all.push(gap);
                }
            }
            Ok(())
        })?;
        if self.json {
            let gaps = all.iter().map(
                |gap| json!({ "asset": gap.asset, "gap": gap.kind.name(), "detail": gap.detail }),
            );
            let gaps: Vec<Value> = gaps.collect();
            writeln!(output, "{}", json!({ "assets": assets, "gaps": gaps }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for gap in &all {
            writeln!(
                output,
                "{:<16}  {}  {}",
                gap.kind.name(),
                gap.asset,
                gap.detail
            )?;
        }
        let counts = counts
            .iter()
            .map(|(kind, count)| format!("{} {count}", kind.name()));
        let counts: Vec<String> = counts.collect();
        match counts.is_empty() {
            true => writeln!(output, "{assets} assets, nothing is missing")?,
            false => writeln!(output, "{assets} assets: {}", counts.join(", "))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Does something with every asset of the ledger, a page at a time: all of them with all their
/// software may be more than memory holds.
pub(crate) fn each_asset(
    store: &Store,
    mut work: impl FnMut(Vec<Stored<Asset>>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after: Option<String> = None;
    loop {
        let paging = Paging {
            after: after.as_deref(),
            most: Some(200),
        };
        let page = store.read(|it| it.list::<Asset>(paging))?;
        work(page.items)?;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}
