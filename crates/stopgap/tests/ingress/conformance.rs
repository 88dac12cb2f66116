//! One table of what an ingress point must do, held against each of them with the real proxy.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::application::{Application, CASE, find};
use crate::proxies::{self, Kind};
use crate::support::{PATIENCE, Running};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    place: Vec<Place>,
    case: Vec<Case>,
}

/// A request in which values stand at one place: a case for each.
#[derive(Deserialize)]
struct Place {
    #[serde(flatten)]
    case: Case,
    #[serde(default)]
    stopped: Vec<String>,
    #[serde(default, rename = "passes")]
    harmless: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Case {
    name: String,
    #[serde(default = "get")]
    method: String,
    target: String,
    #[serde(default = "version")]
    version: String,
    #[serde(default = "host")]
    host: String,
    #[serde(default)]
    headers: Vec<String>,
    /// So many more headers.
    #[serde(default)]
    many: usize,
    #[serde(default)]
    body: Option<String>,
    /// So many bytes after the body, and what comes last.
    #[serde(default)]
    filler: usize,
    #[serde(default)]
    tail: String,
    /// The body in chunks: these, or cut as it comes.
    #[serde(default)]
    chunks: Vec<String>,
    #[serde(default)]
    chunked: bool,
    /// Bytes of each such chunk.
    #[serde(default = "chunk")]
    chunk: usize,
    #[serde(default)]
    trailers: Vec<String>,
    /// The headers say how long the body is.
    #[serde(default)]
    bare: bool,
    /// After so many bytes of the body it waits, and nothing may have arrived if it is stopped.
    #[serde(default)]
    pause: usize,
    #[serde(default)]
    upgrade: bool,
    /// What adapters may lack.
    #[serde(default)]
    needs: Vec<String>,

    #[serde(default)]
    passes: Passes,
    #[serde(default)]
    refused: Option<Statuses>,
    /// The same, but the application has answered.
    #[serde(default)]
    refused_late: Option<u16>,
    /// What an event tells: a patch, or words.
    #[serde(default)]
    told: Option<String>,
    /// What the application gets, and what it does not get.
    #[serde(default)]
    arrives: Vec<String>,
    #[serde(default)]
    misses: Vec<String>,
    /// What the client gets, and what it does not get.
    #[serde(default)]
    answer: Vec<String>,
    #[serde(default)]
    silent: Vec<String>,
}

/// Whether the request passes; a place has values instead.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(from = "toml::Value")]
struct Passes(bool);

impl From<toml::Value> for Passes {
    fn from(value: toml::Value) -> Self {
        Self(value.as_bool().unwrap_or(false))
    }
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Statuses {
    One(u16),
    OneOf(Vec<u16>),
}

impl Statuses {
    fn holds(&self, status: u16) -> bool {
        match self {
            Self::One(one) => *one == status,
            Self::OneOf(all) => all.contains(&status),
        }
    }
}

fn get() -> String {
    "GET".to_owned()
}

fn version() -> String {
    "1.1".to_owned()
}

fn chunk() -> usize {
    5000
}

fn host() -> String {
    "app.example".to_owned()
}

impl Place {
    fn cases(&self) -> Vec<Case> {
        let stopped = self.stopped.iter().map(|value| (value, true));
        let harmless = self.harmless.iter().map(|value| (value, false));
        let case = |(value, stops): (&String, bool)| {
            let fill = |text: &String| text.replace("VALUE", value);
            let mut case = self.case.clone();
            case.name = format!("{}: {value:?}", case.name);
            case.target = fill(&case.target);
            case.headers = case.headers.iter().map(fill).collect();
            case.body = case.body.as_ref().map(fill);
            // The chunks cut the word in two.
            let whole = fill(&case.chunks.concat());
            let middle = whole.len() / 2;
            case.chunks = match case.chunks.is_empty() {
                true => Vec::new(),
                false => vec![whole[..middle].to_owned(), whole[middle..].to_owned()],
            };
            case.passes = Passes(!stops);
            case.refused = stops.then_some(Statuses::One(403));
            if !stops {
                case.needs.clear();
            }
            case
        };
        stopped.chain(harmless).map(case).collect()
    }
}

impl Case {
    /// Whether it asks for another protocol: the connection stays open.
    fn keeps_open(&self) -> bool {
        self.upgrade || self.headers.iter().any(|line| line.contains("upgrade"))
    }

    /// Head and body as they are sent.
    fn bytes(&self, name: &str) -> (Vec<u8>, Vec<u8>) {
        let mut filled = self.body.clone().unwrap_or_default();
        filled.push_str(&"x".repeat(self.filler));
        filled.push_str(&self.tail);
        let has_body = self.body.is_some() || self.filler > 0;
        let mut lines = vec![format!("{}: {name}", CASE), format!("Host: {}", self.host)];
        lines.extend(self.headers.iter().cloned());
        lines.extend((0..self.many).map(|at| format!("X-Many-{at}: {at}")));
        let mut body = filled.clone().into_bytes();
        if !self.chunks.is_empty() || self.chunked {
            let cut: Vec<&str> = match self.chunked {
                true => filled
                    .as_bytes()
                    .chunks(self.chunk)
                    .map(|piece| std::str::from_utf8(piece).unwrap())
                    .collect(),
                false => self.chunks.iter().map(String::as_str).collect(),
            };
            let chunk = |piece: &&str| format!("{:x}\r\n{piece}\r\n", piece.len());
            let trailers = self.trailers.iter().map(|line| format!("{line}\r\n"));
            let chunks: String = cut.iter().map(chunk).collect();
            body = format!("{chunks}0\r\n{}\r\n", trailers.collect::<String>()).into_bytes();
            lines.push("Transfer-Encoding: chunked".to_owned());
        } else if has_body && !self.bare {
            lines.push(format!("Content-Length: {}", body.len()));
        }
        if self.upgrade {
            lines.push("Connection: upgrade\r\nUpgrade: websocket".to_owned());
            lines.push("Sec-WebSocket-Version: 13".to_owned());
            lines.push("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==".to_owned());
        } else if !self.keeps_open() {
            lines.push("Connection: close".to_owned());
        }
        let target = self.target.replace("FILLER4000", &"x".repeat(4000));
        let head = format!(
            "{} {target} HTTP/{}\r\n{}\r\n\r\n",
            self.method,
            self.version,
            lines.join("\r\n")
        );
        (head.into_bytes(), body)
    }
}

fn has_head(answer: &[u8]) -> bool {
    find(answer, b"\r\n\r\n").is_some()
}

/// An ingress point with what it protects.
pub(crate) struct Point {
    application: Application,
    gateway: Running,
    address: SocketAddr,
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
        let config = format!(
            "patches = [{{ path = {patches:?} }}, {{ path = {shadow:?}, mode = \"shadow\" }}, \
             {{ path = {canary:?}, mode = \"canary\", percent = 50 }}]\n\
             [events]\nfile = \"events.jsonl\"\n\
             [[listen]]\naddress = \"127.0.0.1:0\"\nrole = \"{}\"\n\
             [[application]]\nname = \"app\"\nupstreams = [\"http://{}\"]\n",
            kind.role(),
            application.address,
        );
        let file = folder.path().join("gateway.toml");
        std::fs::write(&file, config).unwrap();
        let gateway = Running::start(&["--config", file.to_str().unwrap()]);
        let asked = gateway.address("listening on ");
        let (address, proxy) = match kind {
            Kind::Gateway => (asked, None),
            _ => {
                let (address, proxy) =
                    proxies::start(kind, asked, application.address, folder.path()).await;
                (address, Some(proxy))
            }
        };
        Self {
            application,
            gateway,
            address,
            folder,
            _proxy: proxy,
        }
    }

    /// What of a case does not come out as it should.
    async fn holds(&self, case: &Case, name: &str) -> Result<(), String> {
        let (head, body) = case.bytes(name);
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        // A proxy may refuse before it has read all.
        let _ = stream.write_all(&head).await;
        let (early, late) = body.split_at(case.pause.min(body.len()));
        let _ = stream.write_all(early).await;
        if case.pause > 0 {
            sleep(Duration::from_millis(150)).await;
            if case.refused.is_some() && self.application.arrived(name).is_some() {
                return Err("it arrives before all of it is seen".to_owned());
            }
        }
        let (mut reading, mut writing) = stream.split();
        let mut answer = Vec::new();
        let write = async {
            let _ = writing.write_all(late).await;
        };
        let read = async {
            while !(case.keeps_open() && has_head(&answer)) {
                if !matches!(reading.read_buf(&mut answer).await, Ok(1..)) {
                    return;
                }
            }
        };
        let both = async { tokio::join!(write, read) };
        if timeout(PATIENCE, both).await.is_err() {
            return Err("no end of an answer comes".to_owned());
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        // A client that was told to go on gets two heads.
        let last = answer.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n");
        let last = last.unwrap_or(&answer);
        let status = last.split(' ').nth(1).unwrap_or_default();
        let status: u16 = status.parse().unwrap_or(0);
        let arrived = self.application.arrived(name);
        if let Some(refused) = &case.refused {
            if arrived.is_some() {
                return Err("it arrives".to_owned());
            }
            if !refused.holds(status) {
                return Err(format!("the status is {status}"));
            }
        } else if let Some(refused) = case.refused_late {
            if status != refused {
                return Err(format!("the status is {status}"));
            }
        } else {
            assert!(case.passes.0, "{}: what is to come of it?", case.name);
            let expected = if case.upgrade { 101 } else { 200 };
            if status != expected {
                return Err(format!("the status is {status}"));
            }
            let arrived = arrived.unwrap_or_default();
            let end = case.body.as_ref().map_or("", String::as_str);
            if !arrived.contains(end) || arrived.len() < case.filler {
                return Err(format!("only this arrives: {arrived:.300}"));
            }
            if let Some(missing) = case.arrives.iter().find(|text| !arrived.contains(*text)) {
                return Err(format!("{missing:?} does not arrive: {arrived:.600}"));
            }
            if let Some(there) = case.misses.iter().find(|text| arrived.contains(*text)) {
                return Err(format!("{there:?} arrives"));
            }
            if case.upgrade {
                stream.write_all(b"ping").await.unwrap();
                let mut echo = [0; 4];
                let read = timeout(PATIENCE, stream.read_exact(&mut echo)).await;
                if !matches!(read, Ok(Ok(_))) || echo != *b"ping" {
                    return Err("the tunnel does not carry".to_owned());
                }
            }
        }
        if let Some(missing) = case.answer.iter().find(|text| !answer.contains(*text)) {
            return Err(format!(
                "the client does not get {missing:?}: {answer:.600}"
            ));
        }
        if let Some(there) = case.silent.iter().find(|text| answer.contains(*text)) {
            return Err(format!("the client gets {there:?}"));
        }
        match &case.told {
            Some(words) if !self.tells(&case.target, words).await => {
                Err("no event tells it".to_owned())
            }
            _ => Ok(()),
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
        let socket = TcpSocket::new_v4().unwrap();
        let own = SocketAddr::from(([127, 0, 0, client], 0));
        socket.bind(own).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
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

    /// A canary stops the same of the clients each time, and the others never.
    async fn stops_a_share_of_the_clients(&self) {
        let mut stopped = 0;
        for client in 1..=40 {
            let first = self.status_from(client, "/canary?note=1", "canary").await;
            let again = self.status_from(client, "/canary?note=1", "canary").await;
            assert_eq!(first, again, "{client}");
            assert!(first == 200 || first == 403, "{first}");
            stopped += usize::from(first == 403);
        }
        assert!((6..=34).contains(&stopped), "{stopped} of 40");
    }

    /// Whoever is asked hangs: nothing is forwarded undecided, and afterwards it goes on.
    async fn waits_for_an_answer(&self) {
        self.gateway.signal("-STOP");
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

/// Holds an ingress point to the table: what it cannot do must fail, everything else must not.
pub(crate) async fn conforms(kind: Kind) {
    tokio::task::LocalSet::new().run_until(conform(kind)).await;
}

async fn conform(kind: Kind) {
    let table: Table = toml::from_str(include_str!("cases.toml")).unwrap();
    let adapters: BTreeMap<String, BTreeMap<String, String>> =
        toml::from_str(include_str!("adapters.toml")).unwrap();
    let cannot = &adapters[kind.name()];
    let mut cases: Vec<Case> = table.place.iter().flat_map(Place::cases).collect();
    cases.extend(table.case);
    let point = Rc::new(Point::start(kind).await);
    // Side by side: some wait.
    let mut running = tokio::task::JoinSet::new();
    let total = cases.len();
    let room = Arc::new(tokio::sync::Semaphore::new(8));
    for (at, case) in cases.into_iter().enumerate() {
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
    let unused = cannot.keys().find(|lack| !beyond.contains_key(*lack));
    assert_eq!(unused, None, "{name}: no case needs this");
    point.takes_patches_under_load().await;
    point.stops_a_share_of_the_clients().await;
    point.waits_for_an_answer().await;
    if kind != Kind::Gateway {
        point.forwards_nothing_unasked().await;
    }
}
