//! What is deployed anew is covered without anybody doing anything, and probes show it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use store::{EventFilter, Location, Paging, Store};

use crate::ID;
use crate::ledger::{called, enforce, leave, operator, run};
use crate::side::Control;
use crate::site::{ATTACK, ask};
use crate::support::{PATIENCE, Running};

/// An application behind an address, in the version that is deployed there now.
pub(crate) fn versioned() -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, version) = (listener.local_addr().unwrap(), Arc::new(AtomicU32::new(1)));
    let deployed = Arc::clone(&version);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().take(1000).map_while(Result::ok) {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let body = format!("version {}", deployed.load(Ordering::SeqCst));
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
        }
    });
    (address, version)
}

pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn new_deployments_are_covered_and_probes_show_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    let control = Control::start(data, &["--one-person"]);
    let token = &*operator(data);
    let url = format!("http://{}", control.address);
    let state = folder.path().join("state");
    assert!(
        crate::enrol(&url, &leave(&control, token), &state, &[])
            .status
            .success()
    );
    let (shop, version) = versioned();
    let config = folder.path().join("gateway.toml");
    let text = format!(
        "ingress = \"edge-1\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n\
         [control]\nurl = \"{url}\"\nstate = \"{}\"\n\
         [[application]]\nname = \"shop\"\nhosts = [\"shop.example\", \"*.shop.example\"]\n\
         upstreams = [\"http://{shop}\"]\n",
        state.display()
    );
    std::fs::write(&config, &text).unwrap();
    let gateway = Running::start(&["--config", config.to_str().unwrap()]);
    let address = gateway.address("listening on ");
    let stops = |host: &str| ask(address, ATTACK, host).starts_with("HTTP/1.1 403");
    assert!(ask(address, ATTACK, "shop.example").ends_with("version 1"));
    let store = Store::open_existing(&Location::folder(data), store::Limits::default()).unwrap();
    enforce(&store);
    until("the patch is enforced", || {
        stops("shop.example").then_some(())
    });

    // A new version, and a new host of the application: nobody touches a patch or the gateway.
    version.store(2, Ordering::SeqCst);
    assert!(ask(address, "/static/site.css", "shop.example").ends_with("version 2"));
    assert!(stops("shop.example"));
    assert!(ask(address, "/static/site.css", "next.shop.example").ends_with("version 2"));
    assert!(stops("next.shop.example"));
    // A new application at the ingress point.
    let (blog, _) = versioned();
    let more = format!(
        "[[application]]\nname = \"blog\"\nhosts = [\"blog.example\"]\nupstreams = [\"http://{blog}\"]\n"
    );
    std::fs::write(&config, format!("{text}{more}")).unwrap();
    gateway.signal("-HUP");
    until("the new application answers", || {
        let answer = ask(address, "/static/site.css", "blog.example");
        answer.ends_with("version 1").then_some(())
    });
    assert!(stops("blog.example"));

    // Nothing is probed before somebody has said where; then the probe is stopped like any other.
    let covered = || called(&control, token, "GET /api/v1/coverage/edge-1", "");
    assert_eq!(covered()["patches"][0]["does"], "as-wanted");
    assert_eq!(covered()["patches"][0]["probe"], Value::Null);
    let reached = format!("http://{address}");
    let config = config.to_str().unwrap();
    let words = ["discover", "gateway", config, "--address", &reached];
    run(
        data,
        &[&words[..], &["--apply", "--why", "a test"]].concat(),
    );
    let probe = until("a probe is stopped", || {
        let probe = covered()["patches"][0]["probe"].clone();
        (probe["shows"] == "blocked").then_some(probe)
    });
    assert_eq!(probe["answer"]["status"], 403);
    assert_eq!(run(data, &["coverage"]).0, 0);

    // Its event is told from hits; whoever sends its mark again, or another, hides nothing.
    let events = |filter| {
        store
            .read(|it| it.events(filter, Paging::default()))
            .unwrap()
            .items
    };
    let of_probe = || {
        events(EventFilter::All)
            .into_iter()
            .find(|it| it.probe.is_some())
    };
    let event = of_probe().unwrap();
    assert_eq!(Some(event.reference.as_str()), probe["reference"].as_str());
    let hits = || events(EventFilter::Patch(ID));
    assert!(
        hits()
            .iter()
            .all(|it| it.probe.is_none() && it.reference != event.reference)
    );
    let before = hits().len();
    let target = event.path.split('?').next().unwrap();
    for mark in [event.probe.as_deref().unwrap(), "1;2;3;4;5"] {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nHost: {}\r\nStopgap-Probe: {mark}\r\nConnection: close\r\n\r\n",
            event.host
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    until("both are hits", || {
        (hits().len() >= before + 2).then_some(())
    });
    assert_eq!(
        events(EventFilter::All)
            .iter()
            .filter(|it| it.probe.is_some())
            .count(),
        1
    );

    // A way past the gateway is a hole.
    let side = folder.path().join("side.conf");
    std::fs::write(
        &side,
        format!("server {{ listen 192.0.2.1:80; server_name shop.example; location / {{ proxy_pass http://{shop}; }} }}"),
    )
    .unwrap();
    let words = [
        "discover",
        "nginx",
        side.to_str().unwrap(),
        "--ingress",
        "side",
    ];
    run(
        data,
        &[&words[..], &["--apply", "--why", "a test"]].concat(),
    );
    let (status, said) = run(data, &["coverage"]);
    assert_eq!(status, 1);
    let hole = format!("HOLE shop.example/ -> shop: it forwards to {shop} and asks nobody");
    assert!(said.contains(&hole), "{said}");
    let listed = called(&control, token, "GET /api/v1/coverage", "");
    let holes = |at: usize| listed["items"][at]["holes"].as_array().unwrap().len();
    assert_eq!((holes(0), holes(1)), (0, 1), "{listed}");
    control.stop();
}
