//! What bundles hold, and how rollouts go back to an earlier one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use ledger::bundle::{Entry, back, content, same};
use ledger::rollout::{Evidence, Rules, Stage};
use ledger::{Environment, Rollout, sha256};
use serde::Deserialize;

#[derive(Deserialize)]
struct Cases {
    content: Vec<Content>,
    back: Vec<Back>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    name: String,
    environment: Environment,
    rollouts: Vec<String>,
    has: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Back {
    name: String,
    environment: Environment,
    patch: Option<String>,
    rollouts: Vec<String>,
    before: Vec<String>,
    #[serde(default)]
    becomes: Vec<String>,
    refused: Option<String>,
}

fn cases() -> Cases {
    toml::from_str(include_str!("../testdata/bundles.toml")).unwrap()
}

fn rollout(text: &str) -> Rollout {
    let words: Vec<_> = text.split(' ').collect();
    Rollout {
        id: words[0].parse().unwrap(),
        patch: words[1].to_owned(),
        digest: sha256(words[2].as_bytes()),
        environment: words[3].parse().unwrap(),
        stage: words[4].parse().unwrap(),
        share_percent: words.get(5).map(|share| share.parse().unwrap()),
        since_ms: 1,
        paused: None,
        started_by: "a".to_owned(),
        approvals: Vec::new(),
        reviewed_ms: None,
        false_positives: 0,
        evidence: Evidence::Owed {
            reason: "r".to_owned(),
            due_ms: 2,
        },
        rules: Rules::default(),
    }
}

fn entry(text: &str) -> Entry {
    let words: Vec<_> = text.split(' ').collect();
    Entry {
        rollout: words[0].parse().unwrap(),
        patch: words[1].to_owned(),
        digest: sha256(words[2].as_bytes()),
        stage: words[3].parse().unwrap(),
        share_percent: words.get(4).map(|share| share.parse().unwrap()),
    }
}

#[test]
fn a_bundle_has_what_the_rollouts_say() {
    for case in cases().content {
        let rollouts: Vec<_> = case.rollouts.iter().map(|text| rollout(text)).collect();
        let has: Vec<_> = case.has.iter().map(|text| entry(text)).collect();
        assert_eq!(content(case.environment, &rollouts), has, "{}", case.name);
    }
}

#[test]
fn rollouts_go_back_to_where_they_were_in_a_bundle() {
    for case in cases().back {
        let rollouts: Vec<_> = case.rollouts.iter().map(|text| rollout(text)).collect();
        let before: Vec<_> = case.before.iter().map(|text| entry(text)).collect();
        let of = (case.environment, case.patch.as_deref());
        let outcome = back(of.0, &rollouts, &before, of.1, ("taken back", 9));
        if let Some(refused) = &case.refused {
            let why = outcome.unwrap_err().to_string();
            assert!(why.contains(refused), "{}: {why}", case.name);
            continue;
        }
        let changed = outcome.unwrap();
        let mut becomes: Vec<_> = case.becomes.iter().map(|text| rollout(text)).collect();
        for each in &mut becomes {
            each.since_ms = 9;
            each.paused = (each.stage != Stage::Retired).then(|| "taken back".to_owned());
        }
        assert_eq!(changed, becomes, "{}", case.name);
        // The ledger and the bundle agree afterwards.
        let mut rollouts = rollouts;
        for each in changed {
            let place = rollouts.iter().position(|there| there.id == each.id);
            rollouts[place.unwrap()] = each;
        }
        let now = content(case.environment, &rollouts);
        let concerned = |entry: &&Entry| of.1.is_none_or(|patch| entry.patch == patch);
        let now: Vec<_> = now.iter().filter(concerned).cloned().collect();
        let before: Vec<_> = before.iter().filter(concerned).cloned().collect();
        assert!(same(&now, &before), "{}: {now:?}", case.name);
    }
}
