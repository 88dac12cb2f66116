//! Every known exploit of the shop and every lookalike, through the gateway with the shop's patches.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/cases.rs"]
mod cases;

use std::net::SocketAddr;
use std::path::PathBuf;

use cases::{Cases, works};
use engine::{Limits, Mode, Plan};
use gateway::{Config, Gateway};

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
                wrong.push(format!("{state}: {}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    gateway.stop().await;
    shop.stop().await;
}
