//! A client that follows a case: by HTTP/1 byte for byte, or by HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use crate::application::{CASE, find};
use crate::case::{Case, first};

/// How long a body waits where it pauses.
const PAUSE: Duration = Duration::from_millis(150);

/// What a client gets.
#[derive(Default)]
pub(crate) struct Answer {
    /// 0: nothing.
    pub(crate) status: u16,
    /// Head and body.
    pub(crate) text: String,
}

/// A connection of a client with another address.
pub(crate) async fn connect_from(client: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let own = SocketAddr::from(([127, 0, 0, client], 0));
    socket.bind(own).unwrap();
    socket.connect(to).await.unwrap()
}

/// A connection by HTTP/1.
pub(crate) struct Http1 {
    pub(crate) reading: OwnedReadHalf,
    pub(crate) writing: OwnedWriteHalf,
    pending: Vec<u8>,
}

impl Http1 {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (reading, writing) = stream.into_split();
        Self {
            reading,
            writing,
            pending: Vec::new(),
        }
    }

    /// Sends the request and reads its answer; `paused` is asked where the body pauses.
    pub(crate) async fn follow(
        &mut self,
        case: &Case,
        name: &str,
        paused: &dyn Fn() -> Result<(), String>,
    ) -> Result<Answer, String> {
        let (head, body) = case.bytes(name);
        let mut at_once = false;
        if let Some(before) = &case.before {
            let request = format!(
                "GET {} HTTP/1.1\r\nHost: {}\r\n{CASE}: {}\r\n\r\n",
                before.target,
                case.host,
                first(name)
            );
            at_once = before.at_once;
            let both = [request.as_bytes(), &head[..], &body[..]].concat();
            let sent = if at_once {
                &both[..]
            } else {
                request.as_bytes()
            };
            self.writing.write_all(sent).await.unwrap();
            let answer = self.answer("GET").await;
            if answer.status != before.status {
                return Err(format!("the first status is {}", answer.status));
            }
        }
        if at_once {
            return Ok(self.answer(&case.method).await);
        }
        // A proxy may refuse before it has read all.
        let _ = self.writing.write_all(&head).await;
        if case.waits {
            let answer = self.head().await;
            match status(&answer) {
                100 => {}
                _ => return Ok(self.rest(answer, &case.method).await),
            }
        }
        let (early, late) = body.split_at(case.pause.min(body.len()));
        let _ = self.writing.write_all(early).await;
        if case.pause > 0 {
            sleep(PAUSE).await;
            paused()?;
        }
        let Self {
            reading,
            writing,
            pending,
        } = self;
        let write = async {
            let _ = writing.write_all(late).await;
        };
        let read = read(reading, pending, &case.method);
        let ((), answer) = tokio::join!(write, read);
        Ok(answer)
    }

    pub(crate) async fn answer(&mut self, method: &str) -> Answer {
        read(&mut self.reading, &mut self.pending, method).await
    }

    async fn head(&mut self) -> Vec<u8> {
        head(&mut self.reading, &mut self.pending).await
    }

    async fn rest(&mut self, head: Vec<u8>, method: &str) -> Answer {
        rest(&mut self.reading, &mut self.pending, head, method).await
    }
}

/// One answer, behind those that only say to go on.
async fn read(reading: &mut OwnedReadHalf, pending: &mut Vec<u8>, method: &str) -> Answer {
    let mut one = head(reading, pending).await;
    while matches!(status(&one), 100 | 102..=199) {
        one = head(reading, pending).await;
    }
    rest(reading, pending, one, method).await
}

async fn more(reading: &mut OwnedReadHalf, pending: &mut Vec<u8>) -> bool {
    matches!(reading.read_buf(pending).await, Ok(1..))
}

/// A head with its empty line; less if the connection ends.
async fn head(reading: &mut OwnedReadHalf, pending: &mut Vec<u8>) -> Vec<u8> {
    loop {
        if let Some(at) = find(pending, b"\r\n\r\n") {
            return pending.drain(..at + 4).collect();
        }
        if !more(reading, pending).await {
            return std::mem::take(pending);
        }
    }
}

/// An answer's body, by the framing that its head tells (RFC 9112, 6.3).
async fn rest(
    reading: &mut OwnedReadHalf,
    pending: &mut Vec<u8>,
    mut all: Vec<u8>,
    method: &str,
) -> Answer {
    let status = status(&all);
    let text = String::from_utf8_lossy(&all).to_ascii_lowercase();
    let field = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(own, value)| (own == name).then(|| value.trim().to_owned()))
    };
    let length = field("content-length").and_then(|length| length.parse::<usize>().ok());
    let bodiless = method == "HEAD" || matches!(status, 0 | 101 | 204 | 304);
    if bodiless {
    } else if field("transfer-encoding").is_some() {
        // Chunks are kept as they come: only what stands in them is looked for.
        while find(pending, b"0\r\n\r\n").is_none() && more(reading, pending).await {}
        let end = find(pending, b"0\r\n\r\n").map_or(pending.len(), |at| at + 5);
        all.extend(pending.drain(..end));
    } else if let Some(length) = length {
        while pending.len() < length && more(reading, pending).await {}
        all.extend(pending.drain(..length.min(pending.len())));
    } else {
        while more(reading, pending).await {}
        all.append(pending);
    }
    let text = String::from_utf8_lossy(&all).into_owned();
    Answer { status, text }
}

fn status(head: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(head);
    let status = text.split(' ').nth(1).unwrap_or_default();
    status.parse().unwrap_or(0)
}

/// Where HTTP/2 is spoken: in the clear by those who know that it is, or as TLS agrees on.
#[derive(Clone)]
pub(crate) struct Http2 {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: Option<CertificateDer<'static>>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Http2 {
    /// The status of a request that is its own case, of a client with another address.
    pub(crate) async fn status_from(&self, client: u8, target: &str, name: &str) -> u16 {
        let stream = self.connect(connect_from(client, self.address).await).await;
        let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        let uri = format!("http://app.example{target}");
        let request = Request::get(uri).header(CASE, name).body(());
        let (answer, _) = sender.send_request(request.unwrap(), true).unwrap();
        let status = whole(answer).await.status;
        connection.abort();
        status
    }

    async fn connect(&self, stream: TcpStream) -> Box<dyn Stream> {
        stream.set_nodelay(true).unwrap();
        let Some(certificate) = &self.certificate else {
            return Box::new(stream);
        };
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let config = rustls::ClientConfig::builder().with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from("app.example").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        Box::new(stream)
    }

    /// As [`Http1::follow`] does.
    pub(crate) async fn follow(
        &self,
        case: &Case,
        name: &str,
        paused: &dyn Fn() -> Result<(), String>,
    ) -> Result<Answer, String> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let stream = self.connect(stream).await;
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(async move {
            // How a request ends is told by its stream.
            let _ = connection.await;
        });
        let earlier = async {
            let Some(before) = &case.before else {
                return Ok(());
            };
            let uri = format!("http://{}{}", case.host, before.target);
            let request = Request::get(uri).header(CASE, first(name)).body(());
            let mut client = client.clone().ready().await.unwrap();
            let (answer, _) = client.send_request(request.unwrap(), true).unwrap();
            match whole(answer).await.status {
                status if status == before.status => Ok(()),
                status => Err(format!("the first status is {status}")),
            }
        };
        let own = send(client.clone(), case, name, paused);
        let at_once = case.before.as_ref().is_some_and(|before| before.at_once);
        let answer = if at_once {
            let (earlier, own) = tokio::join!(earlier, own);
            earlier.and(own)
        } else {
            match earlier.await {
                Ok(()) => own.await,
                Err(why) => Err(why),
            }
        };
        connection.abort();
        answer
    }
}

async fn send(
    client: SendRequest<Bytes>,
    case: &Case,
    name: &str,
    paused: &dyn Fn() -> Result<(), String>,
) -> Result<Answer, String> {
    let pieces = case.pieces(name);
    let uri = format!("http://{}{}", case.host, case.target());
    let mut request = Request::builder().method(&*case.method).uri(uri);
    for line in case.lines(name) {
        let (field, value) = line.split_once(": ").unwrap();
        request = request.header(field, value);
    }
    if !pieces.is_empty() && !case.is_chunked() && !case.bare {
        request = request.header("content-length", pieces.concat().len());
    }
    let request = request.body(()).unwrap();
    let mut client = client.ready().await.unwrap();
    let (answer, mut body) = client.send_request(request, pieces.is_empty()).unwrap();
    let last = pieces.len().saturating_sub(1);
    let mut sent = 0;
    // What is sent after the server has refused is of no use, and no fault.
    for (at, piece) in pieces.into_iter().enumerate() {
        let ends = at == last && case.trailers.is_empty();
        let split = match case.pause {
            0 => 0,
            pause => pause.saturating_sub(sent).min(piece.len()),
        };
        sent += piece.len();
        let mut piece = Bytes::from(piece);
        if split > 0 {
            let _ = body.send_data(piece.split_to(split), false);
            sleep(PAUSE).await;
            paused()?;
        }
        let _ = body.send_data(piece, ends);
    }
    if !case.trailers.is_empty() {
        let mut trailers = HeaderMap::new();
        for line in &case.trailers {
            let (field, value) = line.split_once(": ").unwrap();
            let field = HeaderName::try_from(field).unwrap();
            trailers.append(field, HeaderValue::try_from(value).unwrap());
        }
        let _ = body.send_trailers(trailers);
    }
    Ok(whole(answer).await)
}

/// All of an answer; its status is 0 where the stream was ended without one.
async fn whole(answer: h2::client::ResponseFuture) -> Answer {
    let Ok(answer) = answer.await else {
        return Answer::default();
    };
    let (head, mut body) = answer.into_parts();
    let mut text = String::new();
    for (name, value) in &head.headers {
        text.push_str(&format!(
            "{name}: {}\r\n",
            value.to_str().unwrap_or_default()
        ));
    }
    while let Some(Ok(piece)) = body.data().await {
        let _ = body.flow_control().release_capacity(piece.len());
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    Answer {
        status: head.status.as_u16(),
        text,
    }
}
