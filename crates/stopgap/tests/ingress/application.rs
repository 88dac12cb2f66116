//! An application that keeps what arrives, by the case that it belongs to, and answers as it is
//! told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The header that says which case a request belongs to.
pub(crate) const CASE: &str = "x-case";

type Arrived = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

pub(crate) struct Application {
    pub(crate) address: SocketAddr,
    arrived: Arrived,
}

impl Application {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let arrived = Arrived::default();
        let shared = Arc::clone(&arrived);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A peer that goes away is no fault here.
                let arrived = Arc::clone(&shared);
                tokio::spawn(async move { serve(stream, &arrived).await });
            }
        });
        Self { address, arrived }
    }

    /// What has arrived of a case: head, then body without framing.
    pub(crate) fn arrived(&self, case: &str) -> Option<String> {
        let arrived = self.arrived.lock().unwrap();
        let bytes = arrived.get(case)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}

async fn serve(mut stream: TcpStream, arrived: &Arrived) -> Option<()> {
    let mut pending = Vec::new();
    loop {
        let end = loop {
            match find(&pending, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => more(&mut stream, &mut pending).await?,
            }
        };
        let head: Vec<u8> = pending.drain(..end).collect();
        let text = String::from_utf8_lossy(&head).into_owned();
        let field = |name: &str| {
            let line = |line: &str| {
                let (own, value) = line.split_once(':')?;
                own.eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            };
            text.lines().find_map(line)
        };
        let case = field(CASE).unwrap_or_default();
        let keep = |bytes: &[u8]| {
            let mut arrived = arrived.lock().unwrap();
            arrived
                .entry(case.clone())
                .or_default()
                .extend_from_slice(bytes);
        };
        keep(&head);
        if let Some(protocol) = field("upgrade") {
            let accept = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\
                 Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            );
            stream.write_all(accept.as_bytes()).await.ok()?;
            loop {
                stream.write_all(&pending).await.ok()?;
                pending.clear();
                more(&mut stream, &mut pending).await?;
            }
        }
        if field("transfer-encoding").is_some() {
            loop {
                let line = loop {
                    match find(&pending, b"\r\n") {
                        Some(at) => break at,
                        None => more(&mut stream, &mut pending).await?,
                    }
                };
                let size = std::str::from_utf8(&pending[..line]).ok()?;
                let size = usize::from_str_radix(size.split(';').next()?, 16).ok()?;
                pending.drain(..line + 2);
                if size == 0 {
                    break;
                }
                while pending.len() < size + 2 {
                    more(&mut stream, &mut pending).await?;
                }
                keep(&pending[..size]);
                pending.drain(..size + 2);
            }
            // Trailers, up to the empty line.
            loop {
                let line = loop {
                    match find(&pending, b"\r\n") {
                        Some(at) => break at,
                        None => more(&mut stream, &mut pending).await?,
                    }
                };
                keep(&pending[..line]);
                pending.drain(..line + 2);
                if line == 0 {
                    break;
                }
            }
        } else {
            let length = field("content-length").unwrap_or_else(|| "0".to_owned());
            let length: usize = length.parse().ok()?;
            while pending.len() < length {
                more(&mut stream, &mut pending).await?;
            }
            keep(&pending[..length]);
            pending.drain(..length);
        }
        let body = field("x-answer-body").unwrap_or_else(|| "it works".to_owned());
        let header = field("x-answer-header").map_or(String::new(), |line| line + "\r\n");
        let length = body.len();
        let is_head = head.starts_with(b"HEAD ");
        let body = if is_head { String::new() } else { body };
        let answer = format!("HTTP/1.1 200 OK\r\n{header}Content-Length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

async fn more(stream: &mut TcpStream, pending: &mut Vec<u8>) -> Option<()> {
    let count = stream.read_buf(pending).await.ok()?;
    (count > 0).then_some(())
}

pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}
