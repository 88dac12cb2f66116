//! What good patching takes beside the work itself, on the same hosts: what is missing, what is
//! read, what is told, what is left to do.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

use campaign::Action;
use ledger::{Asset, SoftwareKind};
use serde_json::Value;
use store::{Limits, Location, Store};

use super::Month;
use super::organisation::PROOF;

/// A host that the campaign leaves alone.
const NEVER_HELD: &str = "legacy";
/// Longer than cron waits for its next minute.
const TWO_MINUTES: Duration = Duration::from_secs(120);

impl Month {
    /// With `STOPGAP_TRANSCRIPT=FILE`, what is typed and what is said to it is written there too:
    /// that is what the documentation shows.
    pub(crate) fn record(&self, words: &[&str], said: &str) {
        let Some(file) = std::env::var_os("STOPGAP_TRANSCRIPT") else {
            return;
        };
        let folder = format!("{}/", self.folder.path().display());
        let quoted = words.iter().map(|word| match word.contains([' ', '*']) {
            true => format!("'{word}'"),
            false => (*word).to_owned(),
        });
        let line = quoted.collect::<Vec<_>>().join(" ");
        let text = format!("$ stopgap {line} --data DIR\n{said}\n").replace(&folder, "");
        let mut file = OpenOptions::new().create(true).append(true).open(file);
        file.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// What nobody has told of the hosts is listed.
    pub(crate) fn lists_what_is_missing(&self) {
        let gaps = self.well(&["inventory", "gaps"]);
        assert!(
            gaps.contains("no-backup         db  no backup is known"),
            "{gaps}"
        );
        assert!(!gaps.contains("no-owner"), "{gaps}");
    }

    /// The router told what it routes with.
    pub(crate) fn knows_its_router(&self) {
        let location = Location::folder(&self.path("data"));
        let store = Store::open_existing(&location, Limits::default()).unwrap();
        let router = store.read(|it| it.get::<Asset>("router")).unwrap();
        let says = self.on("router", "vtysh -c 'show version'");
        let mut firmware = router.value.software.iter();
        let firmware = firmware.find(|it| it.kind == SoftwareKind::Firmware);
        let firmware = firmware.unwrap();
        assert_eq!(firmware.name, "frr");
        let expected = format!("FRRouting {} (router)", firmware.version);
        assert!(says.starts_with(&expected), "{says}");
    }

    /// When each patch is due, and why; what there is to read of one; what people are told.
    pub(crate) fn explains_itself(&self, file: &str) {
        let due = self.well(&["policy", "explain", file]);
        for (patch, why) in [("office-1.1", "KEV"), ("app-1.2", "30 days")] {
            let line = due.lines().find(|line| line.contains(patch)).unwrap();
            assert!(line.contains("due ") && line.contains(why), "{line}");
        }
        let notes = self.write("notes.txt", "acme-app 1.1: names of files are checked.\n");
        let keep = ["campaign", "keep", "1", "--patch", "app-1.1"];
        let text = ["--kind", "release-notes", "--file", &notes];
        self.well(&[&keep[..], &text, &["--why", "for whoever signs"]].concat());
        let read = self.well(&["campaign", "read", "1"]);
        assert!(read.contains("names of files are checked"), "{read}");
        let notices = self.well(&["campaign", "notices", "1"]);
        for part in [
            "Do NOT shut the computer down",
            "the service desk, 555-0100",
        ] {
            assert!(notices.contains(part), "{notices}");
        }
    }

    /// Who does what about the host that failed, and the campaign that takes it up.
    pub(crate) fn takes_up_what_failed(&self, file: &str) {
        let remedy = ["campaign", "remedy", "1", "--asset", "proxy"];
        let owner = ["--owner", "web@example.org"];
        let why = "its new site answers 502: the vendor has a fix";
        self.well(&[&remedy[..], &owner, &["--why", why]].concat());
        let csv = self.well(&["campaign", "report", "1", "--format", "csv"]);
        let line = csv.lines().find(|line| line.contains("proxy-1.1")).unwrap();
        assert!(line.contains("rolled back"), "{line}");
        let again = ["campaign", "plan", file, "--follows", "1", "--dry-run"];
        let plan = self.well(&[&again[..], &["--why", "once more"]].concat());
        assert!(plan.contains("proxy"), "{plan}");
        assert!(!plan.contains("office-1.1"), "{plan}");
    }

    /// While a host's jobs were on hold its cron wrote no proof, and its table is as before. How many were written
    /// meanwhile on a host that is not on hold.
    pub(crate) fn held_cron(&self, host: &str) -> usize {
        let location = Location::folder(&self.path("data"));
        let store = Store::open_existing(&location, Limits::default()).unwrap();
        let journal = store.read(|it| it.campaign_journal(1)).unwrap();
        let of_host = || {
            let entries = journal.entries();
            entries.filter(|it| it.task.asset.as_deref() == Some(host))
        };
        let held = of_host().find_map(|it| match (&it.task.action, &it.ended) {
            (Action::Hold { .. }, Some(ended)) => Some(ended.time_ms),
            _ => None,
        });
        // The last that is done before they are released, and done once.
        let checked = of_host().filter(|it| matches!(it.task.action, Action::Check { .. }));
        let checked = checked.filter_map(|it| it.ended.as_ref().map(|ended| ended.time_ms));
        let (held, checked) = (held.unwrap(), checked.max().unwrap());
        let during = |host: &str| {
            let all = self.proofs(host);
            let during = all.iter().filter(|ms| (held..checked).contains(ms)).count();
            (during, format!("{host}: {held} to {checked}: {all:?}"))
        };
        let (ran, told) = during(host);
        assert_eq!(ran, 0, "{told}");
        let table = self.on(host, "cat /etc/cron.d/proof");
        assert_eq!(table, PROOF);
        during(NEVER_HELD).0
    }

    /// Waits until cron has run on a host that is not on hold: where it was not held it has run, too.
    pub(crate) fn lets_cron_run(&self) {
        let (before, begun) = (self.proofs(NEVER_HELD).len(), Instant::now());
        while self.proofs(NEVER_HELD).len() == before {
            assert!(begun.elapsed() < TWO_MINUTES, "cron does not run");
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// When cron has run on a host, in milliseconds.
    fn proofs(&self, host: &str) -> Vec<i64> {
        let proofs = self.on(host, "cat /var/lib/proof 2>/dev/null || true");
        let proofs = proofs.lines().map(|line| line.parse::<i64>().unwrap());
        proofs.map(|seconds| seconds * 1000).collect()
    }

    /// Hosts that cannot be asked are named, and the others are collected nevertheless; one
    /// that shows no key that is known is not asked, whatever a configuration says.
    pub(crate) fn collects_what_answers(&self) {
        let collect = |words: &[&str]| -> Value {
            let words = [&["inventory", "collect"], words].concat();
            let output = self.command(&words).arg("--json").output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            serde_json::from_slice(&output.stdout).unwrap()
        };
        let executor = self.executor();
        let told = collect(&["pc1", "gone.invalid", "--executor", &executor]);
        assert_eq!(told["assets"], 1, "{told}");
        assert_eq!(told["failed"][0]["asset"], "gone.invalid", "{told}");
        assert_eq!(told["failed"][0]["class"], "unreachable", "{told}");
        let config = std::fs::read_to_string(self.organisation.bed.ssh_config()).unwrap();
        let careless = config.replace("StrictHostKeyChecking yes", "StrictHostKeyChecking no");
        let lines = careless
            .lines()
            .map(|line| match line.contains("KnownHosts") {
                true => "  UserKnownHostsFile /dev/null\n".to_owned(),
                false => format!("{line}\n"),
            });
        let careless = self.write("careless", &lines.collect::<String>());
        let careless = format!("[ssh]\nconfig = {careless:?}\n");
        let careless = self.write("careless.toml", &careless);
        let told = collect(&["pc1", "--executor", &careless]);
        assert_eq!(told["failed"][0]["class"], "refused", "{told}");
    }
}
