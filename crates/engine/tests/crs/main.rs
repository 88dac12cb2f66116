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

mod backend;
#[path = "../support/corpora.rs"]
mod corpora;
#[path = "../support/files.rs"]
mod files;
mod ftw;
#[path = "../support/gaps.rs"]
mod gaps;
mod judge;
mod server;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use engine::{BodyNeed, Compiler, Flow, Limits, Match, Plan, RequestHead, ResponseHead};
use files::Folder;
use gaps::Gaps;
use judge::Found;

/// What the project recommends for ModSecurity, and the settings of its tests.
const SETTINGS: &str = include_str!("../../testdata/crs/settings.conf");

#[test]
fn the_core_rule_set_decides_its_own_tests_as_written() {
    let Some(corpora) = corpora::corpora("crs/tests") else {
        return;
    };
    let plan = plan(&corpora, false);
    let (cases, all) = ftw::cases(&corpora);
    let mut gaps = Gaps::read(include_str!("../../testdata/crs-gaps.toml"));
    for (name, outcome) in each(&cases, |test| run(&plan, test)) {
        gaps.judge(&name, outcome);
    }
    gaps.end(all, "tests of the core rule set");
}

#[test]
fn the_plan_decides_as_rules_that_run_one_by_one() {
    let Some(corpora) = corpora::corpora("crs/tests") else {
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
    let wrong: Vec<String> = each(&ftw::cases(&corpora).0, differs)
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

/// What `judge` says of each test, on all cores.
fn each<O: Send>(cases: &[ftw::Case], judge: impl Fn(&ftw::Test) -> O + Sync) -> Vec<(String, O)> {
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

fn run(plan: &Arc<Plan>, test: &ftw::Test) -> Result<(), String> {
    test.stages.iter().try_for_each(|stage| {
        let request = stage.input.request();
        if !server::accepts(&request) {
            return judge::judge(&stage.output, 400, &[], &[]);
        }
        let (status, body, matches) = exchange(plan, &request);
        let found: Vec<Found> = matches.iter().map(found).collect();
        judge::judge(&stage.output, status, &body, &found)
    })
}

fn found(found: &Match) -> Found {
    Found {
        rule: found.rule,
        target: found.target.clone(),
        message: found.message.clone(),
        data: found.data.clone(),
    }
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
            let response = backend::answer(request);
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

fn answer(tx: &mut engine::Transaction, response: &backend::Response) -> Flow {
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
