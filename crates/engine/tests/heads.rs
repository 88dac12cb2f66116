//! What patches find does not depend on which of them a head rules out before it is read.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use engine::{BodyNeed, Compiler, Flow, Limits, Match, NoResources, PatchRules, Plan, RequestHead};

/// The rules of a patch, and whether it holds bodies.
const PATCHES: &[(&str, bool)] = &[
    (
        r#"SecRule REQUEST_FILENAME "@rx (?i)<script|\.\./" "id:1,phase:1,pass,log,multiMatch,t:none,t:urlDecodeUni,t:urlDecodeUni""#,
        false,
    ),
    (
        r#"SecRule REQUEST_FILENAME "@rx (?i)WEB-INF|/etc/passwd" "id:1,phase:1,pass,log,t:none,t:urlDecodeUni""#,
        false,
    ),
    (
        r#"SecRule REQUEST_URI_RAW "@rx (?i)\A[^?]*(?:/;|;/)" "id:1,phase:1,pass,log""#,
        false,
    ),
    (
        r#"SecRule REQUEST_URI_RAW|REQUEST_FILENAME "@contains admin" "id:1,phase:1,pass,log,t:lowercase""#,
        false,
    ),
    (
        r#"SecRule REQUEST_BASENAME "!@rx ^[a-z.]*$" "id:1,phase:1,pass,log""#,
        false,
    ),
    (
        r#"SecRule QUERY_STRING "@rx '" "id:1,phase:1,pass,log,t:none,t:urlDecodeUni""#,
        false,
    ),
    (
        r#"SecRule ARGS_GET:/(?i)^\s*url(?:\[|\x00|$)/ "@rx ^https?:" "id:1,phase:1,pass,log""#,
        false,
    ),
    (
        r#"SecRule ARGS:/(?i)^\s*(?:json\.(?:[0-9]+\.)?)?id(?:[.\[]|\x00|$)/ "!@rx ^[0-9]+$" "id:1,phase:2,pass,log""#,
        true,
    ),
    (
        r#"SecRule ARGS:q "@rx ." "id:1,phase:2,pass,log,chain"
       SecRule REQUEST_FILENAME "@beginsWith /a" "t:none""#,
        true,
    ),
    (
        r#"SecRule REQUEST_HEADERS:User-Agent "@rx (?i)\$\{jndi" "id:1,phase:1,pass,log,t:none,t:urlDecodeUni""#,
        false,
    ),
    (
        r#"SecRule REQUEST_HEADERS:X-Mark "!@streq a" "id:1,phase:1,pass,log""#,
        false,
    ),
    (
        r#"SecRule REQUEST_COOKIES:sid "@rx '" "id:1,phase:1,pass,log""#,
        false,
    ),
    (
        r#"SecRule &REQUEST_HEADERS:Cookie "@eq 0" "id:1,phase:1,pass,log,chain"
       SecRule ARGS_GET:action "@streq save" "t:none""#,
        false,
    ),
    (
        r#"SecRule REQBODY_ERROR "!@eq 0" "id:1,phase:2,pass,log"
       SecRule ARGS:name "@rx <" "id:2,phase:2,pass,log""#,
        true,
    ),
    (
        r#"SecRule ARGS_NAMES "@rx __proto__" "id:1,phase:2,pass,log""#,
        true,
    ),
    (
        r#"SecRule REQUEST_METHOD "@streq GET" "id:1,phase:1,pass,log,chain"
       SecRule REQUEST_FILENAME "@endsWith .php" "t:none""#,
        false,
    ),
    (
        r#"SecRule ARGS_POST:id "@rx ." "id:1,phase:2,pass,log"
       SecRule REQUEST_BODY "@rx '" "id:2,phase:2,pass,log""#,
        true,
    ),
    (
        r#"SecAction "id:1,phase:1,pass,log,setvar:tx.a=1"
       SecRule TX:a "@eq 1" "id:2,phase:1,pass,log""#,
        false,
    ),
    (
        r#"SecRule ARGS:a "@streq %{ARGS.b}" "id:1,phase:2,pass,log""#,
        true,
    ),
    (
        r#"SecRule ARGS_GET:view "@contains ../" "id:1,phase:1,pass,log,t:none,t:urlDecodeUni""#,
        false,
    ),
    (
        r#"SecRule ARGS_GET:/^(?:na|vi)/ "@rx [<;]" "id:1,phase:1,pass,log,multiMatch,t:none,t:htmlEntityDecode,t:removeNulls""#,
        false,
    ),
    (
        r#"SecRule ARGS_GET|!ARGS_GET:a "@rx [+\s]" "id:1,phase:1,pass,log""#,
        false,
    ),
    (
        r#"SecRule ARGS_GET:z|ARGS_GET:/^yy?$/ "@rx ." "id:1,phase:1,pass,log""#,
        false,
    ),
    (
        r#"SecRule REQUEST_COOKIES_NAMES|REQUEST_COOKIES:/^s/ "@rx ^(?:c$|a)" "id:1,phase:1,pass,log""#,
        false,
    ),
    // Nothing but what it tells, or what the query does, is looked at.
    (
        r#"SecRule REQUEST_FILENAME "@streq /x" "id:1,phase:1,pass,log,msg:'%{ARGS.a} %{REQUEST_COOKIES.c}'""#,
        false,
    ),
    (
        r#"SecRule URLENCODED_ERROR "@eq 1" "id:1,phase:1,pass,log""#,
        false,
    ),
    // One transformation makes what the next one acts on.
    (
        r#"SecRule ARGS_GET:b64 "@rx <script" "id:1,phase:1,pass,log,t:none,t:base64Decode,t:lowercase,t:htmlEntityDecode""#,
        false,
    ),
    (
        r#"SecRule ARGS_GET:saml "@rx ^<samlp:[^>]*>\n" "id:1,phase:1,pass,log,t:none,t:base64Decode,t:inflate""#,
        false,
    ),
    (
        r#"SecRule REQUEST_URI_RAW|ARGS_GET "@rx \x00'" "id:1,phase:1,pass,log,t:none,t:lowercase,t:hexDecode""#,
        false,
    ),
    (
        r#"SecRule ARGS_GET:name "@rx [<']" "id:1,phase:1,pass,log,chain,t:none,t:lowercase,t:htmlEntityDecode"
       SecRule ARGS_GET:view "@rx [;A]" "chain,t:none,t:uppercase"
       SecRule REQUEST_HEADERS:X-Mark "@rx ." "t:none""#,
        false,
    ),
    // Two links that look at fields of their own.
    (
        r#"SecRule ARGS:id "@rx ." "id:1,phase:2,pass,log,chain"
       SecRule ARGS_POST:name "@rx <" "chain,t:none,t:urlDecodeUni"
       SecRule ARGS_POST:q "@rx '" "t:none""#,
        true,
    ),
    // That there was no fault is said of every request.
    (
        r#"SecRule REQBODY_ERROR "@eq 0" "id:1,phase:2,pass,log""#,
        false,
    ),
    (
        r#"SecRule REQBODY_ERROR "!@eq 0" "id:1,phase:2,pass,log,t:none,t:length""#,
        false,
    ),
    (
        r#"SecRule REQBODY_ERROR "@rx ^0$" "id:1,phase:2,pass,log,chain"
       SecRule ARGS_GET:a "@rx ." "t:none""#,
        true,
    ),
    // As the first: what one of them is told, the other is.
    (
        r#"SecRule REQUEST_FILENAME "@rx (?i)<script|\.\./" "id:1,phase:1,pass,log,multiMatch,t:none,t:urlDecodeUni,t:urlDecodeUni""#,
        false,
    ),
];

const TARGETS: &[&str] = &[
    "/",
    "/index.php",
    "/a?q=1",
    "/A?Q=%27",
    "/a/..%2f..%2fetc/passwd",
    "/a/%252e%252e%252fetc%2fpasswd",
    "/%3cscript%3e?x",
    "/x/;/WEB-INF/web.xml",
    "/ADMIN/x",
    "http://app/admin?url=http://x",
    "/x?%75rl=https://x&i%64=7",
    "/x?url%5b%5d=https://x",
    "/x?+url=http://x#&id=x",
    "/x?a=1#id=x",
    "/x?id=7a&name=%3Cb",
    "/x?NAME=<b&Json.id=x",
    "/x?action=save",
    "/x?__proto__[a]=1",
    "/x?a=1&b=1",
    "/x?Z=1",
    "/x?yy=2&b=%zz",
    "/x?y=3",
    "/x?a=%u0041&b=A",
    "/x?=1&&q",
    "/x?q\n=1&id\n=x",
    "/x?view=%2e%2e/&b=a+b",
    "/x?view=%252e%252e/&VIEW=..%2f",
    "/x?name=a#<b&view=1#;",
    "/x?name=&lt;&c=%2B",
    "/x?n%61m%65=1&vi=%00;&&%",
    "/x?b64=JkxUO1NDUklQVD4=",
    "/x?saml=sylOzM0psHIsLcnIC0otLE0tLtG3AwA%3D",
    "/x?saml=H4sIAAAAAAACA7MpTszNKbACABSM%2BboHAAAAH4sIAAAAAAACA0u0AwCyVV78AgAAAA%3D%3D",
    "/x?h=0027&view=a",
    "/0027",
    "/x?name=%26LT;&view=a",
    "/x?name=%27&view=%3b",
    "/x?1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&1&id=x&view=../",
];

const HEADERS: &[&[(&str, &str)]] = &[
    &[("Host", "app")],
    &[
        ("host", "app"),
        ("USER-AGENT", "${jndi:x}"),
        ("cookie", "sid=a'b; c=d"),
    ],
    &[
        ("User-Agent", "%24%7bjndi:x"),
        ("X-Mark", "b"),
        ("Cookie", "c=1"),
    ],
    &[("Content-Encoding", "odd"), ("X-Mark", "a")],
];

const BODIES: &[(&str, &str)] = &[
    ("", ""),
    ("application/x-www-form-urlencoded", "id=x&name=%3C&q=1'"),
    (
        "application/json",
        r#"{"id":"x","name":"<","url":"https://x","list":[{"id":"y"}]}"#,
    ),
    ("application/json", r#"{"id":"#),
    ("text/plain", "it's"),
];

fn plan(patches: &[(&str, bool)], plainly: bool) -> Arc<Plan> {
    let mut compiler = Compiler::new(&[], Limits::default(), &NoResources).unwrap();
    for (at, (rules, holds)) in patches.iter().enumerate() {
        let parsed = seclang::parse("patch", rules, &seclang::Limits::default()).unwrap();
        let patch = PatchRules {
            id: format!("patch-{at}"),
            body_bytes: holds.then_some(1 << 20),
            rules: vec![parsed],
            ..PatchRules::default()
        };
        compiler.add(&patch).unwrap();
    }
    match plainly {
        true => compiler.plainly().finish().unwrap(),
        false => compiler.finish().unwrap(),
    }
}

/// What was found, and whether anything concerned the request.
fn matches(plan: &Arc<Plan>, head: &RequestHead<'_>, body: &str) -> (Vec<Match>, bool) {
    let mut tx = plan.begin();
    assert_eq!(tx.request_head(head), Flow::Continue);
    let concerned = tx.is_concerned();
    if tx.request_body_need() != BodyNeed::None {
        assert_eq!(tx.request_body(body.as_bytes()), Flow::Continue);
    }
    assert_eq!(tx.request_body_end(), Flow::Continue);
    (tx.finish(), concerned)
}

#[test]
fn a_patch_finds_what_it_finds_where_nothing_is_left_out() {
    let (mut found, mut left_out) = (0, 0);
    let alone = PATCHES.iter().map(std::slice::from_ref);
    for patches in alone.chain([PATCHES]) {
        let before = found;
        let (fast, plain) = (plan(patches, false), plan(patches, true));
        for target in TARGETS {
            for headers in HEADERS {
                for (kind, body) in BODIES {
                    let mut headers = headers.to_vec();
                    if !kind.is_empty() {
                        headers.push(("Content-Type", kind));
                    }
                    let mut head = RequestHead::new(b"GET", target.as_bytes(), &headers);
                    for bodiless in [false, true] {
                        if bodiless && !body.is_empty() {
                            continue;
                        }
                        head.bodiless = bodiless;
                        let (expected, _) = matches(&plain, &head, body);
                        let (got, concerned) = matches(&fast, &head, body);
                        assert_eq!(got, expected, "{patches:?}\n{target}\n{headers:?}\n{body}");
                        found += expected.len();
                        left_out += usize::from(!concerned);
                    }
                }
            }
        }
        assert!(found > before, "nothing is ever found by {patches:?}");
    }
    assert!(found > 2_000, "the rules match too seldom to tell: {found}");
    assert!(
        left_out > 2_000,
        "too little is left out to tell: {left_out}"
    );
}

#[test]
fn too_many_parameters_are_noticed_also_without_a_body() {
    let rule = r#"SecRule REQBODY_ERROR "!@eq 0" "id:1,phase:2,pass,log""#;
    let limits = Limits::default();
    let headers = vec![("Host", "app")];
    for (count, expected) in [(limits.arguments, 0), (limits.arguments + 1, 1)] {
        let target = format!("/?{}", vec!["a=1"; count].join("&"));
        for plainly in [false, true] {
            let mut head = RequestHead::new(b"GET", target.as_bytes(), &headers);
            head.bodiless = true;
            let (found, _) = matches(&plan(&[(rule, true)], plainly), &head, "");
            assert_eq!(found.len(), expected, "{count} {plainly}");
        }
    }
}
