//! What patches find does not depend on which fields of a body are kept for them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use engine::{
    BodyNeed, Compiler, Flow, Limits, Match, NoResources, Oversize, PatchRules, Plan, RequestHead,
};

const RULES: &[&str] = &[
    r#"SecRule ARGS_POST:/^json\.user\.name/ "@rx <" "id:1,phase:2,pass,log""#,
    r#"SecRule ARGS_POST:/^json/ "@contains __proto__" "id:1,phase:2,pass,log""#,
    r#"SecRule ARGS "@rx (?i)<script" "id:1,phase:2,pass,log,t:none,t:urlDecodeUni,t:htmlEntityDecode""#,
    r#"SecRule ARGS_POST:/^b$/ "!@rx ^[0-9]+$" "id:1,phase:2,pass,log""#,
    r#"SecRule &ARGS_POST:/^json\.list/ "@gt 1" "id:1,phase:2,pass,log""#,
    r#"SecRule &ARGS "@gt 2" "id:1,phase:2,pass,log""#,
    r#"SecRule ARGS_POST_NAMES "@contains admin" "id:1,phase:2,pass,log""#,
    r#"SecRule ARGS_COMBINED_SIZE "@gt 30" "id:1,phase:2,pass,log""#,
    r#"SecRule ARGS_POST|!ARGS_POST:json.note "@rx '" "id:1,phase:2,pass,log""#,
    r#"SecRule ARGS:json.note "@streq %{ARGS.b}" "id:1,phase:2,pass,log""#,
    r#"SecRule ARGS_POST:/^json\.note$/ "@rx x" "id:1,phase:2,pass,log,multiMatch,t:none,t:hexDecode,t:base64DecodeExt""#,
    r#"SecRule BODY_ANOMALIES "@rx ." "id:1,phase:2,pass,log""#,
    r#"SecRule REQBODY_ERROR "!@eq 0" "id:1,phase:2,pass,log""#,
    r#"SecRule REQUEST_BODY "@rx '" "id:1,phase:2,pass,log""#,
    r#"SecRule REQUEST_BODY_LENGTH "@gt 20" "id:1,phase:2,pass,log""#,
    r#"SecRule ARGS_POST:b "@rx ." "id:1,phase:2,pass,log,chain"
       SecRule MATCHED_VAR "@rx '" "t:none,t:urlDecodeUni""#,
    r#"SecRule FULL_REQUEST "@rx __proto__" "id:1,phase:2,pass,log""#,
];

const BODIES: &[(&str, &str)] = &[
    (
        "application/json",
        r#"{"user":{"name":"<b>","Name":"x"},"note":"it's","list":[1,"2",{"a":null}],"b":"7"}"#,
    ),
    (
        "application/json",
        r#"{"\u005f_proto__":{"x":"\u005f_proto__ \u003cscript"},"a\njson.user.name":"<","note":"3c78"}"#,
    ),
    (
        "application/json",
        r#"{"a":1,"a":2,"admin":"%3Cscript","b":"'"}"#,
    ),
    (
        "application/json",
        r#"{"note":"x","b":"x","list":{"a":"&lt;script"}}"#,
    ),
    ("application/json", r#"{"note":"eA==","b":[}"#),
    ("application/json", "{\"note\":\"a\u{1}\"}"),
    ("text/plain", r#"["<script>", "__proto__"]"#),
    (
        "application/x-www-form-urlencoded",
        "b=1&b='x&admin=%3Cscript&json.note=1",
    ),
    (
        "application/x-www-form-urlencoded",
        "a%0ajson.user.name=%3C&note=%zz",
    ),
    (
        "application/x-www-form-urlencoded",
        r#"{"user":{"name":"<"}}"#,
    ),
    (
        "multipart/form-data; boundary=x",
        "--x\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n'\r\n--x--\r\n",
    ),
    (
        "application/xml",
        "<order><name>&lt;script</name><note a='1'>it's</note></order>",
    ),
];

fn plan(rules: &[&str], plainly: bool) -> Arc<Plan> {
    let mut compiler = Compiler::new(&[], Limits::default(), &NoResources).unwrap();
    for (at, rule) in rules.iter().enumerate() {
        let parsed = seclang::parse("patch", rule, &seclang::Limits::default()).unwrap();
        let patch = PatchRules {
            id: format!("patch-{at}"),
            body_bytes: Some(1 << 20),
            oversize: Oversize::Block,
            rules: vec![parsed],
            ..PatchRules::default()
        };
        compiler.add(&patch).unwrap();
    }
    let compiler = if plainly {
        compiler.plainly()
    } else {
        compiler
    };
    compiler.finish().unwrap()
}

fn matches(plan: &Arc<Plan>, kind: &str, body: &str) -> Vec<Match> {
    let headers = vec![("Host", "app"), ("Content-Type", kind)];
    let mut tx = plan.begin();
    let head = RequestHead::new(b"POST", b"/x?b=x&q=1", &headers);
    assert_eq!(tx.request_head(&head), Flow::Continue);
    assert_ne!(tx.request_body_need(), BodyNeed::None);
    assert_eq!(tx.request_body(body.as_bytes()), Flow::Continue);
    assert_eq!(tx.request_body_end(), Flow::Continue);
    tx.finish()
}

#[test]
fn a_patch_finds_what_it_finds_where_every_field_is_kept() {
    let mut found = 0;
    let alone = RULES.iter().map(std::slice::from_ref);
    let together = RULES.windows(3).chain([RULES]);
    for rules in alone.chain(together) {
        let (fast, plain) = (plan(rules, false), plan(rules, true));
        for (kind, body) in BODIES {
            let expected = matches(&plain, kind, body);
            assert_eq!(matches(&fast, kind, body), expected, "{rules:?}\n{body}");
            found += expected.len();
        }
    }
    assert!(found > 200, "the rules match too seldom to tell: {found}");
}

/// What one of these finds out of a value, or of where it is, others may know from it.
const ALIKE: &[&str] = &[
    r#"SecRule ARGS:a "@rx <" "id:1,phase:2,pass,log,t:none""#,
    r#"SecRule ARGS:a "!@rx <" "id:1,phase:2,pass,log,t:none""#,
    r#"SecRule ARGS:a "@rx <" "id:1,phase:2,pass,log,t:none,t:htmlEntityDecode""#,
    r#"SecRule ARGS:a "@rx <" "id:1,phase:2,pass,log,t:none,t:htmlEntityDecode,multiMatch""#,
    r#"SecRule ARGS:a "@rx &" "id:1,phase:2,pass,log,t:none,t:htmlEntityDecode""#,
    r#"SecRule ARGS:a "@rx &" "id:1,phase:2,pass,log,t:none,t:htmlEntityDecode,multiMatch""#,
    r#"SecRule ARGS:a "@rx <" "id:1,phase:2,pass,log,t:none,t:removeWhitespace,t:htmlEntityDecode""#,
    r#"SecRule ARGS_POST:a "@rx <" "id:1,phase:2,pass,log,t:none""#,
    r#"SecRule ARGS|!ARGS:a "@rx <" "id:1,phase:2,pass,log,t:none""#,
    r#"SecRule ARGS|ARGS:a "@rx <" "id:1,phase:2,pass,log,t:none""#,
    r#"SecRule ARGS "@rx <" "id:1,phase:2,pass,log,t:none""#,
    r#"SecRule ARGS:/^a/ "@rx <" "id:1,phase:2,pass,log,t:none""#,
    r#"SecRule ARGS:a "@contains <" "id:1,phase:2,pass,log,t:none""#,
    r#"SecRule ARGS:a "@contains t" "id:1,phase:2,pass,log,t:none"
       SecRule &ARGS:a "@gt 1" "id:2,phase:2,pass,log"
       SecRule ARGS:a "@rx ;" "id:3,phase:2,pass,log,t:none,setvar:tx.n=+1"
       SecRule TX:n "@eq 1" "id:4,phase:2,pass,log"
       SecRule ARGS:a "@streq <" "id:5,phase:2,pass,log,t:none""#,
    r#"SecRule ARGS:a "@rx x" "id:1,phase:1,pass,log,t:none"
       SecRule ARGS:a "@rx x" "id:2,phase:2,pass,log,t:none""#,
];

#[test]
fn patches_that_ask_alike_find_each_what_it_finds_alone() {
    let kind = "application/x-www-form-urlencoded";
    let pairs = ALIKE
        .iter()
        .flat_map(|one| ALIKE.iter().map(move |other| [*one, *other]));
    let all = [ALIKE.to_vec(), ALIKE.iter().rev().copied().collect()];
    let mut found = 0;
    for rules in pairs.map(|pair| pair.to_vec()).chain(all) {
        let (fast, plain) = (plan(&rules, false), plan(&rules, true));
        for body in [
            "a=%3C",
            "a=%26lt;",
            "a=%26l+t;&a=%3C",
            "a=%26l+t;",
            "a=x&a=t;",
            "b=%3C&a=x",
            "ab=%3C",
        ] {
            let expected = matches(&plain, kind, body);
            assert_eq!(matches(&fast, kind, body), expected, "{rules:?}\n{body}");
            found += expected.len();
        }
    }
    assert!(found > 500, "the rules match too seldom to tell: {found}");
}

#[test]
fn headers_are_read_as_far_as_one_rule_needs_them() {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    for (rule, header, body) in [
        (
            r#"SecRule ARGS_POST:a "@streq <" "id:1,phase:2,pass,log""#,
            form,
            "a=%3C",
        ),
        (
            r#"SecRule REQBODY_ERROR "!@eq 0" "id:1,phase:2,pass,log""#,
            ("Content-Encoding", "odd"),
            "a=%3C",
        ),
        (
            r#"SecRule REMOTE_USER "@streq admin" "id:1,phase:1,pass,log""#,
            ("authorization", "Basic YWRtaW46eA=="),
            "",
        ),
        (
            r#"SecRule AUTH_TYPE "@streq Basic" "id:1,phase:1,pass,log""#,
            ("Authorization", "Basic YWRtaW46eA=="),
            "",
        ),
        (
            r#"SecRule REQUEST_COOKIES:a "@streq x" "id:1,phase:1,pass,log""#,
            ("COOKIE", "a=x"),
            "",
        ),
        (
            r#"SecRule FULL_REQUEST "@contains X-Mark: x" "id:1,phase:2,pass,log""#,
            ("X-Mark", "x"),
            "",
        ),
    ] {
        let headers = vec![header];
        let head = RequestHead::new(b"POST", b"/x", &headers);
        let mut tx = plan(&[rule], false).begin();
        assert_eq!(tx.request_head(&head), Flow::Continue);
        assert_eq!(tx.request_body(body.as_bytes()), Flow::Continue);
        assert_eq!(tx.request_body_end(), Flow::Continue);
        assert_eq!(tx.finish().len(), 1, "{rule}");
    }
}

#[test]
fn fields_that_are_not_kept_count_all_the_same() {
    let rule = r#"SecRule ARGS_POST:/^json\.x$/ "@rx ." "id:1,phase:2,pass"
        SecRule REQBODY_ERROR "!@eq 0" "id:2,phase:2,pass,log""#;
    let limits = Limits::default();
    let numbers = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    let query = 2;
    for (count, expected) in [
        (limits.arguments - query, 0),
        (limits.arguments - query + 1, 1),
    ] {
        for plainly in [false, true] {
            let plan = plan(&[rule], plainly);
            let found = matches(&plan, "application/json", &numbers(count));
            assert_eq!(found.len(), expected, "{count} {plainly}");
        }
    }
}

#[test]
fn what_a_patch_sets_is_its_own_and_stays_for_the_transaction() {
    let sets = r#"SecRule ARGS_GET:q "@rx ^(1)$" "id:1,phase:1,pass,nolog,capture,setvar:tx.seen=+%{TX.1}"
        SecRule ARGS_POST:b "@rx ." "id:2,phase:2,pass,nolog,setvar:tx.seen=+1"
        SecRule TX:seen "@eq 2" "id:3,phase:2,pass,log"
        SecRule TX:seen "@eq 2" "id:4,phase:5,pass,log""#;
    let other = r#"SecAction "id:1,phase:1,pass,nolog,setvar:tx.mine=1"
        SecRule &TX:seen "!@eq 0" "id:2,phase:2,pass,log"
        SecRule TX:mine "@eq 1" "id:3,phase:2,pass,log""#;
    for plainly in [false, true] {
        let plan = plan(&[sets, other], plainly);
        // A second request finds nothing of the first.
        for _ in 0..2 {
            let found = matches(&plan, "application/x-www-form-urlencoded", "b=1");
            let found: Vec<(&str, u64)> = found
                .iter()
                .map(|found| (found.patch.as_deref().unwrap(), found.rule))
                .collect();
            let expected = [("patch-0", 3), ("patch-1", 3), ("patch-0", 4)];
            assert_eq!(found, expected, "{plainly}");
        }
    }
}

#[test]
fn a_body_of_several_types_is_read_by_the_first_and_the_last() {
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    let parts = "multipart/form-data; boundary=x";
    let other = "multipart/form-data; boundary=y";
    let in_parts = "--y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n<\r\n--y--\r\n";
    let rule = r#"SecRule ARGS_POST:a "@rx <" "id:1,phase:2,pass,log""#;
    let plan = plan(&[rule], false);
    for (types, body, found) in [
        (&[("Content-Type", "text/plain")][..], "a=%3C", 0),
        (
            &[("Content-Type", "text/plain"), ("Content-Type", form)],
            "a=%3C",
            1,
        ),
        (
            &[("Content-Type", form), ("Content-Type", "text/plain")],
            "a=%3C",
            1,
        ),
        (
            &[("Content-Type", json), ("content_type", form)],
            "a=%3C",
            1,
        ),
        (&[("Content_Type", form)], "a=%3C", 1),
        (
            &[("Content-Type", parts), ("Content-Type", other)],
            in_parts,
            1,
        ),
        (
            &[("Content-Type", other), ("Content-Type", parts)],
            in_parts,
            1,
        ),
        (
            &[("Content-Type", "text/plain"), ("Content-Type", "text/css")],
            "a=%3C",
            0,
        ),
    ] {
        let mut tx = plan.begin();
        let headers = types.to_vec();
        let head = RequestHead::new(b"POST", b"/x", &headers);
        assert_eq!(tx.request_head(&head), Flow::Continue);
        assert_eq!(tx.request_body(body.as_bytes()), Flow::Continue);
        assert_eq!(tx.request_body_end(), Flow::Continue);
        assert_eq!(tx.finish().len(), found, "{types:?}");
    }
}
