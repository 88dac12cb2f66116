//! `stopgap patch` as a user runs it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};

fn stopgap(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(arguments)
        .output()
        .unwrap()
}

fn document() -> String {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../patch/testdata/patches/traversal.yaml"
    );
    path.to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn lint_says_what_is_wrong_and_its_exit_status_too() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("patch.yaml");
    // Whatever the day on which this is tested.
    let text_of = std::fs::read_to_string(document()).unwrap();
    let lasting = text_of.replace("expires: 2027-", "expires: 2999-");
    assert_ne!(lasting, text_of);
    std::fs::write(&path, &lasting).unwrap();
    let good = stopgap(&["patch", "lint", path.to_str().unwrap()]);
    assert!(good.status.success(), "{}", text(&good.stdout));
    std::fs::write(&path, lasting.replace("owner:", "ower:")).unwrap();
    let output = stopgap(&["patch", "lint", "--json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["ok"], false);
    assert_eq!(told["problems"][0]["line"], 7);
    assert_eq!(told["problems"][0]["column"], 1);
    assert_eq!(stopgap(&["patch", "lint"]).status.code(), Some(2));
    assert_eq!(
        stopgap(&["patch", "lint", "/nowhere.yaml"]).status.code(),
        Some(1)
    );
}

#[test]
fn schema_and_explain_print_what_programs_read() {
    let schema = stopgap(&["patch", "schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert_eq!(schema["type"], "object");
    let explained = stopgap(&["patch", "explain", "--json", &document()]);
    let explained: serde_json::Value = serde_json::from_slice(&explained.stdout).unwrap();
    assert_eq!(explained["id"], "CVE-2024-23334");
    assert!(
        explained["rules"]
            .as_array()
            .is_some_and(|rules| rules.len() > 1)
    );
    let seclang = stopgap(&["patch", "explain", "--seclang", &document()]);
    assert!(text(&seclang.stdout).contains("SecRule REQUEST_FILENAME"));
}

#[test]
fn test_runs_cases_in_process() {
    let output = stopgap(&["patch", "test", "--json", &document()]);
    assert!(output.status.success());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["cases"][0]["action"], "block");
    assert_eq!(report["cases"][1]["action"], "pass");
    assert!(
        report["evasions"]
            .as_array()
            .is_some_and(|variants| variants.len() > 10)
    );
}

/// A server that answers every request for /etc/passwd with one, and the rest with `css`.
fn vulnerable(requests: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 4096];
            let count = stream.read(&mut bytes).unwrap();
            let body = match text(&bytes[..count]).contains("etc/passwd") {
                true => "root:x:0:0",
                false => "css",
            };
            let reply = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(reply.as_bytes()).unwrap();
        }
    });
    format!("http://{address}")
}

#[test]
fn test_against_a_live_target_tells_whether_exploits_work() {
    let url = vulnerable(4);
    let output = stopgap(&["patch", "test", &document(), "--against", &url]);
    assert_eq!(output.status.code(), Some(1), "the target is not protected");
    assert!(text(&output.stdout).contains("works (200)"));
    let output = stopgap(&[
        "patch",
        "test",
        &document(),
        "--against",
        &url,
        "--expect",
        "vulnerable",
    ]);
    assert!(output.status.success());
    let output = stopgap(&[
        "patch",
        "test",
        &document(),
        "--against",
        "http://127.0.0.1:1",
    ]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "nobody answers: the benign case fails"
    );
}

#[test]
fn a_folder_without_patches_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    for task in ["lint", "test", "explain"] {
        let output = stopgap(&["patch", task, folder.path().to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{task}");
        assert!(text(&output.stderr).contains("no .yaml or .yml file"));
    }
}

#[test]
fn what_is_imported_lints_and_what_is_not_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (sources, out) = (folder.path().join("in"), folder.path().join("out"));
    std::fs::create_dir(&sources).unwrap();
    let attack = "GET /get.php?file=../../../../etc/passwd HTTP/1.1\nHost: app\n\n";
    std::fs::write(sources.join("a.http"), attack).unwrap();
    std::fs::write(sources.join("b.http"), "GET / HTTP/1.1\nHost: app\n\n").unwrap();
    std::fs::write(sources.join("README.md"), "no source").unwrap();
    let (sources, out) = (sources.to_str().unwrap(), out.to_str().unwrap());
    let output = stopgap(&["patch", "import", "http", sources, "--out", out, "--json"]);
    assert_eq!(output.status.code(), Some(1), "b.http is no exploit");
    let lines: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["outcome"], "patch");
    assert_eq!(lines[1]["outcome"], "rejected");
    assert!(!lines[1]["reason"].as_str().unwrap().is_empty());
    assert!(text(&output.stderr).contains("1 files are not read"));
    let linted = stopgap(&["patch", "lint", out]);
    assert!(linted.status.success(), "{}", text(&linted.stdout));
}

#[test]
fn what_is_beside_a_source_is_named_as_people_gave_it() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real");
    std::fs::create_dir(&real).unwrap();
    let given = folder.path().join("given");
    std::os::unix::fs::symlink(&real, &given).unwrap();
    let rule = "SecRule ARGS \"@pmFromFile words.txt\" \"id:1,phase:2,deny\"\n";
    std::fs::write(real.join("rules.conf"), rule).unwrap();
    std::fs::write(real.join("words.txt"), [0xff]).unwrap();
    let source = given.join("rules.conf");
    let out = folder.path().join("out");
    let output = stopgap(&[
        "patch",
        "import",
        "seclang",
        source.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    let words = given.join("words.txt");
    assert!(told.contains(&words.display().to_string()), "{told}");
    assert!(!told.contains("/real/"), "{told}");
}

#[test]
fn a_record_is_merged_into_the_patch_that_was_imported() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let command = "curl --path-as-is 'http://app/get.php?file=../../../../etc/passwd'\n";
    std::fs::write(path("CVE-2026-1000.curl"), command).unwrap();
    let record = r#"{"id": "GHSA-a", "modified": "x", "aliases": ["CVE-2026-1000"]}"#;
    std::fs::write(path("record.json"), record).unwrap();
    let kev = r#"{"vulnerabilities": [{"cveID": "CVE-2026-1000"}]}"#;
    std::fs::write(path("kev.json"), kev).unwrap();
    let patch = path("CVE-2026-1000.yaml");
    for arguments in [
        vec!["curl", &path("CVE-2026-1000.curl"), "--out", &path("")],
        vec![
            "advisory",
            &path("record.json"),
            "--into",
            &patch,
            "--kev",
            &path("kev.json"),
        ],
    ] {
        let output = stopgap(&[&["patch", "import"], &arguments[..]].concat());
        assert!(
            output.status.success(),
            "{}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    }
    let merged = std::fs::read_to_string(&patch).unwrap();
    assert!(
        merged.contains("GHSA-a") && merged.contains("known_exploited: true"),
        "{merged}"
    );
    let linted = stopgap(&["patch", "lint", &patch]);
    assert!(linted.status.success(), "{}", text(&linted.stdout));

    let alone = stopgap(&[
        "patch",
        "import",
        "advisory",
        &path("record.json"),
        "--out",
        &path("out"),
    ]);
    assert_eq!(alone.status.code(), Some(1));
    assert!(text(&alone.stdout).contains("there is no request in it"));
}
