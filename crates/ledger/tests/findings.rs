//! Every move of a finding, from every state.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use ledger::ssvc::{Exploitation, Inputs, Mission, TechnicalImpact};
use ledger::{Advisory, Finding, Limits, Move, Schedule, Severity, Subject};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    r#move: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    bare: [String; 5],
    shielded: [String; 5],
}

const NOW: i64 = 1_000;

fn open() -> Finding {
    let advisory = Advisory {
        title: "traversal".to_owned(),
        ..Advisory::new("CVE-2024-23334", Severity::High)
    };
    Finding::open(1, &advisory, Subject::Application("shop".to_owned()), NOW)
}

fn step(name: &str) -> Move {
    let text = str::to_owned;
    match name {
        "shield" => Move::Shield { patch: text("p") },
        "expose" => Move::Expose {},
        "schedule" => Move::Schedule(Schedule {
            by: text("release 7"),
            due_ms: 5_000,
        }),
        "unschedule" => Move::Unschedule {},
        "except" => Move::Except { exception: 7 },
        "lapse" => Move::Lapse {},
        "fix" => Move::Fix { version: text("2") },
        "verify" => Move::Verify {
            evidence: text("probe"),
        },
        "reopen" => Move::Reopen {},
        "assess" => Move::Assess(Inputs {
            exploitation: Exploitation::Active,
            automatable: true,
            technical_impact: TechnicalImpact::Total,
            mission: Mission::High,
            because: text("seen in the logs"),
        }),
        other => unreachable!("{other} is no move"),
    }
}

fn after(finding: &Finding, moves: &[&str]) -> Finding {
    moves.iter().fold(finding.clone(), |finding, name| {
        finding.after(&step(name), NOW, &Limits::default()).unwrap()
    })
}

#[test]
fn every_move_from_every_state_does_what_the_table_says() {
    let table: Table = toml::from_str(include_str!("../testdata/findings.toml")).unwrap();
    assert_eq!(table.r#move.len(), 10, "a row for each move");
    let ways: [&[&str]; 5] = [
        &[],
        &["schedule"],
        &["except"],
        &["fix"],
        &["fix", "verify"],
    ];
    for row in table.r#move {
        let bare = (open(), row.bare);
        let shielded = (after(&open(), &["shield"]), row.shielded);
        for (first, expected) in [bare, shielded] {
            for (way, expected) in ways.iter().zip(expected) {
                let from = after(&first, way);
                let outcome = from.after(&step(&row.name), NOW, &Limits::default());
                let became = outcome.map_or("-".to_owned(), |to| to.state().to_string());
                assert_eq!(became, expected, "{} at {}", row.name, from.state());
            }
        }
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let fixed = after(&open(), &["fix"]);
    let why = fixed.after(&step("shield"), NOW, &Limits::default());
    assert_eq!(
        why.unwrap_err().to_string(),
        "finding 1 is fixed: it cannot shield, reopen it first"
    );
}

#[test]
fn a_move_has_one_name() {
    for name in [
        "shield",
        "expose",
        "schedule",
        "unschedule",
        "except",
        "lapse",
        "fix",
        "verify",
        "reopen",
        "assess",
    ] {
        let json = serde_json::to_value(step(name)).unwrap();
        assert_eq!(step(name).name(), name);
        assert!(json.get(name).is_some(), "{json}");
        assert_eq!(serde_json::from_value::<Move>(json).unwrap(), step(name));
    }
}
