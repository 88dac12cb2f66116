//! A call counts if its key has signed it, as it is, just now.

use wire::{CallRefused, CallSignature, PrivateKey, SignedCall};

const CALL: SignedCall<'static> = SignedCall {
    method: "POST",
    target: "/api/v1/fleet/events?a=b",
    body: b"{}",
};
const NOW_S: i64 = 1_800_000_000;

fn key() -> PrivateKey {
    PrivateKey::of(&[1; 32])
}

fn checked(
    signature: &CallSignature,
    call: &SignedCall<'_>,
    now_s: i64,
) -> Result<(), CallRefused> {
    signature.check(call, &key().public(), now_s)
}

#[test]
fn a_signed_call_counts_within_the_tolerance() {
    let signature = CALL.sign("front", &key(), NOW_S);
    assert_eq!(signature.name(), Some("front"));
    for apart in [-300, 0, 300] {
        assert_eq!(checked(&signature, &CALL, NOW_S + apart), Ok(()));
    }
    for apart in [-301, 301] {
        assert_eq!(
            checked(&signature, &CALL, NOW_S + apart),
            Err(CallRefused::Clock { created: NOW_S })
        );
    }
}

/// The lines of RFC 9421, section 2.5, written out.
#[test]
fn the_signed_lines_are_those_of_the_standard() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let signature = CALL.sign("front", &key(), NOW_S);
    assert_eq!(
        signature.content_digest,
        "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"
    );
    let lines = [
        "\"@method\": POST",
        "\"@request-target\": /api/v1/fleet/events?a=b",
        "\"content-digest\": sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:",
        "\"@signature-params\": (\"@method\" \"@request-target\" \"content-digest\");created=1800000000;keyid=\"front\";alg=\"ed25519\"",
    ];
    let bytes = signature.signature.trim_start_matches("sig1=:");
    let bytes = STANDARD.decode(bytes.trim_end_matches(':')).unwrap();
    assert!(
        key()
            .public()
            .has_signed(lines.join("\n").as_bytes(), &bytes)
    );
}

#[test]
fn what_is_signed_cannot_be_another_call() {
    let signature = CALL.sign("front", &key(), NOW_S);
    for other in [
        SignedCall {
            method: "PUT",
            ..CALL
        },
        SignedCall {
            target: "/api/v1/fleet/events",
            ..CALL
        },
    ] {
        assert_eq!(
            checked(&signature, &other, NOW_S),
            Err(CallRefused::NotSigned)
        );
    }
    let other = SignedCall {
        body: b"[]",
        ..CALL
    };
    assert_eq!(
        checked(&signature, &other, NOW_S),
        Err(CallRefused::OtherBody)
    );
    let of_another = PrivateKey::of(&[2; 32]).public();
    assert_eq!(
        signature.check(&CALL, &of_another, NOW_S),
        Err(CallRefused::NotSigned)
    );
}

#[test]
fn no_part_of_the_headers_can_be_changed() {
    let signature = CALL.sign("front", &key(), NOW_S);
    for (from, to, why) in [
        ("front", "other", CallRefused::NotSigned),
        ("1800000000", "1800000001", CallRefused::NotSigned),
        ("created=", "expires=", CallRefused::Malformed),
        ("ed25519", "hmac", CallRefused::Malformed),
        ("\"@method\" ", "", CallRefused::Malformed),
        ("front", "fro\\nt", CallRefused::Malformed),
        ("sig1", "sig2", CallRefused::Malformed),
    ] {
        let changed = CallSignature {
            input: signature.input.replace(from, to),
            ..signature.clone()
        };
        assert_eq!(checked(&changed, &CALL, NOW_S), Err(why), "{from}");
    }
    for (changed, why) in [
        ("sig1=:AAAA:", CallRefused::NotSigned),
        ("sig1=:", CallRefused::Malformed),
        ("", CallRefused::Malformed),
        ("sig1=:*:", CallRefused::Malformed),
    ] {
        let changed = CallSignature {
            signature: changed.to_owned(),
            ..signature.clone()
        };
        assert_eq!(checked(&changed, &CALL, NOW_S), Err(why), "{changed:?}");
    }
}
