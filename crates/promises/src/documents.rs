//! What people write: patches, rules, requests.

use engine::{Limits, NoResources};
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

/// Compiles or refuses; what compiles is printed so that it reads the same.
pub(crate) fn seclang(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parse = |text: &str| seclang::parse("r", text, &seclang::Limits::default());
    let Ok(rules) = parse(&text) else {
        return;
    };
    let printed = seclang::print(&rules.directives);
    let input = engine::Input {
        rules: vec![rules],
        patches: Vec::new(),
    };
    let compiles = engine::compile(&input, Limits::default(), &NoResources).is_ok();
    // Not every backslash can be written; `print` says which.
    if compiles && !text.contains('\\') {
        let again = parse(&printed);
        assert!(
            again.is_ok(),
            "what was printed does not parse: {printed:?}"
        );
        if let Ok(again) = again {
            assert_eq!(seclang::print(&again.directives), printed);
        }
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
