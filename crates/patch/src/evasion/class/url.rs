//! URLs that a server is to fetch.

use std::net::Ipv4Addr;

use super::super::catalogue::{Evasion, Group};
use super::super::fields::{every, replaced};
use super::has;

const RESOLVERS: &str = "resolvers of the C library (inet_aton)";
const CLIENTS: &str = "most HTTP clients";

pub(in super::super) const ALL: &[Evasion] = &[
    of("schemes in capitals", CLIENTS, |value| {
        match value.windows(3).position(|window| window == b"://") {
            Some(at) => {
                let (scheme, rest) = value.split_at(at);
                [scheme.to_ascii_uppercase(), rest.to_vec()].concat()
            }
            None => value.to_vec(),
        }
    }),
    of(
        "URLs without their scheme",
        "what resolves references",
        |value| {
            let at = value.windows(3).position(|window| window == b"://");
            at.map_or(value.to_vec(), |at| {
                value.get(at + 1..).unwrap_or_default().to_vec()
            })
        },
    ),
    of(
        "backslashes in URLs",
        "readers after the WHATWG URL standard",
        |value| replaced(value, "://", ":\\\\"),
    ),
    of(
        "one slash in URLs",
        "readers after the WHATWG URL standard",
        |value| replaced(value, "://", ":/"),
    ),
    of(
        "three slashes in URLs",
        "readers after the WHATWG URL standard",
        |value| replaced(value, "://", ":///"),
    ),
    of(
        "tabs within schemes of URLs",
        "readers after the WHATWG URL standard",
        |value| replaced(value, "http:", "ht\ttp:"),
    ),
    of("white space before URLs", CLIENTS, |value| {
        [b" ", value].concat()
    }),
    of("user information in URLs", CLIENTS, |value| {
        replaced(value, "://", "://example.org@")
    }),
    of("a password in URLs", CLIENTS, |value| {
        replaced(value, "://", "://example.org:x@")
    }),
    of("addresses as one number", RESOLVERS, |value| {
        addresses(value, |ip| u32::from(ip).to_string())
    }),
    of("addresses as one hexadecimal number", RESOLVERS, |value| {
        addresses(value, |ip| format!("0x{:08x}", u32::from(ip)))
    }),
    of("addresses in octal", RESOLVERS, |value| {
        addresses(value, |ip| {
            ip.octets().map(|octet| format!("0{octet:o}")).join(".")
        })
    }),
    of("addresses in hexadecimal", RESOLVERS, |value| {
        addresses(value, |ip| {
            ip.octets().map(|octet| format!("0x{octet:x}")).join(".")
        })
    }),
    of("addresses with fewer parts", RESOLVERS, |value| {
        addresses(value, |ip| {
            let [first, rest @ ..] = ip.octets();
            let rest = rest
                .iter()
                .fold(0_u32, |sum, &octet| sum << 8 | u32::from(octet));
            format!("{first}.{rest}")
        })
    }),
    of("addresses mapped to IPv6", CLIENTS, |value| {
        addresses(value, |ip| format!("[::ffff:{ip}]"))
    }),
    of(
        "addresses mapped to IPv6 in hexadecimal",
        CLIENTS,
        |value| {
            addresses(value, |ip| {
                format!(
                    "[{}]",
                    ip.to_ipv6_mapped()
                        .segments()
                        .map(|part| format!("{part:x}"))
                        .join(":")
                )
            })
        },
    ),
    of(
        "addresses in full-width digits",
        "clients that apply IDNA",
        |value| {
            addresses(value, |ip| {
                let wide =
                    |letter: char| char::from_u32(0xfee0 + u32::from(letter)).unwrap_or(letter);
                ip.to_string()
                    .chars()
                    .map(|letter| if letter == '.' { '。' } else { wide(letter) })
                    .collect()
            })
        },
    ),
    of("another address of this host", "all systems", |value| {
        local(value, "127.127.127.127")
    }),
    of("the address of no host", "Linux", |value| {
        local(value, "0.0.0.0")
    }),
    of("this host by name", "all systems", |value| {
        local(value, "localhost")
    }),
    of("this host in IPv6", "all systems", |value| {
        local(value, "[::1]")
    }),
    of("a dot after hosts", CLIENTS, |value| {
        replaced(
            &replaced(value, "localhost", "localhost."),
            "169.254.169.254/",
            "169.254.169.254./",
        )
    }),
    of("hosts percent-encoded", CLIENTS, |value| {
        let Some(at) = value.windows(3).position(|window| window == b"://") else {
            return value.to_vec();
        };
        let (scheme, rest) = value.split_at(at + 3);
        let length = rest
            .iter()
            .take_while(|byte| !b"/:?#@".contains(byte))
            .count();
        let (host, path) = rest.split_at(length);
        [scheme, &*every(host, |byte| format!("%{byte:02x}")), path].concat()
    }),
    of(
        "a fragment with another host",
        "readers that find the host after `@`",
        |value| [value, b"#@example.org/"].concat(),
    ),
];

const fn of(name: &'static str, reader: &'static str, change: fn(&[u8]) -> Vec<u8>) -> Evasion {
    Evasion::value(Group::Url, name, reader, concerns, change)
}

fn concerns(value: &[u8]) -> bool {
    has(value, &["://", "localhost", "127.0.0.1", "169.254."]) || value.starts_with(b"//")
}

/// Every IPv4 address written otherwise.
fn addresses(value: &[u8], write: fn(Ipv4Addr) -> String) -> Vec<u8> {
    let part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let mut result = Vec::new();
    for run in value.chunk_by(|left, right| part(left) == part(right)) {
        let address = std::str::from_utf8(run)
            .ok()
            .and_then(|text| text.parse().ok());
        match address {
            Some(address) => result.extend_from_slice(write(address).as_bytes()),
            None => result.extend_from_slice(run),
        }
    }
    result
}

fn local(value: &[u8], other: &str) -> Vec<u8> {
    ["127.0.0.1", "localhost"]
        .iter()
        .fold(value.to_vec(), |value, name| replaced(&value, name, other))
}
