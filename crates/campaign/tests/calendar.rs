//! Windows and the days of rules, as testdata says.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use campaign::calendar::{Freeze, Recurrence, Window, WindowRule, Zone, windows};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

#[derive(Deserialize)]
struct Rules {
    case: Vec<Days>,
    wrong: Vec<Wrong>,
}

#[derive(Deserialize)]
struct Days {
    rule: String,
    anchor: Date,
    days: Vec<Date>,
}

#[derive(Deserialize)]
struct Wrong {
    rule: String,
    why: String,
}

fn rules() -> Rules {
    toml::from_str(include_str!("../testdata/recurrences.toml")).unwrap()
}

/// A rule's days, by the windows that open on them.
fn days(rule: &str, anchor: Date, after: Date, most: usize) -> Vec<Date> {
    let rule = WindowRule {
        days: Recurrence::try_from(rule.to_owned()).unwrap(),
        plus_days: 0,
        opens: jiff::civil::time(12, 0, 0, 0),
        minutes: 1,
        zone: Zone::try_from("UTC".to_owned()).unwrap(),
        from: anchor,
    };
    let utc = jiff::tz::TimeZone::UTC;
    let after = after.to_zoned(utc.clone()).unwrap().timestamp();
    let open = windows(&rule, "", &[], (after.as_millisecond(), most)).open;
    open.iter()
        .map(|it| Timestamp::from_millisecond(it.opens_ms).unwrap())
        .map(|it| it.to_zoned(utc.clone()).date())
        .collect()
}

#[test]
fn rules_have_the_days_that_rfc_5545_gives_for_them() {
    for case in rules().case {
        let ends = case.rule.contains("COUNT") || case.rule.contains("UNTIL");
        let most = case.days.len() + usize::from(ends);
        let found = days(&case.rule, case.anchor, case.anchor, most);
        assert_eq!(found, case.days, "{}", case.rule);
        // From any day on, the rest of them.
        for (at, day) in case.days.iter().enumerate() {
            let rest = days(&case.rule, case.anchor, *day, most - at);
            assert_eq!(rest, case.days[at..], "{} from {day}", case.rule);
        }
    }
}

#[test]
fn what_is_no_rule_is_refused_with_the_reason() {
    for Wrong { rule, why } in rules().wrong {
        let told = Recurrence::try_from(rule.clone()).unwrap_err();
        assert!(told.contains(&why), "{rule}: {told}");
    }
    let zone = Zone::try_from("Europe/Bonn".to_owned()).unwrap_err();
    assert!(zone.contains("say one like Europe/Berlin"), "{zone}");
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    rule: WindowRule,
    after: Timestamp,
    #[serde(default)]
    freezes: Vec<Freeze>,
    windows: Vec<String>,
}

#[test]
fn windows_open_when_the_wall_clock_says_and_last_as_long_as_they_should() {
    let cases: Cases = toml::from_str(include_str!("../testdata/windows.toml")).unwrap();
    for case in cases.case {
        let expected = case.windows.iter().map(|window| {
            let (opens, closes) = window.split_once(' ').unwrap();
            let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
            Window {
                opens_ms: ms(opens),
                closes_ms: ms(closes),
            }
        });
        let expected: Vec<Window> = expected.collect();
        let asked = (case.after.as_millisecond(), expected.len().max(1));
        let found = windows(&case.rule, "shop", &case.freezes, asked).open;
        assert_eq!(found, expected, "{}", case.name);
    }
}

#[test]
fn a_freeze_that_closed_windows_is_named() {
    let cases: Cases = toml::from_str(include_str!("../testdata/windows.toml")).unwrap();
    let case = cases.case.iter().find(|it| !it.freezes.is_empty()).unwrap();
    let asked = (case.after.as_millisecond(), 2);
    let closed = windows(&case.rule, "shop", &case.freezes, asked).closed;
    assert_eq!(closed[0].why, "the year is being closed");
}

#[test]
fn what_takes_longer_than_what_is_left_of_a_window_does_not_fit() {
    let window = Window {
        opens_ms: 1000,
        closes_ms: 2000,
    };
    assert!(window.fits(1000, 1000));
    assert!(!window.fits(1001, 1000));
    assert!(!window.fits(999, 1));
}
