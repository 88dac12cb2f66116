//! Who may sign in now: a bounded number at one time, and of each client fewer, so that one whose
//! sign-ins take long keeps nobody else out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Limits;

pub(super) struct Turns {
    all: Semaphore,
    /// Those that each client takes.
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// One sign-in that is worked on, until it is dropped.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    client: Option<IpAddr>,
    _permit: SemaphorePermit<'a>,
}

impl Turns {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            all: Semaphore::new(limits.oidc_sign_ins),
            taken: Mutex::default(),
        }
    }

    /// None: all are taken, or those of the client.
    pub(super) fn take(&self, client: Option<IpAddr>, limits: &Limits) -> Option<Turn<'_>> {
        let permit = self.all.try_acquire().ok()?;
        if let Some(client) = client {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let own = taken.get(&client).copied().unwrap_or_default();
            if own >= limits.oidc_client_sign_ins {
                return None;
            }
            taken.insert(client, own + 1);
        }
        Some(Turn {
            turns: self,
            client,
            _permit: permit,
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(client) = self.client else { return };
        let taken = &self.turns.taken;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&client) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&client);
            }
        }
    }
}

/// The client as the gateway in front names it, which alone can reach us; of IPv6 the network. None: it
/// names none.
pub(crate) fn client(headers: &HeaderMap) -> Option<IpAddr> {
    let line = headers.get_all("x-forwarded-for").iter().next_back()?;
    let last = line.to_str().ok()?.rsplit(',').next()?.trim();
    Some(match last.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            Ipv6Addr::from_bits(network).into()
        }
        address => address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_apart_as_the_gateway_names_them() {
        for (lines, expected) in [
            (&[][..], None),
            (&["192.0.2.1"], Some("192.0.2.1")),
            (&["192.0.2.9", "a, 192.0.2.1"], Some("192.0.2.1")),
            (&["::ffff:192.0.2.1"], Some("192.0.2.1")),
            (&["2001:db8:1:2:3:4:5:6"], Some("2001:db8:1:2::")),
            (&["192.0.2.1, unknown"], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            let expected = expected.map(|it| it.parse().unwrap());
            assert_eq!(client(&headers), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_client_takes_its_own_turns_alone_and_gives_them_back() {
        let limits = Limits {
            oidc_sign_ins: 3,
            oidc_client_sign_ins: 2,
            ..Limits::default()
        };
        let turns = Turns::new(&limits);
        let take = |name: &str| turns.take(name.parse().ok(), &limits);
        let own = [take("192.0.2.1"), take("192.0.2.1")];
        assert!(own.iter().all(Option::is_some));
        assert!(take("192.0.2.1").is_none());
        let other = take("192.0.2.2");
        assert!(other.is_some());
        assert!(take("nobody named").is_none(), "all are taken");
        drop(own);
        assert!(take("192.0.2.1").is_some() && take("nobody named").is_some());
        drop(other);
        assert!(turns.taken.lock().unwrap().is_empty());
    }

    #[test]
    fn a_client_that_may_none_leaves_nothing_behind() {
        let limits = Limits {
            oidc_client_sign_ins: 0,
            ..Limits::default()
        };
        let turns = Turns::new(&limits);
        assert!(turns.take("192.0.2.1".parse().ok(), &limits).is_none());
        assert!(turns.taken.lock().unwrap().is_empty());
    }
}
