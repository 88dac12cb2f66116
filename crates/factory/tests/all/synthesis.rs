//! What patches follow from exploits.

use crate::support::{Patch, import};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    exploits: Vec<String>,
    #[serde(default)]
    stops: Vec<String>,
    #[serde(default)]
    passes: Vec<String>,
    rejected: Option<String>,
}

#[test]
fn a_patch_stops_the_attack_and_nothing_else() {
    let table: Table = toml::from_str(include_str!("../../testdata/synthesis.toml")).unwrap();
    let mut wrong = Vec::new();
    for case in table.case {
        let requests: Vec<String> = case
            .exploits
            .iter()
            .map(|text| crate::support::raw(text))
            .collect();
        let outcome = import("http", &requests.join("\n###\n"), "x.http", false);
        let made = match (outcome, case.rejected) {
            (Ok(made), None) => made,
            (Err(reason), Some(says)) if reason.contains(&says) => continue,
            (outcome, _) => {
                wrong.push(format!("{}: {outcome:?}", case.name));
                continue;
            }
        };
        let patch = Patch::of(&made.yaml);
        for (requests, stopped) in [
            (&case.exploits, true),
            (&case.stops, true),
            (&case.passes, false),
        ] {
            for request in requests {
                if patch.stops(request) != stopped {
                    wrong.push(format!(
                        "{}: {request:?} should be stopped: {stopped}\n{}",
                        case.name, patch.rules
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
