//! The policy clock, as testdata says.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use campaign::policy::{Lane, Policy, Threat, VendorPatch, due};
use jiff::civil::Date;
use serde::Deserialize;

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    patches: Vec<Patch>,
    #[serde(default)]
    threats: BTreeMap<String, Threat>,
    #[serde(default)]
    urgent: bool,
    due: Date,
    told: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    id: String,
    released: Option<Date>,
    updated: Option<Date>,
    seen: Date,
    #[serde(default)]
    supersedes: Vec<String>,
    #[serde(default)]
    fixes: Vec<String>,
}

fn ms(date: Date) -> i64 {
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).unwrap();
    start.timestamp().as_millisecond()
}

#[test]
fn the_first_patch_of_each_case_is_due_when_it_should_and_says_why() {
    let cases: Cases = toml::from_str(include_str!("../testdata/policy.toml")).unwrap();
    for case in cases.case {
        let patches: Vec<VendorPatch> = case
            .patches
            .into_iter()
            .map(|it| VendorPatch {
                id: it.id,
                title: String::new(),
                released_ms: it.released.map(ms),
                updated_ms: it.updated.map(ms),
                first_seen_ms: ms(it.seen),
                supersedes: it.supersedes,
                fixes: it.fixes,
            })
            .collect();
        let due = due(&patches, &case.threats, &Policy::default());
        let told = due[0].explained();
        assert_eq!(due[0].due_ms, ms(case.due), "{}: {told}", case.name);
        assert_eq!(due[0].lane == Lane::Urgent, case.urgent, "{}", case.name);
        assert!(told.contains(&case.told), "{}: {told}", case.name);
    }
}
