//! What a plan remembers of earlier requests, and what a transaction gives away while it waits
//! for its response, changes nothing of what is found.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use engine::{Compiler, Limits, Match, NoResources, Plan, RequestHead, ResponseHead};

/// Notes each header's name in a variable of its own, and asks all of them.
const NOTES: &str = r#"
SecAction "id:1,phase:1,nolog,pass,setvar:tx.forbidden=/x-evil/ /proxy/"
SecRule REQUEST_HEADERS_NAMES "@rx ^.*$" "id:2,phase:1,pass,log,capture,t:none,t:lowercase,msg:'%{MATCHED_VAR}',setvar:'tx.seen_%{tx.0}=/%{tx.0}/',chain"
    SecRule TX:/^seen_/ "@within %{tx.forbidden}" "setvar:tx.score=+1"
"#;

/// Others that read or set what is noted, exclude it, or ask what was captured last.
const READERS: &[&str] = &[
    "",
    r#"SecRule TX:0 "@rx ." "id:3,phase:1,pass,log,msg:'%{TX.0} %{MATCHED_VAR}'""#,
    r#"SecRule TX:/mark/ "@rx ." "id:3,phase:2,pass,log,msg:'%{MATCHED_VAR_NAME}'""#,
    r#"SecRule TX:/^seen_x/ "@rx ." "id:3,phase:2,pass,log,msg:'%{MATCHED_VAR}'""#,
    r#"SecRule TX:seen_accept "@rx ." "id:3,phase:2,pass,log""#,
    r#"SecRule TX "@contains accept" "id:3,phase:2,pass,log""#,
    r#"SecAction "id:3,phase:2,pass,log,msg:'%{tx.seen_accept}'""#,
    r#"SecRule REQUEST_HEADERS:Accept "@streq no" "id:3,phase:2,pass,log,ctl:ruleRemoveTargetById=2;TX""#,
    r#"SecRule MATCHED_VAR_NAME "@rx ." "id:3,phase:1,pass,log,msg:'%{MATCHED_VAR}'""#,
];

/// Set before: a variable of that kind, or an exclusion.
const BEFORE: &[&str] = &[
    "",
    r#"SecAction "id:10,phase:1,nolog,pass,setvar:tx.seen_other=/proxy/""#,
    r#"SecRule REQUEST_HEADERS:Accept "@streq no" "id:10,phase:1,nolog,pass,ctl:ruleRemoveTargetById=2;TX:seen_x-evil""#,
    r#"SecRule REQUEST_HEADERS:Accept "@rx (.*)" "id:10,phase:1,nolog,pass,capture,setvar:tx.%{tx.0}_x=/proxy/""#,
];

/// Names and values of headers, request by request.
const REQUESTS: &[&[(&str, &str)]] = &[
    &[("Accept", "*/*"), ("Host", "a")],
    &[("accept", "no"), ("X-Evil", "1"), ("Host", "a")],
    &[("X-Evil", "1"), ("Accept", "*/*")],
    &[("Host", "a"), ("Accept", "*/*")],
    &[("X-Mark", "1"), ("Accept", "seen")],
    &[("Proxy", "1")],
    &[],
    &[("X-Mark", "2"), ("Accept", "*/*"), ("PROXY", "1")],
];

/// Of the response, and of what was found before.
const LATER: &str = r#"
SecRule REQUEST_METHOD "@streq GET" "id:20,phase:3,pass,log,msg:'%{MATCHED_VAR}',chain"
    SecRule RESPONSE_STATUS "@streq 200" "t:none"
SecRule TX:SCORE "@ge 1" "id:21,phase:3,pass,log,msg:'%{tx.score} %{request_uri}'"
SecRule RESPONSE_HEADERS:Server "@rx ^s" "id:22,phase:3,pass,log"
SecAction "id:23,phase:4,pass,log,msg:'%{tx.0}'"
SecRule MATCHED_VAR "@rx ." "id:24,phase:5,pass,log,msg:'%{MATCHED_VAR_NAME} %{REMOTE_ADDR}'"
"#;

fn plan(rules: &str, plainly: bool) -> Arc<Plan> {
    let rules = seclang::parse("r.conf", rules, &seclang::Limits::default()).unwrap();
    let compiler = Compiler::new(&[rules], Limits::default(), &NoResources).unwrap();
    let compiler = if plainly {
        compiler.plainly()
    } else {
        compiler
    };
    compiler.finish().unwrap()
}

fn found(plan: &Arc<Plan>, headers: &[(&str, &str)], rests: bool) -> Vec<Match> {
    let mut transaction = plan.begin();
    let headers = headers.to_vec();
    let head = RequestHead::new(b"GET", b"/a?b=c", &headers);
    let _ = transaction.request_head(&head);
    let _ = transaction.request_body_end();
    if rests {
        transaction.rest();
        // Others use what it has given away.
        drop(found(plan, &[("Other", "value")], false));
    }
    let answered = vec![("Server", "s"), ("Accept", "no")];
    let head = ResponseHead {
        status: 200,
        version: b"HTTP/1.1",
        headers: &answered,
    };
    let _ = transaction.response_head(&head);
    let _ = transaction.response_body_end();
    transaction.finish()
}

#[test]
fn values_that_led_nowhere_lead_nowhere_again_and_all_others_as_ever() {
    for before in BEFORE {
        for reader in READERS {
            let rules = format!("{before}\n{NOTES}\n{reader}\n{LATER}");
            let (plain, query) = (plan(&rules, true), plan(&rules, false));
            for _ in 0..3 {
                for headers in REQUESTS {
                    let expected = found(&plain, headers, false);
                    assert_eq!(
                        found(&query, headers, false),
                        expected,
                        "{rules}{headers:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_transaction_that_waits_finds_what_it_finds_otherwise() {
    let fields = r#"SecRule REQUEST_HEADERS:Accept|ARGS "@rx ." "id:30,phase:5,pass,log""#;
    for rules in [format!("{NOTES}{LATER}"), format!("{NOTES}{LATER}{fields}")] {
        let (plain, query) = (plan(&rules, true), plan(&rules, false));
        for headers in REQUESTS {
            let expected = found(&plain, headers, false);
            assert!(expected.len() >= 3, "{headers:?}");
            assert_eq!(found(&query, headers, true), expected, "{rules}{headers:?}");
            assert_eq!(found(&plain, headers, true), expected, "{rules}{headers:?}");
        }
    }
}
