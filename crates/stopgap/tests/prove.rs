//! `stopgap patch prove` and `backtest` as a user runs them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;

fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    path.join(name).to_str().unwrap().to_owned()
}

fn stopgap(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .arg("patch")
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let errors = String::from_utf8_lossy(&output.stderr);
        panic!("{error}: {}{errors}", said(output))
    })
}

/// A server that decodes a path once, resolves `..`, and shows its secret.
fn vulnerable() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || answer(stream.unwrap()));
        }
    });
    format!("http://{address}")
}

/// The same in TLS, and the file of the authority that signs its certificate for localhost.
fn vulnerable_in_tls(folder: &Path) -> (String, String) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let authority = folder.join("authority.pem");
    std::fs::write(&authority, signed.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let stream = rustls::StreamOwned::new(session, stream.unwrap());
            std::thread::spawn(move || answer(stream));
        }
    });
    (
        format!("https://localhost:{port}"),
        authority.to_str().unwrap().to_owned(),
    )
}

fn answer(mut stream: impl Read + Write) {
    let mut bytes = [0; 128 * 1024];
    let mut length = 0;
    while !bytes[..length].windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut bytes[length..]) {
            Ok(count) if count > 0 => length += count,
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&bytes[..length]).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let path = path.replace("%2e", ".").replace("%2f", "/");
    let mut segments = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    let body = match segments.as_slice() {
        ["secret"] if path.starts_with("/static/") => "the secret",
        _ => "style",
    };
    let reply = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(reply.as_bytes());
}

struct Patch {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Patch {
    fn of(rule: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("patch.yaml");
        let text = format!(
            "stopgap: 1\nid: SHOP-2\ntitle: <b>files</b>\nseverity: high\nreason: third-party\n\
             owner: web@example.org\nexpires: 2099-01-01\nscope: {{ path: {{ prefix: /static/ }} }}\n\
             rules: [{rule}]\ncases:\n  exploit: [{{ name: up <img>, request: {{ path: /static/../secret }}, \
             success: {{ body_contains: the secret }} }}]\n  benign: [{{ name: style, request: {{ path: /static/site.css }} }}]\n"
        );
        std::fs::write(&path, text).unwrap();
        Self { folder, path }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

const GOOD: &str = "{ deny: { where: [path], when: { traversal: dot-segments } } }";
const NARROW: &str = "{ deny: { where: [uri], decode: [], when: { contains: /../ } } }";

#[test]
fn a_patch_is_proven_against_an_application_in_tls_whose_authority_is_trusted() {
    let patch = Patch::of(GOOD);
    let (url, authority) = vulnerable_in_tls(patch.folder.path());
    let target = ["prove", patch.path(), "--json", "--target", &url];
    let output = stopgap(&[&target[..], &["--authorities", &authority]].concat());
    let proof = json(&output);
    assert!(output.status.success(), "{proof}");
    assert!(proof["evasions"]["count"].as_u64().unwrap() > 10, "{proof}");

    let output = stopgap(&target);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("cannot agree on TLS with localhost"),
        "{errors}"
    );

    let output = stopgap(&[&target[..], &["--authorities", patch.path()]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("patch.yaml"), "{errors}");
    assert!(errors.contains("no certificate"), "{errors}");
}

#[test]
fn a_patch_is_proven_against_the_application_and_the_proof_is_for_it_alone() {
    let url = vulnerable();
    let patch = Patch::of(GOOD);
    let report = patch.folder.path().join("report.html");
    let report = report.to_str().unwrap();
    let output = stopgap(&[
        "prove",
        patch.path(),
        "--target",
        &url,
        "--json",
        "--report",
        report,
    ]);
    let proof = json(&output);
    assert!(output.status.success(), "{proof}");
    let evasions = &proof["evasions"];
    let number = |name: &str| evasions[name].as_u64().unwrap();
    assert!(
        number("count") > 10,
        "the server decodes and normalises: {proof}"
    );
    assert!(number("tried") > number("count"), "not all work: {proof}");
    assert_eq!(number("stopped"), number("count"));
    assert!(proof["cost"]["median_ns"].as_u64().unwrap() > 0);

    let page = std::fs::read_to_string(report).unwrap();
    assert!(page.contains("&lt;b&gt;files") && page.contains("up &lt;img&gt;"));
    assert!(
        !page.contains("<b>files") && !page.contains("<img"),
        "it is escaped"
    );
    assert!(
        !page.contains("<script") && !page.contains("src="),
        "it needs nothing else"
    );
    assert!(page.contains("<mark>"), "what matched is marked");

    let stored = patch.folder.path().join("proof.json");
    std::fs::write(&stored, &output.stdout).unwrap();
    let stored = stored.to_str().unwrap();
    let checked = stopgap(&["prove", patch.path(), "--check", stored]);
    assert!(checked.status.success(), "{}", said(&checked));
    let other = Patch::of(NARROW);
    let checked = stopgap(&["prove", other.path(), "--check", stored]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(said(&checked).contains("for another document"));
}

#[test]
fn a_variant_that_works_and_passes_is_named() {
    let url = vulnerable();
    let patch = Patch::of(NARROW);
    let output = stopgap(&["prove", patch.path(), "--target", &url]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("SHOP-2: not proven"), "{told}");
    assert!(
        told.contains("passes: up <img>, dots percent-encoded\n"),
        "{told}"
    );
    assert!(
        !told.contains("dots percent-encoded twice"),
        "it does not work: {told}"
    );
    let alone = stopgap(&["prove", patch.path(), "--depth", "1"]);
    assert!(
        alone.status.success(),
        "nobody says that they work: {}",
        said(&alone)
    );
    assert!(said(&alone).contains("no target said which of them work"));
}

#[test]
fn what_passes_on_the_target_is_what_a_patch_is_refined_with() {
    let url = vulnerable();
    let patch = Patch::of(NARROW);
    let missed = patch.folder.path().join("missed.jsonl");
    let missed = missed.to_str().unwrap();
    let prove = ["prove", patch.path(), "--target", &url, "--missed", missed];
    assert_eq!(stopgap(&prove).status.code(), Some(1));
    let refined = stopgap(&["refine", patch.path(), "--missed", missed, "--write"]);
    assert!(refined.status.success(), "{}", said(&refined));
    let proven = stopgap(&prove);
    assert!(proven.status.success(), "{}", said(&proven));
    assert_eq!(std::fs::read_to_string(missed).unwrap(), "");
    let two = stopgap(&[&prove[..], &[Patch::of(GOOD).path()]].concat());
    assert_eq!(two.status.code(), Some(2), "{}", said(&two));
}

#[test]
fn a_target_that_shows_nothing_proves_nothing() {
    let patch = Patch::of(GOOD);
    let output = stopgap(&["prove", patch.path(), "--target", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(2));
    let text = std::fs::read_to_string(&patch.path).unwrap();
    std::fs::write(
        &patch.path,
        text.replace("the secret }", "another secret }"),
    )
    .unwrap();
    let url = vulnerable();
    let output = stopgap(&["prove", patch.path(), "--target", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("it does not work on the target"));
    std::fs::write(
        &patch.path,
        text.replace("body_contains: the secret", "status: 200"),
    )
    .unwrap();
    let output = stopgap(&["prove", patch.path(), "--target", &url]);
    assert!(said(&output).contains("every benign request is answered in the same way"));
}

/// Of each file: the hits, and whether the body of the third request was recorded. Each
/// holds a style sheet, a way out of its folder, a form with another, and what is no request.
#[test]
fn traffic_is_read_in_every_format_that_people_have() {
    for (name, body) in [
        ("nginx.log", false),
        ("apache-common.log", false),
        ("envoy.log", false),
        ("modsecurity2.log", true),
        ("modsecurity3.log", true),
        ("modsecurity.json", true),
        ("session.har", true),
        ("lines.jsonl", true),
        ("raw.http", true),
    ] {
        let file = data(&format!("traffic/{name}"));
        let patch = data("traffic.yaml");
        let output = stopgap(&["backtest", &patch, "--traffic", &file, "--json"]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        let told = json(&output);
        let counts =
            ["requests", "unreadable", "concerned", "hits"].map(|each| told[each].as_u64());
        let hits = if body { 2 } else { 1 };
        assert_eq!(counts, [3, 1, 3, hits].map(Some), "{name}: {told}");
        let partial = told["partial"].as_array().unwrap();
        let form = partial.iter().find(|each| each["place"] == "form.user");
        match body {
            true => assert!(form.is_none(), "{name}: {told}"),
            // Requests without body have no form that could be missing.
            false => assert_eq!(form.unwrap()["seen"], 2, "{name}: {told}"),
        }
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.contains(&format!("{name}:")), "{name}: {errors}");
    }
}

#[test]
fn clean_traffic_bounds_false_positives_and_partial_evidence_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let line = "h - - [24/Nov/2026:10:00:00 +0000] \"POST /login HTTP/1.1\" 200 1 \"-\" \"-\"\n";
    std::fs::write(&log, line.repeat(300)).unwrap();
    let patch = data("traffic.yaml");
    let log = log.to_str().unwrap();
    let output = stopgap(&["backtest", &patch, "--traffic", log]);
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("0 of 300 recorded requests"), "{told}");
    assert!(
        told.contains("at most 1.0 % of requests like these"),
        "{told}"
    );
    assert!(told.contains("form.user was never recorded"), "{told}");
    assert!(told.contains("header.X-User was never recorded"), "{told}");
    let proof = json(&stopgap(&[
        "prove",
        &patch,
        "--depth",
        "1",
        "--json",
        "--traffic",
        log,
    ]));
    assert_eq!(proof["traffic"]["requests"], 300);
}
