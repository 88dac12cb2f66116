//! The reflecting application, over sockets.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::backend;
use crate::ftw::Request;

/// Starts it; it ends with the test.
pub(crate) async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The gateway may end its connections as it likes.
            tokio::spawn(async move { serve(stream).await.ok() });
        }
    });
    address
}

async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut pending = Vec::new();
    while stream.read_buf(&mut pending).await? > 0 {
        while let Some(end) = end_of_request(&pending) {
            let raw: Vec<u8> = pending.drain(..end).collect();
            stream.write_all(&answer(&Request::read(&raw))).await?;
        }
    }
    Ok(())
}

fn answer(request: &Request) -> Vec<u8> {
    let response = backend::answer(request);
    let mut bytes = format!("HTTP/1.1 {} Reflected\r\n", response.status).into_bytes();
    for (name, value) in &response.headers {
        bytes.extend_from_slice(&[&name[..], b": ", value, b"\r\n"].concat());
    }
    let is_length = |(name, _): &(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(b"content-length");
    if !response.headers.iter().any(is_length) {
        let length = format!("Content-Length: {}\r\n", response.body.len());
        bytes.extend_from_slice(length.as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    if request.method != b"HEAD" {
        bytes.extend_from_slice(&response.body);
    }
    bytes
}

/// Where the first request ends, by the framing that the gateway writes.
fn end_of_request(bytes: &[u8]) -> Option<usize> {
    let find = |from: usize, text: &[u8]| {
        let rest = bytes.get(from..)?;
        let at = rest.windows(text.len()).position(|window| window == text)?;
        Some(from + at)
    };
    let head = find(0, b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    if text.contains("\r\ntransfer-encoding: chunked\r\n") {
        // The line before a body of no chunks is the head's own end.
        return Some(find(head - 2, b"\r\n0\r\n\r\n")? + 7);
    }
    let length: usize = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    (bytes.len() >= head + length).then_some(head + length)
}
