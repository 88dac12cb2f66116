//! The core rule set's tests through the gateway, over sockets, where they are at hand.
//!
//! Each request comes from a loopback address of its own, by which its event is known.
//! Known disagreements stand in `testdata/crs-wire-gaps.toml`; one that passes fails the test
//! until it is struck. `STOPGAP_CRS` chooses tests as for the engine.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod application;
#[path = "../../../engine/tests/crs/backend.rs"]
mod backend;
mod client;
#[path = "../../../engine/tests/support/corpora.rs"]
mod corpora;
#[path = "../../../engine/tests/crs/ftw.rs"]
mod ftw;
#[path = "../../../engine/tests/support/gaps.rs"]
mod gaps;
#[path = "../../../engine/tests/crs/judge.rs"]
mod judge;
#[path = "../support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use client::Answer;
use gaps::Gaps;
use judge::Found;
use support::Running;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const SETTINGS: &str = include_str!("../../../engine/testdata/crs/settings.conf");
const GAPS: &str = include_str!("../../testdata/crs-wire-gaps.toml");

/// Requests at one time.
const AT_ONCE: usize = 32;

#[tokio::test]
async fn the_core_rule_set_decides_its_own_tests_over_the_wire() {
    let Some(corpora) = corpora::corpora("crs/tests") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let gateway = start(folder.path(), &corpora, application::start().await);
    let address = gateway.address("listening on ");
    let (cases, all) = ftw::cases(&corpora);
    let answers = ask_all(address, &cases).await;
    let mut events = end(gateway, &folder.path().join("events.jsonl"));
    let mut gaps = Gaps::read(GAPS);
    let mut number = 0;
    for case in &cases {
        let mut outcome = Ok(());
        for stage in &case.test.stages {
            let found = events.remove(&source(number)).unwrap_or_default();
            let judged = match &answers[&number] {
                Ok(answer) => judge::judge(&stage.output, answer.status, &answer.body, &found),
                Err(why) => Err(why.clone()),
            };
            outcome = outcome.and(judged);
            number += 1;
        }
        gaps.judge(&case.name, outcome);
    }
    gaps.end(all, "tests of the core rule set over the wire");
}

/// The gateway with the core rule set before the application.
fn start(folder: &Path, corpora: &Path, application: SocketAddr) -> Running {
    let include = format!("Include {}/crs/", corpora.display());
    std::fs::write(
        folder.join("rules.conf"),
        SETTINGS.replace("\nInclude ", &format!("\n{include}")),
    )
    .unwrap();
    // A request that never becomes whole is answered soon; no event is dropped.
    let configuration = format!(
        "rules = [\"rules.conf\"]\n\
         [events]\nfile = \"events.jsonl\"\nqueue = 100000\n\
         [limits]\nhead_ms = 5000\nbody_idle_ms = 5000\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\n\
         [[application]]\nname = \"reflecting\"\nupstreams = [\"http://{application}\"]\n"
    );
    let file = folder.join("gateway.toml");
    std::fs::write(&file, configuration).unwrap();
    Running::start(&["--config", file.to_str().unwrap()])
}

/// The loopback address that the request of this number comes from.
fn source(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + number).into()
}

/// Sends the requests of all stages.
async fn ask_all(gateway: SocketAddr, cases: &[ftw::Case]) -> HashMap<u32, Result<Answer, String>> {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut asked = JoinSet::new();
    let stages = cases.iter().flat_map(|case| &case.test.stages);
    for (number, stage) in (0..).zip(stages) {
        let request = client::bytes(&stage.input);
        let room = Arc::clone(&room);
        asked.spawn(async move {
            let _permit = room.acquire_owned().await.unwrap();
            (number, client::ask(source(number), gateway, &request).await)
        });
    }
    let mut answers = HashMap::new();
    while let Some(answer) = asked.join_next().await {
        let (number, answer) = answer.unwrap();
        answers.insert(number, answer);
    }
    answers
}

/// Ends the gateway; what it told, by the client's address.
fn end(mut gateway: Running, events: &Path) -> HashMap<IpAddr, Vec<Found>> {
    gateway.signal("-TERM");
    gateway.told("stopping");
    assert!(gateway.child.wait().unwrap().success());
    let text = std::fs::read_to_string(events).unwrap();
    text.lines()
        .map(|line| {
            let event = wire::Event::from_line(line).unwrap();
            let found = event.matches.into_iter().map(found).collect();
            (event.client.parse().unwrap(), found)
        })
        .collect()
}

fn found(found: wire::EventMatch) -> Found {
    Found {
        rule: found.rule,
        target: found.target,
        message: found.message,
        data: found.value,
    }
}
