//! A host of RPMs: what it runs is collected, its updates are applied and taken back by dnf, and its own automatic
//! ones wait meanwhile.
//!
//! Its programs are a Debian's from which dpkg and apt are taken away; rpm, dnf, its package database and its
//! repository are real.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use campaign::{
    Action, Change, Check, Class, Done, Failure, Found, Hands, Means, Probe, Retreat, Task,
};
use executor::{Config, Executor};
use ledger::Asset;
use store::{Limits, Location, Store};
use testbed::{RpmRepository, Testbed, ansible_playbook};

const HOST: &str = "el";

/// How long a host may take to update itself, and how often it is looked whether it has.
const PATIENCE: Duration = Duration::from_secs(120);
const GLANCE: Duration = Duration::from_millis(200);

struct World {
    bed: Testbed,
    folder: tempfile::TempDir,
}

impl World {
    fn start() -> Self {
        let bed = Testbed::start(&["vendor", HOST]).unwrap();
        bed.enter().unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self { bed, folder }
    }

    fn on(&self, line: &str) -> String {
        self.bed.on(HOST, line).unwrap().trim().to_owned()
    }

    fn updates_itself_to(&self, expected: &str) {
        let begun = Instant::now();
        while self.on("rpm -q greeter") != expected {
            let log = || self.on("journalctl -u dnf-automatic.service | tail -40");
            assert!(begun.elapsed() < PATIENCE, "{}", log());
            std::thread::sleep(GLANCE);
        }
    }

    fn config(&self) -> String {
        format!(
            "[ssh]\nconfig = {:?}\n[ansible]\nplaybook = {:?}\n",
            self.bed.ssh_config(),
            ansible_playbook().unwrap()
        )
    }

    /// As after a crash: it knows what is in the folder.
    fn executor(&self) -> Executor {
        let config = Config::parse(&self.config()).unwrap();
        Executor::new(config, "monthly", &self.folder.path().join("journal")).unwrap()
    }

    /// The host asked what it runs, and what the ledger says of it then.
    fn collected(&self) -> Asset {
        let config = self.folder.path().join("executor.toml");
        std::fs::write(&config, self.config()).unwrap();
        let (config, data) = (
            config.display().to_string(),
            self.folder.path().join("data"),
        );
        let words = [
            "inventory",
            "collect",
            HOST,
            "--apply",
            "--executor",
            &config,
        ];
        stopgap(&[&words[..], &["--why", "a test"]].concat(), &data);
        let location = Location::folder(&data);
        let store = Store::open_existing(&location, Limits::default()).unwrap();
        store.read(|it| it.get::<Asset>(HOST)).unwrap().value
    }

    fn carry_out(&self, key: &str, action: Action) -> Result<Done, Failure> {
        self.executor().carry_out(&task(key, action))
    }
}

fn stopgap(words: &[&str], data: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stopgap"));
    command.args(words).arg("--data").arg(data);
    command.env("USER", "ann").env_remove("STOPGAP_DATABASE");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn task(key: &str, action: Action) -> Task {
    Task {
        key: key.to_owned(),
        ring: "test".to_owned(),
        asset: Some(HOST.to_owned()),
        action,
    }
}

fn changes(patch: &str, names: &[&str]) -> Vec<Change> {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    vec![Change {
        patch: patch.to_owned(),
        means: Means::Packages { names },
    }]
}

#[test]
fn updates_of_rpms_are_applied_and_taken_back_and_automatic_ones_wait() {
    let world = World::start();
    let repository = RpmRepository::start(&world.bed, "vendor").unwrap();
    let greeter = |version: &str, program: &str, more: &str| {
        let spec = include_str!("data/rpm/greeter.spec");
        let spec = spec.replace("VERSION", version).replace("PROGRAM", program);
        repository.offer(&spec.replace("MORE", more)).unwrap();
    };
    let base = |version: &str| {
        let spec = include_str!("data/rpm/acme-base.spec");
        repository.offer(&spec.replace("VERSION", version)).unwrap();
    };
    greeter("0.9", "echo early", "Epoch: 1");
    base("1.0");
    repository.adopt(HOST).unwrap();
    world.on("dnf -qy install greeter acme-base");
    // What is of this package takes effect after a restart.
    let conf = "/etc/dnf/plugins/needs-restarting.d/acme.conf";
    world.bed.write(HOST, conf, "acme-base\n").unwrap();
    world.on("sed -i 's/^apply_updates = no/apply_updates = yes/' /etc/dnf/automatic.conf");
    for (unit, text) in [("service", AUTOMATIC), ("timer", EVERY_SECOND)] {
        let path = format!("/etc/systemd/system/dnf-automatic.{unit}");
        world.bed.write(HOST, &path, text).unwrap();
    }
    // It was installed just now, and is what the host has started with.
    world.bed.cut_power(HOST).unwrap();
    world.on("systemctl daemon-reload; systemctl enable --now dnf-automatic.timer");
    // Where nobody holds it, the host updates itself.
    greeter("1.0", "echo hello", "Epoch: 1");
    world.updates_itself_to("greeter-1.0-1.noarch");

    let words = ["token", "add", "ops", "--of", "ops", "--role", "admin"];
    let data = world.folder.path().join("data");
    stopgap(&[&words[..], &["--why", "the beginning"]].concat(), &data);
    let asset = world.collected();
    assert_eq!(asset.os.as_ref().unwrap().id, "acme");
    let mut purls: Vec<&str> = asset
        .software
        .iter()
        .filter_map(|it| it.purl.as_deref())
        .collect();
    purls.sort_unstable();
    let expected = [
        "pkg:rpm/acme/acme-base@1.0-1?arch=noarch&distro=acme-9&upstream=acme-base-1.0-1.src.rpm",
        "pkg:rpm/acme/greeter@1:1.0-1?arch=noarch&distro=acme-9&upstream=greeter-1.0-1.src.rpm",
    ];
    assert_eq!(purls, expected);
    let by: Vec<(&str, bool)> = asset
        .auto_updates
        .iter()
        .map(|it| (it.by.as_str(), it.on))
        .collect();
    assert_eq!(by, [("dnf-automatic", true)]);
    assert!(!asset.reboot.unwrap().needed);

    let timer = || world.on("systemctl is-active dnf-automatic.timer || true");
    assert_eq!(timer(), "active");
    let hold = Action::Hold {
        jobs: Vec::new(),
        automatic_updates: true,
    };
    world.carry_out("hold", hold).unwrap();
    assert_eq!(timer(), "inactive");
    greeter("1.1", "echo good day", "Epoch: 1");
    greeter("1.2", "exit 3", "Epoch: 1");
    greeter("1.3", "true", "Epoch: 1\nRequires: what-nobody-has");
    greeter("1.4", "true", "Epoch: 1\nConflicts: acme-base");
    base("1.1");
    let says = |expected: &str| assert_eq!(world.on("greeter"), expected);
    says("hello");

    let good = changes("greeter-1.1", &["greeter=1:1.1-1"]);
    let apply = |changes: &[Change]| Action::Apply {
        changes: changes.to_vec(),
    };
    let back = |changes: &[Change]| Action::RollBack {
        retreat: Retreat::Downgrade {},
        changes: changes.to_vec(),
    };
    let found = world
        .executor()
        .inspect(&task("good", apply(&good)), 0)
        .unwrap();
    assert_eq!(found, Found::Undone);
    let done = world.carry_out("good", apply(&good)).unwrap();
    assert!(
        done.evidence.contains("greeter 1:1.1-1"),
        "{}",
        done.evidence
    );
    assert!(!done.reboot_needed && !done.rebooted);
    says("good day");
    // A controller that was gone before it could write: the packages themselves tell.
    std::fs::remove_dir_all(world.folder.path().join("journal")).unwrap();
    let found = world
        .executor()
        .inspect(&task("good", apply(&good)), 0)
        .unwrap();
    assert!(matches!(found, Found::Done(_)), "{found:?}");

    // A bad one, with one that wants a restart: the check fails, and the versions of before come back.
    let bad = changes("greeter-1.2", &["greeter=1:1.2-1", "acme-base=1.1-1"]);
    let done = world.carry_out("bad", apply(&bad)).unwrap();
    assert!(done.reboot_needed, "{}", done.evidence);
    assert!(world.collected().reboot.unwrap().needed);
    let smoke = || Action::Check {
        checks: vec![Check {
            name: "greets".to_owned(),
            probe: Probe::Command {
                arguments: vec!["greeter".to_owned()],
            },
            timeout_ms: 2000,
        }],
    };
    assert_eq!(
        world.carry_out("smoke", smoke()).unwrap_err().class,
        Class::Check
    );
    world.carry_out("back", back(&bad)).unwrap();
    says("good day");
    assert_eq!(world.on("rpm -q acme-base"), "acme-base-1.0-1.noarch");
    world.carry_out("smoke", smoke()).unwrap();

    // One that cannot be installed, and one that nobody offers.
    for (version, class) in [
        ("1.3", Class::Conflict),
        ("1.4", Class::Conflict),
        ("9.9", Class::Source),
    ] {
        let name = format!("greeter=1:{version}-1");
        let failure = world
            .carry_out(version, apply(&changes(version, &[&name])))
            .unwrap_err();
        assert_eq!(failure.class, class, "{}", failure.excerpt);
        says("good day");
    }

    // dnf would take it, but nobody could see afterwards that it is there.
    let bare = changes("greeter-bare", &["greeter=1.1"]);
    let failure = world.carry_out("bare", apply(&bare)).unwrap_err();
    let told = "greeter=1.1 names no release: write NAME=[EPOCH:]VERSION-RELEASE";
    assert!(failure.excerpt.contains(told), "{}", failure.excerpt);

    // Released, its own updates go on.
    let jobs = Vec::new();
    let release = Action::Release {
        jobs,
        run: Vec::new(),
        automatic_updates: true,
    };
    let done = world.carry_out("release", release).unwrap();
    assert!(
        done.evidence.contains("released dnf-automatic.timer"),
        "{}",
        done.evidence
    );
    assert_eq!(timer(), "active");
    world.updates_itself_to("greeter-1.2-1.noarch");
}

/// As dnf-automatic is started where a distribution has units for it.
const AUTOMATIC: &str = "[Service]\nType=oneshot\nExecStart=/usr/bin/python3 -c \
    'from dnf.automatic.main import main; main([\"/etc/dnf/automatic.conf\"])'\n";
const EVERY_SECOND: &str =
    "[Timer]\nOnCalendar=*:*:*\nAccuracySec=100ms\n[Install]\nWantedBy=timers.target\n";
