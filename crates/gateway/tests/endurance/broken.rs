//! Requests that nobody meant.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::process::{alone, descriptors, resident};
use crate::support::{Client, OK, PATIENCE, Upstream, ask, config, get, no_attack, start};

const REQUESTS: usize = 100_000;
const CLIENTS: usize = 8;
/// What memory may grow by: a leak of one kB a request would be 100 MB.
const TOLERANCE: usize = 24 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_broken_requests_neither_end_stall_nor_fill_it() {
    let alone = alone().await;
    let upstream = Upstream::serve(OK.into(), false).await;
    let (running, address) = start(config(upstream.address), no_attack()).await;
    // Once without measuring: by then everything has its size.
    storm(address, 10_000).await;
    settled(&running).await;
    let (memory, open) = (resident(), descriptors());

    let over = Arc::new(AtomicBool::new(false));
    let good = tokio::spawn(well_behaved(address, Arc::clone(&over)));
    storm(address, REQUESTS).await;
    over.store(true, Ordering::Relaxed);
    let answered = good.await.unwrap();
    assert!(answered > 20, "a good client had only {answered} answers");

    settled(&running).await;
    let grown = resident().saturating_sub(memory);
    assert!(grown <= TOLERANCE, "memory has grown by {grown} bytes");
    let more = descriptors().saturating_sub(open);
    assert!(more <= 4, "{more} more descriptors are open");
    assert_eq!(ask(address, get("/")).await.status, 200);
    assert_eq!(ask(address, get("/?q=attack")).await.status, 403);
    running.stop().await;
    drop(alone);
}

/// Waits until the connections have ended.
async fn settled(running: &gateway::Running) {
    let ended = async {
        while !running.metrics().contains("stopgap_connections 0\n") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, ended).await.unwrap();
}

/// A client that sends good requests and must get its answers all the while.
async fn well_behaved(address: SocketAddr, over: Arc<AtomicBool>) -> usize {
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        let answer = timeout(PATIENCE, ask(address, get("/?q=fine"))).await;
        assert_eq!(answer.unwrap().status, 200);
        count += 1;
    }
    count
}

async fn storm(address: SocketAddr, requests: usize) {
    let clients: Vec<_> = (0..CLIENTS as u64)
        .map(|seed| tokio::spawn(broken(address, requests / CLIENTS, Random(seed))))
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

async fn broken(address: SocketAddr, requests: usize, mut random: Random) {
    let templates = [
        get("/?a=1&b=%zz"),
        crate::support::post("a=1&b=2"),
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n"
            .to_owned(),
        "GET http://a/x HTTP/1.1\r\nHost: a\r\nCookie: a=b; c\r\nConnection: x\r\n\r\n".to_owned(),
    ];
    let mut sent = 0;
    while sent < requests {
        // One to three in a row; then the client ends, and the gateway must, too.
        let mut client = Client::connect(address).await;
        for _ in 0..=random.below(3) {
            let template = &templates[random.below(templates.len())];
            let bytes = spoilt(template.as_bytes(), &mut random);
            sent += 1;
            if client.try_send(&bytes).await.is_err() {
                break;
            }
        }
        // It may have closed already.
        let _ = client.stream.shutdown().await;
        client.rest().await;
    }
}

fn spoilt(template: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = template.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(3) {
            0 => bytes[at] = random.below(256) as u8,
            1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, b"\r\n\0 :,;\xff"[random.below(8)]),
        }
    }
    bytes
}

/// splitmix64: the same cases in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % bound
    }
}
