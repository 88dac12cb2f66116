//! What people write: patches, templates, requests.

use factory::import::Outcome;
use patch::document::Reason;
use patch::{Request, Source};

/// Reads, or says where it is wrong; what is read can be explained or refused.
pub(crate) fn patch_yaml(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Source::parse("p", &text) {
        // Refused is well.
        Ok(source) => drop(patch::explain(&source)),
        Err(problem) => assert!(!problem.message.is_empty(), "a problem says nothing"),
    }
}

/// Reads, or says why not; what is read is bounded.
pub(crate) fn nuclei_template(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let limits = factory::Limits {
        exploits: 16,
        ..factory::Limits::default()
    };
    match factory::import::nuclei::describe(&text, "t.yaml", &limits, 0) {
        Ok(description) => {
            assert!(
                !description.exploits.is_empty(),
                "a template without exploits"
            );
            assert!(
                description.exploits.len() <= limits.exploits,
                "more exploits than allowed"
            );
        }
        Err((_, reason)) => assert!(!reason.is_empty(), "a reason says nothing"),
    }
}

/// Makes patches that lint, or says why not, of any source of that kind.
pub(crate) fn import(kind: &str, bytes: &[u8]) {
    let importers = factory::import::importers();
    let importer = importers.iter().find(|importer| importer.kind == kind);
    assert!(importer.is_some(), "there is no importer of {kind}");
    let imported = importer.map(|importer| importer.import_bytes(bytes, "s", &options()));
    let imported = imported.unwrap_or_default();
    assert!(!imported.is_empty(), "nothing is told of a source");
    for one in imported {
        match one.outcome {
            Outcome::Patch(made) => {
                let source = Source::parse("p", &made.yaml);
                assert!(source.is_ok(), "a patch that cannot be read: {}", made.yaml);
            }
            Outcome::Needless(reason) | Outcome::Rejected(reason) => {
                assert!(!reason.is_empty(), "a reason says nothing");
            }
        }
    }
}

fn options() -> factory::import::Options {
    let day = jiff::civil::date(2026, 1, 1);
    factory::import::Options {
        owner: "o".to_owned(),
        reason: Reason::ThirdParty,
        expires: day,
        today: day,
        accept: true,
        hosts: Vec::new(),
        limits: factory::Limits {
            exploits: 16,
            ..factory::Limits::default()
        },
        beside: factory::Beside::default(),
    }
}

/// Reads a request; what it writes to the wire is the same request.
pub(crate) fn http_case(bytes: &[u8]) {
    let Ok(request) = Request::from_raw(bytes) else {
        return;
    };
    let wire = request.wire();
    let again = Request::from_raw(&wire);
    assert!(
        again.is_ok(),
        "what was written cannot be read: {:?}",
        again.err()
    );
    if let Ok(again) = again {
        assert_eq!(again.wire(), wire, "a request changes on the wire");
    }
    drop(patch::evasions(&request));
}
