//! A plain HTTP/1.1 client for cases: it sends bytes as they are, which no
//! library does, and reads one answer, within bounds.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use patch::Reply;

/// Bytes of one answer at most.
const REPLY_BYTES: usize = 8 * 1024 * 1024;

/// Where cases are sent.
pub(crate) struct Target {
    address: String,
    timeout: Duration,
}

impl Target {
    /// Reads `http://HOST[:PORT]`.
    pub(crate) fn parse(url: &str, timeout: Duration) -> anyhow::Result<Self> {
        let Some(rest) = url.strip_prefix("http://") else {
            bail!(
                "`{url}` is no http:// address; cases are sent as plain HTTP, such as http://127.0.0.1:8080"
            );
        };
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.is_empty() {
            bail!("`{url}` names no host");
        }
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Self {
            address: match has_port {
                true => authority.to_owned(),
                false => format!("{authority}:80"),
            },
            timeout,
        })
    }

    /// An address, already known.
    pub(crate) fn new(address: std::net::SocketAddr, timeout: Duration) -> Self {
        Self {
            address: address.to_string(),
            timeout,
        }
    }

    /// Sends the bytes of a request and reads its answer.
    pub(crate) fn send(&self, request: &[u8]) -> anyhow::Result<Reply> {
        let started = Instant::now();
        let left = || {
            self.timeout
                .checked_sub(started.elapsed())
                .filter(|left| !left.is_zero())
                .context("no answer in time")
        };
        let address = self
            .address
            .to_socket_addrs()
            .with_context(|| format!("cannot find {}", self.address))?
            .next()
            .with_context(|| format!("{} has no address", self.address))?;
        let mut stream = TcpStream::connect_timeout(&address, left()?)
            .with_context(|| format!("cannot connect to {}", self.address))?;
        stream.set_write_timeout(Some(left()?))?;
        // A gateway may answer and close before it has read all: the answer counts.
        let sent = stream.write_all(request);
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            stream.set_read_timeout(Some(left()?))?;
            let count = match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if bytes.is_empty() => return Err(error).context("no answer"),
                Err(_) => break,
            };
            bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
            if bytes.len() > REPLY_BYTES {
                bail!("the answer is larger than {REPLY_BYTES} bytes");
            }
            if is_complete(&bytes) {
                break;
            }
        }
        if bytes.is_empty() {
            sent.context("cannot send the request")?;
            bail!("the connection was closed without an answer");
        }
        read(&bytes)
    }
}

/// Whether an answer of known length is all there; otherwise it ends with the connection.
fn is_complete(bytes: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = response.parse(bytes) else {
        return false;
    };
    let length = |name: &str| {
        response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    if let Some(length) =
        length("content-length").and_then(|text| text.trim().parse::<usize>().ok())
    {
        return bytes.len() >= head.saturating_add(length);
    }
    length("transfer-encoding").is_some() && bytes.ends_with(b"\r\n0\r\n\r\n")
}

fn read(bytes: &[u8]) -> anyhow::Result<Reply> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes).context("the answer is no HTTP")?;
    let httparse::Status::Complete(head) = parsed else {
        bail!("the answer's head is incomplete");
    };
    let headers: Vec<(String, String)> = response
        .headers
        .iter()
        .map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_owned(), value)
        })
        .collect();
    let body = bytes.get(head..).unwrap_or_default();
    let chunked = headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("transfer-encoding")
            && value.to_ascii_lowercase().contains("chunked")
    });
    Ok(Reply {
        status: response.code.unwrap_or(0),
        headers,
        body: match chunked {
            true => dechunked(body),
            false => body.to_vec(),
        },
    })
}

/// What the chunks hold, as far as they can be read.
fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let chunk = rest.get(start..).unwrap_or_default();
        let chunk = chunk.get(..size.min(chunk.len())).unwrap_or_default();
        if chunk.is_empty() {
            break;
        }
        body.extend_from_slice(chunk);
        rest = rest.get(start + chunk.len()..).unwrap_or_default();
        rest = rest.strip_prefix(b"\r\n").unwrap_or(rest);
    }
    body
}
