//! The example's other half: what is being fixed, by when, and what cannot be.

use anyhow::Context;
use campaign::description::Description;
use campaign::{Move, Review, Source, SourceKind, Word};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use ledger::exception::{About, Evidence, Move as Step, Protection, Terms};
use ledger::rollout::Policy;
use ledger::{Exception, Subject};
use store::{Change, Error, Store};

use super::{DAY_MS, PEOPLE, by};

const MONTH: &str = include_str!("month.yaml");
/// How many days ago each of the month's patches was released; the last is too young.
const RELEASED_DAYS_AGO: [i64; 3] = [41, 12, 6];
const NOTES: &str = "\
openssh (1:9.2p1-2+deb12u3) bookworm-security; urgency=high

  * Disable code that is not safe in a handler of signals (CVE-2024-6387).
";

/// Plans and starts a campaign, signs what the test region waits for, and makes exceptions.
pub(super) fn fill(store: &Store, now_ms: i64) -> anyhow::Result<()> {
    let mut described: Description = serde_saphyr::from_str(MONTH)?;
    let today = Timestamp::from_millisecond(now_ms)?.to_zoned(TimeZone::UTC);
    for (patch, days) in described.patches.iter_mut().zip(RELEASED_DAYS_AGO) {
        patch.released = Some(today.checked_sub(days.days())?.date());
    }
    let first = described.patches.first().context("the month is empty")?;
    let patch = first.id.clone();
    let [starter, approver] = PEOPLE;
    store.change(&by(starter, now_ms), |it| {
        let id = it.plan_described(&described, None)?.value.id;
        let text = (Some("https://openssh.example/9.2p1-2+deb12u3"), NOTES);
        it.note_campaign(id, (&patch, SourceKind::ReleaseNotes), text, None)?;
        it.move_campaign(id, &reviewed(&patch), None)?;
        let why = "it is time".to_owned();
        it.move_campaign(id, &Move::Start { why }, None)?;
        Ok(())
    })?;
    let isolated = store.change(&by(starter, now_ms), |it| {
        it.request_exception(provider(now_ms))?;
        Ok(it.request_exception(firewall(now_ms))?.value.id)
    })?;
    store.change(&by(approver, now_ms), |it| approve(it, isolated, now_ms))?;
    Ok(())
}

fn reviewed(patch: &str) -> Move {
    let read = [
        (SourceKind::ReleaseNotes, ledger::sha256(NOTES.as_bytes())),
        (SourceKind::KnownIssues, String::new()),
    ];
    let read = read.into_iter().map(|(kind, digest)| Source {
        kind,
        text: "https://openssh.example/9.2p1-2+deb12u3".to_owned(),
        digest: Some(digest).filter(|it| !it.is_empty()),
    });
    Move::Review(Review {
        patch: patch.to_owned(),
        ring: "test".to_owned(),
        read: read.collect(),
        issue: None,
        word: Word {
            who: String::new(),
            text: "nothing that concerns us".to_owned(),
            time_ms: 0,
        },
    })
}

/// Not fixed because somebody else would have to; nobody has consented yet.
fn provider(now_ms: i64) -> Terms {
    Terms {
        about: About::Subject(Subject::Application("wiki".to_owned())),
        reason: "the provider updates in its own time: ticket 1187".to_owned(),
        owner: "office@shop.example".to_owned(),
        expires_ms: now_ms.saturating_add(60 * DAY_MS),
        protection: Protection::VirtualPatch {
            patch: "CVE-2023-22515".to_owned(),
        },
    }
}

/// Not fixed because it cannot stand still before the year ends.
fn firewall(now_ms: i64) -> Terms {
    Terms {
        about: About::Subject(Subject::Asset("fw-1".to_owned())),
        reason: "it may not stand still before the contract with the branches ends".to_owned(),
        owner: "network@shop.example".to_owned(),
        expires_ms: now_ms.saturating_add(45 * DAY_MS),
        protection: Protection::NetworkIsolation(Evidence {
            seen:
                "its management is reached from the jump host alone: scan of the network, report 88"
                    .to_owned(),
            recheck_ms: now_ms.saturating_add(14 * DAY_MS),
        }),
    }
}

fn approve(it: &mut Change<'_>, id: i64, now_ms: i64) -> Result<Exception, Error> {
    let policy = Policy { two_persons: true };
    let moved = it.move_exception(id, &Step::Approve {}, policy, None, |it, exception| {
        control::must_protect(it, exception, now_ms)
    })?;
    Ok(moved.value)
}
