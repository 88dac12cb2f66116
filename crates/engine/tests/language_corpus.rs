//! The cases of the SecLang language tests, where they are at hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/places.rs"]
mod places;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::operators::{Arguments, Build, Hit, Places};
use engine::{Limits, operators, transformations};
use serde::Deserialize;

/// The JSON of a case. What is written as `\xHH` or `\uHHHH` in its text is a byte.
#[derive(Deserialize)]
struct Case {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    param: String,
    input: String,
    /// Of a transformation; its `ret` is not followed by the reference itself.
    output: Option<String>,
    /// Of an operator.
    ret: u8,
    /// What the groups captured.
    re_groups: Option<Vec<String>>,
}

impl Case {
    /// As the reference's own test program reads it: it takes the strings of the JSON for C
    /// strings, which end at a NUL byte, before it looks for escapes.
    fn up_to_nul(&self) -> Self {
        let cut = |text: &str| text.split('\0').next().unwrap_or_default().to_owned();
        Self {
            kind: self.kind.clone(),
            name: self.name.clone(),
            param: cut(&self.param),
            input: cut(&self.input),
            output: self.output.as_deref().map(cut),
            ret: self.ret,
            re_groups: self.re_groups.clone(),
        }
    }
}

/// Stand-ins for the files that cases name and that are not published with them.
struct StandIns;

impl engine::Resources for StandIns {
    fn read(&self, name: &str, _: &str) -> Result<Vec<u8>, String> {
        let file = Path::new(name).file_name().ok_or("no file is named")?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/language");
        std::fs::read(folder.join(file)).map_err(|error| format!("{name}: {error}"))
    }
}

/// `$STOPGAP_CORPORA`, or `shared/corpora` beside the checkout.
fn corpora() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let folder = std::env::var_os("STOPGAP_CORPORA").map_or_else(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

#[test]
fn operators_and_transformations_agree_with_the_language_tests() {
    let Some(corpora) = corpora() else {
        eprintln!(
            "skipped: no corpora; set STOPGAP_CORPORA to a folder that holds modsecurity/language"
        );
        return;
    };
    let mut count = 0;
    let mut wrong = Vec::new();
    for folder in ["operators", "transformations"] {
        let path = corpora.join("modsecurity/language").join(folder);
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
            for (at, case) in cases.iter().enumerate() {
                count += 1;
                let name = format!("{folder}/{stem}#{}", at + 1);
                let passed = run(case).or_else(|why| run(&case.up_to_nul()).map_err(|_| why));
                if let Err(why) = passed {
                    wrong.push(format!("{name}: {why}"));
                }
            }
        }
    }
    assert!(count > 2000, "only {count} cases were found");
    assert!(
        wrong.is_empty(),
        "{} of {count} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn run(case: &Case) -> Result<(), String> {
    let input = bytes(&case.input);
    if case.kind == "tfn" {
        let spec = transformations::find(&case.name).ok_or("not known")?;
        let expected = bytes(case.output.as_deref().unwrap_or_default());
        let mut output = Vec::new();
        let changed = (spec.apply)(&input, &mut output);
        return same("output", if changed { &output } else { &input }, &expected);
    }
    let spec = operators::find(&case.name).ok_or("not known")?;
    let mut hit = Hit::default();
    let found = match spec.build {
        Build::Plain(function) | Build::Containing(function) => {
            function(case.param.as_bytes(), &input, &mut hit)
        }
        Build::Compiled(build) => {
            let limits = Limits::default();
            // The addresses of the cases are in no database.
            let database = Places::read("places.mmdb", places::one_city())?;
            let arguments = Arguments {
                text: &case.param,
                limits: &limits,
                resources: &StandIns,
                source: "",
                places: Some(&Arc::new(database)),
                datasets: None,
            };
            build(&arguments)?.matches(&input, &mut hit)
        }
        Build::Refused(why) => return Err(why.to_owned()),
    };
    if found != (case.ret == 1) {
        return Err(format!("{found} for {}", input.escape_ascii()));
    }
    // A hit of @rxGlobal holds one set of groups, the cases list those of all matches.
    let Some(groups) = case.re_groups.as_ref().filter(|_| case.name == "rx") else {
        return Ok(());
    };
    let captured: Vec<&[u8]> = hit
        .captures
        .iter()
        .flatten()
        .map(|span| input.get(span.clone()).unwrap())
        .collect();
    let expected: Vec<&[u8]> = groups.iter().map(|group| group.as_bytes()).collect();
    if captured != expected {
        return Err(format!("groups are {captured:?}, expected {groups:?}"));
    }
    Ok(())
}

fn same(what: &str, got: &[u8], expected: &[u8]) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    Err(format!(
        "{what} is {}, expected {}",
        got.escape_ascii(),
        expected.escape_ascii()
    ))
}

/// Reads `\xHH`, then `\uHHHH`, as the reference's own test program does: one
/// after the other, letters that are no digits end the number, and a sequence
/// without any digit has the value of the one before it.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let mut value = 0;
    for (mark, width) in [(b'x', 2), (b'u', 4)] {
        let begins = |window: &[u8]| {
            window.starts_with(&[b'\\', mark]) && window[2..].iter().all(u8::is_ascii_alphanumeric)
        };
        while let Some(at) = bytes.windows(2 + width).position(begins) {
            let digits: String = bytes[at + 2..at + 2 + width]
                .iter()
                .map(|&byte| char::from(byte))
                .take_while(char::is_ascii_hexdigit)
                .collect();
            value = u32::from_str_radix(&digits, 16).unwrap_or(value);
            bytes.splice(at..at + 2 + width, [value as u8]);
        }
    }
    bytes
}

/// The data files of the core rule set.
struct RuleFolder(PathBuf);

impl engine::Resources for RuleFolder {
    fn read(&self, name: &str, _: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.0.join(name)).map_err(|error| format!("{name}: {error}"))
    }
}

#[test]
fn the_core_rule_set_uses_no_other_operators_and_transformations() {
    let Some(corpora) = corpora() else {
        eprintln!("skipped: no corpora; set STOPGAP_CORPORA to a folder that holds crs/rules");
        return;
    };
    let folder = corpora.join("crs/rules");
    let (mut count, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "conf") {
            continue;
        }
        let source = path.display().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        let rules = seclang::parse(&source, &text, &seclang::Limits::default()).unwrap();
        for directive in &rules.directives {
            let seclang::DirectiveKind::Rule(rule) = &directive.kind else {
                continue;
            };
            count += 1;
            if let Err(why) = build(&rule.operator, &source, &RuleFolder(folder.clone())) {
                wrong.push(format!("@{}: {why}", rule.operator.name));
            }
            for action in rule.actions.iter().filter(|action| action.name == "t") {
                let name = action.argument.as_deref().unwrap_or_default();
                if name != "none" && transformations::find(name).is_none() {
                    wrong.push(format!("t:{name}"));
                }
            }
        }
    }
    assert!(count > 500, "only {count} rules were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn build(operator: &seclang::Operator, source: &str, resources: &RuleFolder) -> Result<(), String> {
    let spec = operators::find(&operator.name).ok_or("not known")?;
    match spec.build {
        Build::Plain(_) | Build::Containing(_) => Ok(()),
        Build::Compiled(build) => build(&Arguments {
            text: &operator.argument,
            limits: &Limits::default(),
            resources,
            source,
            places: None,
            datasets: None,
        })
        .map(|_| ()),
        Build::Refused(why) => Err(why.to_owned()),
    }
}
