//! `stopgap advisory match`: advisories and the software of assets become findings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::ExitCode;

use advisories::{Index, Limits, assess};
use clap::Args;
use ledger::{Advisory, Asset, Move, State, Subject};
use serde_json::json;
use store::{Change, FindingFilter, Paging, Store};

use crate::ledger_place::{Place, Who, now_ms};

/// Open a finding for each advisory that concerns software of an asset, and say how soon each
/// wants attention (SSVC).
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    who: Who,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Default)]
struct Tally {
    assets: usize,
    opened: usize,
    there: usize,
    /// The advisories that concern each asset of which software is known, by their places.
    found: BTreeMap<String, BTreeSet<usize>>,
    unclear: BTreeMap<String, usize>,
    nameless: usize,
    /// Software whose name finds no advisory.
    unknown: usize,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let advisories: Vec<Advisory> = store.read(|it| it.all())?;
    let mut index = Index::new(&advisories, &Limits::default());
    let mut tally = Tally::default();
    let by = arguments.who.by(now_ms());
    // A page in one change, so that others need not wait long.
    crate::inventory::each_asset(&store, |page| {
        let concerns: Vec<_> = page
            .iter()
            .map(|it| {
                let concern = tally.look_up(&it.value, &mut index, &advisories);
                (&it.value, concern)
            })
            .collect();
        if concerns.iter().all(|(_, concern)| concern.is_empty()) {
            return Ok(());
        }
        let (opened, there) = store.change(&by, |it| {
            let (mut opened, mut there) = (0, 0);
            for (asset, concern) in &concerns {
                for advisory in concern.iter().filter_map(|at| advisories.get(*at)) {
                    match open(it, advisory, asset)? {
                        true => opened += 1,
                        false => there += 1,
                    }
                }
            }
            Ok((opened, there))
        })?;
        tally.opened += opened;
        tally.there += there;
        Ok(())
    })?;
    let gone = no_longer(&store, &advisories, &tally)?;
    tell(arguments, &advisories, &tally, &gone)
}

/// Whether the finding is new. It is assessed anew where what the decision depends on is other.
fn open(change: &mut Change<'_>, advisory: &Advisory, asset: &Asset) -> Result<bool, store::Error> {
    let subject = Subject::Asset(asset.id.clone());
    let opened = change.open_finding(&advisory.id, &subject)?;
    let finding = &opened.finding.value;
    let inputs = assess::inputs(advisory, Some(asset));
    let known = finding.assessment.as_ref();
    if known.is_none_or(|known| known.inputs != inputs) {
        change.move_finding(finding.id, &Move::Assess(inputs), None)?;
    }
    Ok(opened.new)
}

impl Tally {
    fn look_up(
        &mut self,
        asset: &Asset,
        index: &mut Index<'_>,
        advisories: &[Advisory],
    ) -> BTreeSet<usize> {
        self.assets += 1;
        self.nameless += ::inventory::nameless(asset).count();
        let mut found = BTreeSet::new();
        for software in &asset.software {
            let verdict = index.look_up(software);
            found.extend(verdict.matched.iter().map(|matched| matched.advisory));
            let has_name = software.purl.is_some() || software.cpe.is_some();
            self.unknown += usize::from(has_name && !verdict.named);
            if let Some(advisory) = verdict.unclear.first().and_then(|at| advisories.get(*at)) {
                let what = format!("{} {} ({})", software.name, software.version, advisory.id);
                *self.unclear.entry(what).or_default() += 1;
            }
        }
        if !asset.software.is_empty() {
            self.found.insert(asset.id.clone(), found.clone());
        }
        found
    }
}

/// Findings of advisories that say what they affect, on assets that say what they have, of which
/// nothing matches any more. Whether they are fixed is for people, or a campaign, to say: they
/// may be about software that is not listed.
fn no_longer(store: &Store, advisories: &[Advisory], tally: &Tally) -> anyhow::Result<Vec<i64>> {
    let places: BTreeMap<&str, usize> = advisories
        .iter()
        .enumerate()
        .filter(|(_, advisory)| !advisory.affected.is_empty())
        .map(|(at, advisory)| (advisory.id.as_str(), at))
        .collect();
    let mut gone = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let paging = Paging {
            after: after.as_deref(),
            most: Some(200),
        };
        let page = store.read(|it| it.findings(&FindingFilter::default(), paging))?;
        for finding in page.items.iter().map(|it| &it.value) {
            let Subject::Asset(asset) = &finding.subject else {
                continue;
            };
            let found = tally.found.get(asset);
            let place = places.get(finding.advisory.as_str());
            let (Some(found), Some(place)) = (found, place) else {
                continue;
            };
            let ended = matches!(finding.state(), State::Fixed | State::Closed);
            if !ended && !found.contains(place) {
                gone.push(finding.id);
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(gone),
        }
    }
}

fn tell(
    arguments: &Arguments,
    advisories: &[Advisory],
    tally: &Tally,
    gone: &[i64],
) -> anyhow::Result<ExitCode> {
    let mut output = std::io::stdout().lock();
    if arguments.json {
        let whole = json!({
            "advisories": advisories.len(), "assets": tally.assets,
            "opened": tally.opened, "there": tally.there, "no_longer": gone,
            "unclear": tally.unclear, "without_name": tally.nameless,
            "unknown_name": tally.unknown,
        });
        writeln!(output, "{whole}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        output,
        "{} advisories, {} assets: {} findings opened, {} were there",
        advisories.len(),
        tally.assets,
        tally.opened,
        tally.there
    )?;
    for (what, count) in &tally.unclear {
        writeln!(output, "cannot be compared: {what} on {count} assets")?;
    }
    if tally.nameless > 0 {
        let count = tally.nameless;
        writeln!(
            output,
            "{count} pieces of software have no package URL or CPE: look at them with `stopgap inventory gaps`"
        )?;
    }
    if tally.unknown > 0 {
        let count = tally.unknown;
        writeln!(
            output,
            "{count} pieces of software have a package URL or CPE by which no advisory can be found: correct it where it comes from"
        )?;
    }
    if !gone.is_empty() {
        let ids: Vec<String> = gone.iter().map(ToString::to_string).collect();
        writeln!(
            output,
            "no longer found, fixed if nothing else has them: findings {}",
            ids.join(", ")
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
