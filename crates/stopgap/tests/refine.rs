//! `stopgap patch refine` as a user runs it.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PATCH: &str = "\
stopgap: 1
id: SHOP-3
title: search takes SQL
severity: high
reason: third-party
owner: web@example.org
expires: 2099-01-01
scope: { methods: [GET], path: { exact: /search } }
# Found in the log of May.
rules:
  # What the search builds its query of.
  - deny: { where: [RULE], when: WHEN }
cases:
  exploit:
    - { name: union, request: { path: /search, query: { q: \"0 UNION SELECT name, password FROM users\" } } }
  benign:
    - { name: shoes, request: { path: /search, query: { q: red shoes } } }
";

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn of(places: &str, when: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = PATCH.replace("RULE", places).replace("WHEN", when);
        std::fs::write(folder.path().join("patch.yaml"), text).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path("patch.yaml")).unwrap()
    }

    /// Refines for a file of that content.
    fn refine(&self, option: &str, content: &str, more: &[&str]) -> Output {
        let file = self.path("input");
        std::fs::write(&file, content).unwrap();
        Command::new(env!("CARGO_BIN_EXE_stopgap"))
            .args(["patch", "refine"])
            .arg(self.path("patch.yaml"))
            .arg(option)
            .arg(&file)
            .args(more)
            .output()
            .unwrap()
    }

    fn lints(&self) -> bool {
        lints(&self.path("patch.yaml"))
    }
}

fn lints(path: &Path) -> bool {
    let mut lint = Command::new(env!("CARGO_BIN_EXE_stopgap"));
    lint.args(["patch", "lint"]).arg(path);
    lint.output().unwrap().status.success()
}

fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    format!("{}{errors}", String::from_utf8_lossy(&output.stdout))
}

/// Places, condition, option, requests, what the change is, which line it adds.
const CHANGES: &[(&str, &str, &str, &str, &str, &str)] = &[
    (
        "query.q, query.comment",
        "sql-injection",
        "--false-positive",
        "GET /search?q=shoes&comment=1%20OR%201=1 HTTP/1.1\n\n",
        "rule 1 leaves query.comment alone",
        "+",
    ),
    (
        "query",
        "{ contains: select }",
        "--false-positive",
        "GET /search?q=shoes&comment=please+select HTTP/1.1\n\n",
        "rule 1 looks only where exploits are",
        "query.q",
    ),
    (
        "query.q",
        "{ contains: union select }",
        "--missed",
        "GET /search?q=0+union%09select+1 HTTP/1.1\n\n",
        "rule 1 decodes once more",
        "whitespace",
    ),
    (
        "query.q",
        "sql-injection",
        "--missed",
        "POST /search HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\nq=0+UNION+SELECT+name+FROM+users",
        "the method POST is in the scope",
        "args.q",
    ),
    (
        "query.q",
        "sql-injection",
        "--missed",
        "GET /search/x.css?q=0+UNION+SELECT+name+FROM+users HTTP/1.1\n\n",
        "all below /search/ is in the scope",
        "/search/",
    ),
    (
        "query.q",
        "sql-injection",
        "--missed",
        "GET /find?q=0+UNION+SELECT+name+FROM+users HTTP/1.1\n\n",
        "the path /find is in the scope",
        "/find",
    ),
];

#[test]
fn the_smallest_change_is_proposed_and_written_only_when_told_to() {
    for (places, when, option, requests, reason, added) in CHANGES {
        let case = Case::of(places, when);
        let before = case.text();
        let output = case.refine(option, requests, &[]);
        let told = said(&output);
        assert!(output.status.success(), "{reason}: {told}");
        assert!(told.contains(reason), "{reason}: {told}");
        let mut lines = told.lines().filter(|line| line.starts_with('+'));
        assert!(lines.any(|line| line.contains(added)), "{added}: {told}");
        assert_eq!(case.text(), before, "nothing is written");
        assert!(case.refine(option, requests, &["--write"]).status.success());
        let after = case.text();
        assert_ne!(after, before);
        assert!(after.contains("# Found in the log of May."), "{after}");
        assert!(case.lints(), "{after}");
        let again = said(&case.refine(option, requests, &[]));
        assert!(again.contains("nothing is to be changed"), "{again}");
    }
}

/// Another endpoint is missed at one path; an application that answers on any, at many.
#[test]
fn all_paths_are_in_the_scope_only_where_many_were_missed() {
    let case = Case::of("query.q", "sql-injection");
    let text = case
        .text()
        .replace("exact: /search", "exact: /")
        .replace("path: /search,", "path: /,");
    std::fs::write(case.path("patch.yaml"), text).unwrap();
    let missed = |path: &str| format!("GET {path}?q=0+UNION+SELECT+name+FROM+users HTTP/1.1\n\n");
    let told = said(&case.refine("--missed", &missed("/index.php"), &[]));
    assert!(
        told.contains("the path /index.php is in the scope"),
        "{told}"
    );
    let many = ["/a", "/b", "/c"].map(missed).join("###\n");
    let told = said(&case.refine("--missed", &many, &[]));
    assert!(told.contains("all below / is in the scope"), "{told}");
}

#[test]
fn an_event_is_enough_for_a_false_positive() {
    let event = r#"{"version":1,"reference":"a","time_ms":1,"ingress":"g","application":"shop","client":"203.0.113.7","method":"GET","host":"shop.example","path":"/search?q=shoes","action":"block","status":403,"matches":[{"patch":"SHOP-3","rule":9000101,"phase":1,"target":"REQUEST_HEADERS:X-Note","message":"m","value":"please select","enforced":true}]}"#;
    let case = Case::of("query.q, header.X-Note", "{ contains: select }");
    let output = case.refine("--false-positive", event, &[]);
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("rule 1 leaves header.X-Note alone"), "{told}");
}

#[test]
fn no_change_is_proposed_that_would_lose_an_exploit() {
    let case = Case::of("query.q", "{ contains: select }");
    let request = "GET /search?q=please+select HTTP/1.1\n\n";
    let output = case.refine("--false-positive", request, &["--write"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("keeps every proof"));
    assert!(case.text().contains("{ contains: select }"));
    let other = "{\"version\":1}";
    let output = case.refine("--false-positive", other, &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn either_kind_of_requests_is_asked_for() {
    let case = Case::of("query.q", "sql-injection");
    let asked = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(["patch", "refine"])
        .arg(case.path("patch.yaml"))
        .output()
        .unwrap();
    assert_eq!(asked.status.code(), Some(2));
    let told = String::from_utf8(asked.stderr).unwrap();
    assert!(
        told.contains("--false-positive <FILE>...|--missed <FILE>..."),
        "{told}"
    );
}
