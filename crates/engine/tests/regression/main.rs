//! ModSecurity's own regression cases, where they are at hand.
//!
//! They look for lines in its debug log; `log` writes those lines from a traced
//! transaction. Known disagreements stand in `testdata/regression-gaps.toml`;
//! one that is no longer a disagreement fails the test.
//! `STOPGAP_REGRESSION=variable-TX` runs the cases of one file and prints their logs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/corpora.rs"]
mod corpora;
#[path = "../support/files.rs"]
mod files;
#[path = "../support/gaps.rs"]
mod gaps;
mod log;

use std::collections::BTreeMap;
use std::path::Path;

use engine::{
    Action, BodyNeed, Compiler, Context, Decision, Flow, Limits, Match, RequestHead, ResponseHead,
    Trace,
};
use files::Folder;
use gaps::Gaps;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    #[serde(default)]
    enabled: u8,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    client: Peer,
    #[serde(default)]
    server: Peer,
    #[serde(default)]
    request: Request,
    #[serde(default)]
    response: Response,
    #[serde(default)]
    expected: Expected,
}

#[derive(Deserialize, Default)]
struct Peer {
    #[serde(default)]
    ip: String,
    #[serde(default)]
    port: u16,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Request {
    headers: serde_json::Value,
    uri: String,
    method: String,
    http_version: Option<serde_json::Value>,
    body: serde_json::Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Response {
    headers: serde_json::Value,
    body: serde_json::Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Expected {
    debug_log: Option<String>,
    error_log: Option<String>,
    audit_log: Option<String>,
    parser_error: Option<String>,
    http_code: Option<u16>,
    redirect_url: Option<String>,
}

/// What came of a case.
struct Outcome {
    decision: Option<Decision>,
    /// Whether the response's body was wanted.
    inspects_response: bool,
    matches: Vec<Match>,
    trace: Vec<Trace>,
}

/// What ModSecurity does where a case says nothing; the last rule shows what parsers noticed.
const BEFORE: &str = "SecRequestBodyAccess On\nSecResponseBodyAccess On\n";
const AFTER: &str =
    "\nSecRule BODY_ANOMALIES \"@unconditionalMatch\" \"id:4000000000,phase:5,pass,nolog\"\n";

#[test]
fn rules_do_what_modsecurity_expects_of_itself() {
    let Some(corpora) = corpora::corpora("modsecurity/regression") else {
        return;
    };
    let folder = corpora.join("modsecurity/regression");
    let wanted = std::env::var("STOPGAP_REGRESSION").ok();
    let mut gaps = Gaps::read(include_str!("../../testdata/regression-gaps.toml"));
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if wanted.as_ref().is_some_and(|wanted| *wanted != stem) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // Some write a key twice; the later one counts.
        let cases: Vec<Case> = serde_json::from_str::<serde_json::Value>(&text)
            .and_then(serde_json::from_value)
            .unwrap_or_else(|error| panic!("{path:?}: {error}"));
        for (at, case) in cases
            .iter()
            .enumerate()
            .filter(|(_, case)| case.enabled == 1)
        {
            let outcome = run(case, &corpora, wanted.is_some());
            gaps.judge(&format!("{stem}#{}", at + 1), outcome);
        }
    }
    gaps.end(wanted.is_none(), "regression cases");
}

fn run(case: &Case, corpora: &Path, show: bool) -> Result<(), String> {
    let text = format!("{BEFORE}{}{AFTER}", case.rules.join("\n"));
    let files = Folder(corpora.join("modsecurity"));
    let rules = seclang::load(
        "case.conf",
        &files.with("case.conf", &text),
        &seclang::Limits::default(),
    );
    let compiled = rules.map_err(|error| error.to_string()).and_then(|rules| {
        let compiler = || Compiler::new(std::slice::from_ref(&rules), Limits::default(), &files);
        let plans = compiler().and_then(|one| Ok((one.finish()?, compiler()?.plainly().finish()?)));
        plans
            .map(|(plan, plainly)| (rules.clone(), plan, plainly))
            .map_err(|error| error.to_string())
    });
    let (rules, plan, plainly) = match (compiled, &case.expected.parser_error) {
        (Err(_), Some(_)) => return Ok(()),
        (Err(error), None) => return Err(error),
        (Ok(_), Some(error)) => return Err(format!("loads, but should say {error}")),
        (Ok(loaded), None) => loaded,
    };
    // What is left out by the optimiser has no trace.
    let outcome = exchange(case, &plainly);
    let optimised = exchange(case, &plan);
    if (&optimised.decision, &optimised.matches) != (&outcome.decision, &outcome.matches) {
        return Err("the plan decides otherwise than rules that run one by one".to_owned());
    }
    let log = log::Log::new(&rules).write(&outcome);
    if show {
        eprintln!("{log}\n---");
    }
    judge(case, &outcome, &log)
}

fn exchange(case: &Case, plan: &std::sync::Arc<engine::Plan>) -> Outcome {
    let mut tx = plan.begin_in(Context {
        now: 1_700_000_000,
        environment: [
            ("PATH", "/usr/bin"),
            ("MODSECURITY", "ModSecurity 3.0 regression tests"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..Context::default()
    });
    tx.trace();
    let flow = feed(case, &mut tx);
    let inspects_response = tx.response_body_need() != BodyNeed::None;
    let decision = match flow {
        Flow::Continue => None,
        Flow::Stop(decision) => Some(*decision),
    };
    let (matches, trace) = tx.finish_traced();
    Outcome {
        decision,
        inspects_response,
        matches,
        trace,
    }
}

fn feed(case: &Case, tx: &mut engine::Transaction) -> Flow {
    let headers = fields(&case.request.headers);
    let mut head = RequestHead::new(
        case.request.method.as_bytes(),
        case.request.uri.as_bytes(),
        &headers,
    );
    let version = match &case.request.http_version {
        Some(serde_json::Value::String(version)) => format!("HTTP/{version}"),
        Some(version) => format!("HTTP/{version}"),
        None => "HTTP/1.1".to_owned(),
    };
    head.version = version.as_bytes();
    let address = |peer: &Peer| {
        let ip = peer
            .ip
            .parse()
            .unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into());
        std::net::SocketAddr::new(ip, peer.port)
    };
    head.client = address(&case.client);
    head.server = address(&case.server);
    head.host = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map_or(b"".as_slice(), |(_, value)| value.as_bytes());
    let mut flow = tx.request_head(&head);
    if flow == Flow::Continue && tx.request_body_need() != BodyNeed::None {
        flow = tx.request_body(&body(&case.request.body));
    }
    if flow == Flow::Continue {
        flow = tx.request_body_end();
    }
    if flow == Flow::Continue {
        flow = tx.response_head(&ResponseHead {
            status: 200,
            version: b"HTTP/1.1",
            headers: &fields(&case.response.headers),
        });
    }
    if flow == Flow::Continue && tx.response_body_need() != BodyNeed::None {
        flow = tx.response_body(&body(&case.response.body));
    }
    if flow == Flow::Continue {
        flow = tx.response_body_end();
    }
    flow
}

/// A map of headers; some cases write an empty text where there are none.
fn fields(headers: &serde_json::Value) -> Vec<(String, String)> {
    let Some(map) = headers.as_object() else {
        return Vec::new();
    };
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    map.iter()
        .flat_map(|(name, value)| {
            let values = match value {
                serde_json::Value::Array(values) => values.iter().map(text).collect(),
                value => vec![text(value)],
            };
            values.into_iter().map(|value| (name.clone(), value))
        })
        .collect()
}

/// A body is a text or its lines, each with its end.
fn body(value: &serde_json::Value) -> Vec<u8> {
    let lines = match value {
        serde_json::Value::String(text) => return text.clone().into_bytes(),
        serde_json::Value::Array(lines) => lines,
        _ => return Vec::new(),
    };
    let lines = lines.iter().filter_map(serde_json::Value::as_str);
    lines
        .flat_map(|line| [line, "\n"])
        .collect::<String>()
        .into_bytes()
}

fn judge(case: &Case, outcome: &Outcome, log: &str) -> Result<(), String> {
    let (status, location) = match outcome.decision.as_ref().map(|decision| &decision.action) {
        None => (200, None),
        Some(Action::Block { status }) => (*status, None),
        Some(Action::Redirect { status, location }) => (*status, Some(location)),
        Some(Action::Drop) => (403, None),
    };
    let expected = &case.expected;
    if let Some(code) = expected.http_code.filter(|code| *code != status) {
        return Err(format!("status is {status}, expected {code}"));
    }
    if let Some(url) = &expected.redirect_url
        && location != Some(url)
    {
        return Err(format!("location is {location:?}, expected {url}"));
    }
    let logs = BTreeMap::from([
        ("debug log", &expected.debug_log),
        ("error log", &expected.error_log),
        ("audit log", &expected.audit_log),
    ]);
    for (which, pattern) in logs {
        let Some(pattern) = pattern.as_ref().filter(|pattern| !pattern.is_empty()) else {
            continue;
        };
        // Some escape what needs none, which this parser does not take.
        let plain = pattern.replace("\\:", ":").replace("\\%", "%");
        let found = regex::RegexBuilder::new(&plain)
            .build()
            .map_err(|error| error.to_string())?
            .is_match(log);
        if !found {
            return Err(format!("the {which} has no {pattern}"));
        }
    }
    Ok(())
}
