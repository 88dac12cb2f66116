//! Metrics, the alerts and the dashboard that name them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::site;
use crate::support::PATIENCE;
use crate::up::{Up, run};

/// What one scrape told.
struct Scrape {
    text: String,
    /// By name and labels, as they stand there.
    samples: BTreeMap<String, f64>,
    /// The metrics that are there, also those without a sample yet.
    names: BTreeSet<String>,
}

fn scrape(address: SocketAddr) -> Scrape {
    let answer = site::get(address, "/metrics");
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(head.contains("version=0.0.4"), "{head}");
    let (mut samples, mut names) = (BTreeMap::new(), BTreeSet::new());
    for line in text.lines() {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            names.insert(told.split(' ').next().unwrap().to_owned());
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let before = samples.insert(series.to_owned(), value.parse().unwrap());
            assert!(before.is_none(), "{series} is there twice");
        }
    }
    let text = text.to_owned();
    Scrape {
        text,
        samples,
        names,
    }
}

impl Scrape {
    fn of(&self, series: &str) -> f64 {
        let found = self.samples.get(series).copied();
        found.unwrap_or_else(|| panic!("no {series} in\n{}", self.text))
    }
}

/// Prometheus' own tool finds nothing to complain of.
fn promtool(words: &[&str], input: &str) {
    let mut tool = Command::new("promtool")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = tool.stdin.take().unwrap();
    to.write_all(input.as_bytes()).unwrap();
    drop(to);
    let done = tool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "promtool {words:?}: {said}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The metrics that a file names.
fn named(file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("stopgap_"));
    ours.map(|word| word.trim_end_matches("_bucket").to_owned())
        .collect()
}

#[test]
fn every_role_tells_what_alerts_and_dashboard_ask() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let more = [
        "--sample",
        "--admin",
        "127.0.0.1:0",
        "--gateway-admin",
        "127.0.0.1:0",
    ];
    let up = Up::start(&data, site::application(), &more);
    let address = || up.logged("health and metrics on http://").parse().unwrap();
    let (control, gateway): (SocketAddr, SocketAddr) = (address(), address());
    for (address, path) in [
        (control, "/-/live"),
        (control, "/-/ready"),
        (gateway, "/-/ready"),
    ] {
        assert!(
            site::get(address, path).starts_with("HTTP/1.1 200"),
            "{path}"
        );
    }
    assert!(site::get(control, "/api/v1/tokens").starts_with("HTTP/1.1 404"));

    // Its own gateway has taken the newest bundle, not only those of the example.
    let newest = "stopgap_newest_bundle_number{environment=\"production\"}";
    let end = Instant::now() + PATIENCE;
    while scrape(gateway).of("stopgap_bundle_number") < scrape(control).of(newest).max(1.0) {
        assert!(Instant::now() < end, "{}", scrape(gateway).text);
        std::thread::sleep(Duration::from_millis(50));
    }
    up.list("findings");
    let (told, of_gateway) = (scrape(control), scrape(gateway));
    for text in [&told.text, &of_gateway.text] {
        promtool(&["check", "metrics"], text);
    }
    let here = &told.names | &of_gateway.names;
    for file in [
        "deploy/prometheus/alerts.yaml",
        "deploy/grafana/stopgap.json",
    ] {
        let missing = &named(file) - &here;
        assert!(missing.is_empty(), "{file} names {missing:?}");
    }

    for (series, value) in [
        (
            "stopgap_rollouts{environment=\"production\",stage=\"enforce\"}",
            2.0,
        ),
        (
            "stopgap_rollouts{environment=\"production\",stage=\"canary\"}",
            1.0,
        ),
        (
            "stopgap_rollouts{environment=\"test\",stage=\"enforce\"}",
            0.0,
        ),
        (
            "stopgap_api_requests_total{method=\"GET\",route=\"/api/v1/findings\",status=\"200\"}",
            1.0,
        ),
        (
            "stopgap_api_request_seconds_count{method=\"GET\",route=\"/api/v1/findings\"}",
            1.0,
        ),
        ("stopgap_changes_total{action=\"rollout.demote\"}", 0.0),
        ("stopgap_owed_proofs{due=\"overdue\"}", 0.0),
    ] {
        assert!(
            (told.of(series) - value).abs() < 0.1,
            "{series}\n{}",
            told.text
        );
    }
    let findings = told
        .samples
        .iter()
        .filter(|(series, _)| series.starts_with("stopgap_findings"));
    let findings: f64 = findings.map(|(_, count)| count).sum();
    assert!((findings - up.list("findings").len() as f64).abs() < 0.1);
    assert!((of_gateway.of("stopgap_bundle_number") - told.of(newest)).abs() < 0.1);
    assert!(told.of("stopgap_ledger_bytes") > 10_000.0);
    assert!(told.of("stopgap_due_lag_seconds") < 60.0);

    // What another process does counts too.
    let data = data.to_str().unwrap();
    let demote = [
        "rollout", "demote", "1", "--who", "op", "--why", "a test", "--data", data,
    ];
    run(&demote);
    let told = scrape(control);
    assert!(told.of("stopgap_changes_total{action=\"rollout.demote\"}") > 0.5);
    let enforced = told.of("stopgap_rollouts{environment=\"production\",stage=\"enforce\"}");
    assert!((enforced - 1.0).abs() < 0.1, "{enforced}");
    // Whoever asks for what is not there adds one series, not many.
    for path in ["/no-such-path", "/api/v1/nothing"] {
        site::get(up.place("api"), path);
    }
    let lost = "stopgap_api_requests_total{method=\"GET\",route=\"\",status=\"404\"}";
    assert!((scrape(control).of(lost) - 2.0).abs() < 0.1);
}

#[test]
fn alerts_come_when_they_must() {
    let alerts = root().join("deploy/prometheus/alerts.yaml");
    promtool(&["check", "rules", alerts.to_str().unwrap()], "");
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/alerts.yaml");
    promtool(&["test", "rules", cases.to_str().unwrap()], "");
}
