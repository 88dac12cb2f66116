//! The contract of `stopgap inspect`, on the real binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const RULES: &str = r#"
SecRequestBodyAccess On
SecRule ARGS:q "@contains union select" "id:1,phase:2,deny,status:403,t:none,t:lowercase,msg:'SQL in q'"
SecRule REQUEST_URI_RAW "@rx \xff" "id:2,phase:1,deny,status:400"
SecRule RESPONSE_STATUS "@streq 500" "id:3,phase:3,deny,status:502"
SecRule REQUEST_HEADERS:x-internal "@rx ." "id:4,phase:1,strip:header:x-internal"
"#;

fn inspect(lines: &str) -> (Output, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.conf");
    std::fs::write(&rules, RULES).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args([
            "inspect", "--input", "-", "--format", "jsonl", "--json", "--rules",
        ])
        .arg(&rules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let answers = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (output, answers)
}

#[test]
fn each_line_gets_its_decision_in_the_same_order() {
    let lines = [
        json!({"id": "a", "method": "GET", "uri": "/?q=shoes"}),
        json!({"id": 2, "method": "GET", "uri": "/?q=1%20UNION%20SELECT%202"}),
        json!({"method": "POST", "uri": "/", "body": "cT11bmlvbitzZWxlY3Q=",
               "headers": [["Content-Type", "application/x-www-form-urlencoded"]]}),
        json!({"id": 4, "method": "GET", "uri": "/\u{ff}"}),
        json!({"id": 5, "method": "GET", "uri": "/", "response": {"status": 500}}),
        json!({"id": 6, "method": "GET", "uri": "/", "headers": [["X-Internal", "1"]]}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (output, answers) = inspect(&text);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        answers[0],
        json!({"id": "a", "action": "pass", "status": null, "matches": []})
    );
    assert_eq!(
        answers[1],
        json!({"id": 2, "action": "block", "status": 403, "matches": [
            {"rule": 1, "patch": null, "phase": 2, "target": "ARGS:q", "msg": "SQL in q"}]})
    );
    assert_eq!(answers[2]["action"], "block");
    assert_eq!(answers[3]["status"], 400);
    assert_eq!(
        (&answers[4]["action"], &answers[4]["status"]),
        (&json!("block"), &json!(502))
    );
    assert_eq!(answers[5]["action"], "strip");
    assert_eq!(answers.len(), 6);
}

#[test]
fn a_broken_line_is_named_and_the_rest_goes_on() {
    let (output, answers) = inspect(
        "{\"method\":\"GET\",\"uri\":\"/\"}\nnonsense\n{\"method\":\"GET\",\"uri\":\"/\u{20ac}\"}\n{\"method\":\"GET\",\"uri\":\"/\"}\n",
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(answers[0]["action"], "pass");
    assert_eq!(answers[1]["line"], 2);
    assert_eq!(answers[2]["line"], 3);
    assert!(answers[2]["error"].as_str().unwrap().contains("U+00FF"));
    assert_eq!(answers[3]["action"], "pass");
}

#[test]
fn rules_that_do_not_compile_are_named_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.conf");
    std::fs::write(&rules, "SecRule ARGS \"@contians x\" \"id:1,deny\"\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(["inspect", "--input", "-", "--rules"])
        .arg(&rules)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(
            "rules.conf:1:15: error: unknown operator `contians`; did you mean `contains`?"
        ),
        "{said}"
    );
}

/// Runs `inspect` with the patch of the traversal example.
fn with_patch(format: &str, input: &str) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    std::fs::write(&path, input).unwrap();
    let patch = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../patch/testdata/patches/traversal.yaml"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args([
            "inspect", "--patch", patch, "--json", "--format", format, "--input",
        ])
        .arg(&path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn archives_of_browsers_are_read() {
    let answers = with_patch(
        "har",
        r#"{"log": {"version": "1.2", "entries": [
            {"request": {"method": "GET", "url": "https://app/static/site.css?v=1#x", "httpVersion": "h2",
                         "headers": [{"name": ":authority", "value": "app"}]},
             "response": {"status": 200, "headers": [], "content": {"text": "", "mimeType": "text/css"}}},
            {"request": {"method": "GET", "url": "not a url"}},
            {"request": {"method": "GET", "url": "http://app/static/%2e%2e/%2e%2e/etc/passwd", "headers": []},
             "response": {"status": 0}}
        ]}}"#,
    );
    assert_eq!(answers[0]["action"], "pass");
    assert!(
        answers[1]["error"]
            .as_str()
            .unwrap()
            .contains("no absolute URL")
    );
    assert_eq!(answers[2]["action"], "block");
    assert_eq!(answers[2]["id"], 2);
    assert_eq!(answers[2]["matches"][0]["patch"], "CVE-2024-23334");
}

#[test]
fn raw_requests_are_read() {
    let answers = with_patch(
        "http",
        "GET /static/site.css HTTP/1.1\nHost: app\n\n### the attack\n\nGET /static/..%2f..%2fetc/passwd HTTP/1.1\r\nHost: app\r\n\r\n###\nnonsense\n",
    );
    assert_eq!(answers[0]["action"], "pass");
    assert_eq!(answers[1]["action"], "block");
    assert!(
        answers[2]["error"]
            .as_str()
            .unwrap()
            .contains("no request line")
    );
}
