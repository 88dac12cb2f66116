//! Shares of clients: whom a patch in canary stops.

use std::net::IpAddr;

/// A share of all clients, 1 to 99 of 100: always the same ones, and others for each patch. A
/// larger share has all clients of a smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u8);

/// A client as shares count it: an IPv4 address, or the upper half of an IPv6 address, since
/// one client uses many lower halves.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Client(u64);

impl Share {
    /// A share of so many of 100 clients; none unless it is 1 to 99.
    #[must_use]
    pub fn of(percent: u8) -> Option<Self> {
        (1..=99).contains(&percent).then_some(Self(percent))
    }

    /// Of 100 clients.
    #[must_use]
    pub fn percent(self) -> u8 {
        self.0
    }

    /// Whether the client is in the share of this patch. The same in every release and on every
    /// ingress point: a client must not be stopped at one and pass at another.
    pub(crate) fn has(self, client: Client, patch: &str) -> bool {
        // FNV-1a over the patch's name, the finish of splitmix64 over both.
        let name = patch
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        mixed(mixed(client.0) ^ name) % 100 < u64::from(self.0)
    }
}

fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Client {
    pub(crate) fn at(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(u64::from(address.to_bits())),
            // The upper half; the bit tells it from an IPv4 address.
            IpAddr::V6(address) => {
                let [upper @ .., _, _, _, _] = address.segments();
                Self(
                    upper
                        .iter()
                        .fold(1, |all: u64, part| (all << 16) ^ u64::from(*part)),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn clients() -> impl Iterator<Item = Client> {
        (0..10_000).map(|at| Client::at(Ipv4Addr::from_bits(0x0a00_0000 + at).into()))
    }

    fn stopped(percent: u8, patch: &str) -> Vec<bool> {
        let share = Share::of(percent).unwrap();
        clients().map(|client| share.has(client, patch)).collect()
    }

    #[test]
    fn a_share_is_near_what_it_says() {
        for percent in [1, 5, 25, 50, 99] {
            for patch in ["CVE-2024-23334", "CVE-2024-23335"] {
                let count = stopped(percent, patch)
                    .iter()
                    .filter(|in_it| **in_it)
                    .count();
                let (count, wanted) = (count as f64, f64::from(percent) * 100.0);
                // Five standard deviations of 10,000 draws.
                let most = 5.0 * (wanted * (1.0 - wanted / 10_000.0)).sqrt();
                assert!((count - wanted).abs() < most, "{percent} {patch}: {count}");
            }
        }
    }

    #[test]
    fn a_larger_share_has_all_clients_of_a_smaller_one() {
        let mut before = vec![false; 10_000];
        for percent in 1..=99 {
            let now = stopped(percent, "CVE-1");
            assert!(before.iter().zip(&now).all(|(before, now)| *now || !before));
            before = now;
        }
    }

    #[test]
    fn shares_of_different_patches_are_different_clients() {
        let (one, other) = (stopped(50, "CVE-1"), stopped(50, "CVE-2"));
        let both = one
            .iter()
            .zip(&other)
            .filter(|(one, other)| **one && **other);
        // Half of one half, if they have nothing to do with each other.
        assert!((2_200..2_800).contains(&both.count()));
    }

    #[test]
    fn an_ipv6_client_stays_in_its_share_whatever_lower_half_it_takes() {
        let at = |text: &str| Client::at(text.parse::<Ipv6Addr>().unwrap().into());
        let share = Share::of(50).unwrap();
        for net in 0..50 {
            let one = share.has(at(&format!("2001:db8:0:{net:x}::1")), "CVE-1");
            assert_eq!(
                one,
                share.has(at(&format!("2001:db8:0:{net:x}:a:b:c:d")), "CVE-1")
            );
        }
        let mapped = Client::at("::ffff:10.1.2.3".parse().unwrap());
        assert_eq!(mapped.0, Client::at(Ipv4Addr::new(10, 1, 2, 3).into()).0);
    }

    #[test]
    fn the_same_client_is_in_the_same_share_in_every_release() {
        // Computed apart from this, from the published definitions of FNV-1a and splitmix64.
        let cases = include_str!("../testdata/shares.txt");
        for line in cases.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            let [client, patch, least] = std::array::from_fn(|_| words.next().unwrap());
            let (client, least) = (Client::at(client.parse().unwrap()), least.parse().unwrap());
            for percent in 1..=99 {
                let has = Share::of(percent).unwrap().has(client, patch);
                assert_eq!(has, percent >= least, "{line}, {percent} of 100");
            }
        }
    }
}
