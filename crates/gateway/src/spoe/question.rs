//! What HAProxy asks about: a request, from the arguments of a notification.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version};

use super::frame::{Malformed, Reader, Value};
use crate::framing::{Refusal, one_host, target};

/// A request, as HAProxy shows it.
#[derive(Debug, Default)]
pub(crate) struct Question<'a> {
    method: &'a [u8],
    target: &'a [u8],
    version: &'a [u8],
    headers: &'a [u8],
    pub(crate) body: &'a [u8],
    /// Bytes of the body that are known of, here or not.
    body_size: u64,
    pub(crate) client: Option<SocketAddr>,
    pub(crate) server: Option<SocketAddr>,
}

impl<'a> Question<'a> {
    /// Reads the messages of a notification; their arguments are known by name.
    pub(crate) fn read(mut payload: Reader<'a>) -> Result<Self, Malformed> {
        let mut question = Self::default();
        let (mut client, mut server) = ((None, 0), (None, 0));
        while !payload.is_empty() {
            payload.text()?;
            for _ in 0..payload.byte()? {
                let (name, value) = payload.named()?;
                let bytes = value.bytes().unwrap_or_default();
                match name {
                    b"method" => question.method = bytes,
                    b"target" => question.target = bytes,
                    b"version" => question.version = bytes,
                    b"headers" => question.headers = bytes,
                    b"body" => question.body = bytes,
                    b"body_size" => question.body_size = value.number().unwrap_or(0),
                    b"client" => client.0 = value.address(),
                    b"client_port" => client.1 = port(value),
                    b"server" => server.0 = value.address(),
                    b"server_port" => server.1 = port(value),
                    _ => {}
                }
            }
        }
        let address = |(ip, port): (Option<IpAddr>, u16)| ip.map(|ip| SocketAddr::new(ip, port));
        question.client = address(client);
        question.server = address(server);
        Ok(question)
    }

    /// The client; on a local socket it has no address.
    pub(crate) fn client(&self) -> SocketAddr {
        let nowhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        self.client.unwrap_or(nowhere)
    }

    /// Makes a head of what was asked.
    pub(crate) fn head(&self, most: usize) -> Result<Parts, Refusal> {
        let method = Method::from_bytes(self.method);
        let method = method.map_err(|_| Refusal("the method is none"))?;
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = method;
        head.uri = target(self.target)?;
        head.version = match self.version {
            b"1.0" => Version::HTTP_10,
            [b'2' | b'3', ..] => Version::HTTP_2,
            _ => Version::HTTP_11,
        };
        head.headers = self.header_lines(most)?;
        if head.uri.authority().is_some() {
            one_host(&mut head.headers, head.uri.authority())?;
        }
        Ok(head)
    }

    fn header_lines(&self, most: usize) -> Result<HeaderMap, Refusal> {
        let refuse = |_| Refusal("the header lines do not arrive whole");
        let mut reader = Reader::new(self.headers);
        let mut headers = HeaderMap::with_capacity(16);
        loop {
            let name = reader.text().map_err(refuse)?;
            let value = reader.text().map_err(refuse)?;
            if name.is_empty() {
                return Ok(headers);
            }
            if headers.len() >= most {
                return Err(Refusal("there are too many headers"));
            }
            let name = HeaderName::from_bytes(name);
            let name = name.map_err(|_| Refusal("a header's name is none"))?;
            let value = HeaderValue::from_bytes(value);
            let value = value.map_err(|_| Refusal("a header's value is none"))?;
            let appended = headers.try_append(name, value);
            appended.map_err(|_| Refusal("there are too many headers"))?;
        }
    }

    /// Whether more of the body follows than is here.
    ///
    /// HAProxy asks when it has the whole body, or when its buffer is full. How long a body
    /// without `Content-Length` is, it does not say, nor whether there is any where the head leaves
    /// no room for it; so such a body is taken for whole only where the buffer, as large as the
    /// largest frame, was surely not full.
    pub(crate) fn is_cut(&self, head: &Parts, frame_bytes: usize) -> bool {
        let shown = self.body.len();
        if self.body_size > shown as u64 {
            return true;
        }
        let said = head.headers.get(CONTENT_LENGTH);
        let said = said.and_then(|said| said.to_str().ok()?.parse::<u64>().ok());
        if let Some(length) = said {
            return length > shown as u64;
        }
        // By HTTP/1 the head says that a body follows.
        let may_have_one = head.version == Version::HTTP_2
            || head.headers.contains_key(TRANSFER_ENCODING)
            || shown > 0;
        may_have_one && shown + self.headers.len() + self.target.len() > frame_bytes / 2
    }
}

fn port(value: Value<'_>) -> u16 {
    let number = value.number().unwrap_or(0);
    u16::try_from(number).unwrap_or(0)
}
