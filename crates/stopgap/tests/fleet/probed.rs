//! Probes through a proxy of others, which asks a gateway of ours.

use store::{Location, Store};

use crate::coverage::{until, versioned};
use crate::ledger::{called, enforce_document, leave, operator, run};
use crate::proxies::{self, Kind};
use crate::side::Control;
use crate::site::{ask, traversal};
use crate::support::Running;

/// The exploit that is sent, and one that nginx does not refuse by itself, nor Traefik make harmless.
const ABOVE: &str = "/static/../../../../etc/passwd";
const ENCODED: &str = "/static/..%5c..%5cetc/passwd";

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_stopped_at_haproxy() {
    let files = ["haproxy.cfg", "stopgap-spoe.conf"];
    is_stopped(Kind::Haproxy, Some(("haproxy", &files)), ABOVE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_stopped_at_nginx() {
    is_stopped(Kind::Nginx, Some(("nginx", &["nginx.conf"])), ENCODED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_stopped_at_envoy() {
    is_stopped(Kind::Envoy, Some(("envoy", &["envoy.yaml"])), ABOVE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_stopped_at_caddy() {
    is_stopped(Kind::Caddy, None, ABOVE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_stopped_at_traefik() {
    is_stopped(Kind::Traefik, None, ENCODED).await;
}

/// Where no discovery reads a proxy's configuration, the gateway that it asks is told to be reached there.
async fn is_stopped(kind: Kind, discovered: Option<(&str, &[&str])>, attack: &str) {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    let control = Control::start(data, &["--one-person"]);
    let token = &*operator(data);
    let url = format!("http://{}", control.address);
    let state = folder.path().join("state");
    let joined = crate::enrol(&url, &leave(&control, token), &state, &[]);
    assert!(joined.status.success());
    let ((shop, _), asked) = (versioned(), proxies::free());
    let config = folder.path().join("gateway.toml");
    let text = format!(
        "ingress = \"edge-1\"\n[[listen]]\naddress = \"{asked}\"\nrole = \"{}\"\n\
         [control]\nurl = \"{url}\"\nstate = \"{}\"\n\
         [[application]]\nname = \"shop\"\nhosts = [\"shop.example\"]\nupstreams = [\"http://{shop}\"]\n",
        kind.role(),
        state.display()
    );
    std::fs::write(&config, text).unwrap();
    let gateway = Running::start(&["--config", config.to_str().unwrap()]);
    gateway.address("listening on ");
    let front = proxies::start(kind, asked, shop, folder.path()).await;
    let address = front.address;
    let store = Store::open_existing(&Location::folder(data), store::Limits::default()).unwrap();
    enforce_document(&store, &traversal().replace(ABOVE, attack));
    until("the patch is enforced", || {
        let answer = ask(address, attack, "shop.example");
        answer.starts_with("HTTP/1.1 403").then_some(())
    });

    // The inventory gets to know both from their configurations.
    let reached = format!("http://{address}");
    let apply = ["--apply", "--why", "a test"];
    let own = ["discover", "gateway", config.to_str().unwrap()];
    let at = ["--address", &reached];
    let point = match discovered {
        Some((name, files)) => {
            run(data, &[&own[..], &apply].concat());
            let files = files.iter().map(|file| folder.path().join(file));
            let files: Vec<_> = files.map(|file| file.display().to_string()).collect();
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let named = ["--ingress", "front"];
            let words = [&["discover", name], &files[..], &named, &at, &apply];
            run(data, &words.concat());
            "front"
        }
        None => {
            run(data, &[&own[..], &at, &apply].concat());
            "edge-1"
        }
    };
    let patch = until("a probe is stopped", || {
        let covered = called(
            &control,
            token,
            &format!("GET /api/v1/coverage/{point}"),
            "",
        );
        let patch = covered["patches"][0].clone();
        (patch["probe"]["shows"] == "blocked").then_some(patch)
    });
    assert_eq!(patch["probe"]["answer"]["status"], 403);
    assert!(patch["probe"]["sent_ms"].as_i64().is_some(), "{patch}");
    let (status, said) = run(data, &["coverage"]);
    assert!(status == 0 && said.contains(point), "{said}");
    control.stop();
}
