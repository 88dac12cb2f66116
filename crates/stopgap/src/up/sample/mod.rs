//! An example organisation, for whoever looks at the console for the first time.

mod month;
mod visitors;

use std::borrow::Cow;

use anyhow::{Context, bail};
use control::Workshop as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use ledger::rollout::{Move, Policy, Rules, Stage};
use ledger::{
    Advisory, Application, Asset, AwaitedFix, Environment, IngressPoint, Move as Step, Severity,
    Subject, VirtualPatch,
};
use serde::Deserialize;
use store::{By, Change, Error, Start, Store};

use crate::catalogue;
use crate::demo::SHOP_PATCHES;
use crate::workshop::Bench;
pub(super) use visitors::{Visitors, shop};

const ORGANISATION: &str = include_str!("organisation.toml");
/// A patch of the shop: only the example has it.
const SHOPS: &str = "SHOP-2026-001";
const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Months that its patches last.
const LAST: i64 = 6;
/// Who starts things, and who consents.
const PEOPLE: [&str; 2] = ["ann@shop.example", "bob@shop.example"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Organisation {
    asset: Vec<Asset>,
    application: Vec<Application>,
    ingress: Vec<IngressPoint>,
    shield: Vec<Shield>,
    open: Vec<Open>,
    seen: Vec<SeenAgo>,
}

/// A finding, and the patch of the catalogue, or of the shop, that is deployed for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shield {
    patch: String,
    application: String,
    fix: String,
    stage: Stage,
}

/// Findings that nothing shields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    advisory: String,
    title: String,
    severity: Severity,
    exploited: bool,
    assets: Vec<String>,
}

/// How long ago an asset was seen, and backed up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenAgo {
    asset: String,
    hours: i64,
    backup_days: Option<i64>,
}

impl Organisation {
    /// Its assets, with the times that are told from now.
    fn assets(&self, now_ms: i64) -> impl Iterator<Item = Asset> {
        let ago = move |ms: i64| Some(now_ms.saturating_sub(ms));
        self.asset.iter().cloned().map(move |mut asset| {
            if let Some(seen) = self.seen.iter().find(|it| it.asset == asset.id) {
                asset.last_seen_ms = ago(seen.hours.saturating_mul(HOUR_MS));
                let days = seen.backup_days;
                asset.last_backup_ms = days.and_then(|it| ago(it.saturating_mul(DAY_MS)));
            }
            asset
        })
    }
}

fn by(who: &str, now_ms: i64) -> By<'_> {
    By {
        who,
        why: "the example organisation",
        now_ms,
    }
}

/// The document of a patch, of the shop's or of the catalogue, until the day that the organisation has given it.
fn document(named: &str, until: Date) -> anyhow::Result<String> {
    let of_shop = |(_, text): &&(&str, &str)| text.contains(&format!("\nid: {named}\n"));
    let text = match SHOP_PATCHES.iter().find(of_shop) {
        Some((_, text)) => (*text).to_owned(),
        None => {
            let entry = catalogue::named(named)?;
            entry
                .with_context(|| format!("{named} is not in the catalogue"))?
                .text
        }
    };
    let lines = text.split_inclusive('\n').map(|line| {
        if line.starts_with("expires: ") {
            format!("expires: {until}\n").into()
        } else {
            Cow::Borrowed(line)
        }
    });
    Ok(lines.collect())
}

/// Whether a ledger is that of the example.
pub(super) fn is_there(store: &Store) -> anyhow::Result<bool> {
    let known = store.read(|it| match it.get::<VirtualPatch>(SHOPS) {
        Ok(_) => Ok(true),
        Err(why) if why.is_missing() => Ok(false),
        Err(why) => Err(why),
    });
    Ok(known?)
}

/// Fills an empty ledger.
pub(super) fn fill(store: &Store, now_ms: i64) -> anyhow::Result<()> {
    let organisation: Organisation = toml::from_str(ORGANISATION)?;
    let mut patches = Vec::new();
    let today = Timestamp::from_millisecond(now_ms)?.to_zoned(TimeZone::UTC);
    let until = today.checked_add(LAST.months())?.date();
    for shield in &organisation.shield {
        let text = document(&shield.patch, until)?;
        match Bench.examine(&text, now_ms) {
            Ok(examined) => patches.push((shield, text, examined)),
            Err(why) => bail!("{}: {}", shield.patch, why.join("; ")),
        }
    }
    let [starter, approver] = PEOPLE;
    store.change(&by(starter, now_ms), |it| {
        for asset in organisation.assets(now_ms) {
            it.add(&asset)?;
        }
        for application in &organisation.application {
            it.add(application)?;
        }
        for ingress in &organisation.ingress {
            it.add(ingress)?;
        }
        for open in &organisation.open {
            let advisory = Advisory {
                title: open.title.clone(),
                exploited: open.exploited,
                ..Advisory::new(&open.advisory, open.severity)
            };
            it.add(&advisory)?;
            for asset in &open.assets {
                it.open_finding(&advisory.id, &Subject::Asset(asset.clone()))?;
            }
        }
        Ok(())
    })?;
    for (shield, document, examined) in patches {
        let patch = VirtualPatch {
            id: examined.id,
            title: examined.title,
            advisories: vec![examined.advisory.id.clone()],
            owner: examined.owner,
            reason: examined.reason,
            expires_ms: examined.expires_ms,
            fix: AwaitedFix {
                link: shield.fix.clone(),
                verified_by: None,
            },
            document,
        };
        let subject = Subject::Application(shield.application.clone());
        let rollout = store.change(&by(starter, now_ms), |it| {
            it.add(&examined.advisory)?;
            it.add(&patch)?;
            let finding = it.open_finding(&examined.advisory.id, &subject)?.finding;
            let proven = Start::Proven(&examined.proof);
            let environment = Environment::Production;
            let rollout = it.start_rollout(&patch.id, &proven, environment, Rules::default())?;
            let id = rollout.value.id;
            if shield.stage == Stage::Enforce {
                let step = Step::Shield {
                    patch: patch.id.clone(),
                };
                it.move_finding(finding.value.id, &step, None)?;
            }
            Ok(id)
        })?;
        if shield.stage == Stage::Enforce {
            store.change(&by(approver, now_ms), |it| {
                go(it, rollout, &Move::Approve {})
            })?;
        }
        store.change(&by(starter, now_ms), |it| {
            while it.rollout(rollout)?.value.stage < shield.stage {
                go(it, rollout, &Move::Promote {})?;
            }
            Ok(())
        })?;
    }
    month::fill(store, now_ms)
}

fn go(it: &mut Change<'_>, rollout: i64, step: &Move) -> Result<(), Error> {
    let policy = Policy { two_persons: true };
    it.move_rollout(rollout, step, policy, None).map(drop)
}

#[cfg(test)]
mod tests {
    use store::{Limits, Location};

    use super::*;

    #[test]
    fn it_can_be_filled_in_years_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::folder(folder.path()), Limits::default()).unwrap();
        let now_ms = 20 * 365 * DAY_MS + crate::ledger_place::now_ms();
        fill(&store, now_ms).unwrap();
        let patch = store.read(|it| it.get::<VirtualPatch>(SHOPS)).unwrap();
        let lasts = patch.value.expires_ms - now_ms;
        assert!((180 * DAY_MS..190 * DAY_MS).contains(&lasts), "{lasts}");
    }
}
