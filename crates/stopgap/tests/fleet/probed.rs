//! Probes through a proxy of others, which asks a gateway of ours.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use store::{Location, Store};

use crate::coverage::{until, versioned};
use crate::ledger::{called, enforce, leave, operator, run};
use crate::side::Control;
use crate::site::{ATTACK, ask};
use crate::support::Running;

/// Ended by its own process id.
struct Haproxy(Child);

impl Drop for Haproxy {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn a_probe_is_stopped_at_a_proxy_that_asks_a_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    let control = Control::start(data, &["--one-person"]);
    let token = &*operator(data);
    let url = format!("http://{}", control.address);
    let state = folder.path().join("state");
    let joined = crate::enrol(&url, &leave(&control, token), &state, &[]);
    assert!(joined.status.success());
    let ((shop, _), asked, front) = (versioned(), free(), free());
    let config = folder.path().join("gateway.toml");
    let text = format!(
        "ingress = \"edge-1\"\n[[listen]]\naddress = \"{asked}\"\nrole = \"spoe\"\n\
         [control]\nurl = \"{url}\"\nstate = \"{}\"\n\
         [[application]]\nname = \"shop\"\nhosts = [\"shop.example\"]\nupstreams = [\"http://{shop}\"]\n",
        state.display()
    );
    std::fs::write(&config, text).unwrap();
    let gateway = Running::start(&["--config", config.to_str().unwrap()]);
    gateway.address("listening on ");

    // HAProxy with what is printed for it.
    let printed = |name: &str, file: &str| {
        let words = ["ingress", "snippet", name, "--gateway", &asked];
        let printed = Command::new(env!("CARGO_BIN_EXE_stopgap"))
            .args(words)
            .args(["--upstream", &shop.to_string(), "--listen", &front])
            .output()
            .unwrap();
        let file = folder.path().join(file);
        std::fs::write(&file, printed.stdout).unwrap();
        file
    };
    let engine = printed("haproxy-spoe", "stopgap-spoe.conf");
    let site = printed("haproxy", "haproxy.cfg");
    let mut haproxy = Command::new("haproxy");
    let haproxy = haproxy.arg("-f").arg(&site).stderr(Stdio::null()).spawn();
    let _haproxy = Haproxy(haproxy.unwrap());
    let address = front.parse().unwrap();
    until("HAProxy answers", || {
        std::net::TcpStream::connect(&front).is_ok().then_some(())
    });
    let store = Store::open_existing(&Location::folder(data), store::Limits::default()).unwrap();
    enforce(&store);
    until("the patch is enforced", || {
        let answer = ask(address, ATTACK, "shop.example");
        answer.starts_with("HTTP/1.1 403").then_some(())
    });

    // The inventory gets to know both from their configurations.
    let reached = format!("http://{front}");
    let [config, site, engine] = [&config, &site, &engine].map(|file| file.to_str().unwrap());
    let apply = ["--apply", "--why", "a test"];
    run(
        data,
        &[&["discover", "gateway", config], &apply[..]].concat(),
    );
    let words = [
        "discover",
        "haproxy",
        site,
        engine,
        "--ingress",
        "front",
        "--address",
        &reached,
    ];
    run(data, &[&words[..], &apply[..]].concat());
    let patch = until("a probe is stopped", || {
        let covered = called(&control, token, "GET /api/v1/coverage/front", "");
        let patch = covered["patches"][0].clone();
        (patch["probe"]["shows"] == "blocked").then_some(patch)
    });
    assert_eq!(patch["probe"]["answer"]["status"], 403);
    assert!(patch["probe"]["sent_ms"].as_i64().is_some(), "{patch}");
    let (status, said) = run(data, &["coverage"]);
    assert!(status == 0 && said.contains("front"), "{said}");
    control.stop();
}
