//! The tests of the OWASP Core Rule Set, where they are at hand.
//!
//! Known disagreements stand in `testdata/crs-gaps.toml`. One that is no
//! longer a disagreement fails the test, so that the list stays true.
//! `STOPGAP_CRS=920100` runs the tests of one rule, `STOPGAP_CRS=920100-3` one test.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod ftw;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use engine::{BodyNeed, Compiler, Flow, Limits, Match, Plan, RequestHead, ResponseHead};
use support::{Folder, Gaps};

/// What the project recommends for ModSecurity, and the settings of its tests.
const SETTINGS: &str = include_str!("../../testdata/crs/settings.conf");

struct Case {
    name: String,
    test: ftw::Test,
}

#[test]
fn the_core_rule_set_decides_its_own_tests_as_written() {
    let Some(corpora) = support::corpora("crs/tests") else {
        return;
    };
    let plan = plan(&corpora, false);
    let mut cases = cases(&corpora);
    let wanted = std::env::var("STOPGAP_CRS").ok();
    if let Some(wanted) = &wanted {
        let one_rule = format!("{wanted}-");
        cases.retain(|case| case.name == *wanted || case.name.starts_with(&one_rule));
    }
    let mut gaps = Gaps::read(include_str!("../../testdata/crs-gaps.toml"));
    for (name, outcome) in each(&cases, |test| run(&plan, test)) {
        gaps.judge(&name, outcome);
    }
    gaps.end(wanted.is_none(), "tests of the core rule set");
}

#[test]
fn the_plan_decides_as_rules_that_run_one_by_one() {
    let Some(corpora) = support::corpora("crs/tests") else {
        return;
    };
    let (plan, plainly) = (plan(&corpora, false), plan(&corpora, true));
    let differs = |test: &ftw::Test| {
        test.stages.iter().find_map(|stage| {
            let request = stage.input.request();
            let (got, expected) = (exchange(&plan, &request), exchange(&plainly, &request));
            (got != expected).then(|| format!("{got:#?}\none by one: {expected:#?}"))
        })
    };
    let wrong: Vec<String> = each(&cases(&corpora), differs)
        .into_iter()
        .filter_map(|(name, difference)| Some(format!("{name}: {}", difference?)))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn cases(corpora: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    collect(&corpora.join("crs/tests"), &mut cases);
    assert!(cases.len() > 2000, "only {} tests were found", cases.len());
    cases
}

/// What `judge` says of each test, on all cores.
fn each<O: Send>(cases: &[Case], judge: impl Fn(&ftw::Test) -> O + Sync) -> Vec<(String, O)> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = judge(&case.test);
                    outcomes.lock().unwrap().push((case.name.clone(), outcome));
                }
            });
        }
    });
    outcomes.into_inner().unwrap()
}

fn plan(corpora: &Path, plainly: bool) -> Arc<Plan> {
    let files = Folder(corpora.join("crs"));
    let rules = seclang::load(
        "settings.conf",
        &files.with("settings.conf", SETTINGS),
        &seclang::Limits::default(),
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let compiler = Compiler::new(&[rules], Limits::default(), &files);
    let mut compiler = compiler.unwrap_or_else(|error| panic!("{error}"));
    if plainly {
        compiler = compiler.plainly();
    }
    compiler.finish().unwrap_or_else(|error| panic!("{error}"))
}

fn collect(folder: &Path, cases: &mut Vec<Case>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, cases);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // Some hold comments only.
        let says = |line: &str| !matches!(line.trim(), "" | "---") && !line.starts_with('#');
        if !text.lines().any(says) {
            continue;
        }
        let file: ftw::File =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        for test in file.tests {
            let name = format!("{}-{}", file.rule_id, test.test_id);
            cases.push(Case { name, test });
        }
    }
}

fn run(plan: &Arc<Plan>, test: &ftw::Test) -> Result<(), String> {
    test.stages.iter().try_for_each(|stage| {
        let request = stage.input.request();
        if !server::accepts(&request) {
            return judge(&stage.output, 400, &[], &[]);
        }
        let (status, body, matches) = exchange(plan, &request);
        judge(&stage.output, status, &body, &matches)
    })
}

/// The status and body that the client gets, and all matches.
fn exchange(plan: &Arc<Plan>, request: &ftw::Request) -> (u16, Vec<u8>, Vec<Match>) {
    let mut tx = plan.begin();
    let mut head = RequestHead::new(&request.method, &request.target, &request.headers);
    head.version = &request.version;
    head.host = request.header("host").unwrap_or_default();
    head.client = "127.0.0.1:50000".parse().unwrap();
    head.server = "127.0.0.1:80".parse().unwrap();
    let flow = feed(&mut tx, &head, &request.body);
    let (status, body) = match flow {
        Flow::Continue => {
            let response = server::answer(request);
            let flow = answer(&mut tx, &response);
            match flow {
                Flow::Continue => (response.status, response.body),
                Flow::Stop(_) => (403, Vec::new()),
            }
        }
        Flow::Stop(_) => (403, Vec::new()),
    };
    (status, body, tx.finish())
}

fn feed(tx: &mut engine::Transaction, head: &RequestHead<'_>, body: &[u8]) -> Flow {
    let mut flow = tx.request_head(head);
    if flow == Flow::Continue && tx.request_body_need() != BodyNeed::None {
        flow = tx.request_body(body);
    }
    if flow == Flow::Continue {
        flow = tx.request_body_end();
    }
    flow
}

fn answer(tx: &mut engine::Transaction, response: &server::Response) -> Flow {
    let mut flow = tx.response_head(&ResponseHead {
        status: response.status,
        version: b"HTTP/1.1",
        headers: &response.headers,
    });
    if flow == Flow::Continue && tx.response_body_need() != BodyNeed::None {
        flow = tx.response_body(&response.body);
    }
    if flow == Flow::Continue {
        flow = tx.response_body_end();
    }
    flow
}

fn judge(
    expected: &ftw::Output,
    status: u16,
    body: &[u8],
    matches: &[Match],
) -> Result<(), String> {
    let ids: Vec<u64> = matches.iter().map(|found| found.rule).collect();
    let log: Vec<String> = matches.iter().map(line).collect();
    let log = log.join("\n");
    if expected.expect_error && status != 400 {
        return Err(format!("status is {status}, expected an error"));
    }
    if let Some(wanted) = expected.status.filter(|wanted| *wanted != status) {
        return Err(format!("status is {status}, expected {wanted}"));
    }
    if let Some(missing) = expected.log.expect_ids.iter().find(|id| !ids.contains(id)) {
        return Err(format!("{missing} does not match, of {ids:?}"));
    }
    if let Some(wrong) = expected
        .log
        .no_expect_ids
        .iter()
        .find(|id| ids.contains(id))
    {
        return Err(format!("{wrong} matches: {log}"));
    }
    if expected.isolated && ids.iter().any(|id| !expected.log.expect_ids.contains(id)) {
        return Err(format!("others match too: {ids:?}"));
    }
    let finds = |pattern: &Option<String>| {
        pattern
            .as_ref()
            .map(|pattern| regex::Regex::new(pattern).unwrap().is_match(&log))
    };
    if finds(&expected.log.match_regex) == Some(false) {
        return Err(format!(
            "{:?} is not found in {log}",
            expected.log.match_regex
        ));
    }
    if finds(&expected.log.no_match_regex) == Some(true) {
        return Err(format!(
            "{:?} is found in {log}",
            expected.log.no_match_regex
        ));
    }
    if let Some(text) = &expected.response_contains
        && !String::from_utf8_lossy(body).contains(text)
    {
        return Err(format!("the response does not contain {text:?}"));
    }
    Ok(())
}

/// As ModSecurity writes it, as far as the tests look at it: one line.
fn line(found: &Match) -> String {
    let line = format!(
        "Warning. Matched at {}. [id \"{}\"] [msg \"{}\"] [data \"{}\"]",
        found.target, found.rule, found.message, found.data
    );
    line.replace('\r', "\\x0d").replace('\n', "\\x0a")
}
