//! What the tests share: plans from SecLang, gateways on free ports, raw upstreams and clients.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{Input, Limits, NoResources, Oversize, PatchRules, Plan};
use gateway::{Config, Gateway, Running};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Longer than anything here takes; ends tests that would hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A plan of one patch, `CVE-1`, that concerns every request.
pub(crate) fn plan(rules: &str, body: Option<usize>, oversize: Oversize) -> Arc<Plan> {
    let patch = PatchRules {
        id: "CVE-1".to_owned(),
        body_bytes: body,
        oversize,
        rules: vec![parse(rules)],
        ..PatchRules::default()
    };
    let input = Input {
        rules: Vec::new(),
        patches: vec![patch],
    };
    engine::compile(&input, Limits::default(), &NoResources).unwrap()
}

pub(crate) fn parse(rules: &str) -> seclang::Ruleset {
    seclang::parse("test.conf", rules, &seclang::Limits::default()).unwrap()
}

/// Denies a query or body that says `attack`.
pub(crate) fn no_attack() -> Arc<Plan> {
    let rules = r#"SecRule ARGS|REQUEST_BODY "@contains attack" "id:1,phase:2,deny,status:403,msg:'an attack'""#;
    plan(rules, Some(1000), Oversize::Block)
}

pub(crate) fn config(upstream: SocketAddr) -> Config {
    Config::for_one(
        SocketAddr::from(([127, 0, 0, 1], 0)),
        &format!("http://{upstream}"),
    )
    .unwrap()
}

pub(crate) async fn start(config: Config, plan: Arc<Plan>) -> (Running, SocketAddr) {
    let running = Gateway::start(config, plan).await.unwrap();
    let address = running.addresses()[0];
    (running, address)
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An upstream that keeps every byte it gets.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    got: Arc<Mutex<Vec<u8>>>,
}

impl Upstream {
    /// Answers each request, head and body complete, with `response`.
    pub(crate) async fn start(response: impl Into<Vec<u8>>) -> Self {
        Self::serve(response.into(), true).await
    }

    /// The same; `keeps` says whether it keeps what it gets.
    pub(crate) async fn serve(response: Vec<u8>, keeps: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let got: Arc<Mutex<Vec<u8>>> = Arc::default();
        let response: Arc<[u8]> = response.into();
        let shared = keeps.then(|| Arc::clone(&got));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone(), Arc::clone(&response)));
            }
        });
        Self { address, got }
    }

    pub(crate) async fn ok() -> Self {
        Self::start(OK).await
    }

    pub(crate) fn got(&self) -> String {
        String::from_utf8_lossy(&self.got.lock().unwrap()).into_owned()
    }
}

async fn serve(mut stream: TcpStream, got: Option<Arc<Mutex<Vec<u8>>>>, response: Arc<[u8]>) {
    let mut pending = Vec::new();
    let mut space = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut space).await {
        if let Some(got) = &got {
            got.lock().unwrap().extend_from_slice(&space[..count]);
        }
        pending.extend_from_slice(&space[..count]);
        while let Some(end) = end_of_request(&pending) {
            pending.drain(..end);
            if stream.write_all(&response).await.is_err() {
                return;
            }
        }
    }
}

/// Where the first request ends, by the framing that the gateway writes.
fn end_of_request(bytes: &[u8]) -> Option<usize> {
    let head_end = find(bytes, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        let body = &bytes[head_end..];
        if body.starts_with(b"0\r\n\r\n") {
            return Some(head_end + 5);
        }
        return Some(head_end + find(body, b"\r\n0\r\n\r\n")? + 7);
    }
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    (bytes.len() >= head_end + length).then_some(head_end + length)
}

pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}

/// A raw client.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Waits until the gateway has read all that was sent: nothing of it is left in its socket.
    pub(crate) async fn is_read(&self) {
        let port =
            |address: std::io::Result<SocketAddr>| format!("{:04X}", address.unwrap().port());
        let (ours, theirs) = (
            port(self.stream.local_addr()),
            port(self.stream.peer_addr()),
        );
        let waiting = || {
            let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
            let line = table.lines().find(|line| {
                let mut ends = line.split_whitespace().skip(1);
                let mut is = |port: &str| ends.next().is_some_and(|end| end.ends_with(port));
                is(&format!(":{theirs}")) && is(&format!(":{ours}"))
            });
            let queues = line
                .and_then(|line| line.split_whitespace().nth(4))
                .unwrap();
            !queues.ends_with(":00000000")
        };
        let all = async {
            while waiting() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, all).await.unwrap();
    }

    /// Sends to a gateway that may have closed already.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads until the text is there; gives everything up to its end.
    pub(crate) async fn read_until(&mut self, text: &str) -> String {
        let end = loop {
            if let Some(at) = find(&self.buffer, text.as_bytes()) {
                break at + text.len();
            }
            let read = self.stream.read_buf(&mut self.buffer);
            let count = timeout(PATIENCE, read).await.unwrap().unwrap();
            let so_far = String::from_utf8_lossy(&self.buffer);
            assert!(count > 0, "the connection ended before {text:?}: {so_far}");
        };
        let taken: Vec<u8> = self.buffer.drain(..end).collect();
        String::from_utf8(taken).unwrap()
    }

    /// Reads one response whose length is given or chunked.
    pub(crate) async fn response(&mut self) -> Response {
        let head = self.read_until("\r\n\r\n").await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let lower = head.to_ascii_lowercase();
        let length = lower
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map(|length| length.parse::<usize>().unwrap());
        let body = match length {
            Some(length) => {
                while self.buffer.len() < length {
                    let read = self.stream.read_buf(&mut self.buffer);
                    let count = timeout(PATIENCE, read).await.unwrap().unwrap();
                    assert!(count > 0, "the body ended early");
                }
                self.buffer.drain(..length).collect()
            }
            None if lower.contains("transfer-encoding: chunked") => {
                self.read_until("0\r\n\r\n").await.into_bytes()
            }
            None => Vec::new(),
        };
        Response {
            status,
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// Everything until the other side closes, or resets.
    pub(crate) async fn rest(&mut self) -> String {
        let mut space = [0; 4096];
        while let Ok(count @ 1..) = timeout(PATIENCE, self.stream.read(&mut space))
            .await
            .unwrap()
        {
            self.buffer.extend_from_slice(&space[..count]);
        }
        String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned()
    }
}

/// One request on a connection of its own.
pub(crate) async fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Response {
    let mut client = Client::connect(address).await;
    client.send(request).await;
    client.response().await
}

pub(crate) fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: app.example\r\n\r\n")
}

pub(crate) fn post(body: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: app.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl From<TcpStream> for Client {
    fn from(stream: TcpStream) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }
}
