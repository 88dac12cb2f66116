//! An example organisation, for whoever looks at the console for the first time.

use anyhow::{Context, bail};
use control::Workshop as _;
use ledger::rollout::{Move, Policy, Rules, Stage};
use ledger::{
    Advisory, Application, Asset, AwaitedFix, Environment, IngressPoint, Move as Step, Severity,
    Subject, VirtualPatch,
};
use serde::Deserialize;
use store::{By, Change, Error, Start, Store};

use crate::catalogue::Catalogue;
use crate::workshop::Bench;

const ORGANISATION: &str = include_str!("sample.toml");
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
}

/// A finding, and the patch of the catalogue that is deployed for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shield {
    patch: String,
    application: String,
    fix: String,
    stage: Stage,
}

/// A finding that nothing shields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    advisory: String,
    title: String,
    severity: Severity,
    exploited: bool,
    asset: String,
}

/// Fills an empty ledger.
pub(super) fn fill(store: &Store, now_ms: i64) -> anyhow::Result<()> {
    let organisation: Organisation = toml::from_str(ORGANISATION)?;
    let catalogue = Catalogue::default().read()?;
    let mut patches = Vec::new();
    for shield in organisation.shield {
        let entry = catalogue.iter().find(|entry| entry.is_named(&shield.patch));
        let entry = entry.with_context(|| format!("{} is not in the catalogue", shield.patch))?;
        match Bench.examine(&entry.text, now_ms) {
            Ok(examined) => patches.push((shield, entry.text.clone(), examined)),
            Err(why) => bail!("{}: {}", shield.patch, why.join("; ")),
        }
    }
    let [starter, approver] = PEOPLE;
    let by = |who| By {
        who,
        why: "the example organisation",
        now_ms,
    };
    store.change(&by(starter), |it| {
        for asset in &organisation.asset {
            it.add(asset)?;
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
            it.open_finding(&advisory.id, &Subject::Asset(open.asset.clone()))?;
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
                link: shield.fix,
                verified_by: None,
            },
            document,
        };
        let subject = Subject::Application(shield.application);
        let rollout = store.change(&by(starter), |it| {
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
            store.change(&by(approver), |it| go(it, rollout, &Move::Approve {}))?;
        }
        store.change(&by(starter), |it| {
            while it.rollout(rollout)?.value.stage < shield.stage {
                go(it, rollout, &Move::Promote {})?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn go(it: &mut Change<'_>, rollout: i64, step: &Move) -> Result<(), Error> {
    let policy = Policy { two_persons: true };
    it.move_rollout(rollout, step, policy, None).map(drop)
}
