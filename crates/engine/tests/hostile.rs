//! Whatever comes in, the engine answers: no panic, and within its bounds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use engine::{Action, Flow, Headers, Input, Limits, NoResources, Plan, RequestHead};
use proptest::prelude::*;
use std::sync::Arc;

const RULES: &str = r#"
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@contains xml" "id:3,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES|REQUEST_HEADERS|REQUEST_BODY|REQUEST_FILENAME "@rx attack" "id:2,phase:2,deny,t:none,t:urlDecodeUni,t:compressWhitespace,t:lowercase"
"#;

fn plan() -> Arc<Plan> {
    let rules = seclang::parse("hostile.conf", RULES, &seclang::Limits::default()).unwrap();
    let input = Input {
        rules: vec![rules],
        patches: Vec::new(),
    };
    engine::compile(&input, Limits::default(), &NoResources).unwrap()
}

fn decide(plan: &Arc<Plan>, target: &[u8], headers: &dyn Headers, body: &[u8]) -> Flow {
    let mut tx = plan.begin();
    let mut flow = tx.request_head(&RequestHead::new(b"POST", target, headers));
    for chunk in body.chunks(7) {
        if flow == Flow::Continue {
            flow = tx.request_body(chunk);
        }
    }
    if flow == Flow::Continue {
        tx.request_body_end()
    } else {
        flow
    }
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        prop::sample::select(vec![
            "%",
            "%2",
            "%u00",
            "{\"",
            "\":",
            "[",
            "]",
            "}",
            ",",
            "\\u",
            "\\ud8",
            "<a",
            "</a>",
            "<!DOCTYPE a [",
            "<![CDATA[",
            "]]>",
            "&#x",
            "<?",
            "=",
            "&",
            "--x",
            "\r\n",
            "\n",
            "--x--",
            "Content-Disposition: form-data; name=",
            "filename*=",
            "//",
            "/..",
            ";",
            "\"",
            "1e",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(token, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_input_makes_it_panic(
        target in text(),
        cookie in text(),
        body in text(),
        kind in prop::sample::select(vec!["application/json", "application/xml",
"application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]),
        coding in prop::sample::select(vec!["identity", "gzip", "deflate", "br", "br, br, br"]),
    ) {
        let headers = vec![
            (b"Content-Type".to_vec(), kind.as_bytes().to_vec()),
            (b"Content-Encoding".to_vec(), coding.as_bytes().to_vec()),
            (b"Cookie".to_vec(), cookie),
        ];
        let _: Flow = decide(&plan(), &target, &headers, &body);
    }

    #[test]
    fn an_attack_in_a_json_leaf_is_found_wherever_it_is(prefix in "[a-z ]{0,20}", depth in 0_usize..60) {
        let body = format!("{}\"{prefix} ATT\\u0041CK\"{}", "[".repeat(depth), "]".repeat(depth));
        let headers = vec![(b"Content-Type".to_vec(), b"application/json".to_vec())];
        prop_assert_ne!(decide(&plan(), b"/", &headers, body.as_bytes()), Flow::Continue);
    }
}

#[test]
fn a_tower_of_brackets_is_an_anomaly_and_not_a_crash() {
    let headers = vec![(b"Content-Type".to_vec(), b"application/json".to_vec())];
    let body = "[".repeat(500_000);
    assert_eq!(
        decide(&plan(), b"/", &headers, body.as_bytes()),
        Flow::Continue
    );
}

#[test]
fn values_that_outgrow_the_scratch_memory_are_refused_and_not_cut_unseen() {
    let headers = vec![(b"Content-Type".to_vec(), b"application/json".to_vec())];
    let leaves: Vec<String> = (0..500).map(|n| n.to_string()).collect();
    let body = format!("{{\"{}\":[{}]}}", "k".repeat(200_000), leaves.join(","));
    let flow = decide(&plan(), b"/", &headers, body.as_bytes());
    let Flow::Stop(decision) = flow else {
        panic!("the request passed");
    };
    assert_eq!(decision.action, Action::Block { status: 413 });
}
