//! An HTTP/1.1 client for cases: it sends bytes as they are, which no
//! library does, and reads one answer, within bounds.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use patch::Reply;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Bytes of one answer at most.
const REPLY_BYTES: usize = 8 * 1024 * 1024;

/// Where cases are sent.
pub(crate) struct Target {
    /// Host and port.
    address: String,
    tls: Option<Tls>,
    timeout: Duration,
}

struct Tls {
    config: Arc<ClientConfig>,
    /// Whom the certificate must be for.
    name: ServerName<'static>,
}

/// A connection, in TLS or not.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Target {
    /// Reads `http://HOST[:PORT]` or `https://HOST[:PORT]`. `authorities` is a PEM file of
    /// those that are trusted to sign the host's certificate; none: the public ones.
    pub(crate) fn parse(
        url: &str,
        authorities: Option<&Path>,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let (rest, port, encrypted) = match url.split_once("://") {
            Some(("http", rest)) => (rest, 80, false),
            Some(("https", rest)) => (rest, 443, true),
            _ => bail!(
                "`{url}` is no address that cases can be sent to: it must begin with http:// or \
                 https://, such as http://127.0.0.1:8080"
            ),
        };
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.is_empty() {
            bail!("`{url}` names no host");
        }
        let (host, address) = match authority.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => (host, authority.to_owned()),
            _ => (authority, format!("{authority}:{port}")),
        };
        let tls = match encrypted {
            true => Some(Tls::to(host, authorities)?),
            false => None,
        };
        Ok(Self {
            address,
            tls,
            timeout,
        })
    }

    /// An address, already known.
    pub(crate) fn new(address: std::net::SocketAddr, timeout: Duration) -> Self {
        Self {
            address: address.to_string(),
            tls: None,
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
        let socket = TcpStream::connect_timeout(&address, left()?)
            .with_context(|| format!("cannot connect to {}", self.address))?;
        socket.set_write_timeout(Some(left()?))?;
        socket.set_read_timeout(Some(left()?))?;
        let mut stream = self.secure(socket.try_clone()?)?;
        // A gateway may answer and close before it has read all: the answer counts.
        let sent = stream.write_all(request).and_then(|()| stream.flush());
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            socket.set_read_timeout(Some(left()?))?;
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

    /// The connection as requests are sent on it.
    fn secure(&self, mut socket: TcpStream) -> anyhow::Result<Box<dyn Stream>> {
        let Some(tls) = &self.tls else {
            return Ok(Box::new(socket));
        };
        let mut session = ClientConnection::new(Arc::clone(&tls.config), tls.name.clone())?;
        // Now, so that a certificate that is not trusted is told as that.
        session
            .complete_io(&mut socket)
            .with_context(|| format!("cannot agree on TLS with {}", self.address))?;
        Ok(Box::new(StreamOwned::new(session, socket)))
    }
}

impl Tls {
    fn to(host: &str, authorities: Option<&Path>) -> anyhow::Result<Self> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned())
            .with_context(|| format!("`{host}` is no host that a certificate can be for"))?;
        Ok(Self {
            config: Arc::new(gateway::tls::client(authorities)?),
            name,
        })
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
