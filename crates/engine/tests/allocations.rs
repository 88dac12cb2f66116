//! What ordinary requests cost in memory: nothing, once the scratch is there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use engine::{
    BodyNeed, Exchange, Flow, Input, Limits, NoResources, PatchRules, PathScope, Plan, Rehearsal,
    RequestHead, Scope,
};

const HEADERS: [(&str, &str); 8] = [
    ("host", "shop.example"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101",
    ),
    ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ("accept-language", "en-US,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br"),
    (
        "cookie",
        "session=8f14e45fceea167a5a36dedd4bea2543; theme=dark",
    ),
    ("referer", "https://shop.example/catalogue"),
    ("connection", "keep-alive"),
];

/// Allocations of one request, after some that fill the scratch.
fn allocations(plan: &Arc<Plan>, target: &str) -> u64 {
    let headers = HEADERS.to_vec();
    let request = || {
        let mut tx = plan.begin();
        let head = RequestHead::new(b"GET", target.as_bytes(), &headers);
        assert_eq!(tx.request_head(&head), Flow::Continue);
        assert_eq!(tx.request_body_need(), BodyNeed::None);
        assert_eq!(tx.request_body_end(), Flow::Continue);
        assert!(tx.finish().is_empty());
    };
    (0..3).for_each(|_| request());
    allocation_counter::measure(request).count_total
}

fn rules(text: &str) -> seclang::Ruleset {
    seclang::parse("rules.conf", text, &seclang::Limits::default()).unwrap()
}

fn compiled(input: &Input) -> Arc<Plan> {
    engine::compile(input, Limits::default(), &NoResources).unwrap()
}

fn patch(path: &str) -> PatchRules {
    PatchRules {
        id: "P".to_owned(),
        scope: Scope {
            paths: vec![PathScope::Prefix(path.to_owned())],
            ..Scope::default()
        },
        rules: vec![rules(
            r#"SecRule ARGS|ARGS_NAMES|REQUEST_HEADERS|REQUEST_COOKIES "@rx (?i)union\s+select" "id:1,phase:1,deny,t:none,t:urlDecodeUni"
               SecRule REQUEST_FILENAME "!@beginsWith /static/" "id:2,phase:1,deny,chain"
                 SecRule ARGS:file "@contains ../" "t:none,t:urlDecodeUni""#,
        )],
        ..PatchRules::default()
    }
}

#[test]
fn a_request_that_no_patch_concerns_allocates_nothing() {
    let input = Input {
        patches: vec![patch("/admin/")],
        ..Input::default()
    };
    let plan = compiled(&input);
    assert_eq!(allocations(&plan, "/Catalogue/chairs?page=2&sort=price"), 0);
}

#[test]
fn a_clean_request_that_a_patch_concerns_allocates_nothing() {
    let input = Input {
        patches: vec![patch("/static/")],
        ..Input::default()
    };
    let plan = compiled(&input);
    assert_eq!(allocations(&plan, "/static/site.css?page=2&sort=price"), 0);
}

#[test]
fn a_clean_request_under_general_rules_allocates_nothing() {
    let input = Input {
        rules: vec![rules(
            r#"SecAction "id:1,phase:1,pass,nolog,setvar:tx.limit=5"
               SecRule ARGS|ARGS_NAMES|REQUEST_HEADERS|!REQUEST_HEADERS:Cookie|REQUEST_COOKIES "@rx (?i)<script" "id:2,phase:1,deny,t:none,t:urlDecodeUni,t:lowercase"
               SecRule &ARGS "@gt %{tx.limit}" "id:3,phase:1,deny"
               SecRule REQUEST_METHOD "!@within GET HEAD POST" "id:4,phase:1,deny"
               SecRule REQUEST_HEADERS:User-Agent "@detectSQLi" "id:5,phase:1,deny,capture"
               SecRule TX:score "@ge 5" "id:6,phase:2,deny""#,
        )],
        ..Input::default()
    };
    let plan = compiled(&input);
    assert_eq!(allocations(&plan, "/Catalogue/chairs?page=2&sort=price"), 0);
}

#[test]
fn to_try_many_patches_out_leaves_little_behind() {
    const PATCHES: usize = 400;
    // The names of the fields, and what may stand in them, are expressions of each patch's own.
    let patch = |at: usize| PatchRules {
        id: format!("P{at}"),
        scope: Scope {
            paths: vec![PathScope::Prefix(format!("/p{at}/"))],
            ..Scope::default()
        },
        body_bytes: Some(1000),
        rules: vec![rules(&format!(
            r#"SecRule ARGS:'/(?i)^\s*f{at}(?:\[|$)/' "@rx (?i)a{at}\s+b[c-f]" "id:1,phase:2,deny""#
        ))],
        ..PatchRules::default()
    };
    let input = Input {
        patches: (0..PATCHES).map(patch).collect(),
        ..Input::default()
    };
    let plan = compiled(&input);
    let exchanges: Vec<Exchange> = (0..PATCHES)
        .map(|at| Exchange {
            method: b"POST".to_vec(),
            target: format!("/p{at}/?f{at}[x]=a{at}%20bd").into_bytes(),
            headers: vec![(b"Content-Type".to_vec(), b"application/json".to_vec())],
            body: format!("{{\"f{at}\":\"a{at} bd\"}}").into_bytes(),
            ..Exchange::default()
        })
        .collect();
    let kept = allocation_counter::measure(|| {
        let mut rehearsal = Rehearsal::new(Arc::clone(&plan));
        for exchange in &exchanges {
            assert!(rehearsal.inspect(exchange).decision.is_some());
        }
    });
    // One compiled expression alone takes thousands.
    let each = kept.bytes_current / PATCHES as i64;
    assert!(each < 1000, "{each} bytes are kept of each patch");
}
