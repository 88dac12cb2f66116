//! How an ingress point is, as far as its attestations tell.

use ledger::Gateway;
use ledger::due::SILENT_MS;
use wire::{Attestation, Refusal};

/// How an ingress point is; where several are true, the first of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PointState<'a> {
    /// It was put out of the fleet.
    Revoked,
    /// Nothing enforces there, or nobody knows.
    Hole,
    /// It refuses the newest bundle.
    Refuses(&'a Refusal),
    /// It has not attested anything for so long; then it enforced that bundle.
    Silent { for_ms: i64, bundle: u64 },
    /// It enforces its bundle, but so many patches not as that says.
    Differs(usize),
    /// It enforces this bundle, not the newest.
    Behind(u64),
    /// It enforces the newest bundle.
    Enforces,
}

impl PointState<'_> {
    /// The name of each.
    pub(crate) const NAMES: [&'static str; 7] = [
        "revoked", "hole", "refuses", "silent", "differs", "behind", "enforces",
    ];

    pub(crate) fn name(&self) -> &'static str {
        let [revoked, hole, refuses, silent, differs, behind, enforces] = Self::NAMES;
        match self {
            Self::Revoked => revoked,
            Self::Hole => hole,
            Self::Refuses(_) => refuses,
            Self::Silent { .. } => silent,
            Self::Differs(_) => differs,
            Self::Behind(_) => behind,
            Self::Enforces => enforces,
        }
    }
}

/// How one that has joined is: from when it attested something last, what, and in which patches
/// that differs from its bundle.
pub(crate) fn state_of<'a>(
    gateway: &Gateway,
    seen_ms: Option<i64>,
    said: Option<(&'a Attestation, &[String])>,
    newest: u64,
    now_ms: i64,
) -> PointState<'a> {
    if gateway.revoked_ms.is_some() {
        return PointState::Revoked;
    }
    let (Some(seen_ms), Some((said, differing))) = (seen_ms, said) else {
        return PointState::Hole;
    };
    let bundle = said.bundle;
    let for_ms = now_ms.saturating_sub(seen_ms);
    if let Some(refused) = &said.refused {
        PointState::Refuses(refused)
    } else if for_ms > SILENT_MS {
        PointState::Silent { for_ms, bundle }
    } else if !differing.is_empty() {
        PointState::Differs(differing.len())
    } else if bundle != newest {
        PointState::Behind(bundle)
    } else {
        PointState::Enforces
    }
}
