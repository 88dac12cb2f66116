//! SecLang: virtual patches for ModSecurity and Coraza, rules of vendors.
//!
//! 1. [`sections`] takes Apache's `<Location>` away from around rules, [`group`] takes the
//!    file apart: chains, what prepares for them, what is no patch.
//! 2. Chains for one CVE make one patch, others one each; where they depend on each other,
//!    the file is one patch.
//! 3. [`scope`] reads off which requests they can concern. The rules stay as written.
//!
//! The cases are found by the witness generator.

mod group;
mod lists;
mod scope;
mod sections;

use std::collections::BTreeMap;

use ::seclang::Rule;
use patch::document::{Document, Located, Rule as PatchRule, Severity, Vulnerability};

use super::rules::{self, Looks};
use super::{Imported, Importer, Options, Outcome, identifier, stem};
use group::{Kind, Unit};
use sections::Section;

/// `seclang`
pub(super) const IMPORTER: Importer = Importer {
    kind: "seclang",
    summary: "SecLang rules, as ModSecurity 2 and 3 and Coraza read them",
    suffixes: &["conf", "rules"],
    read,
    read_bytes: None,
};

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    let (units, sections) = match parsed(text, name, options) {
        Ok(parsed) => parsed,
        Err(reason) => return vec![Imported::rejected(stem(name), reason)],
    };
    let mut found: Vec<Imported> = Vec::new();
    let whole = group::depend(&units);
    for (key, members) in groups(&units, whole) {
        let id = match key {
            Key::Cve(cve) => cve,
            Key::Rule(number) => identifier(&format!("{}-{number}", stem(name))),
            Key::File => stem(name),
        };
        let outcome = patch(&id, &members, (&units, &sections), whole, name, options);
        found.push(Imported {
            id,
            outcome: outcome.into(),
        });
    }
    found.extend(others(&units, whole, name));
    if found.is_empty() {
        let why = format!(
            "{name}: it has no rule, only settings, which the gateway's configuration is for"
        );
        found.push(Imported {
            id: stem(name),
            outcome: Outcome::Needless(why),
        });
    }
    found
}

fn parsed(text: &str, name: &str, options: &Options) -> Result<(Vec<Unit>, Vec<Section>), String> {
    let (mut text, sections) = sections::taken_out(text, name)?;
    let parse = |text: &str| {
        ::seclang::parse(name, text, &::seclang::Limits::default())
            .map_err(|error| format!("{}: {}", error.location(), error.message()))
    };
    let mut ruleset = parse(&text)?;
    if let Some(whole) = lists::inlined(&ruleset, &text, name, &options.beside)? {
        ruleset = parse(&whole)?;
        text = whole;
    }
    Ok((group::units(&ruleset, &text, name)?, sections))
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Cve(String),
    Rule(u64),
    File,
}

/// What stops requests, by the patch that it belongs to.
fn groups(units: &[Unit], whole: bool) -> BTreeMap<Key, Vec<&Unit>> {
    let mut groups: BTreeMap<Key, Vec<&Unit>> = BTreeMap::new();
    let stopping = units.iter().filter(|unit| unit.kind == Kind::Stops);
    for unit in stopping {
        let key = match &unit.cve {
            Some(cve) if !whole => Key::Cve(cve.clone()),
            None if !whole => Key::Rule(number(unit)),
            _ => Key::File,
        };
        groups.entry(key).or_default().push(unit);
    }
    // A file about one vulnerability is its patch.
    let all = units.iter().filter_map(|unit| unit.cve.clone());
    let mut cves: Vec<String> = all.collect();
    cves.dedup();
    if let (Some(members), [cve]) = (groups.remove(&Key::File), cves.as_slice()) {
        groups.insert(Key::Cve(cve.clone()), members);
    } else if whole {
        let members = units
            .iter()
            .filter(|unit| unit.kind == Kind::Stops)
            .collect::<Vec<_>>();
        if !members.is_empty() {
            groups.insert(Key::File, members);
        }
    }
    groups
}

fn number(unit: &Unit) -> u64 {
    let actions = unit.rules.first().map(|rule| rule.actions.as_slice());
    let id = actions
        .unwrap_or_default()
        .iter()
        .find(|action| action.name.eq_ignore_ascii_case("id"));
    id.and_then(|id| id.argument.as_ref()?.trim().parse().ok())
        .unwrap_or(u64::from(unit.line))
}

fn patch(
    id: &str,
    members: &[&Unit],
    (units, sections): (&[Unit], &[Section]),
    whole: bool,
    name: &str,
    options: &Options,
) -> Result<super::Made, String> {
    let late = members
        .iter()
        .flat_map(|unit| &unit.rules)
        .find(|rule| is_late(rule));
    if late.is_some() && members.len() == 1 {
        return Err(format!(
            "{name}:{}: it looks at responses, for which no request can prove it",
            members.first().map_or(0, |unit| unit.line)
        ));
    }
    let kept = units.iter().filter(|unit| match unit.kind {
        Kind::Stops => members.iter().any(|member| member.line == unit.line),
        Kind::Prepares => whole,
        Kind::Defaults => true,
        Kind::Excludes | Kind::Sets => false,
    });
    let mut text: Vec<&str> = kept.map(|unit| unit.text.as_str()).collect();
    // `block` is what a configuration makes of it, and a patch is there to stop.
    let blocks = members
        .iter()
        .any(|unit| unit.kind == Kind::Stops && group::asks_default(unit));
    if blocks && !units.iter().any(|unit| unit.kind == Kind::Defaults) {
        text.insert(
            0,
            "SecDefaultAction \"phase:1,log,deny\"\nSecDefaultAction \"phase:2,log,deny\"",
        );
    }
    let chains: Vec<&[Rule]> = members.iter().map(|unit| unit.rules.as_slice()).collect();
    let mut scope = scope::of(&chains);
    sections::narrow(&mut scope, sections, members.iter().map(|unit| unit.line));
    let all_rules = || members.iter().flat_map(|unit| &unit.rules);
    let told = |wanted: &str| {
        let actions = all_rules().flat_map(|rule| &rule.actions);
        let mut found = actions.filter(|action| action.name.eq_ignore_ascii_case(wanted));
        found.find_map(|action| action.argument.clone())
    };
    let document = Document {
        stopgap: 1.into(),
        id: id.to_owned().into(),
        title: told("msg")
            .filter(|text| !text.trim().is_empty())
            .unwrap_or_else(|| id.to_owned())
            .into(),
        severity: severity(told("severity").as_deref()),
        vulnerability: Vulnerability {
            cwe: cwe(all_rules()),
            ..Vulnerability::default()
        },
        reason: Some(options.reason.into()),
        owner: Some(options.owner.clone().into()),
        expires: Some(options.expires.to_string().into()),
        effect: None,
        limits: Vec::new(),
        body: rules::body(&scope, looks(members)),
        scope,
        rules: vec![PatchRule::Seclang(format!("{}\n", text.join("\n")).into()).into()],
        cases: Located::default(),
    };
    let settings = units.iter().filter(|unit| unit.kind == Kind::Sets);
    let left_out = settings.map(|unit| {
        let word = unit.text.split_whitespace().next().unwrap_or_default();
        format!(
            "{word} in line {} is left out: it is the gateway's to set",
            unit.line
        )
    });
    rules::proven(document, left_out.collect(), name, options)
}

fn looks(members: &[&Unit]) -> Looks {
    let any = |start: &str| {
        let rules = members.iter().flat_map(|unit| &unit.rules);
        let mut targets = rules.flat_map(|rule| &rule.targets);
        targets.any(|target| target.variable.to_ascii_uppercase().starts_with(start))
    };
    Looks {
        raw: any("REQUEST_BODY"),
        uploads: any("FILES"),
    }
}

/// Whether it runs once the application has answered.
fn is_late(rule: &Rule) -> bool {
    rule.actions.iter().any(|action| {
        let late = ["3", "4", "5", "response", "logging"];
        action.name.eq_ignore_ascii_case("phase")
            && action
                .argument
                .as_deref()
                .is_some_and(|phase| late.contains(&phase))
    })
}

fn severity(told: Option<&str>) -> Severity {
    match told.map(str::to_ascii_uppercase).as_deref() {
        Some("0" | "1" | "2" | "EMERGENCY" | "ALERT" | "CRITICAL") => Severity::Critical,
        Some("4" | "WARNING") => Severity::Medium,
        Some("5" | "6" | "7" | "NOTICE" | "INFO" | "DEBUG") => Severity::Low,
        _ => Severity::High,
    }
}

/// Tags such as `CWE-22` and `cwe/22`.
fn cwe<'r>(rules: impl Iterator<Item = &'r Rule>) -> Vec<String> {
    let mut found = Vec::new();
    for action in rules.flat_map(|rule| &rule.actions) {
        let tag = action
            .argument
            .as_deref()
            .unwrap_or_default()
            .to_ascii_uppercase();
        let number = tag
            .split_once("CWE")
            .map(|(_, rest)| rest.trim_start_matches(['-', '/', '_']));
        let digits = |rest: &str| {
            rest.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
        };
        if let Some(number) = number.map(digits).filter(|number| !number.is_empty()) {
            let name = format!("CWE-{number}");
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// What became no patch, and why.
fn others(units: &[Unit], whole: bool, name: &str) -> Vec<Imported> {
    let mut found = Vec::new();
    let stops = units.iter().any(|unit| unit.kind == Kind::Stops);
    for unit in units {
        let why = match unit.kind {
            Kind::Excludes => {
                "it takes protection away from requests, which is no patch: keep it beside the rules that it is about"
            }
            // It goes with those that stop something.
            Kind::Prepares if whole && stops => continue,
            Kind::Prepares if unit.rules.is_empty() => continue,
            Kind::Prepares => {
                "it only records or counts: no rule of this file stops a request for it"
            }
            Kind::Stops | Kind::Defaults | Kind::Sets => continue,
        };
        let id = identifier(&format!("{}-{}", stem(name), number(unit)));
        found.push(Imported::rejected(
            id,
            format!("{name}:{}: {why}", unit.line),
        ));
    }
    found
}
