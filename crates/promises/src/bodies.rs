//! Bodies, queries and cookies: no panic, no dependence on how they are cut, nothing overlooked.

use std::io::Read;
use std::sync::{Arc, LazyLock};

use engine::transformations::{self, inflated};
use engine::{BodyNeed, Flow, Limits, NoResources, Plan, RequestHead};
use flate2::Compression;
use flate2::read::GzEncoder;

const RULES: &str = r#"
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@contains xml" "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_BODY|REQUEST_COOKIES "@contains attack" "id:3,phase:2,deny,t:none"
SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES_NAMES|FILES|FILES_NAMES|XML:/*|XML://@* "@rx (?i)s[e3]cret\s*=" "id:4,phase:2,deny,t:none,t:urlDecodeUni,t:htmlEntityDecode,t:lowercase"
"#;

static PLAN: LazyLock<Option<Arc<Plan>>> = LazyLock::new(|| {
    let rules = seclang::parse("promises.conf", RULES, &seclang::Limits::default()).ok()?;
    let input = engine::Input {
        rules: vec![rules],
        patches: Vec::new(),
    };
    engine::compile(&input, Limits::default(), &NoResources).ok()
});

pub(crate) fn urlencoded(bytes: &[u8]) {
    let stopped = body("application/x-www-form-urlencoded", bytes);
    let attack = bytes.windows(6).any(|window| window == b"attack");
    assert!(
        stopped || !attack,
        "an attack in the raw body is overlooked"
    );
    decide(b"/?", bytes, &[], b"", 1);
}

pub(crate) fn multipart(bytes: &[u8]) {
    body("multipart/form-data; boundary=x", bytes);
    // What stands before the first line end as the header itself.
    let (kind, rest) = match bytes.iter().position(|&byte| byte == b'\n') {
        Some(at) => bytes.split_at(at),
        None => (bytes, &b""[..]),
    };
    let kind = [b"multipart/form-data;", kind].concat();
    decide(b"/", b"", &[(b"Content-Type".to_vec(), kind)], rest, 5);
}

pub(crate) fn json(bytes: &[u8]) {
    body("application/json", bytes);
}

pub(crate) fn xml(bytes: &[u8]) {
    body("application/xml", bytes);
}

pub(crate) fn cookies(bytes: &[u8]) {
    let headers = [(b"Cookie".to_vec(), bytes.to_vec())];
    let stopped = decide(b"/", b"", &headers, b"", 1);
    // A cookie's value is looked at as it is.
    if bytes
        .strip_prefix(b"a=")
        .is_some_and(|value| value == b"attack")
    {
        assert!(stopped, "an attack in a cookie is overlooked");
    }
}

/// What is read of a value stays within its bound and does not depend on it; the value stays
/// beside it. What was deflated from bytes is read as these.
pub(crate) fn inflate(bytes: &[u8]) {
    const BOUND: usize = 4096;
    let read = inflated(bytes, BOUND);
    assert!(read.len() <= BOUND + 1, "more is read than the bound");
    let less = inflated(bytes, BOUND / 64);
    assert!(read.starts_with(&less), "what is read depends on the bound");
    let mut output = Vec::new();
    let transformation = transformations::find("inflate");
    if transformation.is_some_and(|inflate| (inflate.apply)(bytes, &mut output)) {
        assert!(output.ends_with(bytes), "the value as it came is lost");
    }
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let members = [first, second].map(|part| {
        let mut member = Vec::new();
        let mut encoder = GzEncoder::new(part, Compression::fast());
        encoder.read_to_end(&mut member).map(|_| member)
    });
    if let [Ok(first), Ok(second)] = members {
        let read = inflated(&[first, second].concat(), bytes.len());
        assert!(read == bytes, "members of a gzip file are lost");
    }
}

/// Whether a body of this type is stopped.
fn body(kind: &str, bytes: &[u8]) -> bool {
    let headers = [(b"Content-Type".to_vec(), kind.as_bytes().to_vec())];
    let whole = decide(b"/", b"", &headers, bytes, bytes.len());
    let pieces = decide(b"/", b"", &headers, bytes, 3);
    assert_eq!(whole, pieces, "how a body is cut changes the decision");
    whole
}

/// Whether the request is stopped.
fn decide(
    path: &[u8],
    query: &[u8],
    headers: &[(Vec<u8>, Vec<u8>)],
    body: &[u8],
    piece: usize,
) -> bool {
    let plan = PLAN.as_ref();
    assert!(plan.is_some(), "the rules of the promises compile");
    let Some(plan) = plan else {
        return false;
    };
    let target = [path, query].concat();
    let headers = headers.to_vec();
    let mut transaction = plan.begin();
    let mut flow = transaction.request_head(&RequestHead::new(b"POST", &target, &headers));
    if transaction.request_body_need() != BodyNeed::None {
        for piece in body.chunks(piece.max(1)) {
            if flow == Flow::Continue {
                flow = transaction.request_body(piece);
            }
        }
    }
    if flow == Flow::Continue {
        flow = transaction.request_body_end();
    }
    transaction.finish();
    flow != Flow::Continue
}
