//! Every move of a rollout, from every step, and what it does by itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::HashSet;

use ledger::rollout::{Evidence, Move, Policy, Rules, Signals, Stage, Step};
use ledger::{AwaitedFix, Environment, Limits, Proof, Proven, Reason, Rollout, VirtualPatch};
use serde::Deserialize;

const NOW: i64 = 1_000_000;

#[derive(Deserialize)]
struct Moves {
    r#move: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    owed: bool,
    #[serde(default)]
    verified: bool,
    #[serde(default)]
    production: bool,
    #[serde(default)]
    one_person: bool,
    approved_by: Option<String>,
    to: [String; 6],
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    stage: Option<Stage>,
    share: Option<u8>,
    #[serde(default)]
    production: bool,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    owed: bool,
    #[serde(default)]
    rules: toml::Table,
    age_ms: Option<i64>,
    #[serde(default)]
    seen: toml::Table,
    does: toml::Value,
}

fn patch() -> VirtualPatch {
    VirtualPatch {
        id: "p".to_owned(),
        title: "p".to_owned(),
        advisories: Vec::new(),
        owner: "web".to_owned(),
        reason: Reason::ThirdParty,
        expires_ms: i64::MAX,
        fix: fix(false),
        document: "stopgap: 1\n".to_owned(),
    }
}

fn fix(verified: bool) -> AwaitedFix {
    AwaitedFix {
        link: "release 2".to_owned(),
        verified_by: verified.then(|| "probe".to_owned()),
    }
}

fn proven() -> Proven {
    let proof = Proof {
        digest: patch().digest(),
        objections: Vec::new(),
        proven_ms: 0,
    };
    Proven::new(&proof, &patch()).unwrap()
}

fn start(production: bool, rules: Rules) -> Rollout {
    let environment = match production {
        true => Environment::Production,
        false => Environment::Test,
    };
    let to = (environment, rules);
    Rollout::start(
        1,
        &patch(),
        proven(),
        to,
        ("starter", 0),
        &Limits::default(),
    )
    .unwrap()
}

fn rules() -> Rules {
    Rules {
        automatic_until: Some(Stage::Enforce),
        canary_percent: vec![10, 50],
        minimum_ms: 10,
        minimum_requests: 100,
        ..Rules::default()
    }
}

fn owed() -> Evidence {
    Evidence::Owed {
        reason: "exploited".to_owned(),
        due_ms: NOW + 1,
    }
}

fn step(name: &str) -> Move {
    match name {
        "promote" => Move::Promote {},
        "demote" => Move::Demote {},
        "pause" => Move::Pause {
            reason: "holiday".to_owned(),
        },
        "resume" => Move::Resume {},
        "approve" => Move::Approve {},
        "emergency" => Move::Emergency {
            reason: "exploited".to_owned(),
            proof_due_ms: NOW + 1,
        },
        "review" => Move::Review {},
        "report" => Move::Report {
            reason: "a search for an apostrophe".to_owned(),
        },
        "retire" => Move::Retire {},
        other => unreachable!("{other} is no move"),
    }
}

fn told(rollout: &Rollout) -> String {
    match rollout.share_percent {
        Some(share) => format!("{} {share}", rollout.stage),
        None => rollout.stage.to_string(),
    }
}

#[test]
fn every_move_from_every_step_does_what_the_table_says() {
    let table: Moves = toml::from_str(include_str!("../testdata/rollouts.toml")).unwrap();
    let steps = [
        (Stage::Test, None),
        (Stage::Shadow, None),
        (Stage::Canary, Some(10)),
        (Stage::Canary, Some(50)),
        (Stage::Enforce, None),
        (Stage::Retired, None),
    ];
    for row in table.r#move {
        let mut from = start(row.production, rules());
        from.paused = row.paused.then(|| "holiday".to_owned());
        if row.owed {
            from.evidence = owed();
        }
        let policy = Policy {
            two_persons: !row.one_person,
        };
        if let Some(who) = &row.approved_by {
            let limits = Limits::default();
            let approved = from.after(&Move::Approve {}, &fix(false), policy, (who, 0), &limits);
            from = approved.unwrap();
        }
        for ((stage, share), expected) in steps.iter().zip(&row.to) {
            (from.stage, from.share_percent) = (*stage, *share);
            let by = ("third", NOW);
            let step = step(&row.name);
            let outcome = from.after(&step, &fix(row.verified), policy, by, &Limits::default());
            let became = outcome.map_or("-".to_owned(), |to| told(&to));
            assert_eq!(&became, expected, "{} at {}", row.name, told(&from));
        }
    }
}

/// All rollouts that any moves by any of two people lead to keep these promises.
#[test]
fn no_way_through_the_moves_breaks_a_promise() {
    let limits = Limits::default();
    let policy = Policy { two_persons: true };
    let unproven = Rollout::start_unproven(
        1,
        &patch(),
        ("exploited".to_owned(), NOW + 1),
        (Environment::Production, rules()),
        ("starter", NOW),
        &limits,
    );
    let mut seen = HashSet::new();
    let mut open = vec![start(true, rules()), unproven.unwrap()];
    while let Some(rollout) = open.pop() {
        if !seen.insert(serde_json::to_string(&rollout).unwrap()) {
            continue;
        }
        assert!(seen.len() < 10_000, "the moves do not end");
        let canary = rollout.stage == Stage::Canary;
        let known = rollout
            .share_percent
            .is_some_and(|share| [10, 50].contains(&share));
        assert!(known == canary && (canary || rollout.share_percent.is_none()));
        if rollout.stage == Stage::Enforce {
            let second = rollout.approvals.iter().any(|each| each.who != "starter");
            assert!(second, "enforced without a second person: {rollout:?}");
        }
        for name in [
            "promote",
            "demote",
            "pause",
            "resume",
            "approve",
            "emergency",
            "review",
            "retire",
        ] {
            for (who, verified) in [("starter", false), ("second", true)] {
                let by = (who, NOW);
                let next = rollout.after(&step(name), &fix(verified), policy, by, &limits);
                let Ok(next) = next else { continue };
                let further = next.stage > rollout.stage && next.stage != Stage::Retired;
                let unproven = matches!(rollout.evidence, Evidence::Owed { .. });
                // Back from `retired` leads to where it was.
                if further && unproven {
                    assert_eq!(name, "emergency", "gone on without a proof: {rollout:?}");
                }
                if rollout.paused.is_some() && further {
                    assert_eq!(name, "emergency", "gone on though paused: {rollout:?}");
                }
                open.push(next);
            }
        }
    }
    assert!(seen.len() > 50, "only {} rollouts were reached", seen.len());
}

#[test]
fn what_a_rollout_does_by_itself_is_as_the_table_says() {
    let cases: Cases = toml::from_str(include_str!("../testdata/automatic.toml")).unwrap();
    for case in cases.case {
        let mut rules = toml::Table::try_from(rules()).unwrap();
        rules.extend(case.rules);
        if rules["automatic_until"].as_str() == Some("none") {
            rules.remove("automatic_until");
        }
        let mut rollout = start(case.production, rules.try_into().unwrap());
        rollout.stage = case.stage.unwrap_or(Stage::Canary);
        rollout.share_percent =
            (rollout.stage == Stage::Canary).then_some(case.share.unwrap_or(10));
        rollout.paused = case.paused.then(|| "holiday".to_owned());
        rollout.since_ms = NOW - case.age_ms.unwrap_or(NOW);
        if case.owed {
            rollout.evidence = owed();
        }
        let mut seen = toml::Table::try_from(Signals {
            requests: 1000,
            latency_us: 1000,
            baseline_requests: 1000,
            baseline_latency_us: 1000,
            ..Signals::default()
        })
        .unwrap();
        seen.extend(case.seen);
        let seen: Signals = seen.try_into().unwrap();
        let does = match rollout.next_step(&seen, Policy { two_persons: true }, NOW) {
            Step::Promote => "promote".into(),
            Step::Demote(fault) => toml::Value::try_from(fault).unwrap(),
            Step::Stay(waiting) => toml::Value::try_from(waiting).unwrap(),
        };
        assert_eq!(does, case.does, "{}", case.name);
    }
}

#[test]
fn a_proof_that_is_owed_settles_the_debt_if_it_is_of_the_same_document() {
    let mut rollout = start(false, rules());
    rollout.evidence = owed();
    assert!(!rollout.proof_is_overdue(NOW));
    assert!(rollout.proof_is_overdue(NOW + 1));
    let settled = rollout.proven(proven()).unwrap();
    assert!(!settled.proof_is_overdue(i64::MAX));
    rollout.digest = "of another".to_owned();
    assert!(rollout.proven(proven()).is_err());
}

#[test]
fn rules_that_cannot_be_followed_are_refused() {
    let limits = Limits::default();
    for shares in [vec![0], vec![100], vec![50, 10], vec![10, 10]] {
        let rules = Rules {
            canary_percent: shares,
            ..Rules::default()
        };
        assert!(rules.check(&limits).is_err(), "{rules:?}");
    }
    assert!(Rules::default().check(&limits).is_ok());
    let none = Rules {
        canary_percent: Vec::new(),
        ..rules()
    };
    assert!(none.check(&limits).is_ok(), "a canary is not compulsory");
}
