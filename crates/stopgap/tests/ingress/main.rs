//! Other people's proxies, as `stopgap ingress snippet` configures them, in front of the shop:
//! what stands in a head is stopped, and ordinary use goes on.
//!
//! `cargo xtask test` installs the proxies.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod application;
mod case;
#[path = "../support/cases.rs"]
mod cases;
mod client;
mod conformance;
mod proxies;
#[path = "../support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use cases::{Case, Cases, answer, works};
use conformance::conforms;
use patch::Request;
use proxies::Kind;
use support::Running;

/// What a patch takes out of requests; a proxy that asks cannot, so those with it are refused.
const STRIPPED: &str = "X-Internal-Subrequest";

async fn protects(kind: Kind, option: &str, sees_bodies: bool) {
    let name = kind.name();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let shop = shop::Shop::start(any, "2.0.0").await.unwrap();
    let patches = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/shop");
    let gateway = Running::start(&[
        option,
        "--listen",
        "127.0.0.1:0",
        "--app",
        "shop",
        "--patch",
        patches.to_str().unwrap(),
    ]);
    let asked = gateway.address("listening on ");
    let folder = tempfile::tempdir().unwrap();
    let proxies::Started {
        address: listen,
        proxy,
        ..
    } = proxies::start(kind, asked, shop.address(), folder.path()).await;

    let cases: Cases = toml::from_str(shop::CASES).unwrap();
    let (mut wrong, mut stopped, mut beyond) = (Vec::new(), 0, 0);
    for case in &cases.exploit {
        // Some proxies refuse an exploit by themselves, or make it harmless.
        let has_body = !Request::from_raw(case.request.as_bytes())
            .unwrap()
            .body
            .is_empty();
        match works(listen, case).await {
            // They send no body with their questions.
            true if has_body => beyond += 1,
            true => wrong.push(format!("works: {}", case.name)),
            false => stopped += 1,
        }
    }
    let others = |case: &&Case| !case.request.contains(STRIPPED);
    for case in cases.benign.iter().filter(others) {
        if works(shop.address(), case).await && !works(listen, case).await {
            let answer = answer(listen, case).await;
            let status = answer.lines().next().unwrap_or_default().to_owned();
            wrong.push(format!("stopped: {}, {status}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    assert!(stopped >= 10, "{name}: only {stopped}");
    assert_eq!(
        beyond == 0,
        sees_bodies,
        "as docs/ingress.md says of bodies"
    );

    // Nobody answers its questions: it forwards nothing.
    gateway.signal("-TERM");
    drop(gateway);
    let first = &cases.benign[0];
    assert!(!works(listen, first).await, "{name} forwards unasked");
    drop(proxy);
    shop.stop().await;
}

#[tokio::test]
async fn nginx_asks_before_it_forwards() {
    protects(Kind::Nginx, "--forward-auth", false).await;
}

#[tokio::test]
async fn caddy_asks_before_it_forwards() {
    protects(Kind::Caddy, "--forward-auth", false).await;
}

#[tokio::test]
async fn traefik_asks_before_it_forwards() {
    protects(Kind::Traefik, "--forward-auth", true).await;
}

#[tokio::test]
async fn haproxy_asks_before_it_forwards() {
    protects(Kind::Haproxy, "--spoe", true).await;
}

#[tokio::test]
async fn envoy_asks_before_it_forwards() {
    protects(Kind::Envoy, "--ext-proc", true).await;
}

#[tokio::test]
async fn the_gateway_does_what_an_ingress_point_must() {
    conforms(Kind::Gateway).await;
}

#[tokio::test]
async fn nginx_does_what_an_ingress_point_must_as_far_as_it_can() {
    conforms(Kind::Nginx).await;
}

#[tokio::test]
async fn caddy_does_what_an_ingress_point_must_as_far_as_it_can() {
    conforms(Kind::Caddy).await;
}

#[tokio::test]
async fn traefik_does_what_an_ingress_point_must_as_far_as_it_can() {
    conforms(Kind::Traefik).await;
}

#[tokio::test]
async fn haproxy_does_what_an_ingress_point_must_as_far_as_it_can() {
    conforms(Kind::Haproxy).await;
}

#[tokio::test]
async fn envoy_does_what_an_ingress_point_must_as_far_as_it_can() {
    conforms(Kind::Envoy).await;
}

#[test]
fn the_manifests_start_what_the_program_understands() {
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args([
            "ingress",
            "snippet",
            "kubernetes",
            "--gateway",
            "10.0.0.1:9180",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut kinds = Vec::new();
    for document in text.split("\n---\n") {
        let document: serde_json::Value = serde_saphyr::from_str(document).unwrap();
        kinds.push(document["kind"].as_str().unwrap().to_owned());
        let containers = &document["spec"]["template"]["spec"]["containers"];
        for container in containers.as_array().into_iter().flatten() {
            let arguments = container["args"].as_array().unwrap();
            let arguments = arguments.iter().map(|argument| argument.as_str().unwrap());
            // Its folder of patches is not here: the arguments are read, and nothing is started.
            let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
                .args(arguments)
                .output()
                .unwrap();
            let errors = String::from_utf8(output.stderr).unwrap();
            assert!(errors.contains("/patches: "), "{errors}");
        }
    }
    assert_eq!(kinds, ["Deployment", "Service", "EnvoyExtensionPolicy"]);
    // The third is Envoy Gateway's, of which Kubernetes knows nothing.
    let (known, _) = text.rsplit_once("\n---\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stopgap.yaml");
    std::fs::write(&file, known).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let validate = target.join("tools/kubernetes-validate/bin/kubernetes-validate");
    let mut validate = Command::new(validate);
    let valid = validate.arg("--strict").arg(&file).output().unwrap();
    assert!(valid.status.success(), "{valid:?}");
}

#[test]
fn a_word_that_would_end_a_configurations_word_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(["ingress", "snippet", "nginx", "--upstream", "a:1;b:2"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("host and port"), "{errors}");
}
