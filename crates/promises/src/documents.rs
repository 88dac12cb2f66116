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
