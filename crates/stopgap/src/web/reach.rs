//! Where a name may lead to: whoever has only a console to ask with reaches no network of ours.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// Whom an address may lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Anybody.
    Any,
    /// Addresses that everybody may ask alone.
    Public,
}

/// Looks names up, and leaves out what may not be reached. Each connection asks it, so that an
/// answer which changes meanwhile leads nowhere else.
#[derive(Clone)]
pub(crate) struct Resolver {
    names: GaiResolver,
    reach: Reach,
}

impl Resolver {
    pub(super) fn new(reach: Reach) -> Self {
        Self {
            names: GaiResolver::new(),
            reach,
        }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.names.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (asked, reach) = (self.names.call(name), self.reach);
        Box::pin(async move {
            let found = asked.await?;
            let may = |it: &SocketAddr| reach == Reach::Any || is_public(it.ip());
            let found: Vec<SocketAddr> = found.filter(may).collect();
            match found.is_empty() {
                true => Err(io::Error::other("it has no address that is public")),
                false => Ok(found.into_iter()),
            }
        })
    }
}

/// Whether the address is one of the Internet's, that leads to no network of ours: what IANA's
/// registries of special-purpose addresses (RFC 6890) call globally reachable.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 127, ..] | [192, 0, 0, _] | [198, 18 | 19, ..] | [224..=255, ..] => true,
        // Shared by customers of a provider (RFC 6598).
        [100, second, ..] => second & 0xc0 == 64,
        _ => false,
    };
    !(special || address.is_private() || address.is_link_local() || address.is_documentation())
}

/// All that is assigned stands below 2000::/3; of that, what holds an address of version 4, or
/// is for texts and tests, is left out.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, second, ..] => second > 0x01ff && second != 0x0db8,
        [0x2002, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_everybody_reaches_is_public() {
        for (address, public) in [
            ("93.184.215.14", true),
            ("100.63.0.1", true),
            ("172.32.0.1", true),
            ("2606:4700::6810:84e5", true),
            ("2a00:1450:4001::1", true),
            ("::ffff:93.184.215.14", true),
            ("127.0.0.1", false),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.0.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("198.18.0.1", false),
            ("192.0.2.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("::", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("64:ff9b::a00:1", false),
            ("fc00::1", false),
            ("fd12::1", false),
            ("fe80::1", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }
}
