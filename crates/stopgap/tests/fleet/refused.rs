//! Bundles that are not taken: each changes nothing, and is told.

use wire::{Bundle, BundleMode};

use crate::peer::{Peer, bundle, forget_polls, now_ms, sealed, signer};
use crate::site::{ATTACK, get, traversal};
use crate::{ENFORCE, ID, Point, of_traversal};

/// What is offered, and the reason that is attested.
type Case = (&'static str, &'static str, Vec<u8>);

fn cases(peer: &Peer, replayed: &[u8]) -> Vec<Case> {
    let digest = peer.document(&traversal());
    let good = |number| bundle(number, &[(ID, &digest, ENFORCE)]);
    let empty = |number| sealed(&bundle(number, &[]));
    let changed = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = bundle(6, &[]);
        change(&mut bundle);
        sealed(&bundle)
    };
    let whole = empty(6);
    let tampered = {
        // Signed for one content, sent with another.
        let other: serde_json::Value = serde_json::from_slice(&empty(7)).unwrap();
        let mut envelope: serde_json::Value = serde_json::from_slice(&whole).unwrap();
        envelope["payload"] = other["payload"].clone();
        envelope.to_string().into_bytes()
    };
    let of = |id: &str, digest: &str| sealed(&bundle(6, &[(id, digest, ENFORCE)]));
    let document = |from: &str, to: &str| peer.document(&traversal().replace(from, to));
    let unparsed = document("owner:", "onwer:");
    let failing = document("/static/site.css", "/static/../site.css");
    vec![
        ("rolled back", "old", empty(4)),
        ("replayed", "old", replayed.to_vec()),
        ("truncated", "malformed", whole[..whole.len() / 2].to_vec()),
        ("no bundle at all", "malformed", b"<html>".to_vec()),
        ("tampered with", "not-signed", tampered),
        (
            "signed by another",
            "not-signed",
            good(6).seal(&signer(9)).unwrap(),
        ),
        (
            "past its time",
            "expired",
            changed(&|it| it.expires_ms = now_ms() - 1),
        ),
        (
            "of another environment",
            "other-environment",
            changed(&|it| it.environment = "test".to_owned()),
        ),
        ("of a later release", "newer", changed(&|it| it.version = 2)),
        ("without keys", "malformed", changed(&|it| it.keys.clear())),
        ("too large", "too-large", vec![b' '; Bundle::BYTES + 1]),
        (
            "a document that does not parse",
            "compile",
            of(ID, &unparsed),
        ),
        (
            "a document of another patch",
            "compile",
            of("CVE-1", &digest),
        ),
        (
            "a patch that stops its benign twin",
            "self-test",
            of(ID, &failing),
        ),
        (
            "a document that nobody has",
            "documents",
            of(ID, &"0".repeat(64)),
        ),
    ]
}

#[test]
fn bad_bundles_are_refused_for_their_reason_and_change_nothing() {
    let peer = Peer::start();
    let point = Point::enrolled(&peer);
    let started = point.start();
    let fifth = of_traversal(&peer, 5, ENFORCE);
    peer.offer(fifth.clone());
    peer.attests(5);
    let mut refused = std::collections::BTreeMap::<&str, usize>::new();
    for (name, reason, offered) in cases(&peer, &fifth) {
        // What is between: the reason is attested anew.
        let before = peer.state().attested.len();
        peer.offer(offered);
        *refused.entry(reason).or_default() += 1;
        let line = format!(
            "stopgap_bundles_refused_total{{reason=\"{reason}\"}} {}",
            refused[reason]
        );
        peer.until(name, |_| started.counts(&line).then_some(()));
        if refused[reason] == 1 {
            let attested = peer.refuses(reason, before);
            assert_eq!((attested.bundle, attested.enforced.len()), (5, 1), "{name}");
        }
        assert!(
            started.stops(ATTACK) && !started.stops("/static/site.css"),
            "{name}"
        );
        // Who is refused again and again is asked less and less often.
        let polls = peer.state().idle_polls;
        peer.until("it asks again", |state| {
            (state.idle_polls > polls).then_some(())
        });
    }
    assert!(started.counts("stopgap_bundle_number 5"));

    // A document that is not what was asked for.
    let digest = peer.document(&traversal().replace("aiohttp", "another"));
    peer.state()
        .documents
        .insert(digest.clone(), "something else".to_owned());
    let next = bundle(6, &[(ID, &digest, BundleMode::Shadow {})]);
    let before = peer.state().attested.len();
    peer.offer(sealed(&next));
    let attested = peer.refuses("documents", before);
    assert!(
        attested
            .refused
            .unwrap()
            .detail
            .contains("not one of those")
    );
    assert!(started.stops(ATTACK));

    // And a good one comes all the same; then nothing is refused any more.
    peer.document(&traversal().replace("aiohttp", "another"));
    peer.offer(sealed(&next));
    assert_eq!(peer.attests(6).refused, None);
    assert!(!started.stops(ATTACK));
}

#[test]
fn a_bundle_that_clashes_with_a_local_patch_is_taken_when_that_is_gone() {
    let peer = Peer::start();
    let point = Point::enrolled(&peer);
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("p.yaml");
    std::fs::write(&local, traversal()).unwrap();
    let started = point.start_with(&["--patch", folder.path().to_str().unwrap()]);
    let offered = of_traversal(&peer, 1, BundleMode::Shadow {});
    peer.offer(offered.clone());
    let detail = peer.refuses("compile", 0).refused.unwrap().detail;
    assert!(
        detail.contains("a patch of this id is loaded already"),
        "{detail}"
    );
    assert!(started.stops(ATTACK));
    std::fs::remove_file(&local).unwrap();
    started.gateway.told("0 patches are in use");
    forget_polls();
    assert!(get(started.address, ATTACK).starts_with("HTTP/1.1 200"));
    peer.offer(offered);
    peer.attests(1);
    assert!(started.counts("stopgap_patches 1"));
}
