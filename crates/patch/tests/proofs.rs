//! What a stored proof says, and what it does not.

use patch::Source;
use patch::prove::Proof;

/// Written by the first version; every later one must read it.
const FIRST: &str = include_str!("../testdata/proof/v1.json");

#[test]
fn a_proof_of_the_first_version_is_read() {
    let proof = Proof::from_json(FIRST).unwrap();
    assert_eq!(proof.patch, "CVE-2024-23334");
    assert_eq!(proof.evasions.count, 40);
    assert_eq!(proof.traffic.as_ref().unwrap().bound(), Some(0.003));
    let again = serde_json::to_string(&proof).unwrap();
    assert_eq!(Proof::from_json(&again).unwrap(), proof);
    let later = FIRST.replace("\"version\": 1,", "\"version\": 2,");
    assert!(
        Proof::from_json(&later)
            .unwrap_err()
            .contains("prove the patch again")
    );
}

#[test]
fn what_speaks_against_a_patch_is_told() {
    for (from, to, objection) in [
        (
            "\"ok\": true, \"action\": \"block\"",
            "\"ok\": false, \"action\": \"pass\"",
            "exploit `up` passes",
        ),
        (
            "\"ok\": true, \"action\": \"pass\"",
            "\"ok\": false, \"action\": \"block\"",
            "benign `style` is stopped",
        ),
        (
            "\"stopped\": 40",
            "\"stopped\": 38",
            "2 of 40 variants that work on the target pass",
        ),
        (
            "\"unjudged\": []",
            "\"unjudged\": [{\"of\": \"up\", \"why\": \"it does not work\"}]",
            "variants of `up` were not judged",
        ),
        (
            "\"hits\": 0",
            "\"hits\": 3",
            "3 of 1000 recorded requests would have been stopped",
        ),
        (
            "\"exploit\": false",
            "\"exploit\": true",
            "there is no benign case",
        ),
    ] {
        assert!(Proof::from_json(FIRST).unwrap().objections().is_empty());
        let text = FIRST.replace(from, to);
        assert_ne!(text, FIRST);
        let objections = Proof::from_json(&text).unwrap().objections();
        let told = objections.iter().any(|each| each.contains(objection));
        assert!(told, "{objection}: {objections:?}");
    }
}

#[test]
fn a_proof_is_for_what_a_document_says_not_for_its_layout() {
    let text = include_str!("../testdata/patches/traversal.yaml");
    let source = Source::parse("p", text).unwrap();
    let mut proof = Proof::from_json(FIRST).unwrap();
    proof.document = source.document.digest();
    let laid_out = text.replace("severity: high", "# a comment\nseverity:   'high'");
    let same = Source::parse("p", &laid_out).unwrap();
    assert_eq!(proof.covers(&same.document), Ok(()));
    let other = Source::parse("p", &text.replace("[GET, HEAD]", "[GET]")).unwrap();
    assert!(proof.covers(&other.document).is_err());
}
