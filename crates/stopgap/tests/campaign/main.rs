//! A campaign from its description to its report, on the real binary, with a program that writes
//! down what it is asked to do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod due;
mod folder;
mod mails;
mod rollback;
#[path = "../support/control.rs"]
mod side;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ledger::{Advisory, Asset, AssetKind, Environment, Severity, Subject};
use store::{By, Limits, Location, Store};

/// Longer than any of this takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Organisation {
    folder: tempfile::TempDir,
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/campaign")
        .join(name)
}

impl Organisation {
    /// A test asset, a database and the application on it; each needs both patches.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("world")).unwrap();
        let location = Location::folder(&folder.path().join("data"));
        let store = Store::open(&location, Limits::default()).unwrap();
        let by = By {
            who: "alice",
            why: "a test",
            now_ms: 1,
        };
        store
            .change(&by, |it| {
                for advisory in ["CVE-1", "CVE-2"] {
                    it.add(&Advisory::new(advisory, Severity::High))?;
                }
                for (id, environment) in [
                    ("trial", Environment::Test),
                    ("db", Environment::Production),
                    ("app", Environment::Production),
                ] {
                    let mut asset = Asset::new(id, AssetKind::Server);
                    asset.environment = Some(environment);
                    asset.owner = Some("ops@example.org".to_owned());
                    if id == "app" {
                        asset.depends_on = vec!["db".to_owned()];
                    }
                    it.add(&asset)?;
                    for advisory in ["CVE-1", "CVE-2"] {
                        it.open_finding(advisory, &Subject::Asset(id.to_owned()))?;
                    }
                }
                Ok(())
            })
            .unwrap();
        Self { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn world(&self) -> PathBuf {
        self.folder.path().join("world")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stopgap"));
        command
            .args(words)
            .arg("--data")
            .arg(self.data())
            .env("STOPGAP_WORLD", self.world())
            .env("USER", "ops@example.org")
            .env_remove("STOPGAP_DATABASE");
        command
    }

    /// The exit status, and what was written to both outputs.
    fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.command(words).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }

    fn well(&self, words: &[&str]) -> String {
        let (status, told) = self.run(words);
        assert_eq!(status, Some(0), "{words:?}: {told}");
        told
    }

    /// Whether anything runs that works on this world.
    fn has_programs(&self) -> bool {
        let world = format!("STOPGAP_WORLD={}", self.world().display());
        let mut processes = std::fs::read_dir("/proc").unwrap();
        processes.any(|process| {
            // One may have ended meanwhile, and one that has ended has no environment.
            let environment = std::fs::read(process.unwrap().path().join("environ"));
            let environment = environment.unwrap_or_default();
            let mut variables = environment.split(|byte| *byte == 0);
            variables.any(|variable| variable == world.as_bytes())
        })
    }

    fn work(&self) -> [String; 6] {
        let program = data("program.sh").display().to_string();
        ["campaign", "run", "1", "--no-wait", "--program", &program].map(str::to_owned)
    }

    /// Works until people are waited for, or the end.
    fn works(&self) -> (Option<i32>, String) {
        let words = self.work();
        self.run(&words.each_ref().map(String::as_str))
    }

    fn plan(&self) -> String {
        let file = data("december.yaml").display().to_string();
        self.well(&["campaign", "plan", &file, "--why", "the month"])
    }

    fn start_and_review(&self) {
        self.plan();
        self.well(&["campaign", "start", "1", "--why", "it is time"]);
        for ring in ["test", "production"] {
            self.well(&[
                "campaign",
                "review",
                "1",
                "--patch",
                "openssl-3.0.15",
                "--ring",
                ring,
                "--release-notes",
                "https://vendor.example/notes",
                "--known-issues",
                "none",
                "--why",
                "read",
            ]);
        }
        self.well(&[
            "campaign",
            "approve",
            "1",
            "--ring",
            "production",
            "--service",
            "shop",
            "--who",
            "shop@example.org",
            "--why",
            "fine",
        ]);
    }

    fn log(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.world().join("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    fn report(&self) -> serde_json::Value {
        let told = self.well(&["campaign", "report", "1", "--format", "json"]);
        serde_json::from_str(&told).unwrap()
    }

    /// The states of all findings, by advisory and asset.
    fn findings(&self) -> BTreeMap<(String, String), String> {
        let told = self.well(&["findings"]);
        let words = told.lines().map(|line| line.split_whitespace().collect());
        words
            .map(|it: Vec<&str>| ((it[3].to_owned(), it[4].to_owned()), it[2].to_owned()))
            .collect()
    }

    fn finding(&self, advisory: &str, asset: &str) -> String {
        let subject = format!("asset/{asset}");
        self.findings()[&(advisory.to_owned(), subject)].clone()
    }

    fn results(&self) -> BTreeMap<String, String> {
        let report = self.report();
        let results = report["results"].as_array().unwrap().iter();
        results
            .map(|it| {
                let text = |name: &str| it[name].as_str().unwrap().to_owned();
                (text("asset"), text("result"))
            })
            .collect()
    }
}

#[test]
fn a_campaign_goes_from_its_plan_to_its_report() {
    let here = Organisation::new();
    let plan = here.plan();
    assert!(
        plan.contains("openssl-3.0.15 is due 2026-02-01 because it was released 2026-01-02"),
        "{plan}"
    );
    assert!(
        plan.contains("young-1 (3 assets): it is too young"),
        "{plan}"
    );
    let status = here.well(&["campaign", "status", "1"]);
    assert!(status.contains("waits for its start"), "{status}");
    here.well(&["campaign", "start", "1", "--why", "it is time"]);
    let (code, told) = here.works();
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("waits for a review of openssl-3.0.15 for ring test"),
        "{told}"
    );
    assert!(here.log().is_empty());

    let here = Organisation::new();
    here.start_and_review();
    let (code, told) = here.works();
    assert_eq!(code, Some(0), "{told}");
    let log = here.log();
    let at = |key: &str| log.iter().position(|it| it == key).unwrap();
    let order = [
        "test/1/trial/apply",
        "test/1/trial/reboot",
        "production/ask/shop",
    ];
    // Consent was given before anybody had to be asked.
    assert!(!log.iter().any(|it| it == order[2]));
    assert!(at(order[0]) < at(order[1]));
    let order = [
        "test/1/trial/reboot",
        "production/announce/1",
        "production/1/db/hold",
        "production/1/db/check-before",
        "production/1/db/back-up",
        "production/1/db/verify-backup",
        "production/1/db/apply",
        "production/1/app/stop",
        "production/1/db/reboot",
        "production/1/app/start",
        "production/1/db/check-after",
        "production/1/db/release",
        "production/2/app/apply",
        "production/2/app/reboot",
        "production/all-clear",
        "report",
        "discard/db",
    ];
    assert!(order.map(at).is_sorted(), "{log:#?}");
    assert!(
        here.results().values().all(|it| it == "done"),
        "{:?}",
        here.results()
    );
    let listed = here.well(&["campaign", "list"]);
    assert_eq!(
        listed.split_whitespace().collect::<Vec<_>>(),
        ["1", "ended", "December"]
    );
    let report = here.report();
    assert_eq!(report["answers"][0]["word"]["who"], "shop@example.org");
    assert_eq!(report["holds"][0]["proof"], "seen");
    assert_eq!(report["learned"]["openssl-3.0.15"]["reboot"], true);
    for asset in ["trial", "db", "app"] {
        assert_eq!(here.finding("CVE-1", asset), "fixed", "{asset}");
        assert_eq!(here.finding("CVE-2", asset), "open", "{asset}");
    }
    here.well(&["audit", "verify"]);
}

#[test]
fn findings_are_scheduled_while_their_fix_is_planned_and_open_again_when_it_failed() {
    let here = Organisation::new();
    here.plan();
    here.works();
    assert_eq!(here.finding("CVE-1", "db"), "open", "nobody has started it");
    here.well(&["campaign", "start", "1", "--why", "it is time"]);
    assert_eq!(here.finding("CVE-1", "db"), "scheduled");
    here.works();
    assert_eq!(here.finding("CVE-1", "db"), "scheduled");
    assert_eq!(
        here.finding("CVE-2", "db"),
        "open",
        "its patch is too young"
    );

    let here = Organisation::new();
    std::fs::write(here.world().join("fail"), "test/1/trial/apply\n").unwrap();
    here.start_and_review();
    here.works();
    for asset in ["trial", "db", "app"] {
        assert_eq!(here.finding("CVE-1", asset), "open", "{asset}");
    }
}

#[test]
fn what_is_excepted_is_left_out_and_the_report_names_what_protects_it() {
    let here = Organisation::new();
    let line = "exceptions add --subject asset/db --other-control guards --evidence seen \
                --recheck 2999-01-31 --owner web --expires 2999-06-30 --why vendor";
    here.well(&line.split_whitespace().collect::<Vec<_>>());
    let line = "exceptions approve 1 --who bob --why agreed";
    here.well(&line.split_whitespace().collect::<Vec<_>>());
    here.start_and_review();
    let why = "exception 1 until 2999-01-31, protected by guards: seen";
    let plan = here.well(&["campaign", "show", "1"]);
    assert!(
        plan.contains(&format!("openssl-3.0.15 on db: {why}")),
        "{plan}"
    );
    here.works();
    let log = here.log();
    assert!(!log.iter().any(|it| it.ends_with("/db/apply")), "{log:#?}");
    assert_eq!(here.results()["db"], "skipped");
    assert_eq!(here.results()["app"], "done");
    let report = here.well(&["campaign", "report", "1", "--format", "csv"]);
    assert!(report.contains(why), "{report}");
    assert_eq!(here.finding("CVE-1", "db"), "excepted");
    assert_eq!(here.finding("CVE-1", "app"), "fixed");
}

#[test]
fn a_controller_killed_while_any_task_is_under_way_is_followed_by_one_that_does_none_twice() {
    let here = Organisation::new();
    here.start_and_review();
    let end = Instant::now() + PATIENCE;
    let mut killed = 0;
    // It is killed after every third task that it has begun, until none is left to be killed in.
    loop {
        assert!(Instant::now() < end, "no end: {:#?}", here.log());
        let words = here.work();
        let mut child = here
            .command(&words.each_ref().map(String::as_str))
            .env("STOPGAP_SLEEP", "0.05")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let before = here.log().len();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if here.log().len() >= before + 3 {
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        if let Some(status) = status {
            assert!(status.success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        // The program that it had called goes on to its end.
        while here.has_programs() {
            assert!(Instant::now() < end, "a program does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert!(killed >= 5, "{killed}");
    let log = here.log();
    let once: BTreeSet<&String> = log.iter().collect();
    assert_eq!(once.len(), log.len(), "{log:#?}");
    for mail in ["production/announce/1", "production/all-clear", "report"] {
        assert!(log.iter().any(|it| it == mail), "{mail}: {log:#?}");
    }
    assert!(
        here.results().values().all(|it| it == "done"),
        "{:?}",
        here.results()
    );
}

#[test]
fn a_patch_that_fails_in_the_test_region_stops_there_and_is_taken_up_by_another_campaign() {
    let here = Organisation::new();
    std::fs::write(here.world().join("fail"), "test/1/trial/apply\n").unwrap();
    here.start_and_review();
    let (code, told) = here.works();
    assert_eq!(code, Some(0), "{told}");
    let results = here.results();
    assert_eq!(results["trial"], "rolled back");
    assert_eq!((&*results["db"], &*results["app"]), ("skipped", "skipped"));
    here.well(&[
        "campaign",
        "remedy",
        "1",
        "--asset",
        "trial",
        "--owner",
        "ann@example.org",
        "--why",
        "libold is removed first",
    ]);
    let html = here.well(&["campaign", "report", "1"]);
    assert!(
        html.contains("&lt;b&gt;libold&lt;/b&gt;") && !html.contains("<b>libold"),
        "escaped"
    );
    assert!(html.contains("libold is removed first") && html.contains("<svg"));
    let csv = here.well(&["campaign", "report", "1", "--format", "csv"]);
    assert!(csv.starts_with("ring,wave,asset,patch,result,"), "{csv}");
    let file = data("december.yaml").display().to_string();
    here.well(&[
        "campaign",
        "plan",
        &file,
        "--follows",
        "1",
        "--why",
        "once more",
    ]);
    assert_eq!(here.report()["followed_by"][0], 2);
}

#[test]
fn bad_input_is_refused_with_what_to_do() {
    let here = Organisation::new();
    let file = here.folder.path().join("bad.yaml");
    let text = std::fs::read_to_string(data("december.yaml")).unwrap();
    let path = file.display().to_string();
    for (from, to, why) in [
        (
            "FREQ=DAILY",
            "FREQ=HOURLY",
            "FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY",
        ),
        (
            "Europe/Berlin",
            "Europe/Bonn",
            "is no time zone: say one like Europe/Berlin",
        ),
        (
            "  app:\n    services",
            "  ghost:\n    services",
            "there is no asset ghost in the ledger",
        ),
        ("failures: 1", "failures: many", "line 5"),
    ] {
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
        let (code, told) = here.run(&["campaign", "plan", &path, "--why", "w"]);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(why), "{told}");
    }
    let (code, told) = here.run(&["campaign", "status", "9"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("campaign 9"), "{told}");
}

/// Answers every call with a page, and tells its address.
fn vendor(page: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked).unwrap();
            let length = page.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{page}"
            )
            .unwrap();
        }
    });
    format!("http://{address}/notes")
}

#[test]
fn release_notes_are_fetched_shown_and_named_by_the_review() {
    let organisation = Organisation::new();
    organisation.plan();
    let url = vendor("<html><body><h1>OpenSSL</h1><p>Fixes <b>CVE-1</b>.</body></html>");
    let keep = |url: &str| {
        organisation.run(&[
            "campaign",
            "keep",
            "1",
            "--patch",
            "openssl-3.0.15",
            "--kind",
            "release-notes",
            "--url",
            url,
            "--why",
            "to be read",
        ])
    };
    assert_eq!(keep(&url).0, Some(0));
    let (status, told) = keep(&url);
    assert!(status == Some(2) && told.contains("kept already"), "{told}");
    let (status, told) = keep("ftp://vendor.example/notes");
    assert!(
        status == Some(2) && told.contains("write https://host/path"),
        "{told}"
    );
    let shown = organisation.well(&["campaign", "read", "1"]);
    assert!(shown.contains("OpenSSL\nFixes CVE-1."), "{shown}");
    organisation.well(&[
        "campaign",
        "review",
        "1",
        "--patch",
        "openssl-3.0.15",
        "--ring",
        "test",
        "--release-notes",
        &url,
        "--known-issues",
        "none",
        "--why",
        "read",
    ]);
    let notes: serde_json::Value =
        serde_json::from_str(&organisation.well(&["campaign", "read", "1", "--json"])).unwrap();
    let campaign: serde_json::Value =
        serde_json::from_str(&organisation.well(&["campaign", "show", "1", "--json"])).unwrap();
    let read = &campaign["reviews"][0]["read"];
    assert_eq!(read[0]["digest"], notes["notes"][0]["digest"]);
    assert_eq!(read[1]["digest"], serde_json::Value::Null);
}

#[test]
fn a_pause_is_obeyed_by_whoever_works_on_the_campaign() {
    let organisation = Organisation::new();
    organisation.start_and_review();
    let words = organisation.work();
    let mut command = organisation.command(&words.each_ref().map(String::as_str));
    let mut working = command.env("STOPGAP_SLEEP", "0.3").spawn().unwrap();
    let since = Instant::now();
    while organisation.log().is_empty() {
        assert!(since.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    organisation.well(&["campaign", "pause", "1", "--why", "something is wrong"]);
    assert_eq!(working.wait().unwrap().code(), Some(1));
    let log = organisation.log();
    assert!(
        !log.iter().any(|key| key.starts_with("production/1/")),
        "{log:?}"
    );
    let status = organisation.well(&["campaign", "status", "1"]);
    assert!(status.contains("paused: something is wrong"), "{status}");
    organisation.well(&["campaign", "resume", "1", "--why", "it was nothing"]);
    organisation.works();
    let log = organisation.log();
    assert!(
        log.iter().any(|key| key.starts_with("production/1/")),
        "{log:?}"
    );
}
