//! Rules and requests as data: `testdata/cases/*.toml`.
//!
//! Each case names rules, a request, and what the engine must say of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use engine::{Action, BodyNeed, Compiler, Flow, Limits, NoResources, RequestHead};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rules: String,
    #[serde(default = "get")]
    method: String,
    #[serde(default = "root")]
    target: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// Fed chunk by chunk.
    #[serde(default)]
    body: Vec<String>,
    /// Instead of `body`: one chunk in hexadecimal.
    body_hex: Option<String>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// The status of a block; none: the request passes.
    block: Option<u16>,
    /// Ids of all rules that matched, in order.
    matched: Option<Vec<u64>>,
    /// The target of the last match.
    target: Option<String>,
    /// The message of the last match.
    message: Option<String>,
    /// Part of the compile error.
    error: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

#[test]
fn every_case_is_decided_as_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/cases");
    let mut count = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        for case in file.case {
            count += 1;
            // By the plan, and by rules that run one by one.
            for plainly in [false, true] {
                if let Err(why) = run(&case, plainly) {
                    let how = if plainly { " (plainly)" } else { "" };
                    wrong.push(format!("{}: {}{how}: {why}", path.display(), case.name));
                }
            }
        }
    }
    assert!(count > 0, "no cases in {folder}");
    assert!(
        wrong.is_empty(),
        "{} of {count} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn run(case: &Case, plainly: bool) -> Result<(), String> {
    let rules = seclang::parse("case.conf", &case.rules, &seclang::Limits::default())
        .map_err(|error| error.to_string())?;
    let compiler = Compiler::new(&[rules], Limits::default(), &NoResources);
    let compiled = compiler.and_then(|compiler| match plainly {
        true => compiler.plainly().finish(),
        false => compiler.finish(),
    });
    let plan = match (compiled, &case.expect.error) {
        (Ok(plan), None) => plan,
        (Ok(_), Some(error)) => return Err(format!("compiles, but should say {error:?}")),
        (Err(error), Some(part)) if error.to_string().contains(part.as_str()) => return Ok(()),
        (Err(error), _) => return Err(error.to_string()),
    };
    let mut tx = plan.begin();
    let head = RequestHead::new(
        case.method.as_bytes(),
        case.target.as_bytes(),
        &case.headers,
    );
    let mut flow = tx.request_head(&head);
    if flow == Flow::Continue && tx.request_body_need() != BodyNeed::None {
        let chunks = case.body.iter().map(|text| text.as_bytes().to_vec());
        for chunk in chunks.chain(case.body_hex.as_deref().map(unhex)) {
            if flow == Flow::Continue {
                flow = tx.request_body(&chunk);
            }
        }
    }
    if flow == Flow::Continue {
        flow = tx.request_body_end();
    }
    let blocked = match &flow {
        Flow::Continue => None,
        Flow::Stop(decision) => match decision.action {
            Action::Block { status } => Some(status),
            _ => None,
        },
    };
    let matches = tx.finish();
    let matched: Vec<u64> = matches.iter().map(|found| found.rule).collect();
    let last = matches.last();
    same("block", &blocked, &case.expect.block)?;
    if let Some(expected) = &case.expect.matched {
        same("matched", &matched, expected)?;
    }
    if let Some(expected) = &case.expect.target {
        same(
            "target",
            &last.map(|found| found.target.as_str()),
            &Some(expected.as_str()),
        )?;
    }
    if let Some(expected) = &case.expect.message {
        same(
            "message",
            &last.map(|found| found.message.as_str()),
            &Some(expected.as_str()),
        )?;
    }
    Ok(())
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| letter.to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] * 16 + pair[1])
        .collect()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, expected: &T) -> Result<(), String> {
    if got == expected {
        Ok(())
    } else {
        Err(format!("{what} is {got:?}, expected {expected:?}"))
    }
}
