//! Connections to upstreams: when one is used again, and when it must not be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::Plan;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::{Client, OK, PATIENCE, ask, config, find, get, no_attack, post, start};

/// How an upstream goes on after its answer.
#[derive(Clone, Copy)]
enum After {
    /// It takes the next request.
    Stays,
    /// It closes without having said so.
    Leaves,
}

/// Answers each head with what `answer` makes of it; tells how many connections there were, and
/// how many are open.
struct Upstream {
    address: SocketAddr,
    begun: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Upstream {
    async fn start(after: After, answer: fn(&str) -> String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (begun, open): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
        let counts = (Arc::clone(&begun), Arc::clone(&open));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counts.0.fetch_add(1, Ordering::SeqCst);
                counts.1.fetch_add(1, Ordering::SeqCst);
                let open = Arc::clone(&counts.1);
                tokio::spawn(async move {
                    serve(stream, after, answer).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            address,
            begun,
            open,
        }
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    async fn until_all_are_closed(&self) {
        let closed = async {
            while self.open.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, closed).await.unwrap();
    }
}

async fn serve(mut stream: TcpStream, after: After, answer: fn(&str) -> String) {
    let mut pending = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut pending).await {
        while let Some(end) = find(&pending, b"\r\n\r\n") {
            let head: Vec<u8> = pending.drain(..end + 4).collect();
            let head = String::from_utf8(head).unwrap();
            if stream.write_all(answer(&head).as_bytes()).await.is_err() {
                return;
            }
            if matches!(after, After::Leaves) {
                return;
            }
        }
    }
}

fn ok(_: &str) -> String {
    OK.to_owned()
}

#[tokio::test]
async fn a_connection_is_used_again_once_its_response_was_read() {
    let answers = |head: &str| {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        match head.split(' ').nth(1) {
            Some("/chunked") => chunked.to_owned(),
            Some("/empty") => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            _ => OK.to_owned(),
        }
    };
    let upstream = Upstream::start(After::Stays, answers).await;
    let (running, address) = start(config(upstream.address), Plan::empty()).await;
    for target in ["/", "/chunked", "/empty", "/", "/empty", "/chunked", "/"] {
        assert_eq!(ask(address, get(target)).await.status / 100, 2, "{target}");
    }
    assert_eq!(upstream.begun(), 1);
    running.stop().await;
}

#[tokio::test]
async fn a_connection_that_the_upstream_closed_costs_no_request() {
    let upstream = Upstream::start(After::Leaves, ok).await;
    for plan in [Plan::empty(), no_attack()] {
        let (running, address) = start(config(upstream.address), plan).await;
        for _ in 0..50 {
            assert_eq!(ask(address, get("/")).await.status, 200);
            let head = "POST / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 0\r\n\r\n";
            assert_eq!(ask(address, head).await.status, 200);
        }
        running.stop().await;
    }
}

#[tokio::test]
async fn an_early_answer_leaves_the_rest_of_the_upload_its_connection() {
    let upstream = Upstream::start(After::Stays, ok).await;
    let (running, address) = start(config(upstream.address), Plan::empty()).await;
    let mut uploading = Client::connect(address).await;
    uploading
        .send("POST / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 1000\r\n\r\nx")
        .await;
    assert_eq!(uploading.response().await.status, 200);
    for _ in 0..3 {
        assert_eq!(ask(address, get("/")).await.status, 200);
    }
    // The upload's connection, and one for the others.
    assert_eq!(upstream.begun(), 2);
    drop(uploading);
    running.stop().await;
}

#[tokio::test]
async fn a_response_that_was_not_read_to_its_end_takes_its_connection_along() {
    let answers = |head: &str| {
        if head.starts_with("GET /large") {
            let page = "x".repeat(8_000_000);
            return format!("HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n{page}");
        }
        OK.to_owned()
    };
    let upstream = Upstream::start(After::Stays, answers).await;
    let (running, address) = start(config(upstream.address), Plan::empty()).await;
    let mut leaving = Client::connect(address).await;
    leaving.send(get("/large")).await;
    leaving.read_until("\r\n\r\n").await;
    drop(leaving);
    for _ in 0..3 {
        let response = ask(address, get("/")).await;
        assert_eq!((response.status, response.body.as_str()), (200, "ok"));
    }
    assert_eq!(upstream.begun(), 2);
    running.stop().await;
}

#[tokio::test]
async fn connections_that_wait_too_long_are_closed() {
    let upstream = Upstream::start(After::Stays, ok).await;
    let mut config = config(upstream.address);
    config.limits.upstream_idle_ms = 50;
    let (running, address) = start(config, Plan::empty()).await;
    assert_eq!(ask(address, get("/")).await.status, 200);
    upstream.until_all_are_closed().await;
    assert_eq!(ask(address, post("")).await.status, 200);
    assert_eq!(upstream.begun(), 2);
    running.stop().await;
}

#[tokio::test]
async fn what_each_application_answers_is_counted_and_goes_on_when_it_is_configured_anew() {
    let good = crate::support::Upstream::ok().await;
    let text = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
    let failing = crate::support::Upstream::start(text).await;
    let mut config = config(good.address);
    let mut other = config.application[0].clone();
    other.name = "other".to_owned();
    config.application[0].hosts = vec!["good.example".to_owned().try_into().unwrap()];
    other.upstreams = vec![format!("http://{}", failing.address).try_into().unwrap()];
    config.application.push(other);
    let (running, address) = start(config.clone(), no_attack()).await;
    let request = |host: &str, query: &str| {
        format!("GET /?q={query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    };
    let asks = [
        ("good.example", "a", 200),
        ("good.example", "attack", 403),
        ("x", "a", 500),
    ];
    for (host, query, status) in asks {
        assert_eq!(ask(address, request(host, query)).await.status, status);
    }
    let told = |running: &gateway::Running| -> Vec<_> {
        let traffic = running.observe().traffic().into_iter();
        let told = traffic.map(|it| (it.application, it.hosts, it.requests, it.errors));
        told.collect()
    };
    let good_hosts = vec!["good.example".to_owned()];
    // A request that a patch stops is none that the application has failed to answer.
    let mut expected = vec![
        ("default".to_owned(), good_hosts, 2, 0),
        ("other".to_owned(), Vec::new(), 1, 1),
    ];
    assert_eq!(told(&running), expected);

    // Another version of one, which nobody can reach; the counts go on.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    config.application[0].upstreams = vec![gone.try_into().unwrap()];
    running.reconfigure(&config).unwrap();
    assert_eq!(ask(address, request("good.example", "a")).await.status, 502);
    (expected[0].2, expected[0].3) = (3, 1);
    assert_eq!(told(&running), expected);
    let latency = running.observe().traffic()[0].latency_us;
    assert!(latency > 0 && latency < 20_000_000, "{latency} µs");
    running.stop().await;
}
