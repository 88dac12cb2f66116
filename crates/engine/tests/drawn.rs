//! Patches of drawn rules decide on drawn requests as they do where nothing is left out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use engine::{
    BodyNeed, Compiler, Flow, Limits, Match, NoResources, Oversize, PatchRules, PathScope, Plan,
    RequestHead, Scope,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const TARGETS: &[&str] = &[
    "ARGS",
    "ARGS:a",
    "ARGS|!ARGS:a",
    "ARGS:/^[ai]/",
    "ARGS_GET:a",
    "ARGS_GET:/(?i)^id?$/",
    "ARGS_POST:a",
    "ARGS_POST:/^json/",
    "&ARGS:a",
    "ARGS_NAMES",
    "REQUEST_HEADERS:X-Mark",
    "REQUEST_HEADERS",
    "&REQUEST_HEADERS:Cookie",
    "REQUEST_COOKIES:/^s/",
    "REQUEST_URI",
    "REQUEST_URI_RAW|ARGS_GET:a",
    "REQUEST_FILENAME",
    "REQUEST_BASENAME",
    "QUERY_STRING",
    "REQUEST_METHOD",
    "REQUEST_BODY",
    "FILES",
    "XML:/*",
    "REQBODY_ERROR",
    "&REQBODY_ERROR",
    "TX:n",
];
const TESTS: &[&str] = &[
    "@rx <",
    "!@rx ^[a-z./]*$",
    "@rx [';]",
    "@rx .",
    "@rx ^$",
    r"@rx \x00",
    "@contains admin",
    "!@contains x",
    "@streq x",
    "@streq %{ARGS.b}",
    "@beginsWith /a",
    "@endsWith .php",
    "@pm admin script",
    "@within x y admin",
    "@eq 0",
    "!@eq 0",
    "@gt 1",
    "@detectXSS",
];
const TRANSFORMATIONS: &[&str] = &[
    "t:lowercase",
    "t:urlDecodeUni",
    "t:htmlEntityDecode",
    "t:removeNulls",
    "t:base64Decode",
    "t:length",
];
const ENDS: &[&str] = &[
    "pass",
    "pass",
    "pass,setvar:tx.n=+1",
    "pass,skip:1",
    "pass,capture,setvar:tx.n=%{TX.0}",
    "deny",
    "allow:phase",
    "allow",
];
const SEGMENTS: &[&str] = &[
    "a",
    "A",
    "admin",
    "x.php",
    "%61",
    "..",
    "%2e%2e",
    "a.json",
    "a%00",
    "x;y",
    "%3Cscript",
    "a%20",
];
const NAMES: &[&str] = &["a", "id", "b", "I", "%61", "a[]", "json.a", "x%0Aid"];
const VALUES: &[&str] = &[
    "x", "1", "%3C", "%253C", "&lt;", "'", "admin", "a%00b", "PA==", "", "%zz", "x;",
];
const HEADERS: &[(&str, &str)] = &[
    ("Host", "app"),
    ("x-mark", "<admin"),
    ("X-Mark", "x"),
    ("Cookie", "sid=x; s2=%3C"),
    ("Content_Type", "application/json"),
    ("Content-Encoding", "odd"),
];
const FORM: &str = "application/x-www-form-urlencoded";
const BODIES: &[(&str, &str)] = &[
    (FORM, "a=%3C&id=x&b=x"),
    (FORM, "A=admin&a=x&a='"),
    ("application/json", r#"{"a":"<","id":["x",{"a":"admin"}]}"#),
    ("application/json", r#"{"a":"#),
    (
        "multipart/form-data; boundary=b",
        "--b\r\nContent-Disposition: form-data; name=a; filename='x'\r\n\r\n<\r\n--b--\r\n",
    ),
    ("text/xml", "<a b='x'>admin<i>'</i></a>"),
    ("text/plain", "it's <"),
];

fn one(of: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    select(of)
}

type Words = Vec<&'static str>;

/// Targets, test and what is done before it.
fn link(
    (targets, tests, before): (Words, Words, Words),
) -> impl Strategy<Value = (String, String)> {
    let before = subsequence(before, 0..2);
    let multi = prop::bool::weighted(0.2);
    let parts = (select(targets), select(tests), before, multi);
    parts.prop_map(|(targets, test, before, multi)| {
        let mut actions = vec!["t:none"];
        actions.extend(before);
        actions.extend(multi.then_some("multiMatch"));
        (format!("SecRule {targets} \"{test}\""), actions.join(","))
    })
}

fn patch(words: (Words, Words, Words)) -> impl Strategy<Value = PatchRules> {
    let rule = (1..3_u8, one(ENDS), vec(link(words), 1..3));
    let path = |path: fn(String) -> PathScope, of| one(of).prop_map(move |text| path(text.into()));
    let path = prop_oneof![
        path(PathScope::Exact, &["/a", "/", "/admin/a"]),
        path(PathScope::Prefix, &["/a", "/admin/"]),
        path(PathScope::Suffix, &[".php", "a"]),
        path(PathScope::Regex, &["^/a", "a$"]),
    ];
    let scope = (vec(path, 0..2), subsequence(&["GET", "POST"], 0..2));
    let body = select(vec![None, None, Some(8), Some(1 << 20)]);
    (vec(rule, 1..4), scope, body).prop_map(|(rules, (paths, methods), body_bytes)| {
        let mut text = String::new();
        for (at, (phase, end, links)) in rules.iter().enumerate() {
            for (place, (asks, actions)) in links.iter().enumerate() {
                let begins = format!("id:{},phase:{phase},log,{end},", at + 1);
                let begins = if place == 0 { &*begins } else { "" };
                let chain = if place + 1 < links.len() {
                    ",chain"
                } else {
                    ""
                };
                text += &format!("{asks} \"{begins}{actions}{chain}\"\n");
            }
        }
        PatchRules {
            scope: Scope {
                paths,
                methods: methods.into_iter().map(str::to_owned).collect(),
                ..Scope::default()
            },
            body_bytes,
            oversize: Oversize::PassAndRecord,
            rules: vec![seclang::parse("patch", &text, &seclang::Limits::default()).unwrap()],
            ..PatchRules::default()
        }
    })
}

/// Patches that have some targets and tests among them, as detectors have.
fn patches() -> impl Strategy<Value = Vec<PatchRules>> {
    let words = (
        subsequence(TARGETS, 1..4),
        subsequence(TESTS, 1..4),
        subsequence(TRANSFORMATIONS, 1..3),
    );
    words.prop_flat_map(|words| vec(patch(words), 1..6))
}

#[derive(Debug)]
struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, &'static str)>,
    body: Option<&'static str>,
}

fn request() -> impl Strategy<Value = Request> {
    let path = vec(one(SEGMENTS), 0..3).prop_map(|segments| format!("/{}", segments.join("/")));
    let pair = (one(NAMES), one(VALUES)).prop_map(|(name, value)| format!("{name}={value}"));
    let query = vec(pair, 0..4).prop_map(|pairs| pairs.join("&"));
    let body = prop::option::of(select(BODIES));
    let method = one(&["GET", "POST", "get"]);
    let parts = (method, path, query, subsequence(HEADERS, 0..4), body);
    parts.prop_map(|(method, path, query, mut headers, body)| {
        headers.extend(body.map(|(kind, _)| ("Content-Type", kind)));
        let mark = if query.is_empty() { "" } else { "?" };
        Request {
            method,
            target: format!("{path}{mark}{query}"),
            headers,
            body: body.map(|(_, body)| body),
        }
    })
}

fn plan(patches: &[PatchRules], plainly: bool) -> Arc<Plan> {
    let mut compiler = Compiler::new(&[], Limits::default(), &NoResources).unwrap();
    for (at, patch) in patches.iter().enumerate() {
        let id = format!("patch-{at}");
        let patch = PatchRules {
            id,
            ..patch.clone()
        };
        compiler.add(&patch).unwrap();
    }
    match plainly {
        true => compiler.plainly().finish().unwrap(),
        false => compiler.finish().unwrap(),
    }
}

/// Whether it was stopped, and all that was found.
fn decided(plan: &Arc<Plan>, request: &Request) -> (Flow, Vec<Match>) {
    let (method, target) = (request.method.as_bytes(), request.target.as_bytes());
    let mut head = RequestHead::new(method, target, &request.headers);
    head.bodiless = request.body.is_none();
    let mut tx = plan.begin();
    let mut flow = tx.request_head(&head);
    if flow == Flow::Continue
        && let Some(body) = request.body
        && tx.request_body_need() != BodyNeed::None
    {
        flow = tx.request_body(body.as_bytes());
    }
    if flow == Flow::Continue {
        flow = tx.request_body_end();
    }
    (flow, tx.finish())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_decided_does_not_depend_on_what_is_left_out(
        patches in patches(),
        requests in vec(request(), 24),
    ) {
        let (fast, plain) = (plan(&patches, false), plan(&patches, true));
        for request in &requests {
            prop_assert_eq!(decided(&fast, request), decided(&plain, request), "{:?}", request);
        }
    }
}
