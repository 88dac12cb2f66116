//! One table of what an ingress point must do, held against each of them with the real proxy.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use crate::application::{Application, CASE};
use crate::case::{self, Case};
use crate::client::{Answer, Http1, Http2, connect_from};
use crate::proxies::{self, Kind};
use crate::support::{PATIENCE, Running};

/// An ingress point with what it protects.
pub(crate) struct Point {
    application: Application,
    gateway: Running,
    address: SocketAddr,
    http2: Http2,
    folder: tempfile::TempDir,
    _proxy: Option<proxies::Proxy>,
}

impl Point {
    async fn start(kind: Kind) -> Self {
        let application = Application::start().await;
        let folder = tempfile::tempdir().unwrap();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ingress");
        let (patches, shadow) = (folder.path().join("patches"), data.join("shadow"));
        let canary = data.join("canary");
        std::fs::create_dir(&patches).unwrap();
        for file in std::fs::read_dir(data.join("patches")).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), patches.join(file.file_name())).unwrap();
        }
        // Ours speaks HTTP/2 where TLS agrees on it.
        let (certificate, tls) = match kind {
            Kind::Gateway => {
                let (certificate, tls) = with_tls(folder.path());
                (Some(certificate), tls)
            }
            _ => (None, String::new()),
        };
        let upstream = application.address;
        let config = format!(
            "patches = [{{ path = {patches:?} }}, {{ path = {shadow:?}, mode = \"shadow\" }}, \
             {{ path = {canary:?}, mode = \"canary\", percent = 50 }}]\n\
             [events]\nfile = \"events.jsonl\"\n\
             [[listen]]\naddress = \"127.0.0.1:0\"\nrole = \"{}\"\n{tls}\
             [[application]]\nname = \"open\"\nhosts = [\"open.example\"]\nfail = \"open\"\n\
             upstreams = [\"http://{upstream}\"]\n\
             [[application]]\nname = \"app\"\nupstreams = [\"http://{upstream}\"]\n",
            kind.role(),
        );
        let file = folder.path().join("gateway.toml");
        std::fs::write(&file, config).unwrap();
        let gateway = Running::start(&["--config", file.to_str().unwrap()]);
        let asked = gateway.address("listening on ");
        let (address, http2, proxy) = match kind {
            Kind::Gateway => (asked, gateway.address("listening on "), None),
            _ => {
                let started = proxies::start(kind, asked, application.address, folder.path()).await;
                (started.address, started.http2, Some(started.proxy))
            }
        };
        Self {
            application,
            gateway,
            address,
            http2: Http2 {
                address: http2,
                certificate,
            },
            folder,
            _proxy: proxy,
        }
    }

    /// What of a case does not come out as it should.
    async fn holds(&self, case: &Case, name: &str) -> Result<(), String> {
        let paused = || match case.refused.is_some() && self.application.arrived(name).is_some() {
            true => Err("it arrives before all of it is seen".to_owned()),
            false => Ok(()),
        };
        let mut tunnel = None;
        let follow = async {
            if case.is_http2() {
                return self.http2.follow(case, name, &paused).await;
            }
            let mut client = Http1::connect(self.address).await;
            let answer = client.follow(case, name, &paused).await;
            tunnel = Some(client);
            answer
        };
        let Ok(answer) = timeout(PATIENCE, follow).await else {
            return Err("no end of an answer comes".to_owned());
        };
        let answer = answer?;
        self.becomes(case, name, &answer)?;
        if let (true, true, Some(mut client)) = (case.upgrade, case.passes(), tunnel) {
            client.writing.write_all(b"ping").await.unwrap();
            let mut echo = [0; 4];
            let read = timeout(PATIENCE, client.reading.read_exact(&mut echo)).await;
            if !matches!(read, Ok(Ok(_))) || echo != *b"ping" {
                return Err("the tunnel does not carry".to_owned());
            }
        }
        match &case.told {
            Some(words) if !self.tells(&case.target, words).await => {
                Err("no event tells it".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn becomes(&self, case: &Case, name: &str, answer: &Answer) -> Result<(), String> {
        let status = answer.status;
        let arrived = self.application.arrived(name);
        if let Some(before) = &case.before
            && before.status >= 400
            && self.application.arrived(&case::first(name)).is_some()
        {
            return Err("what goes before it arrives".to_owned());
        }
        let refused = |status| (400..600).contains(&status) || status == 0;
        if let Some(expected) = &case.refused {
            let is_head =
                |arrived: &String| case.or_head.is_some() && arrived.ends_with("\r\n\r\n");
            if let Some(arrived) = arrived.filter(|it| !is_head(it)) {
                return Err(format!("it arrives: {arrived:.300}"));
            }
            if !expected.holds(status) {
                return Err(format!("the status is {status}"));
            }
        } else if let Some(refused) = case.refused_late {
            if status != refused {
                return Err(format!("the status is {status}"));
            }
        } else if !(case.or_refused && refused(status) && arrived.is_none()) {
            assert!(case.passes(), "{}: what is to come of it?", case.name);
            let expected = if case.upgrade { 101 } else { 200 };
            if status != expected && !(case.or_upgraded && status == 101) {
                return Err(format!("the status is {status}"));
            }
            let arrived = arrived.unwrap_or_default();
            let end = case.body.as_ref().map_or("", String::as_str);
            let plain = case.coding.is_none() && case.parameters == 0 && !case.or_refused;
            if plain && (!arrived.contains(end) || arrived.len() < case.filler) {
                return Err(format!("only this arrives: {arrived:.300}"));
            }
            if let Some(missing) = case.arrives.iter().find(|text| !arrived.contains(*text)) {
                return Err(format!("{missing:?} does not arrive: {arrived:.600}"));
            }
            if let Some(there) = case.misses.iter().find(|text| arrived.contains(*text)) {
                return Err(format!("{there:?} arrives"));
            }
        }
        let text = &answer.text;
        if let Some(missing) = case.answer.iter().find(|it| !text.contains(*it)) {
            return Err(format!("the client does not get {missing:?}: {text:.600}"));
        }
        match case.silent.iter().find(|it| text.contains(*it)) {
            Some(there) => Err(format!("the client gets {there:?}")),
            None => Ok(()),
        }
    }

    async fn tells(&self, target: &str, words: &str) -> bool {
        let path = target.split('?').next().unwrap_or_default();
        let file = self.folder.path().join("events.jsonl");
        for _ in 0..100 {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let mut lines = text.lines();
            if lines.any(|line| line.contains(path) && line.contains(words)) {
                return true;
            }
            sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// The status of a request that is its own case.
    async fn status(&self, target: &str, name: &str) -> u16 {
        self.status_from(1, target, name).await
    }

    /// The same, of a client with another address.
    async fn status_from(&self, client: u8, target: &str, name: &str) -> u16 {
        let mut stream = connect_from(client, self.address).await;
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: app.example\r\n{CASE}: {name}\r\nConnection: close\r\n\r\n"
        );
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "no end of an answer comes");
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).unwrap_or_default();
        status.parse().unwrap_or(0)
    }

    /// A patch is added while requests pass: none is lost, and then it protects.
    async fn takes_patches_under_load(&self) {
        let (stop, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
        let stop = &stop;
        let load = async {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(self.status("/elsewhere", "load").await, 200);
                assert_eq!(self.status("/all?note=mug", "load").await, 200);
                assert_eq!(self.status("/all?note=attack", "stopped").await, 403);
                sent.fetch_add(1, Ordering::Relaxed);
            }
        };
        let change = async {
            let text = "stopgap: 1\nid: NEW\ntitle: new\nseverity: low\nscope: { path: { exact: /new } }\n\
                        rules:\n  - deny: { where: [args.note], when: present }\n";
            assert_eq!(self.status("/new?note=1", "before").await, 200);
            std::fs::write(self.folder.path().join("patches/new.yaml"), text).unwrap();
            let protected = async {
                while self.status("/new?note=1", "between").await == 200 {
                    sleep(Duration::from_millis(20)).await;
                }
            };
            timeout(PATIENCE, protected).await.unwrap();
            assert_eq!(self.status("/new?note=1", "after").await, 403);
            stop.store(true, Ordering::Relaxed);
        };
        tokio::join!(load, change);
        assert!(sent.load(Ordering::Relaxed) > 0);
        assert!(self.application.arrived("stopped").is_none());
        assert!(self.application.arrived("after").is_none());
    }

    /// A canary stops the same of the clients each time, also by HTTP/2, and the others never.
    async fn stops_a_share_of_the_clients(&self) {
        let mut stopped = 0;
        for client in 1..=40 {
            let first = self.status_from(client, "/canary?note=1", "canary").await;
            let again = self.status_from(client, "/canary?note=1", "canary").await;
            assert_eq!(first, again, "{client}");
            assert!(first == 200 || first == 403, "{first}");
            let arrived = || {
                let arrived = self.application.arrived("canary-2");
                arrived.map_or(0, |it| it.len())
            };
            let before = arrived();
            let asked = self.http2.status_from(client, "/canary?note=1", "canary-2");
            let by_http2 = timeout(PATIENCE, asked).await.unwrap();
            assert_eq!(first, by_http2, "{client} by HTTP/2");
            assert_eq!(arrived() > before, by_http2 == 200, "{client}");
            stopped += usize::from(first == 403);
        }
        assert!((6..=34).contains(&stopped), "{stopped} of 40");
    }

    /// Whoever is asked hangs: nothing is forwarded undecided, and afterwards it goes on.
    async fn waits_for_an_answer(&self) {
        self.gateway.signal("-STOP");
        let stopped = async {
            while !self.gateway_is_stopped() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, stopped).await.unwrap();
        let asked = async {
            let (harmless, attack) = tokio::join!(
                self.status("/all?note=mug", "hung"),
                self.status("/all?note=attack", "hung-attack")
            );
            // The proxy may have given up meanwhile.
            assert!(harmless == 200 || harmless >= 500, "{harmless}");
            assert!(attack >= 400, "{attack}");
        };
        let hangs = async {
            sleep(Duration::from_millis(500)).await;
            for name in ["hung", "hung-attack"] {
                assert!(self.application.arrived(name).is_none(), "{name}");
            }
            self.gateway.signal("-CONT");
        };
        tokio::join!(asked, hangs);
        assert!(self.application.arrived("hung-attack").is_none());
        assert_eq!(self.status("/all?note=mug", "again").await, 200);
    }

    /// Each thread of it stops on its own.
    fn gateway_is_stopped(&self) -> bool {
        let threads = format!("/proc/{}/task", self.gateway.child.id());
        let mut threads = std::fs::read_dir(threads).unwrap();
        threads.all(|thread| {
            let state = std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
            let (_, state) = state.rsplit_once(") ").unwrap();
            state.starts_with('T')
        })
    }

    /// Where a head leaves no room for a body in the proxy's buffer, what is not shown is not taken
    /// for nothing. Such heads are found by trying: larger ones the proxy refuses itself.
    async fn hides_no_body_behind_a_head(&self) {
        for version in ["1.1", "2"] {
            let mut statuses = BTreeMap::new();
            for bytes in (129_000..129_500).step_by(4) {
                let most = (0..bytes / 4000).map(|_| "\"X-Filler: FILLER4000\", ");
                let text = format!(
                    "name = \"a head of {bytes} bytes\"\nversion = {version:?}\nmethod = \"POST\"\n\
                     target = \"/all\"\nchunks = [\"note=attack\"]\n\
                     headers = [{}\"X-Filler: {}\", \
                     \"Content-Type: application/x-www-form-urlencoded\"]\n",
                    most.collect::<String>(),
                    "x".repeat(bytes % 4000),
                );
                let (case, name): (Case, _) = (toml::from_str(&text).unwrap(), "behind-a-head");
                let asked = async {
                    match case.is_http2() {
                        true => self.http2.follow(&case, name, &|| Ok(())).await,
                        false => {
                            let mut client = Http1::connect(self.address).await;
                            client.follow(&case, name, &|| Ok(())).await
                        }
                    }
                };
                let answer = timeout(PATIENCE, asked).await;
                assert_eq!(self.application.arrived(name), None, "{}", case.name);
                let answer = answer.unwrap().unwrap();
                *statuses.entry(answer.status).or_insert(0) += 1;
            }
            // Both those that Stopgap refuses and those that it is not asked about.
            let told = format!("HTTP/{version}: {statuses:?}");
            assert!(statuses.contains_key(&413), "{told}");
            assert!(
                statuses.keys().any(|status| [0, 400].contains(status)),
                "{told}"
            );
        }
    }

    /// Nobody answers the proxy's questions: nothing is forwarded.
    async fn forwards_nothing_unasked(&self) {
        self.gateway.signal("-KILL");
        for target in ["/elsewhere", "/all?note=mug"] {
            let status = self.status(target, "unasked").await;
            assert!(status >= 500, "{target}: {status}");
        }
        assert!(self.application.arrived("unasked").is_none());
    }
}

/// A certificate of its own, and where the gateway takes connections with it.
fn with_tls(folder: &Path) -> (CertificateDer<'static>, String) {
    let signed = rcgen::generate_simple_self_signed(["app.example".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, signed.cert.pem()).unwrap();
    std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
    let listen = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\n\
         tls = {{ certificate = {certificate:?}, key = {key:?} }}\n"
    );
    (signed.cert.der().clone(), listen)
}

/// Holds an ingress point to the table: what it cannot do must fail, everything else must not.
pub(crate) async fn conforms(kind: Kind) {
    tokio::task::LocalSet::new().run_until(conform(kind)).await;
}

async fn conform(kind: Kind) {
    let adapters: BTreeMap<String, BTreeMap<String, String>> =
        toml::from_str(include_str!("adapters.toml")).unwrap();
    let cannot = &adapters[kind.name()];
    let cases = case::cases();
    let point = Rc::new(Point::start(kind).await);
    // Side by side: some wait.
    let mut running = tokio::task::JoinSet::new();
    let total = cases.len();
    assert!(total >= 200, "{total} cases");
    let room = Arc::new(tokio::sync::Semaphore::new(8));
    for (at, mut case) in cases.into_iter().enumerate() {
        case.or_head = case.or_head.filter(|need| cannot.contains_key(need));
        let (point, room) = (Rc::clone(&point), Arc::clone(&room));
        running.spawn_local(async move {
            let _permit = room.acquire_owned().await.unwrap();
            let outcome = point.holds(&case, &at.to_string()).await;
            (case, outcome)
        });
    }
    let (mut wrong, mut beyond) = (Vec::new(), BTreeMap::new());
    while let Some(ended) = running.join_next().await {
        let (case, outcome) = ended.unwrap();
        let lacks: Vec<&String> = case
            .needs
            .iter()
            .filter(|need| cannot.contains_key(*need))
            .collect();
        match outcome {
            Err(why) if lacks.is_empty() => wrong.push(format!("{}: {why}", case.name)),
            Ok(()) if !lacks.is_empty() => wrong.push(format!(
                "{}: it works, strike {lacks:?} of adapters.toml",
                case.name
            )),
            _ => lacks
                .into_iter()
                .for_each(|lack| *beyond.entry(lack.clone()).or_insert(0) += 1),
        }
    }
    let name = kind.name();
    assert!(wrong.is_empty(), "{name}, of {total} cases: {wrong:#?}");
    let mut names = (0..total).map(|at| case::hidden(&at.to_string()));
    let arrived = names.find(|name| point.application.arrived(name).is_some());
    assert_eq!(
        arrived, None,
        "{name}: a request within another's body arrives"
    );
    let unused = cannot.keys().find(|lack| !beyond.contains_key(*lack));
    assert_eq!(unused, None, "{name}: no case needs this");
    if kind == Kind::Haproxy {
        point.hides_no_body_behind_a_head().await;
    }
    point.takes_patches_under_load().await;
    point.stops_a_share_of_the_clients().await;
    point.waits_for_an_answer().await;
    if kind != Kind::Gateway {
        point.forwards_nothing_unasked().await;
    }
}
