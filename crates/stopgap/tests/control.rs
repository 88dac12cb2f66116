//! The contract of `stopgap control` and `stopgap token`, on the real binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/control.rs"]
mod side;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use side::Control;

fn stopgap(words: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stopgap"));
    command
        .args(words)
        .arg("--data")
        .arg(data)
        .env_remove("STOPGAP_DATABASE");
    command
}

fn run(words: &[&str], data: &Path) -> Output {
    stopgap(words, data).output().unwrap()
}

#[test]
fn the_ledger_is_served_to_whoever_has_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let control = Control::start(&data, &[]);
    let add = [
        "token",
        "add",
        "ann",
        "--of",
        "ann@example.org",
        "--role",
        "operator",
        "--who",
        "root",
        "--why",
        "first",
    ];
    let made = run(&add, &data);
    assert!(made.status.success(), "{made:?}");
    let secret = String::from_utf8(made.stdout).unwrap();
    let secret = secret.trim();
    let advisory = r#"{"id":"CVE-1","title":"A flaw","severity":"high"}"#;
    assert_eq!(
        control.call("POST /api/v1/advisories", secret, advisory).0,
        201
    );
    assert_eq!(control.call("GET /api/v1/advisories", "x", "").0, 401);
    assert_eq!(control.call("GET /api/v1/tokens", secret, "").0, 403);
    control.stop();

    // What was acknowledged is there for the next one, and the log tells who did it.
    let control = Control::start(&data, &[]);
    let (status, body) = control.call("GET /api/v1/advisories/CVE-1", secret, "");
    assert!(status == 200 && body.contains("A flaw"), "{body}");
    let (_, log) = control.call("GET /api/v1/audit?subject=advisory/CVE-1", secret, "");
    assert!(log.contains("ann@example.org"), "{log}");
    let revoke = ["token", "revoke", "ann", "--who", "root", "--why", "lost"];
    assert!(run(&revoke, &data).status.success());
    assert_eq!(
        control.call("GET /api/v1/advisories/CVE-1", secret, "").0,
        401
    );
    control.stop();
    assert!(run(&["audit", "verify"], &data).status.success());
}

#[test]
fn tokens_do_not_travel_without_tls() {
    let folder = tempfile::tempdir().unwrap();
    let refused = run(&["control", "--listen", "0.0.0.0:0"], folder.path());
    assert_eq!(refused.status.code(), Some(2));
    let complained = String::from_utf8(refused.stderr).unwrap();
    assert!(complained.contains("without TLS"), "{complained}");
}

#[test]
fn the_key_that_signs_is_made_once_and_rotated_by_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    Control::start(&data, &[]).stop();
    let keys = || -> serde_json::Value {
        let listed = run(&["control", "key", "list", "--json"], &data);
        serde_json::from_slice(&listed.stdout).unwrap()
    };
    let first = keys()["keys"][0].clone();
    assert_eq!(first["state"], "signs");
    Control::start(&data, &[]).stop();
    assert_eq!(keys()["keys"], serde_json::json!([first]));
    let rotate = [
        "control", "key", "rotate", "--who", "root", "--why", "yearly",
    ];
    let next = run(&rotate, &data);
    assert!(next.status.success(), "{next:?}");
    let next = String::from_utf8(next.stdout).unwrap();
    let again = run(&rotate, &data);
    assert_eq!(again.status.code(), Some(2), "a rotation is under way");
    // Nobody has joined who would have to know it first.
    let control = Control::start(&data, &[]);
    while keys()["keys"][0]["id"] != next.trim() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    control.stop();
    std::fs::remove_file(data.join(format!("keys/{}.key", next.trim()))).unwrap();
    let lost = run(&["control", "--listen", "127.0.0.1:0"], &data);
    let complained = String::from_utf8(lost.stderr).unwrap();
    assert!(complained.contains("bring its file here"), "{complained}");
}

/// Words as they are typed; the document and its proof are files.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn a_patch_is_rolled_out_and_back_by_commands() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let control = Control::start(&data, &[]);
    let said = |text: &str, code: i32| -> String {
        let output = run(&words(text), &data);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}: {said}");
        said
    };
    let secret = said("token add a --of a --role viewer --who root --why first", 0);
    // What production enforces; it follows the ledger by itself.
    let enforced = |wanted: &str| {
        for _ in 0..500 {
            let (_, body) = control.call("GET /api/v1/bundles", secret.trim(), "");
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            let content = &body["items"][0]["content"][0];
            if body["items"][0]["environment"] == "production" && content["stage"] == wanted {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        unreachable!("production does not come to {wanted}");
    };
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/shop/path-traversal.yaml");
    let mut prove = Command::new(env!("CARGO_BIN_EXE_stopgap"));
    let proven = prove
        .args(["patch", "prove", "--json", document])
        .output()
        .unwrap();
    let proof = folder.path().join("proof");
    std::fs::write(&proof, &proven.stdout).unwrap();
    let proof = proof.display();
    let start = "rollout start SHOP-2026-002 --environment production --who ann --why flaw";
    assert!(
        said(start, 2).contains("--proof"),
        "nothing starts without a proof"
    );
    said(&format!("{start} --document {document} --proof {proof}"), 0);
    said("rollout promote 1 --who ann --why seen", 0);
    enforced("shadow");
    said("rollout promote 1 --who ann --why seen", 0);
    enforced("canary");
    let back = said("rollback --who ann --why complaints", 0);
    assert!(
        back.contains("shadow") && back.contains("rolled back"),
        "{back}"
    );
    enforced("shadow");
    let paused = said("rollout promote 1 --who ann --why again", 2);
    assert!(paused.contains("paused"), "{paused}");
    said("rollout resume 1 --who ann --why mended", 0);
    let alone = said("rollout emergency 1 --who ann --why exploited", 2);
    assert!(alone.contains("somebody other"), "{alone}");
    said("rollout approve 1 --who bob --why looked", 0);
    said("rollout emergency 1 --who ann --why exploited", 0);
    enforced("enforce");
    let shown: serde_json::Value = serde_json::from_str(&said("rollout show 1 --json", 0)).unwrap();
    assert_eq!(shown["value"]["stage"], "enforce");
    let listed = said("rollout list --stage enforce", 0);
    assert!(listed.contains("SHOP-2026-002"), "{listed}");
    let log = said("audit verify", 0);
    assert!(log.contains("holds"), "{log}");
    control.stop();
}

#[test]
fn an_ingress_point_is_given_leave_and_put_out_by_commands() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let enrol = words("ingress enrol edge --environment production --who root --why new");
    let token = run(&enrol, &data);
    assert!(token.stdout.starts_with(b"stopgap."), "{token:?}");
    assert!(run(&["ingress", "list"], &data).stdout.is_empty());
    let again = words("ingress enrol edge --environment production --who root --why lost --json");
    let told: serde_json::Value = serde_json::from_slice(&run(&again, &data).stdout).unwrap();
    assert_eq!(told["ingress"], "edge");
    let nobody = run(&words("ingress revoke edge --who root --why gone"), &data);
    assert_eq!(nobody.status.code(), Some(2));
    let elsewhere = words("ingress enrol edge --environment test --who root --why new");
    let refused = run(&elsewhere, &data);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn people_are_let_in_and_put_out_by_commands() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let with_password = |line: &str, password: &str| {
        let mut typed = stopgap(&words(line), &data)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = typed.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, format!("{password}\n").as_bytes()).unwrap();
        drop(input);
        typed.wait_with_output().unwrap()
    };
    let add = "user add ann --role operator --who root --why new";
    let short = with_password(add, "too short");
    let complained = String::from_utf8(short.stderr).unwrap();
    assert!(complained.contains("12 to 256 bytes"), "{complained}");
    assert!(with_password(add, "correct horse battery").status.success());
    let control = Control::start(&data, &[]);
    let form = "name=ann&password=correct+horse+battery";
    assert_eq!(control.call("POST /sign-in", "", form).0, 303);
    let change = "user password ann --who root --why lost";
    assert!(
        with_password(change, "another horse, another battery")
            .status
            .success()
    );
    assert_eq!(control.call("POST /sign-in", "", form).0, 401);
    let listed = String::from_utf8(run(&words("user list"), &data).stdout).unwrap();
    assert!(listed.contains("ann  operator"), "{listed}");
    let changed = run(
        &words("user change ann --role viewer --who root --why less"),
        &data,
    );
    assert!(changed.status.success(), "{changed:?}");
    let listed = String::from_utf8(run(&words("user list"), &data).stdout).unwrap();
    assert!(listed.contains("ann  viewer"), "{listed}");
    for (more, areas) in [
        ("--area findings", serde_json::json!(["findings"])),
        ("", serde_json::json!(["findings"])),
        ("--everywhere", serde_json::json!([])),
    ] {
        let change = format!("user change {more} ann --role viewer --who root --why less");
        assert!(run(&words(&change), &data).status.success(), "{change}");
        let listed = run(&words("user list --json"), &data).stdout;
        let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
        assert_eq!(listed["users"][0]["areas"], areas, "{change}");
    }
    let removed = run(&words("user remove ann --who root --why left"), &data);
    assert!(removed.status.success(), "{removed:?}");
    let restored = run(&words("user restore ann --who root --why back"), &data);
    let why = String::from_utf8(restored.stderr).unwrap();
    assert!(why.contains("needs a new password"), "{why}");
    control.stop();
}

/// A call of the API that changes the ledger, as `data/parity.toml` says.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Ways {
    #[serde(default)]
    commands: Vec<String>,
    no_command: Option<String>,
    form: Option<String>,
    no_form: Option<String>,
}

#[test]
fn whatever_changes_the_ledger_is_a_command_and_a_form_of_the_console() {
    let table: BTreeMap<String, Ways> = toml::from_str(include_str!("data/parity.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let control = Control::start(&folder.path().join("data"), &[]);
    let (_, described) = control.call("GET /api/v1/openapi.json", "", "");
    let described: Value = serde_json::from_str(&described).unwrap();
    let paths = described["paths"].as_object().unwrap().values();
    let calls = paths.flat_map(|path| path.as_object().unwrap());
    let changing = calls.filter(|(method, _)| ["post", "put", "delete"].contains(&method.as_str()));
    let names: BTreeSet<&str> = changing
        .map(|(_, call)| call["operationId"].as_str().unwrap())
        .collect();
    let told: BTreeSet<&str> = table.keys().map(String::as_str).collect();
    assert_eq!(told, names);

    // What nobody may without having signed in is there nevertheless; what only shows takes no form.
    let takes = |form: &str| {
        let call = format!("POST {}", form.replace("{id}", "1"));
        !matches!(control.call(&call, "", "").0, 404 | 405)
    };
    assert!(!takes("/findings") && !takes("/nothing"));
    let mut helped = BTreeSet::new();
    for (name, ways) in &table {
        assert!(
            ways.commands.is_empty() == ways.no_command.is_some(),
            "{name}"
        );
        assert!(ways.form.is_none() == ways.no_form.is_some(), "{name}");
        if let Some(form) = &ways.form {
            assert!(takes(form), "{name}: {form}");
        }
        for command in ways.commands.iter().filter(|it| helped.insert(it.as_str())) {
            let words = command.split(' ').chain(["--help"]);
            let help = Command::new(env!("CARGO_BIN_EXE_stopgap"))
                .args(words)
                .output();
            let help = help.unwrap();
            let text = String::from_utf8(help.stdout).unwrap();
            let usage = format!("Usage: stopgap {command} ");
            assert!(
                help.status.success() && text.contains(&usage),
                "{name}: {command}"
            );
        }
    }
    control.stop();
}
