//! A client that sends what go-ftw sends, byte by byte.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::ftw::{self, Input};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer as far as tests look at it.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// The request as it goes over the wire.
pub(crate) fn bytes(input: &Input) -> Vec<u8> {
    if let Some(encoded) = &input.encoded_request {
        return ftw::decode_base64(encoded);
    }
    let request = input.request();
    let mut bytes = [&request.method[..], b" ", &request.target, b" "].concat();
    bytes.extend_from_slice(&request.version);
    bytes.extend_from_slice(b"\r\n");
    for (name, value) in &request.headers {
        bytes.extend_from_slice(&[&name[..], b": ", value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&request.body);
    bytes
}

/// Sends it from an address of its own and reads the answer.
pub(crate) async fn ask(
    from: IpAddr,
    gateway: SocketAddr,
    request: &[u8],
) -> Result<Answer, String> {
    let asked = tokio::time::timeout(PATIENCE, exchange(from, gateway, request)).await;
    asked
        .map_err(|_| "no answer in time".to_owned())?
        .map_err(|why| why.to_string())
}

async fn exchange(from: IpAddr, gateway: SocketAddr, request: &[u8]) -> std::io::Result<Answer> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from, 0))?;
    let mut stream = socket.connect(gateway).await?;
    // Who refuses a head may close before the body has come.
    let _: Result<(), _> = stream.write_all(request).await;
    let mut answer = Vec::new();
    loop {
        if let Some(whole) = whole(&answer, request.starts_with(b"HEAD ")) {
            return Ok(whole);
        }
        // Closed after an answer that says no length, or reset after one that is whole.
        if !matches!(stream.read_buf(&mut answer).await, Ok(1..)) {
            let (status, _, body) = parts(&answer).ok_or(std::io::ErrorKind::UnexpectedEof)?;
            let body = body.to_vec();
            return Ok(Answer { status, body });
        }
    }
}

/// Status, head in lower case, and what follows.
fn parts(answer: &[u8]) -> Option<(u16, String, &[u8])> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let (head, body) = answer.split_at(end);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, head, body))
}

/// An answer that is known to be whole.
fn whole(answer: &[u8], to_head: bool) -> Option<Answer> {
    let (status, head, body) = parts(answer)?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.parse::<usize>().ok());
    let is_whole = match length {
        _ if to_head || status == 204 || status == 304 => true,
        Some(length) => body.len() >= length,
        None => head.contains("transfer-encoding: chunked") && body.ends_with(b"0\r\n\r\n"),
    };
    is_whole.then(|| Answer {
        status,
        body: body.to_vec(),
    })
}
