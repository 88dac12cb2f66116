//! An application that a gateway protects, and its clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::support::PATIENCE;

/// An application that answers every request with its request line.
pub(crate) fn application() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(50_000).map_while(Result::ok) {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(first)) = lines.next() {
        while lines
            .next()
            .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
        {}
        let reply = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{first}",
            first.len()
        );
        if stream.write_all(reply.as_bytes()).is_err() {
            break;
        }
    }
}

pub(crate) fn get(address: SocketAddr, target: &str) -> String {
    ask(address, target, "app")
}

/// The same, of another host; more lines of the head may follow it.
pub(crate) fn ask(address: SocketAddr, target: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// Asks until the answer begins so; changes of files take a moment.
pub(crate) fn becomes(address: SocketAddr, target: &str, status: &str) {
    let end = Instant::now() + PATIENCE;
    while !get(address, target).starts_with(status) {
        assert!(Instant::now() < end, "{target} does not become {status}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn traversal() -> String {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../patch/testdata/patches/traversal.yaml"
    );
    std::fs::read_to_string(path).unwrap()
}

pub(crate) const ATTACK: &str = "/static/..%2f..%2fetc/passwd";
