//! `@ipMatch`, `@ipMatchFromFile`, `@ipMatchFromDataset`

use std::net::IpAddr;

use super::{Arguments, Build, Hit, Operator, Spec};

/// `@ipMatch`
pub(super) const SPEC: Spec = Spec {
    name: "ipMatch",
    summary: "the value is an IP address of one of the networks",
    argument: "addresses and networks, IPv4 or IPv6, separated by commas",
    example: "@ipMatch 192.0.2.0/24,2001:db8::1",
    build: Build::Compiled(from_argument),
};

/// `@ipMatchFromFile`
pub(super) const FROM_FILE: Spec = Spec {
    name: "ipMatchFromFile",
    summary: "as @ipMatch, the networks from a file",
    argument: "a file with one address or network a line; `#` begins a comment",
    example: "@ipMatchFromFile networks.data",
    build: Build::Compiled(from_file),
};

/// `@ipMatchF`
pub(super) const FROM_FILE_SHORT: Spec = Spec {
    name: "ipMatchF",
    ..FROM_FILE
};

/// `@ipMatchFromDataset`
pub(super) const FROM_DATASET: Spec = Spec {
    name: "ipMatchFromDataset",
    summary: "as @ipMatch, the networks from a list of SecDataset",
    argument: "the list's name",
    example: "@ipMatchFromDataset networks",
    build: Build::Compiled(|arguments| build(arguments.dataset()?.iter().map(String::as_str))),
};

/// Networks in order of their first address, none inside another.
#[derive(Debug)]
struct IpMatch {
    networks: Vec<(u128, u128)>,
}

fn from_argument(arguments: &Arguments<'_>) -> Result<Box<dyn Operator>, String> {
    build(arguments.text.split(',').map(str::trim))
}

fn from_file(arguments: &Arguments<'_>) -> Result<Box<dyn Operator>, String> {
    let lines = arguments.lines()?;
    build(lines.iter().map(|line| {
        let text = std::str::from_utf8(line).unwrap_or("(no text)");
        text.split_once('#').map_or(text, |(text, _)| text).trim()
    }))
}

fn build<'a>(items: impl Iterator<Item = &'a str>) -> Result<Box<dyn Operator>, String> {
    let mut networks = items
        .filter(|item| !item.is_empty())
        .map(network)
        .collect::<Result<Vec<_>, _>>()?;
    networks.sort_unstable();
    networks.dedup_by(|later, earlier| later.0 <= earlier.1);
    if networks.is_empty() {
        return Err("at least one address is needed".to_owned());
    }
    Ok(Box::new(IpMatch { networks }))
}

/// First and last address.
fn network(text: &str) -> Result<(u128, u128), String> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address
        .parse()
        .map_err(|_| format!("`{text}` is no IP address or network"))?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(prefix) => prefix
            .parse::<u32>()
            .ok()
            .filter(|&prefix| prefix <= bits)
            .ok_or_else(|| format!("`{text}`: the prefix length is a number up to {bits}"))?,
        None => bits,
    };
    let host = u128::MAX.checked_shr(128 - bits + prefix).unwrap_or(0);
    let start = number(address) & !host;
    Ok((start, start | host))
}

/// IPv4 addresses as IPv6 maps them: a server that listens on both sees either.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Operator for IpMatch {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let address = std::str::from_utf8(input).ok().map(str::parse);
        let Some(Ok(address)) = address else {
            return false;
        };
        let address = number(address);
        let after = self
            .networks
            .partition_point(|&(start, _)| start <= address);
        let found = after
            .checked_sub(1)
            .and_then(|at| self.networks.get(at))
            .is_some_and(|&(_, end)| address <= end);
        hit.span = found.then_some(0..input.len());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::operator;
    use super::*;

    #[test]
    fn networks_overlap_and_mapped_addresses_are_the_same() {
        let items = [
            "10.0.0.0/8",
            "10.1.0.0/16",
            "192.0.2.7",
            "2001:db8::/33",
            "::/0",
        ];
        let some = build(items[..4].iter().copied()).unwrap();
        let all = build(items.iter().copied()).unwrap();
        for (input, expected) in [
            ("10.1.2.3", true),
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("::ffff:192.0.2.7", true),
            ("192.0.2.8", false),
            ("2001:db8:7fff::1", true),
            ("2001:db8:8000::1", false),
        ] {
            assert_eq!(
                some.matches(input.as_bytes(), &mut Hit::default()),
                expected,
                "{input}"
            );
            assert!(
                all.matches(input.as_bytes(), &mut Hit::default()),
                "{input}"
            );
        }
        for input in ["", "10.1.2", " 10.1.2.3", "x"] {
            assert!(
                !all.matches(input.as_bytes(), &mut Hit::default()),
                "{input}"
            );
        }
    }

    #[test]
    fn a_file_has_a_network_a_line() {
        for (input, expected) in [("192.0.2.9", true), ("2001:db8::1", true), ("::1", false)] {
            for name in ["ipMatchFromFile", "ipMatchF"] {
                let found = operator(name, "networks.data", input.as_bytes()).0;
                assert_eq!(found, expected, "{input}");
            }
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for item in ["10.0.0", "10.0.0.0/33", "::/129", "host", "10.0.0.0/", "/8"] {
            assert!(build([item].into_iter()).is_err(), "{item}");
        }
        assert!(build([""].into_iter()).is_err());
    }
}
