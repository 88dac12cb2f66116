//! CrowdSec AppSec rules (`appsec-rules`, as of CrowdSec 1.7).
//!
//! 1. [`model`] reads a file; 2. [`leaf`] makes alternatives of its conditions;
//! 3. [`scope`] takes out of them which requests they can concern; 4. what is left becomes
//!    a `deny` ([`native`]), or SecLang ([`secrule`]) where a document has no words for it.
//!
//! The cases are found by the witness generator.

mod leaf;
mod model;
mod native;
mod scope;
mod secrule;

use patch::document::{Document, Effect, Located, Rule, Scope, Severity, Vulnerability};

use super::rules::{self, Looks};
use super::{Imported, Importer, Options, Outcome, identifier, stem};
use leaf::{Leaf, Zone};
use model::{Condition, File};

/// `crowdsec`
pub(super) const IMPORTER: Importer = Importer {
    kind: "crowdsec",
    summary: "AppSec rules of CrowdSec, version 1.5 to 1.7",
    suffixes: &["yaml", "yml"],
    read,
    read_bytes: None,
};

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    let file = match File::parse(text, name) {
        Ok(file) => file,
        Err(reason) => return vec![Imported::rejected(stem(name), reason)],
    };
    let id = match &file.name {
        // `author/rule`
        Some(name) => identifier(name.rsplit('/').next().unwrap_or(name)),
        None => stem(name),
    };
    let outcome = outcome(&file, &id, name, options).unwrap_or_else(Outcome::Rejected);
    vec![Imported { id, outcome }]
}

fn outcome(file: &File, id: &str, name: &str, options: &Options) -> Result<Outcome, String> {
    let alternatives = leaf::alternatives(&file.rules, name)?;
    let own = rules::blocking(&file.seclang_rules.join("\n"), name)?;
    if alternatives.is_empty() && own.is_empty() {
        return nothing(file, name);
    }
    let (scope, rests) = scope::split(&alternatives);
    let scope = if own.is_empty() {
        scope
    } else {
        Scope::default()
    };
    let made = rests
        .iter()
        .zip(1..)
        .map(|(leaves, at)| rule(leaves, at * 100, &title(file, id)));
    let mut all: Vec<Located<Rule>> = made.map(Located::from).collect();
    if !own.is_empty() {
        all.push(Rule::Seclang(own.into()).into());
    }
    let closes =
        !rests.is_empty() && rests.iter().all(Vec::is_empty) && file.seclang_rules.is_empty();
    let document = Document {
        stopgap: 1.into(),
        id: id.to_owned().into(),
        title: title(file, id).into(),
        severity: severity(&file.rules),
        vulnerability: vulnerability(file),
        reason: Some(options.reason.into()),
        owner: Some(options.owner.clone().into()),
        expires: Some(options.expires.to_string().into()),
        effect: closes.then_some(Effect::EndpointClosed),
        limits: Vec::new(),
        body: rules::body(&scope, looks(&rests)),
        scope,
        rules: all,
        cases: Located::default(),
    };
    rules::proven(document, Vec::new(), name, options).map(Outcome::Patch)
}

/// One alternative.
fn rule(leaves: &[Leaf], number: u64, message: &str) -> Rule {
    match native::deny(leaves) {
        Some(deny) => Rule::Deny(deny),
        None => Rule::Seclang(::seclang::print(&secrule::chain(leaves, number, message)).into()),
    }
}

/// Files without a rule that stops anything.
fn nothing(file: &File, name: &str) -> Result<Outcome, String> {
    // The files of the core rule set begin so.
    let of_core = |file: &String| {
        let file = file.rsplit('/').next().unwrap_or(file);
        ["crs-", "REQUEST-9", "RESPONSE-9", "*-"]
            .iter()
            .any(|start| file.starts_with(start))
    };
    if let Some(other) = file.seclang_files_rules.iter().find(|file| !of_core(file)) {
        return Err(format!(
            "{name}: its rules are in {other}; import that file with the kind seclang"
        ));
    }
    let why = if !file.seclang_files_rules.is_empty() {
        "it loads the OWASP core rule set, which is no patch: give its files to the gateway as `rules`"
    } else if !file.seclang_rules.is_empty() {
        "it stops nothing: it only sets how bodies are parsed, which the engine does by their media type"
    } else if !file.data.is_empty() {
        "it has no rule: it only has files fetched for the OWASP core rule set"
    } else {
        return Err(format!("{name}: it has no `rules`"));
    };
    Ok(Outcome::Needless(why.to_owned()))
}

fn title(file: &File, id: &str) -> String {
    let texts = [&file.description, &file.labels.label];
    let told = texts.into_iter().find(|text| !text.trim().is_empty());
    told.map_or_else(
        || id.to_owned(),
        |text| text.split_whitespace().collect::<Vec<_>>().join(" "),
    )
}

/// As the rules say; such rules are made for what is exploited.
fn severity(rules: &[Condition]) -> Severity {
    let told = rules.iter().find_map(|rule| rule.severity.as_deref());
    match told.map(str::to_ascii_lowercase).as_deref() {
        Some("emergency" | "alert" | "critical") => Severity::Critical,
        Some("warning") => Severity::Medium,
        Some("notice" | "info" | "debug") => Severity::Low,
        _ => Severity::High,
    }
}

fn vulnerability(file: &File) -> Vulnerability {
    let of = |prefix: &str| -> Vec<String> {
        let classes = file.labels.classification.iter();
        classes
            .filter_map(|class| {
                let (kind, name) = class.split_once('.')?;
                kind.eq_ignore_ascii_case(prefix)
                    .then(|| name.to_ascii_uppercase())
            })
            .collect()
    };
    Vulnerability {
        aliases: of("cve"),
        cwe: of("cwe"),
        references: file.labels.references.clone(),
        ..Vulnerability::default()
    }
}

/// What the rules look at in bodies, besides parameters.
fn looks(alternatives: &[Vec<Leaf>]) -> Looks {
    let of_files = [
        Zone::Files,
        Zone::FilesNames,
        Zone::FileNames,
        Zone::FilesTotalSize,
    ];
    let any = |zones: &[Zone]| {
        let mut all = alternatives.iter().flatten().flat_map(|leaf| &leaf.zones);
        all.any(|zone| zones.contains(zone))
    };
    Looks {
        raw: any(&[Zone::RawBody]),
        uploads: any(&of_files),
    }
}
