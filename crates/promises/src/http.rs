//! Heads, bodies' framing, and paths.

use std::sync::{Arc, LazyLock};

use engine::{Limits, NoResources, PatchRules, PathScope, Plan, RequestHead, Scope};

/// What passes reads one way: however it is cut, and by another parser.
pub(crate) fn framing(bytes: &[u8]) {
    let refused = gateway::refused_at(bytes, bytes.len());
    for reads in [1, 7] {
        let cut = gateway::refused_at(bytes, reads);
        // A head that is too long is refused where a read ends.
        if bytes.len() < 64 * 1024 {
            assert_eq!(refused, cut, "reads of {reads} change the verdict");
        }
    }
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(end)) = request.parse(bytes) else {
        return;
    };
    if refused.is_some_and(|at| at < end)
        || bytes.first().is_some_and(|byte| b"\r\n".contains(byte))
    {
        return;
    }
    let all = |name: &str| -> Vec<&[u8]> {
        let of = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
        let headers = request.headers.iter().filter(of);
        headers.map(|header| header.value).collect()
    };
    let (lengths, codings) = (all("content-length"), all("transfer-encoding"));
    assert!(lengths.len() + codings.len() <= 1, "a body has two lengths");
    assert!(all("host").len() <= 1, "a request has two hosts");
    let plain = |value: &[u8]| !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    assert!(
        lengths.iter().all(|value| plain(value)),
        "a length is no number"
    );
    let chunked = |value: &&[u8]| value.trim_ascii().eq_ignore_ascii_case(b"chunked");
    assert!(codings.iter().all(chunked), "a coding is not chunked");
}

/// A frame of HAProxy is whole where it reads; no other bytes do harm.
pub(crate) fn spop(bytes: &[u8]) {
    if gateway::frame_reads(bytes) {
        assert_eq!(
            bytes.get(1..5),
            Some(&[0, 0, 0, 1][..]),
            "a cut frame reads"
        );
    }
}

/// No message that Envoy might send does harm, and none without a method has a head.
pub(crate) fn ext_proc(bytes: &[u8]) {
    if gateway::shown_reads(bytes) {
        let names = bytes.windows(7).any(|word| word == b":method");
        assert!(names, "a head without a method reads");
    }
}

static PLAN: LazyLock<Option<Arc<Plan>>> = LazyLock::new(|| {
    let rules = "SecRule REQUEST_METHOD \"@streq NONE\" \"id:1,phase:1,deny\"";
    let rules = seclang::parse("promises.conf", rules, &seclang::Limits::default()).ok()?;
    let patch = PatchRules {
        id: "p".to_owned(),
        scope: Scope {
            paths: vec![
                PathScope::Prefix("/static/".to_owned()),
                PathScope::Exact("/a/b".to_owned()),
                PathScope::Suffix(".php".to_owned()),
                PathScope::Regex("/x[0-9]+/".to_owned()),
            ],
            ..Scope::default()
        },
        rules: vec![rules],
        ..PatchRules::default()
    };
    let input = engine::Input {
        rules: Vec::new(),
        patches: vec![patch],
    };
    engine::compile(&input, Limits::default(), &NoResources).ok()
});

/// A path that is in a patch's scope as it was sent is in its scope.
pub(crate) fn path(bytes: &[u8]) {
    let plan = PLAN.as_ref();
    assert!(plan.is_some(), "the rules of the promises compile");
    let Some(plan) = plan else {
        return;
    };
    let headers: Vec<(&str, &str)> = Vec::new();
    let mut transaction = plan.begin();
    let _: engine::Flow = transaction.request_head(&RequestHead::new(b"GET", bytes, &headers));
    if bytes.starts_with(b"/static/") || bytes.starts_with(b"/a/b?") {
        assert!(transaction.is_concerned(), "a path in scope is overlooked");
    }
}
