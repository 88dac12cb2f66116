//! What patches ask of people, and what counts as their proof.

use ledger::{Attention, AwaitedFix, Limits, Proof, Proven, Reason, VirtualPatch};

fn patch() -> VirtualPatch {
    VirtualPatch {
        id: "CVE-2024-23334".to_owned(),
        title: "traversal".to_owned(),
        advisories: vec!["CVE-2024-23334".to_owned()],
        owner: "web".to_owned(),
        reason: Reason::WaitingForFix,
        expires_ms: 1_000,
        fix: AwaitedFix {
            link: "release 3.9.2".to_owned(),
            verified_by: None,
        },
        document: "stopgap: 1\n".to_owned(),
    }
}

#[test]
fn a_patch_warns_before_it_expires_and_never_stops_asking() {
    let asks = |now_ms| patch().attention(now_ms, 100);
    assert_eq!(asks(899), Attention::None);
    assert_eq!(asks(900), Attention::Expiring);
    assert_eq!(asks(999), Attention::Expiring);
    assert_eq!(asks(1_000), Attention::Expired);
    assert_eq!(asks(i64::MAX), Attention::Expired);
}

#[test]
fn a_patch_whose_fix_is_verified_proposes_its_retirement() {
    let mut patch = patch();
    patch.fix.verified_by = Some("the exploit fails on 3.9.2 without the patch".to_owned());
    assert_eq!(patch.attention(0, 100), Attention::Retire);
    assert_eq!(patch.attention(5_000, 100), Attention::Retire);
}

#[test]
fn a_proof_counts_for_the_document_that_was_proven_and_if_nothing_speaks_against_it() {
    let mut proof = Proof {
        digest: patch().digest(),
        objections: Vec::new(),
        proven_ms: 0,
    };
    assert!(Proven::new(&proof, &patch()).is_ok());
    proof.objections.push("2 of 40 variants pass".to_owned());
    let why = Proven::new(&proof, &patch()).unwrap_err().to_string();
    assert!(why.contains("2 of 40 variants pass"), "{why}");
    proof.objections.clear();
    let mut changed = patch();
    changed.document.push_str("title: other\n");
    let why = Proven::new(&proof, &changed).unwrap_err().to_string();
    assert!(why.contains("another document"), "{why}");
}

#[test]
fn what_is_malformed_or_too_long_does_not_come_in() {
    let limits = Limits::default();
    assert_eq!(patch().check(&limits), Ok(()));
    let change = |change: fn(&mut VirtualPatch)| {
        let mut patch = patch();
        change(&mut patch);
        patch.check(&limits).map_err(|why| why.to_string())
    };
    for (faulty, named) in [
        (change(|patch| patch.id = "../x".to_owned()), "id `../x`"),
        (change(|patch| patch.id = "a".repeat(129)), "129 bytes, 128"),
        (change(|patch| patch.owner = "  ".to_owned()), "owner"),
        (change(|patch| patch.title = "a\0".to_owned()), "NUL"),
        (change(|patch| patch.document = "a\0".to_owned()), "NUL"),
        (
            change(|patch| patch.document = "a".repeat(1024 * 1024 + 1)),
            "1048577 bytes",
        ),
        (
            change(|patch| patch.advisories = vec!["a".to_owned(); 1001]),
            "1001 entries",
        ),
    ] {
        let why = faulty.unwrap_err();
        assert!(why.contains(named), "{why} does not say {named}");
    }
}
