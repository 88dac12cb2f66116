//! What people write: patches, templates, requests.

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
