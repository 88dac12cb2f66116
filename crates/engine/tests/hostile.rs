//! Whatever comes in, the engine answers: no panic, and within its bounds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/places.rs"]
mod places;

use engine::operators::{Arguments, Build, Datasets, Hit, Places};
use engine::{Action, Flow, Headers, Input, Limits, Mode, NoResources, PatchRules, Plan};
use engine::{RequestHead, operators, transformations};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;
use std::io::Write as _;
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

/// The argument in an operator's example.
fn example(spec: &operators::Spec) -> &'static str {
    spec.example
        .split_once(' ')
        .map_or("", |(_, argument)| argument)
}

/// Any file that a rule names.
struct Files;

impl engine::Resources for Files {
    fn read(&self, name: &str, _: &str) -> Result<Vec<u8>, String> {
        Ok(format!("# comment\n{name}\n").into_bytes())
    }
}

fn ask(spec: &operators::Spec, argument: &str, input: &[u8]) -> Hit {
    let mut hit = Hit::default();
    match spec.build {
        Build::Plain(function) | Build::Containing(function) => {
            let _: bool = function(argument.as_bytes(), input, &mut hit);
        }
        Build::Compiled(build) => {
            let built = build(&Arguments {
                text: argument,
                limits: &Limits::default(),
                resources: &Files,
                source: "hostile.conf",
                places: Places::read("places.mmdb", places::one_city())
                    .ok()
                    .map(Arc::new)
                    .as_ref(),
                datasets: Some(&Datasets::from([(
                    argument.to_owned(),
                    vec![argument.to_owned()],
                )])),
            });
            if let Ok(operator) = built {
                let _: bool = operator.matches(input, &mut hit);
            }
        }
        Build::Refused(_) => {}
    }
    hit
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
            "/*",
            "*/",
            "<!--",
            "&#x41",
            "&lt",
            "\\x4",
            "\\377",
            "\\ff01 ",
            "0x41",
            "' or 1",
            "a.`",
            "|0d",
            "4111-1111",
            "\u{ff01}",
            " ",
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
"application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
"application/json; charset=utf-16", "text/xml; charset=gbk", "application/x-www-form-urlencoded; charset=shift_jis",
"application/x-www-form-urlencoded; charset=utf-16be", "application/json; charset=utf-7"]),
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
    fn no_value_makes_a_transformation_panic_or_grow_beyond_bounds(input in text()) {
        for spec in transformations::ALL {
            let mut output = Vec::new();
            let changed = (spec.apply)(&input, &mut output);
            prop_assert!(changed || output.is_empty(), "{}", spec.name);
            let most = match spec.name {
                "inflate" => transformations::INFLATED_BYTES + 2 + input.len(),
                _ => 6 * input.len() + 20,
            };
            prop_assert!(output.len() <= most, "{}", spec.name);
        }
    }

    #[test]
    fn no_value_makes_an_operator_panic_or_point_beyond_it(argument in text(), input in text()) {
        for spec in operators::ALL {
            let argument = String::from_utf8_lossy(&argument);
            for argument in [&argument, example(spec)] {
                let hit = ask(spec, argument, &input);
                for span in hit.captures.iter().chain([&hit.span]).flatten() {
                    prop_assert!(input.get(span.clone()).is_some(), "{}", spec.name);
                }
            }
        }
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

/// The patch needs no body, so that nobody said what is to be done with one that is too large.
#[test]
fn a_bomb_in_a_url_is_refused_where_a_patch_looks_into_it() {
    let rule =
        r#"SecRule ARGS_GET:SAMLRequest "@rx <!DOCTYPE" "id:1,phase:1,deny,t:none,t:inflate""#;
    for (mode, stops) in [(Mode::Enforce, true), (Mode::Shadow, false)] {
        let rules = seclang::parse("patch", rule, &seclang::Limits::default()).unwrap();
        let patch = PatchRules {
            id: "saml".to_owned(),
            mode,
            rules: vec![rules],
            ..PatchRules::default()
        };
        let input = Input {
            rules: Vec::new(),
            patches: vec![patch],
        };
        let plan = engine::compile(&input, Limits::default(), &NoResources).unwrap();
        for (spaces, bomb) in [(1000, false), (2_000_000, true)] {
            let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
            deflated.write_all(&vec![b' '; spaces]).unwrap();
            let message = deflated.finish().unwrap().into_iter();
            let message: String = message.map(|byte| format!("%{byte:02x}")).collect();
            let target = format!("/sso?SAMLRequest={message}");
            let headers = Vec::<(Vec<u8>, Vec<u8>)>::new();
            let mut head = RequestHead::new(b"GET", target.as_bytes(), &headers);
            head.bodiless = true;
            let mut tx = plan.begin();
            match tx.request_head(&head) {
                Flow::Stop(decision) => {
                    assert!(stops && bomb);
                    assert_eq!(decision.action, Action::Block { status: 413 });
                }
                Flow::Continue => assert!(!(stops && bomb), "it passed"),
            }
            assert_eq!(tx.finish().len(), usize::from(bomb));
        }
    }
}

fn bounded(rules: &str, limits: Limits) -> Arc<Plan> {
    let rules = seclang::parse("hostile.conf", rules, &seclang::Limits::default()).unwrap();
    let input = Input {
        rules: vec![rules],
        patches: Vec::new(),
    };
    engine::compile(&input, limits, &NoResources).unwrap()
}

/// Blocks that hold nothing take long, and nothing comes of them.
#[test]
fn bytes_to_inflate_are_more_work_than_others() {
    let limits = Limits {
        work_bytes: 100_000,
        ..Limits::default()
    };
    let rule = "SecRule ARGS \"@rx x$\" \"id:1,phase:1,deny,t:none";
    for (rule, much) in [
        (format!("{rule}\""), false),
        (format!("{rule},t:inflate\""), true),
    ] {
        let plan = bounded(&format!("SecRuleEngine On\n{rule}"), limits.clone());
        let mut tx = plan.begin();
        let target = format!("/?a=x{}", "!".repeat(1000));
        let headers = Vec::<(Vec<u8>, Vec<u8>)>::new();
        let flow = tx.request_head(&RequestHead::new(b"GET", target.as_bytes(), &headers));
        assert_eq!(tx.gave_up(), much, "{rule}");
        assert_eq!(flow != Flow::Continue, much, "{rule}");
    }
}

#[test]
fn inspection_that_takes_too_much_work_is_given_up_and_says_so() {
    let limits = Limits {
        work_bytes: 1000,
        ..Limits::default()
    };
    for (mode, stops) in [("On", true), ("DetectionOnly", false)] {
        let rules =
            format!("SecRuleEngine {mode}\nSecRule ARGS \"@rx x$\" \"id:1,phase:1,deny,t:none\"");
        let plan = bounded(&rules, limits.clone());
        for (length, much) in [(10, false), (2000, true)] {
            let mut tx = plan.begin();
            let target = format!("/?a={}!x!", "x".repeat(length));
            let headers = Vec::<(Vec<u8>, Vec<u8>)>::new();
            let flow = tx.request_head(&RequestHead::new(b"GET", target.as_bytes(), &headers));
            assert_eq!(tx.gave_up(), much, "{mode}, {length}");
            let Flow::Stop(decision) = flow else {
                assert!(!(stops && much), "{mode}, {length}");
                assert_eq!(tx.finish().len(), usize::from(much), "{mode}, {length}");
                continue;
            };
            assert!(stops && much, "{mode}, {length}");
            assert_eq!(decision.action, Action::Block { status: 503 });
            assert!(decision.cause.message.contains("1000"));
        }
    }
}

#[test]
fn bytes_that_only_a_parser_or_a_gate_reads_are_work() {
    // Of what each request holds the rule's operator is asked of nothing: it has no `<`.
    let rules =
        "SecRequestBodyAccess On\nSecRule ARGS \"@rx <script\" \"id:1,phase:2,deny,t:none\"";
    let limits = Limits {
        work_bytes: 20_000,
        ..Limits::default()
    };
    let plan = bounded(rules, limits);
    let form = vec![("Content-Type", "application/x-www-form-urlencoded")];
    for (length, much) in [(2000, false), (15_000, true), (100_000, true)] {
        let body = format!("a={}", "x".repeat(length));
        let mut tx = plan.begin();
        let head = RequestHead::new(b"POST", b"/", &form);
        assert_eq!(tx.request_head(&head), Flow::Continue);
        assert_eq!(tx.request_body(body.as_bytes()), Flow::Continue);
        let flow = tx.request_body_end();
        assert_eq!(
            (tx.gave_up(), flow != Flow::Continue),
            (much, much),
            "{length}"
        );
    }
}

#[test]
fn what_rules_put_into_tx_is_bounded() {
    // Each argument doubles it.
    let rules =
        "SecRule ARGS \"@rx x\" \"id:1,phase:1,pass,nolog,t:none,setvar:'tx.a=%{TX.a}%{TX.a}x'\"";
    let limits = Limits {
        scratch_bytes: 100_000,
        ..Limits::default()
    };
    let plan = bounded(rules, limits);
    for (count, stops) in [(10, false), (500, true)] {
        let target = format!("/?{}", "a=x&".repeat(count));
        let headers = Vec::<(Vec<u8>, Vec<u8>)>::new();
        let mut tx = plan.begin();
        let flow = tx.request_head(&RequestHead::new(b"GET", target.as_bytes(), &headers));
        let stopped = match flow {
            Flow::Stop(decision) => decision.action == Action::Block { status: 413 },
            Flow::Continue => false,
        };
        assert_eq!(stopped, stops, "{count}");
    }
}

#[test]
fn matches_beyond_what_is_recorded_are_counted() {
    let limits = Limits {
        matches: 2,
        ..Limits::default()
    };
    let rules: String = (1..=5)
        .map(|id| format!("SecAction \"id:{id},phase:1,pass,log\"\n"))
        .collect();
    let plan = bounded(&rules, limits);
    let mut tx = plan.begin();
    let headers = Vec::<(Vec<u8>, Vec<u8>)>::new();
    assert_eq!(
        tx.request_head(&RequestHead::new(b"GET", b"/", &headers)),
        Flow::Continue
    );
    let told: Vec<(u64, String)> = tx
        .finish()
        .into_iter()
        .map(|found| (found.rule, found.message))
        .collect();
    let more = "3 more matches than the 2 that are recorded";
    assert_eq!(told[2], (0, more.to_owned()));
    assert_eq!((told[0].0, told[1].0, told.len()), (1, 2, 3));
}

/// Each of these takes minutes where a step of the work looks at the whole value.
#[test]
fn long_values_of_one_token_are_worked_through() {
    for token in [
        "a.`", "..", "(", "'", "/*", "<!--", "<a b=", "&#", "\\", "0x", "%u", "../", "-a", "[",
        "1 ", "\u{e9}",
    ] {
        let input = token.repeat(100_000 / token.len());
        for spec in transformations::ALL {
            let mut output = Vec::new();
            let _: bool = (spec.apply)(input.as_bytes(), &mut output);
        }
        for spec in operators::ALL {
            let _: Hit = ask(spec, example(spec), input.as_bytes());
        }
        let contains_word = operators::find("containsWord").unwrap();
        let _: Hit = ask(contains_word, &input[..50_000], input.as_bytes());
    }
}
