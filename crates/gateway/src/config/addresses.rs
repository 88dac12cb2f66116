//! How hosts, upstreams and networks are written.

use std::net::IpAddr;

use http::Uri;
use serde::Deserialize;

/// A host name that clients use, or `*.` and the end of one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostPattern(String);

/// The address of an upstream: scheme and authority, no path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct UpstreamUrl(Uri);

/// A range of IP addresses: `10.0.0.0/8`, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl std::fmt::Display for HostPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl HostPattern {
    /// Whether a host, without port, is meant. The case of letters does not matter.
    pub fn fits(&self, host: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some(end) => {
                host.len() > end.len()
                    && host
                        .get(host.len() - end.len()..)
                        .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
            }
            None => self.0.eq_ignore_ascii_case(host),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let name = text.strip_prefix("*.").unwrap_or(&text);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(format!(
                "{text:?} is not a host: write `shop.example` or `*.shop.example`"
            ));
        }
        Ok(Self(text))
    }
}

impl UpstreamUrl {
    /// As written.
    pub fn uri(&self) -> &Uri {
        &self.0
    }
}

impl TryFrom<String> for UpstreamUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refuse = || {
            format!("{text:?} is not an upstream: write `http://host:port` or `https://host:port`")
        };
        let uri: Uri = text.parse().map_err(|_| refuse())?;
        let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let plain = uri
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'));
        if !scheme || !plain || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(refuse());
        }
        Ok(Self(uri))
    }
}

impl Network {
    /// Whether an address is in the range; an IPv4 address mapped into IPv6 is taken as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(it)) => {
                let shift = 32 - u32::from(self.bits);
                let cut = |ip: u32| ip.checked_shr(shift).unwrap_or(0);
                cut(net.to_bits()) == cut(it.to_bits())
            }
            (IpAddr::V6(net), IpAddr::V6(it)) => {
                let shift = 128 - u32::from(self.bits);
                let cut = |ip: u128| ip.checked_shr(shift).unwrap_or(0);
                cut(net.to_bits()) == cut(it.to_bits())
            }
            _ => false,
        }
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refuse =
            || format!("{text:?} is not a range of addresses: write `10.0.0.0/8` or `::1`");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text.as_str(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| refuse())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().map_err(|_| refuse())?,
        };
        if bits > most {
            return Err(refuse());
        }
        Ok(Self { address, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        let cases = [
            ("10.0.0.0/8", "10.200.1.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("::1", "::1", true),
            ("::/0", "fe80::1", true),
            ("fe80::/10", "2001::1", false),
        ];
        for (network, address, expected) in cases {
            let network = Network::try_from(network.to_owned()).unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
                expected,
                "{network:?}"
            );
        }
    }

    #[test]
    fn hosts_fit_whole_or_below() {
        let fits = |pattern: &str, host| {
            HostPattern::try_from(pattern.to_owned())
                .unwrap()
                .fits(host)
        };
        assert!(fits("shop.example", "SHOP.example"));
        assert!(fits("*.shop.example", "a.shop.example"));
        assert!(!fits("*.shop.example", "shop.example"));
        assert!(!fits("*.shop.example", "evilshop.example"));
        assert!(!fits("shop.example", "shop.example.evil"));
    }
}
