//! Templates become patches, or are rejected with a reason that names the place.

use crate::support::{Patch, import};
use factory::{Limits, importers};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
    /// Of which only what they send is looked at.
    described: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    template: String,
    #[serde(default)]
    accept: bool,
    effect: Option<String>,
    #[serde(default)]
    stops: Vec<String>,
    #[serde(default)]
    passes: Vec<String>,
    rejected: Option<String>,
    /// Targets and bodies of all that it sends, where they are told.
    #[serde(default)]
    sends: Vec<String>,
    /// What is said of what was left out.
    #[serde(default)]
    notes: Vec<String>,
}

fn table() -> Table {
    toml::from_str(include_str!("../../testdata/nuclei.toml")).unwrap()
}

fn cases() -> Vec<Case> {
    table().case
}

#[test]
fn templates_become_what_the_table_says() {
    let mut wrong = Vec::new();
    for case in cases() {
        let made = match (
            import("nuclei", &case.template, "x.yaml", case.accept),
            &case.rejected,
        ) {
            (Ok(made), None) => made,
            (Err(reason), Some(says)) if reason.contains(says) => continue,
            (outcome, _) => {
                wrong.push(format!("{}: {outcome:?}", case.name));
                continue;
            }
        };
        let effect = made
            .effect
            .map(|effect| serde_json::to_value(effect).unwrap());
        assert_eq!(
            effect.as_ref().and_then(|effect| effect.as_str()),
            case.effect.as_deref(),
            "{}",
            case.name
        );
        let patch = Patch::of(&made.yaml);
        for (requests, stopped) in [(&case.stops, true), (&case.passes, false)] {
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

#[test]
fn templates_send_and_leave_out_what_the_table_says() {
    for case in cases().into_iter().chain(table().described) {
        if case.sends.is_empty() && case.notes.is_empty() {
            continue;
        }
        let made =
            factory::import::nuclei::describe(&case.template, "x.yaml", &Limits::default(), 0);
        let made = made.unwrap();
        assert_eq!(made.notes, case.notes, "{}", case.name);
        let steps = made.exploits.iter().flat_map(|exploit| &exploit.steps);
        let sent: Vec<String> = steps
            .map(|step| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                format!(
                    "{} {}",
                    text(&step.request.target),
                    text(&step.request.body)
                )
            })
            .collect();
        assert!(sent.len() <= Limits::default().exploits, "{}", case.name);
        if !case.sends.is_empty() {
            assert_eq!(sent, case.sends, "{}", case.name);
        }
    }
}

/// What chance chose, and the names of hosts, are in no rule and no scope.
#[test]
fn no_rule_holds_what_the_scanner_made_up() {
    let mut looked = 0;
    for case in cases() {
        let described =
            factory::import::nuclei::describe(&case.template, "x.yaml", &Limits::default(), 0);
        let (Ok(description), Ok(made)) =
            (described, import("nuclei", &case.template, "x.yaml", true))
        else {
            continue;
        };
        let rules = Patch::of(&made.yaml).rules;
        let steps = description
            .exploits
            .iter()
            .flat_map(|exploit| &exploit.steps);
        for unknown in steps.flat_map(|step| &step.unknowns) {
            assert!(
                !rules.contains(&unknown.text),
                "{}: {unknown:?} in {rules}",
                case.name
            );
            looked += 1;
        }
    }
    assert!(looked > 10, "no template has unknown parts");
}

/// Two imports of the same source are the same, so that a review shows what changed.
#[test]
fn what_is_imported_twice_is_the_same_twice() {
    for case in cases() {
        let [first, second] =
            [0, 1].map(|_| import("nuclei", &case.template, "x.yaml", true).map(|made| made.yaml));
        assert_eq!(first, second, "{}", case.name);
    }
}

#[test]
fn sources_beyond_a_limit_are_rejected() {
    let importer = importers()
        .iter()
        .find(|importer| importer.kind == "nuclei")
        .unwrap();
    let mut options = crate::support::options(false);
    options.limits.source_bytes = 100;
    let text = format!("id: x\n# {}\n", "a".repeat(200));
    let outcome = importer.import(&text, "x.yaml", &options).remove(0).outcome;
    assert!(format!("{outcome:?}").contains("larger than the 100 bytes allowed"));
}
