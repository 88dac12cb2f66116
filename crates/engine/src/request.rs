//! What an adapter hands in: the heads of a request and of a response.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Header lines in the order received, borrowed from whoever has them.
pub trait Headers {
    /// Calls `each` with every name and value. Names may have any case.
    fn for_each(&self, each: &mut dyn FnMut(&[u8], &[u8]));
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> Headers for [(N, V)] {
    fn for_each(&self, each: &mut dyn FnMut(&[u8], &[u8])) {
        for (name, value) in self {
            each(name.as_ref(), value.as_ref());
        }
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn for_each(&self, each: &mut dyn FnMut(&[u8], &[u8])) {
        self.as_slice().for_each(each);
    }
}

/// The head of a request, as received: nothing decoded, nothing normalised.
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    /// The application that the ingress configuration names for this request; `""` if it names none.
    pub application: &'a str,
    /// Who sent it.
    pub client: SocketAddr,
    /// Where it arrived.
    pub server: SocketAddr,
    /// `Host` or `:authority`, with the port if there is one.
    pub host: &'a [u8],
    /// As received.
    pub method: &'a [u8],
    /// The request target as received: `/path?query`, or an absolute URI.
    pub target: &'a [u8],
    /// `HTTP/1.1`, `HTTP/2.0`, …
    pub version: &'a [u8],
    /// All header lines.
    pub headers: &'a dyn Headers,
    /// Whether it is known that no body follows: then none may be fed.
    pub bodiless: bool,
}

impl<'a> RequestHead<'a> {
    /// A head with no client, server or application known, that a body may follow.
    pub fn new(method: &'a [u8], target: &'a [u8], headers: &'a dyn Headers) -> Self {
        let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        Self {
            application: "",
            client: nowhere,
            server: nowhere,
            host: b"",
            method,
            target,
            version: b"HTTP/1.1",
            headers,
            bodiless: false,
        }
    }
}

/// The head of a response.
#[derive(Clone, Copy)]
pub struct ResponseHead<'a> {
    /// For example 200.
    pub status: u16,
    /// `HTTP/1.1`, …
    pub version: &'a [u8],
    /// All header lines.
    pub headers: &'a dyn Headers,
}
