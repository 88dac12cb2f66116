//! A month's campaign on real hosts: from what there is to the report, by a controller that is
//! killed at every step.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod organisation;
mod practices;
mod shield;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use organisation::{HOSTS, Organisation};
use serde_json::{Value, json};
use shield::Shield;
use testbed::{MailServer, ansible_playbook};

/// Longer than the month takes here, also beside other work.
const PATIENCE: Duration = Duration::from_secs(900);

/// What a host that is on hold does while nobody looks after it.
const WHILE_HELD: &str = "production/1/db/apply";

struct Month {
    organisation: Organisation,
    folder: tempfile::TempDir,
}

impl Month {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    /// A command on the ledger, on the hosts' network.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.organisation.bed.command(env!("CARGO_BIN_EXE_stopgap"));
        command
            .args(words)
            .arg("--data")
            .arg(self.path("data"))
            .env("USER", "ops@example.org")
            .env_remove("STOPGAP_DATABASE");
        command
    }

    fn well(&self, words: &[&str]) -> String {
        self.fed(words, "")
    }

    /// A command that need not do well.
    fn attempt(&self, words: &[&str]) {
        let output = self.command(words).output().unwrap();
        let said = [output.stderr, output.stdout].concat();
        self.record(words, &String::from_utf8_lossy(&said));
    }

    fn fed(&self, words: &[&str], input: &str) -> String {
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
        let told = String::from_utf8(output.stdout).unwrap();
        self.record(words, &format!("{said}{told}"));
        told
    }

    /// What there is: a list of the hosts, then what each of them says of itself.
    fn take_stock(&self) {
        // The first token makes the ledger.
        let words = ["token", "add", "ops", "--of", "ops", "--role", "admin"];
        self.well(&[&words[..], &["--why", "the beginning"]].concat());
        let list = self.write("hosts.yaml", INVENTORY);
        let words = [
            "inventory",
            "import",
            "ansible",
            &list,
            "--complete",
            "--apply",
        ];
        self.well(&[&words[..], &["--why", "the list"]].concat());
        self.collect();
        self.lists_what_is_missing();
        let osv = json!({
            "id": "CVE-2026-9001", "modified": "2026-11-20T00:00:00Z", "summary": "acme-office runs macros",
            "affected": [{
                "package": { "ecosystem": "Debian:12", "name": "acme-office" },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "1.1" }] }],
            }],
        });
        let kev = json!({
            "title": "Known exploited", "catalogVersion": "1", "dateReleased": "2026-11-21T00:00:00Z", "count": 1,
            "vulnerabilities": [{
                "cveID": "CVE-2026-9001", "vendorProject": "Acme", "product": "Office",
                "vulnerabilityName": "Acme Office macros", "dateAdded": "2026-11-21",
                "shortDescription": "runs macros", "requiredAction": "update", "dueDate": "2026-12-12",
                "knownRansomwareCampaignUse": "Unknown", "notes": "", "cwes": [],
            }],
        });
        let flaw = json!({
            "id": "CVE-2024-23334", "modified": "2026-11-20T00:00:00Z", "summary": "acme-app shows any file",
            "affected": [{
                "package": { "ecosystem": "Debian:12", "name": "acme-app" },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "1.1" }] }],
            }],
        });
        let flaw = self.write("flaw.json", &flaw.to_string());
        self.well(&["advisory", "import", "osv", &flaw, "--why", "news"]);
        let osv = self.write("osv.json", &osv.to_string());
        let kev = self.write("kev.json", &kev.to_string());
        self.well(&["advisory", "import", "osv", &osv, "--why", "news"]);
        self.well(&["advisory", "import", "kev", &kev, "--why", "news"]);
        self.well(&["advisory", "match", "--why", "news"]);
    }

    fn collect(&self) {
        let (list, executor) = (self.path("hosts.yaml"), self.executor());
        let list = list.display().to_string();
        let hosts = ["inventory", "collect", "--inventory", &list];
        let words = ["--executor", &executor, "--complete", "--apply"];
        self.well(&[&hosts[..], &words, &["--why", "collected"]].concat());
    }

    fn well_bare(&self, words: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
            .args(words)
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    fn executor(&self) -> String {
        let bed = &self.organisation.bed;
        let (take, restore) = bed.snapshots().unwrap();
        let kept = format!("{}/snapshots/{{asset}}-{{backup}}", bed.folder().display());
        let text = format!(
            "[ssh]\nconfig = {:?}\n[ansible]\nplaybook = {:?}\n\
             [mail]\nserver = \"smtp://10.77.0.1:2525\"\nfrom = \"patching@example.org\"\n\
             [backups.snapshot]\ntake = [{take:?}, \"{{asset}}\", \"{{backup}}\"]\n\
             verify = [\"test\", \"-d\", \"{kept}/etc\"]\nrestore = [{restore:?}, \"{{asset}}\", \"{{backup}}\"]\n\
             discard = [\"rm\", \"-rf\", \"{kept}\"]\n",
            bed.ssh_config(),
            ansible_playbook().unwrap(),
        );
        self.write("executor.toml", &text)
    }

    /// Plans it, and says all that people have to say.
    fn prepare(&self) -> String {
        let days = |days: u64| {
            let then = SystemTime::now() - Duration::from_secs(days * 86_400);
            let seconds = then.duration_since(UNIX_EPOCH).unwrap().as_secs();
            let output = Command::new("date")
                .args(["-u", "+%F", "-d", &format!("@{seconds}")])
                .output();
            String::from_utf8(output.unwrap().stdout)
                .unwrap()
                .trim()
                .to_owned()
        };
        let text = DESCRIPTION
            .replace("LONG_AGO", &days(60))
            .replace("LATELY", &days(5));
        let file = self.write("month.yaml", &text);
        let plan = self.well(&["campaign", "plan", &file, "--why", "the month"]);
        self.explains_itself(&file);
        // No test region has a proxy, a router or a workstation.
        for (patch, more) in [
            ("proxy-1.1", &[][..]),
            ("router-1.1", &["--reboot"]),
            ("office-1.1", &[]),
        ] {
            let words = ["campaign", "evidence", "1", "--patch", patch];
            let told = ["--provider", "Acme", "--why", "their release notes"];
            self.well(&[&words[..], &told, more].concat());
        }
        for patch in [
            "app-1.1",
            "base-1.1",
            "proxy-1.1",
            "router-1.1",
            "office-1.1",
        ] {
            for ring in ["test", "production"] {
                let words = ["campaign", "review", "1", "--patch", patch, "--ring", ring];
                let read = [
                    "--release-notes",
                    "read",
                    "--known-issues",
                    "none",
                    "--why",
                    "fine",
                ];
                // A ring that the patch does not go to needs no review.
                self.attempt(&[&words[..], &read].concat());
            }
        }
        self.well(&["campaign", "start", "1", "--why", "it is time"]);
        for ring in ["test", "production"] {
            let words = [
                "campaign",
                "approve",
                "1",
                "--ring",
                ring,
                "--service",
                "shop",
            ];
            // The test region needs nobody's consent.
            self.attempt(&[&words[..], &["--who", "shop@example.org", "--why", "fine"]].concat());
        }
        plan
    }

    /// Works on it, with a controller that dies each time that it has begun something new.
    fn work(&self) -> BTreeSet<String> {
        let executor = self.executor();
        let (begun, mut killed) = (Instant::now(), BTreeSet::new());
        let mut told = Vec::new();
        loop {
            assert!(
                begun.elapsed() < PATIENCE,
                "{}",
                self.well(&["campaign", "status", "1"])
            );
            let mut child = self
                .command(&["campaign", "run", "1", "--no-wait", "--executor", &executor])
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(child.stderr.take().unwrap()).lines();
            let mut said = Vec::new();
            for line in lines.map_while(Result::ok) {
                said.push(line.clone());
                told.push(line.clone());
                let key = line.split_once("begins: ").map(|(_, key)| key.to_owned());
                let Some(key) = key.filter(|key| killed.insert(key.clone())) else {
                    continue;
                };
                child.kill().unwrap();
                if key == WHILE_HELD {
                    self.lets_cron_run();
                }
                break;
            }
            let status = child.wait().unwrap();
            // None: it was killed.
            if let Some(code) = status.code() {
                let status = self.well(&["campaign", "status", "1"]);
                assert_eq!(code, 0, "{status}\n{}", said.join("\n"));
                let words = [
                    "campaign",
                    "run",
                    "1",
                    "--no-wait",
                    "--executor",
                    "executor.toml",
                ];
                self.record(&words, &told.join("\n"));
                return killed;
            }
        }
    }

    fn on(&self, host: &str, line: &str) -> String {
        self.organisation
            .bed
            .on(host, line)
            .unwrap()
            .trim()
            .to_owned()
    }
}

#[test]
fn a_month_goes_from_what_there_is_to_the_report() {
    let month = Month {
        organisation: Organisation::start(),
        folder: tempfile::tempdir().unwrap(),
    };
    let bed = &month.organisation.bed;
    let mail = MailServer::start(bed).unwrap();
    month.organisation.publish();
    month.take_stock();
    let shield = Shield::start(&month);
    let plan = month.prepare();
    assert!(
        plan.contains(
            "app-1.1 on legacy: exception 1 until 2999-01-31, protected by virtual patch"
        ),
        "{plan}"
    );
    assert!(
        plan.contains("app-1.2") && plan.contains("too young"),
        "{plan}"
    );
    Shield::asks_the_application(&month, false);
    let killed = month.work();
    assert!(killed.len() > 30, "{killed:#?}");

    let report = month.well(&["campaign", "report", "1", "--format", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let results = report["results"].as_array().unwrap().iter();
    let results: BTreeMap<(&str, &str), &str> = results
        .map(|it| {
            let text = |name: &str| it[name].as_str().unwrap();
            ((text("asset"), text("patch")), text("result"))
        })
        .collect();
    let expected = [
        (("app", "app-1.1"), "done"),
        (("app", "base-1.1"), "done"),
        (("db", "base-1.1"), "done"),
        (("legacy", "app-1.1"), "skipped"),
        (("pc1", "office-1.1"), "done"),
        (("pc2", "office-1.1"), "done"),
        (("proxy", "proxy-1.1"), "rolled back"),
        (("router", "router-1.1"), "done"),
        (("testapp", "app-1.1"), "done"),
        (("testapp", "base-1.1"), "done"),
    ];
    assert_eq!(results, BTreeMap::from(expected), "{report:#}");
    let remedies = report["remedies"].as_array().unwrap();
    assert!(
        remedies.iter().any(|it| it["asset"] == "proxy"),
        "{report:#}"
    );

    // The hosts say the same, and everything works.
    let version = |host: &str, package: &str| {
        month.on(host, &format!("dpkg-query -W -f '${{Version}}' {package}"))
    };
    for (host, package, expected) in [
        ("app", "acme-app", "1.1"),
        ("app", "acme-base", "1.1"),
        ("db", "acme-base", "1.1"),
        ("pc1", "acme-office", "1.1"),
        ("proxy", "acme-proxy", "1.0"),
        ("legacy", "acme-app", "1.0"),
    ] {
        assert_eq!(version(host, package), expected, "{package} on {host}");
    }
    assert_eq!(month.on("pc1", "curl -s http://proxy/"), "orders: 42");
    assert!(
        month
            .on("router", "nft list ruleset")
            .contains("table inet filter")
    );
    // Its routing came back after the restart, too.
    let way = month.on("router", "ip route get 192.0.2.9");
    assert!(way.contains("via 10.77.0.13"), "{way}");
    month.knows_its_router();

    // Nothing was done twice: no installation, no restart, no mail.
    for (host, package) in [
        ("app", "acme-app"),
        ("db", "acme-base"),
        ("pc2", "acme-office"),
    ] {
        let count = format!("grep -c ' upgrade {package}:' /var/log/dpkg.log");
        assert_eq!(month.on(host, &count), "1", "{package} on {host}");
    }
    let boots = |host: &str| bed.boots(host).unwrap();
    let restarted = HOSTS.iter().map(|host| (*host, boots(host)));
    let expected = [
        ("testapp", 2),
        ("db", 2),
        ("app", 2),
        // Its backup was restored.
        ("proxy", 2),
        ("router", 2),
        ("pc1", 1),
        ("pc2", 1),
        ("legacy", 1),
    ];
    assert_eq!(restarted.collect::<Vec<_>>(), expected);
    let started = |host: &str| {
        let file = bed.folder().join(host).join("boots");
        std::fs::metadata(file).unwrap().modified().unwrap()
    };
    assert!(started("testapp") < started("db") && started("db") < started("app"));
    let mails = mail.mails().unwrap();
    let ids: BTreeSet<&str> = mails
        .iter()
        .filter_map(|mail| mail.lines().find(|line| line.starts_with("Message-ID:")))
        .collect();
    assert!(ids.len() > 2, "{mails:#?}");
    assert!(mails.iter().any(|mail| mail.contains("BEGIN:VCALENDAR")));

    // A job that was held did not run meanwhile, and runs again.
    let beats = month.on("db", "cat /var/lib/beat");
    let beats: Vec<i64> = beats.lines().map(|line| line.parse().unwrap()).collect();
    let pause = beats
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap();
    assert!(pause >= 5, "{beats:?}");
    let now: i64 = month.on("db", "date +%s").parse().unwrap();
    assert!(now - beats.last().unwrap() < 20);

    let held = ["testapp", "db", "app", "proxy"].map(|host| month.held_cron(host));
    assert!(held.iter().sum::<usize>() > 0, "cron would not have run");
    month.takes_up_what_failed(&month.path("month.yaml").display().to_string());

    // Somebody lets a workstation update itself again.
    let findings = || month.well(&["findings", "--state", "open", "--json"]);
    month.collect();
    assert!(!findings().contains("inventory:auto-update"));
    month.on(
        "pc2",
        "printf 'APT::Periodic::Unattended-Upgrade \"1\";\\nAPT::Periodic::Update-Package-Lists \"1\";\\n' \
         > /etc/apt/apt.conf.d/20auto-upgrades; systemctl enable --now apt-daily-upgrade.timer",
    );
    month.collect();
    assert!(
        findings().contains("inventory:auto-update"),
        "{}",
        findings()
    );

    month.collects_what_answers();

    // What cannot be patched stays so only while its virtual patch is live.
    let fixed = month.well(&["findings", "--state", "fixed"]);
    for asset in ["app", "testapp"] {
        let found = format!("CVE-2024-23334  asset/{asset}\n");
        assert!(fixed.contains(&found), "{fixed}");
    }
    Shield::asks_the_application(&month, true);
    shield.falls(&month);
    month.well(&["audit", "verify"]);
    assert!(Path::new(&month.path("data")).is_dir());
}

const INVENTORY: &str = include_str!("../data/month/hosts.yaml");
const DESCRIPTION: &str = include_str!("../data/month/month.yaml");
