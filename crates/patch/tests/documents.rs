//! Documents as people write them: what is understood, what is refused and how.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::{Input, Limits, NoResources};
use patch::{Level, Request, Source};

fn read(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/");
    std::fs::read_to_string(format!("{folder}{name}")).unwrap()
}

fn today() -> jiff::civil::Date {
    "2026-11-24".parse().unwrap()
}

#[test]
fn the_documents_of_the_test_data_lint() {
    for name in ["traversal", "every-rule"] {
        let source = Source::parse(name, &read(&format!("patches/{name}.yaml")))
            .unwrap_or_else(|problem| panic!("{problem}"));
        let errors: Vec<String> = patch::lint(&source, today())
            .iter()
            .filter(|problem| problem.level == Level::Error)
            .map(ToString::to_string)
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn a_patch_that_would_stop_every_large_upload_is_warned_of() {
    let document = |scope: &str, body: &str, place: &str| {
        format!(
            "stopgap: 1\nid: x\ntitle: x\nseverity: low\nreason: third-party\nowner: a\nexpires: 2027-01-31\n{scope}{body}rules:\n  - deny: {{ where: [{place}], when: {{ contains: evil }} }}\ncases:\n  exploit: [{{ name: a, request: \"GET /?q=evil HTTP/1.1\\nHost: app\\nX-A: evil\\n\\n\" }}]\n  benign: [{{ name: b, request: \"GET /?q=good HTTP/1.1\\nHost: app\\n\\n\" }}]\n"
        )
    };
    let path = "scope: { path: { prefix: / } }\n";
    let partial = "body: { oversize: partial }\n";
    for (scope, body, place, warned) in [
        ("", "", "args.q", true),
        (path, "", "args.q", false),
        ("", partial, "args.q", false),
        ("", "", "header.X-A", false),
    ] {
        let source = Source::parse("x.yaml", &document(scope, body, place)).unwrap();
        let problems = patch::lint(&source, today());
        let mut problems = problems.iter().map(ToString::to_string);
        let found = problems.any(|problem| problem.contains("are answered 413"));
        assert_eq!(found, warned, "{scope}{body}{place}");
    }
}

/// What is written reads as the same, whatever bytes a request holds.
#[test]
fn a_document_that_is_written_reads_as_itself() {
    let odd = [
        "GET /?a=%00 HTTP/1.1\nHost: app\n\n",
        "POST / HTTP/1.1\r\nHost: app\r\nX: # no comment\r\n\r\n  two spaces\n\n\n",
        "POST / HTTP/1.1\nHost: app\n\n- a: 'b'\n\t\"{}\u{1}\u{7f}\u{85}\u{2028}ä\u{feff}",
        "POST / HTTP/1.1\nHost: app\n\n\n\n  leading",
        "POST / HTTP/1.1\nHost: app\n\n--- \n...\n%YAML\n",
    ];
    for name in ["traversal", "every-rule"] {
        let mut document = Source::parse(name, &read(&format!("patches/{name}.yaml")))
            .unwrap()
            .document;
        for raw in odd {
            let mut case = document.cases.exploit[0].clone();
            case.value.name = format!("{raw:?}");
            case.value.request = patch::document::RequestForm::Raw(raw.to_owned());
            document.cases.value.exploit.push(case);
        }
        document.title.value = "yes: 'no' #\u{2} 1e3".to_owned();
        let written = document
            .to_yaml(&["made of: x\ny\u{7}".to_owned()])
            .unwrap();
        let again =
            Source::parse(name, &written).unwrap_or_else(|problem| panic!("{problem}\n{written}"));
        assert_eq!(again.document, document, "{written}");
    }
}

#[derive(serde::Deserialize)]
struct Errors {
    case: Vec<Wrong>,
}

#[derive(serde::Deserialize)]
struct Wrong {
    name: String,
    from: String,
    to: String,
    line: u32,
    column: Option<u32>,
    says: String,
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let good = read("patches/traversal.yaml");
    let errors: Errors = toml::from_str(&read("errors.toml")).unwrap();
    for wrong in errors.case {
        assert!(
            good.contains(&wrong.from),
            "{}: nothing to change",
            wrong.name
        );
        let text = good.replacen(&wrong.from, &wrong.to, 1);
        let problems = match Source::parse("p.yaml", &text) {
            Ok(source) => patch::lint(&source, today()),
            Err(problem) => vec![problem],
        };
        let told = problems.iter().any(|problem| {
            problem.level == Level::Error
                && problem.line == wrong.line
                && wrong.column.is_none_or(|column| problem.column == column)
                && problem.message.contains(&wrong.says)
        });
        assert!(told, "{}: {problems:#?}", wrong.name);
    }
}

/// The SecLang that `explain` prints does what the document does, scope included.
#[test]
fn explained_rules_decide_as_the_document_does() {
    for name in ["traversal", "every-rule"] {
        let source = Source::parse(name, &read(&format!("patches/{name}.yaml"))).unwrap();
        let explained = patch::explain(&source).unwrap();
        let rules = seclang::parse("explained", &explained.seclang, &seclang::Limits::default())
            .unwrap_or_else(|error| panic!("{error}\n{}", explained.seclang));
        let input = Input {
            rules: vec![rules],
            patches: Vec::new(),
        };
        let plan = engine::compile(&input, Limits::default(), &NoResources)
            .unwrap_or_else(|error| panic!("{error}\n{}", explained.seclang));
        let cases = &source.document.cases;
        let cases = cases
            .exploit
            .iter()
            .map(|case| (true, case))
            .chain(cases.benign.iter().map(|case| (false, case)));
        for (exploit, case) in cases {
            let request = Request::of(&case.request).unwrap();
            let verdict = request.exchange("shop").inspect(&plan);
            assert_eq!(
                verdict.decision.is_some(),
                exploit,
                "{name}, {}: {verdict:#?}",
                case.name
            );
        }
    }
}

/// Where servers drop what a path ends with, so do the rules that are exported.
#[test]
fn explained_rules_concern_the_paths_that_the_document_does() {
    for (scope, target, concerned) in [
        ("exact: /login", "/login", true),
        ("exact: /login", "/LOGIN/", true),
        ("exact: /login", "/login.%20/", true),
        ("exact: /login", "/login.json", true),
        ("exact: /login", "/login.xml/", true),
        ("exact: /login", "/login%00.png", true),
        ("exact: /login", "/login%00/../x", true),
        ("exact: /login", "/login;jsessionid=1", true),
        ("exact: /login", "/login;a=1/", true),
        ("exact: /login", "/login.foo", true),
        ("exact: /login", "/login::$DATA", true),
        ("exact: /login", "/login/.js", false),
        ("exact: /login", "/login.a.b", false),
        ("exact: /login", "/logins", false),
        ("exact: /login", "/login/x", false),
        ("exact: /login", "/login.verylongname", false),
        ("exact: /login", "/x/login.json", false),
        ("suffix: /login", "/x/login.json", true),
        ("suffix: /login", "/x/login.json/y", false),
        ("suffix: .php", "/a.PHP/x/y.txt", true),
        ("suffix: .php", "/a.php%00.png", true),
        ("suffix: .php", "/a.php.txt", false),
        ("suffix: .php", "/a.phpx/b", false),
        ("exact: /run.cgi", "/run.cgi/x", true),
        ("exact: /run.py", "/run.py/x", true),
        ("exact: /a.html", "/a.html/x", false),
    ] {
        let text = document("query.q", "present").replace(
            "rules:",
            &format!("scope: {{ path: {{ {scope} }} }}\nrules:"),
        );
        let source = Source::parse("t", &text).unwrap();
        let enforced = patch::prove::plan(&source, &patch::compile(&source).unwrap()).unwrap();
        let explained = patch::explain(&source).unwrap().seclang;
        let input = Input {
            rules: vec![seclang::parse("t", &explained, &seclang::Limits::default()).unwrap()],
            patches: Vec::new(),
        };
        let exported = engine::compile(&input, Limits::default(), &NoResources).unwrap();
        let raw = format!("GET {target}?q=1 HTTP/1.1\nHost: a\n\n");
        let request = Request::from_raw(raw.as_bytes()).unwrap();
        for (plan, name) in [(&enforced, "enforced"), (&exported, "exported")] {
            let stopped = request.exchange("").inspect(plan).decision.is_some();
            assert_eq!(stopped, concerned, "{name}: {scope}, {target}\n{explained}");
        }
    }
}

/// A server that has a route for what is written so drops nothing of it.
#[test]
fn paths_with_patches_of_their_own_are_left_to_them() {
    let text = document("query.q", "present").replace(
        "rules:",
        "scope: { path: { exact: /report, except: '/report\\.(?:xml|json)' } }\nrules:",
    );
    let source = Source::parse("t", &text).unwrap();
    let plan = patch::prove::plan(&source, &patch::compile(&source).unwrap()).unwrap();
    for (target, stopped) in [
        ("/report", true),
        ("/report/", true),
        ("/report.json/", true),
        ("/report;.json", true),
        ("/report%00.json", true),
        ("/report.json", false),
        ("/report%2exml", false),
    ] {
        let raw = format!("GET {target}?q=1 HTTP/1.1\nHost: a\n\n");
        let request = Request::from_raw(raw.as_bytes()).unwrap();
        let verdict = request.exchange("").inspect(&plan);
        assert_eq!(verdict.decision.is_some(), stopped, "{target}");
    }
    let shown = patch::explain(&source).unwrap().to_string();
    assert!(
        shown.contains(r"but not paths: /report\.(?:xml|json)"),
        "{shown}"
    );
    for (from, to, says) in [
        (
            "  - deny:",
            "  - seclang: SecAction \"id:1,phase:1,pass\"\n  - deny:",
            "does not reach into rules written in SecLang",
        ),
        ("(?:xml", "(?:(xml", "does not compile"),
    ] {
        let source = Source::parse("t", &text.replace(from, to)).unwrap();
        let problem = patch::compile(&source).unwrap_err();
        assert!(problem.message.contains(says), "{problem}");
        assert_eq!(problem.line, 5, "{problem}");
    }
}

/// `/static/` may be served from a folder of another name, beside one called `static`.
#[test]
fn a_path_that_leaves_its_prefix_and_comes_back_by_name_is_stopped() {
    let source = Source::parse("traversal", &read("patches/traversal.yaml")).unwrap();
    let plan = patch::prove::plan(&source, &patch::compile(&source).unwrap()).unwrap();
    let stopped = |target: &str| {
        let text = format!("GET {target} HTTP/1.1\nHost: app\n\n");
        let request = Request::from_raw(text.as_bytes()).unwrap();
        request.exchange("").inspect(&plan).decision.is_some()
    };
    for target in [
        "/static/../static/key.pem",
        "/static/css/../../static/key.pem",
        "/static/..%2f..%2fsrv%2fstatic%2fkey.pem",
        "/static/%252e%252e/STATIC",
        // One segment where a backslash is a letter, two where it is a slash.
        "/static/a%5cb/../../key.pem",
        "/static/a%5c../../key.pem",
    ] {
        assert!(stopped(target), "{target}");
    }
    for target in ["/static/css/../site.css", "/static/css/../statics.css"] {
        assert!(!stopped(target), "{target}");
    }
}

/// Which of two types counts is another question on every server.
#[test]
fn a_body_of_two_types_is_stopped_where_bodies_are_looked_at() {
    let stopped = |place: &str, header: &str| {
        let rule = format!("where: {place}, when: {{ contains: x }}");
        let text = read("patches/traversal.yaml")
            .replace(
                "where: [path], decode: [url, url, backslash], when: { traversal: outside-prefix }",
                &rule,
            )
            .replace("methods: [GET, HEAD], ", "")
            .replace("body: { inspect: none }", "");
        let source = Source::parse("two types", &text).unwrap();
        let plan = patch::prove::plan(&source, &patch::compile(&source).unwrap()).unwrap();
        let request = "POST /static/ HTTP/1.1\nHost: app\nContent-Type: text/plain\n\nb=1";
        let mut request = Request::from_raw(request.as_bytes()).unwrap();
        assert_eq!(request.exchange("").inspect(&plan).status(), None);
        let second = "application/x-www-form-urlencoded";
        request.headers.push((header.into(), second.into()));
        request.exchange("").inspect(&plan).status()
    };
    for header in ["content-type", "Content_Type"] {
        assert_eq!(stopped("[query.a, form.b]", header), Some(400), "{header}");
        assert_eq!(stopped("[query.a]", header), None, "{header}");
    }
    assert_eq!(stopped("[query.a, form.b]", "Content-Language"), None);
}

/// Other engines know no such anomaly.
#[test]
fn bodies_of_two_types_are_stopped_by_rules_where_patches_are_exported() {
    let source = Source::parse("every rule", &read("patches/every-rule.yaml")).unwrap();
    let rules = patch::explain(&source).unwrap().seclang;
    for header in ["Content-Type \"@gt 1\"", "Content_Type \"@gt 0\""] {
        let target = format!("&REQUEST_HEADERS:{header}");
        assert!(rules.contains(&target), "{rules}");
    }
}

/// What other engines cannot ask is said, not left out in silence.
#[test]
fn a_rule_that_no_other_engine_has_is_told_where_patches_are_exported() {
    let source = Source::parse("t", &document("body", "deserialization")).unwrap();
    let rules = patch::explain(&source).unwrap().seclang;
    assert!(
        rules.contains("asks for pickles, which SecLang cannot name"),
        "{rules}"
    );
    assert!(!rules.contains("@detectPickle"), "{rules}");
}

#[derive(serde::Deserialize)]
struct Detectors {
    detector: Vec<Detected>,
}

#[derive(serde::Deserialize)]
struct Detected {
    when: String,
    attacks: Vec<String>,
    benign: Vec<String>,
}

fn document(place: &str, when: &str) -> String {
    format!(
        "stopgap: 1\nid: T\ntitle: t\nseverity: low\nrules:\n  - deny: {{ where: [{place}], when: {when} }}\n"
    )
}

#[test]
fn detectors_find_attacks_and_let_prose_pass() {
    let table: Detectors = toml::from_str(&read("detectors.toml")).unwrap();
    let mut wrong = Vec::new();
    for row in &table.detector {
        let source = Source::parse("t", &document("query.v", &row.when)).unwrap();
        let compiled = patch::compile(&source).unwrap();
        let plan = patch::prove::plan(&source, &compiled).unwrap();
        let values = row
            .attacks
            .iter()
            .map(|value| (value, "block"))
            .chain(row.benign.iter().map(|value| (value, "pass")));
        for (value, expected) in values {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let raw = format!("GET /?v={encoded} HTTP/1.1\nHost: a\n\n");
            let request = Request::from_raw(raw.as_bytes()).unwrap();
            let verdict = request.exchange("").inspect(&plan);
            if verdict.action() != expected {
                wrong.push(format!("{}: {value:?} should {expected}", row.when));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Applications decode cookies, or they do not, whatever other places a rule names.
#[test]
fn base64_in_cookies_is_looked_into_also_where_it_is_percent_encoded() {
    for place in ["cookie.s", "cookie.s, credentials", "cookie.s, query.q"] {
        let text = document(place, "{ contains: <?> }, decode: [base64]");
        let source = Source::parse("t", &text).unwrap();
        let plan = patch::prove::plan(&source, &patch::compile(&source).unwrap()).unwrap();
        for (value, action) in [
            ("PD8+eA==", "block"),
            ("PD8%2BeA%3D%3D", "block"),
            ("PD94", "pass"),
        ] {
            let raw = format!("GET / HTTP/1.1\nHost: a\nCookie: s={value}\n\n");
            let request = Request::from_raw(raw.as_bytes()).unwrap();
            let verdict = request.exchange("").inspect(&plan);
            assert_eq!(verdict.action(), action, "{place}: {value}");
        }
    }
}

/// Marks of objects are short; large files hold any short thing somewhere.
#[test]
fn uploads_hold_no_objects_by_chance() {
    let source = Source::parse("t", &document("body", "deserialization")).unwrap();
    let compiled = patch::compile(&source).unwrap();
    let plan = patch::prove::plan(&source, &compiled).unwrap();
    // Knuth's MMIX generator, as good as noise.
    let mut seed = 1_u64;
    let mut noise = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    for round in 0..8 {
        let bytes: Vec<u8> = (0..700_000).map(|_| noise()).collect();
        let lines: Vec<String> = bytes
            .chunks(57)
            .map(|line| BASE64_STANDARD.encode(line))
            .collect();
        for (kind, body) in [
            ("application/octet-stream", bytes.clone()),
            ("text/plain", lines.join("\r\n").into_bytes()),
        ] {
            let head = format!("POST / HTTP/1.1\nHost: a\nContent-Type: {kind}\n\n");
            let request = Request::from_raw(&[head.as_bytes(), &body].concat()).unwrap();
            let verdict = request.exchange("").inspect(&plan);
            assert_eq!(verdict.action(), "pass", "{kind} {round}: {verdict:?}");
        }
    }
}

#[test]
fn document_types_are_found_in_bodies_of_any_media_type() {
    let source = Source::parse("t", &document("body", "xxe")).unwrap();
    let compiled = patch::compile(&source).unwrap();
    let plan = patch::prove::plan(&source, &compiled).unwrap();
    for (body, action) in [
        (
            "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
            "block",
        ),
        ("<? xml ?><! DOCTYPE a>", "block"),
        ("<a>the doctype of this document</a>", "pass"),
    ] {
        for kind in ["text/xml", "application/soap+xml", "text/plain"] {
            let raw = format!("POST / HTTP/1.1\nHost: a\nContent-Type: {kind}\n\n{body}");
            let request = Request::from_raw(raw.as_bytes()).unwrap();
            let verdict = request.exchange("").inspect(&plan);
            assert_eq!(verdict.action(), action, "{kind}: {body}");
        }
    }
}

/// The published schema and the reader agree: what the schema lists can be read.
#[test]
fn the_schema_names_every_field_that_a_document_may_have() {
    let schema = patch::schema();
    let fields = schema["properties"].as_object().unwrap();
    for field in [
        "stopgap",
        "id",
        "title",
        "severity",
        "vulnerability",
        "reason",
        "owner",
        "expires",
        "effect",
        "limits",
        "scope",
        "body",
        "rules",
        "cases",
    ] {
        assert!(fields.contains_key(field), "{field}");
    }
    assert_eq!(fields.len(), 14);
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}
