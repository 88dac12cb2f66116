//! Every known exploit of the shop and every lookalike, through the gateway with the shop's patches.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::SocketAddr;
use std::path::PathBuf;

use engine::{Limits, Mode, Plan};
use gateway::{Config, Gateway};
use patch::Request;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Deserialize)]
struct Cases {
    exploit: Vec<Case>,
    benign: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    flaw: String,
    request: String,
    #[serde(alias = "success")]
    expect: Expect,
}

#[derive(Deserialize)]
struct Expect {
    status: u16,
    body_contains: String,
}

/// Whether the answer is what the case says.
async fn works(address: SocketAddr, case: &Case) -> bool {
    let request = Request::from_raw(case.request.as_bytes()).unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request.wire()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    let status = format!("HTTP/1.1 {}", case.expect.status);
    answer.starts_with(&status) && answer.contains(&case.expect.body_contains)
}

#[tokio::test]
async fn no_known_exploit_gets_through_and_every_lookalike_does() {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let shop = shop::Shop::start(any, "2.0.0").await.unwrap();
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/demo/shop"));
    let sources: Vec<_> = patch::load::sources(&[folder])
        .unwrap()
        .into_iter()
        .map(|source| (source, Mode::Enforce))
        .collect();
    let plan = patch::load::plan(&[], &sources, Limits::default(), &engine::NoResources).unwrap();
    let mut config = Config::for_one(any, &format!("http://{}", shop.address())).unwrap();
    config.application[0].name = "shop".to_owned();
    let gateway = Gateway::start(config, Plan::empty()).await.unwrap();
    let through = gateway.addresses()[0];

    let cases: Cases = toml::from_str(shop::CASES).unwrap();
    let mut wrong = Vec::new();
    for (enforced, plan) in [(false, Plan::empty()), (true, plan)] {
        gateway.swap(plan);
        let cases = cases
            .exploit
            .iter()
            .map(|case| (!enforced, case))
            .chain(cases.benign.iter().map(|case| (true, case)));
        for (expected, case) in cases {
            if works(through, case).await != expected {
                let state = if enforced { "enforced" } else { "open" };
                wrong.push(format!("{state}, {}: {}", case.flaw, case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    gateway.stop().await;
    shop.stop().await;
}
