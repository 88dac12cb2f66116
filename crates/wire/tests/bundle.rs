//! A bundle is taken from whom it should come from, as it was sent, once.

use proptest::prelude::*;
use wire::{Bundle, BundleMode, BundlePatch, BundleRefused, PrivateKey, Trust};

const V1: &str = include_str!("../testdata/bundle/v1.json");
const NOW_MS: i64 = 1_800_000_000_000;

fn key(seed: u8) -> PrivateKey {
    PrivateKey::of(&[seed; 32])
}

fn bundle() -> Bundle {
    Bundle {
        version: 1,
        environment: "production".to_owned(),
        number: 8,
        made_ms: NOW_MS,
        expires_ms: NOW_MS + 1000,
        keys: vec![key(1).public(), key(2).public()],
        patches: vec![
            patch("CVE-2026-1", BundleMode::Shadow {}),
            patch("CVE-2026-2", BundleMode::Canary { percent: 5 }),
            patch("CVE-2026-3", BundleMode::Enforce {}),
        ],
    }
}

fn patch(id: &str, mode: BundleMode) -> BundlePatch {
    BundlePatch {
        id: id.to_owned(),
        digest: "0123456789abcdef".repeat(4),
        mode,
    }
}

fn trust() -> Trust {
    Trust {
        environment: "production".to_owned(),
        keys: vec![key(1).public()],
        number: 7,
    }
}

#[test]
fn a_bundle_of_version_1_is_read() {
    let read = trust().open(V1.trim_end().as_bytes(), NOW_MS).unwrap();
    assert_eq!(read, bundle());
}

#[test]
fn it_is_taken_once_and_its_keys_count_afterwards() {
    let sealed = bundle().seal(&key(1)).unwrap();
    let taken = trust().open(&sealed, NOW_MS).unwrap();
    let after = trust().after(&taken);
    assert_eq!(
        after.open(&sealed, NOW_MS),
        Err(BundleRefused::Old {
            number: 8,
            newest: 8
        })
    );
    let next = Bundle {
        number: 9,
        ..bundle()
    };
    assert!(trust().open(&next.seal(&key(2)).unwrap(), NOW_MS).is_err());
    assert_eq!(
        after.open(&next.seal(&key(2)).unwrap(), NOW_MS).unwrap(),
        next
    );
}

#[test]
fn what_may_not_be_taken_is_refused_for_its_reason() {
    let with = |change: fn(&mut Bundle)| {
        let mut bundle = bundle();
        change(&mut bundle);
        let sealed = bundle.seal(&key(1)).unwrap();
        trust().open(&sealed, NOW_MS).unwrap_err().name()
    };
    assert_eq!(with(|it| it.number = 7), "old");
    assert_eq!(with(|it| it.number = 1), "old");
    assert_eq!(with(|it| it.expires_ms = NOW_MS), "expired");
    assert_eq!(
        with(|it| it.environment = "test".to_owned()),
        "other-environment"
    );
    assert_eq!(with(|it| it.version = 2), "newer");
    assert_eq!(with(|it| it.keys.clear()), "malformed");
    assert_eq!(with(|it| it.patches[0].digest.clear()), "malformed");
    let share = |it: &mut Bundle| it.patches[0].mode = BundleMode::Canary { percent: 100 };
    assert_eq!(with(share), "malformed");
    let stranger = bundle().seal(&key(3)).unwrap();
    assert_eq!(
        trust().open(&stranger, NOW_MS),
        Err(BundleRefused::NotSigned)
    );
    let long = vec![b' '; Bundle::BYTES + 1];
    assert_eq!(trust().open(&long, NOW_MS).unwrap_err().name(), "too-large");
}

/// The signed bytes are those of the standard: its own test vector holds for ECDSA alone, so
/// the encoding is written out.
#[test]
fn another_program_can_check_the_signature() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let envelope: serde_json::Value = serde_json::from_slice(V1.as_bytes()).unwrap();
    let decode = |value: &serde_json::Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
    let payload = decode(&envelope["payload"]);
    let kind = "application/vnd.stopgap.bundle+json";
    assert_eq!(envelope["payloadType"], kind);
    let mut signed = format!("DSSEv1 35 {kind} {} ", payload.len()).into_bytes();
    signed.extend(payload);
    let signature = decode(&envelope["signatures"][0]["sig"]);
    assert!(key(1).public().has_signed(&signed, &signature));
}

proptest! {
    #[test]
    fn not_a_byte_may_be_changed(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut sealed = bundle().seal(&key(1)).unwrap();
        let at = at.index(sealed.len());
        prop_assume!(sealed[at] != to);
        sealed[at] = to;
        // The key's name is a hint, and nothing depends on it.
        match trust().open(&sealed, NOW_MS) {
            Ok(read) => prop_assert_eq!(read, bundle()),
            Err(why) => prop_assert!(matches!(why, BundleRefused::Malformed(_) | BundleRefused::NotSigned)),
        }
    }

    #[test]
    fn not_a_byte_may_be_missing(most in any::<prop::sample::Index>()) {
        let sealed = bundle().seal(&key(1)).unwrap();
        let cut = &sealed[..most.index(sealed.len())];
        prop_assert_eq!(trust().open(cut, NOW_MS).unwrap_err().name(), "malformed");
    }
}
