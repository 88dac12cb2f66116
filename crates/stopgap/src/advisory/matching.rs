//! `stopgap advisory match`: advisories and the software of assets become findings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::ExitCode;

use advisories::{Index, Limits, assess};
use clap::Args;
use ledger::{Advisory, Asset, Move, State, Subject};
use serde_json::json;
use store::{FindingFilter, Paging, Store};

use crate::ledger_place::{Place, Who, now_ms};

/// Assets whose findings are opened in one change, so that others need not wait long.
const ASSETS: usize = 500;

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

/// What concerns one asset.
struct Concern<'a> {
    asset: &'a Asset,
    advisories: BTreeSet<usize>,
}

#[derive(Default)]
struct Tally {
    unclear: BTreeMap<String, usize>,
    nameless: usize,
    opened: usize,
    there: usize,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let advisories = advisories(&store)?;
    let assets = crate::inventory::assets(&store)?;
    let mut tally = Tally::default();
    let concerns = concerns(&advisories, &assets, &mut tally);
    let by = arguments.who.by(now_ms());
    for part in concerns.chunks(ASSETS) {
        let (opened, there) = store.change(&by, |it| {
            let (mut opened, mut there) = (0, 0);
            for concern in part {
                let subject = Subject::Asset(concern.asset.id.clone());
                for advisory in concern
                    .advisories
                    .iter()
                    .filter_map(|at| advisories.get(*at))
                {
                    let finding = it.open_finding(&advisory.id, &subject)?;
                    match finding.new {
                        true => opened += 1,
                        false => there += 1,
                    }
                    let inputs = assess::inputs(advisory, Some(concern.asset));
                    let known = finding.finding.value.assessment.as_ref();
                    if known.is_none_or(|known| known.inputs != inputs) {
                        it.move_finding(finding.finding.value.id, &Move::Assess(inputs), None)?;
                    }
                }
            }
            Ok((opened, there))
        })?;
        tally.opened += opened;
        tally.there += there;
    }
    let gone = no_longer(&store, &advisories, &assets, &concerns)?;
    tell(arguments, &advisories, &assets, &tally, &gone)
}

fn concerns<'a>(
    advisories: &[Advisory],
    assets: &'a BTreeMap<String, Asset>,
    tally: &mut Tally,
) -> Vec<Concern<'a>> {
    let mut index = Index::new(advisories, &Limits::default());
    let mut concerns = Vec::new();
    for asset in assets.values() {
        let mut found = BTreeSet::new();
        for software in &asset.software {
            let verdict = index.look_up(software);
            found.extend(verdict.matched.iter().map(|matched| matched.advisory));
            tally.nameless += usize::from(!verdict.named);
            if let Some(advisory) = verdict.unclear.first().and_then(|at| advisories.get(*at)) {
                let what = format!("{} {} ({})", software.name, software.version, advisory.id);
                *tally.unclear.entry(what).or_default() += 1;
            }
        }
        if !found.is_empty() {
            concerns.push(Concern {
                asset,
                advisories: found,
            });
        }
    }
    concerns
}

/// Findings of advisories that say what they affect, on assets that say what they have, of which
/// nothing matches any more. Whether they are fixed is for people, or a campaign, to say: they
/// may be about software that is not listed.
fn no_longer(
    store: &Store,
    advisories: &[Advisory],
    assets: &BTreeMap<String, Asset>,
    concerns: &[Concern<'_>],
) -> anyhow::Result<Vec<i64>> {
    let places: BTreeMap<&str, usize> = advisories
        .iter()
        .enumerate()
        .filter(|(_, advisory)| !advisory.affected.is_empty())
        .map(|(at, advisory)| (advisory.id.as_str(), at))
        .collect();
    let concerns: BTreeMap<&str, &BTreeSet<usize>> = concerns
        .iter()
        .map(|concern| (concern.asset.id.as_str(), &concern.advisories))
        .collect();
    let mut gone = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let paging = Paging {
            after: after.as_deref(),
            most: Some(200),
        };
        let page = store.read(|it| it.findings(&FindingFilter::default(), paging))?;
        for finding in &page.items {
            let finding = &finding.value;
            let Subject::Asset(asset) = &finding.subject else {
                continue;
            };
            let tells = assets
                .get(asset)
                .is_some_and(|asset| !asset.software.is_empty());
            let Some(at) = places.get(finding.advisory.as_str()).filter(|_| tells) else {
                continue;
            };
            let still = concerns
                .get(asset.as_str())
                .is_some_and(|all| all.contains(at));
            if !still && !matches!(finding.state(), State::Fixed | State::Closed) {
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
    assets: &BTreeMap<String, Asset>,
    tally: &Tally,
    gone: &[i64],
) -> anyhow::Result<ExitCode> {
    let mut output = std::io::stdout().lock();
    if arguments.json {
        let whole = json!({
            "advisories": advisories.len(), "assets": assets.len(),
            "opened": tally.opened, "there": tally.there, "no_longer": gone,
            "unclear": tally.unclear, "without_name": tally.nameless,
        });
        writeln!(output, "{whole}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        output,
        "{} advisories, {} assets: {} findings opened, {} were there",
        advisories.len(),
        assets.len(),
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
            "{count} pieces of software have no package URL or CPE that is known: look at them with `stopgap inventory gaps`"
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

fn advisories(store: &Store) -> anyhow::Result<Vec<Advisory>> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let paging = Paging {
            after: after.as_deref(),
            most: Some(200),
        };
        let page = store.read(|it| it.list::<Advisory>(paging))?;
        all.extend(page.items.into_iter().map(|it| it.value));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}
