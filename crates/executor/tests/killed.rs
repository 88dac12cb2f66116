//! A controller is killed as soon as what it does can be seen on a real host, before it could write that down; the one
//! after it does nothing twice.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use campaign::{Action, Backup, Change, Found, Hands, Means, Task};
use executor::{Config, Executor};
use ledger::{Job, JobKind};
use testbed::{Package, Repository, Testbed, ansible_playbook};

const FOLDER: &str = "CONTROLLER_FOLDER";
const PATIENCE: Duration = Duration::from_secs(60);

fn executor(folder: &Path) -> Executor {
    let text = std::fs::read_to_string(folder.join("config")).unwrap();
    let config = Config::parse(&text).unwrap();
    Executor::new(config, "monthly", &folder.join("journal")).unwrap()
}

#[test]
#[ignore = "is the controller that the other test kills"]
fn controller() {
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let task = std::fs::read(folder.join("task")).unwrap();
    let task: Task = serde_json::from_slice(&task).unwrap();
    executor(&folder).carry_out(&task).unwrap();
}

/// Is killed when it is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct World {
    bed: Testbed,
    folder: tempfile::TempDir,
}

impl World {
    /// Kills a controller when the host shows that the task is done, and lets another follow.
    fn killed_after(&self, key: &str, action: Action, is_done: impl Fn() -> bool) {
        let task = Task {
            key: key.to_owned(),
            ring: "test".to_owned(),
            asset: Some("db".to_owned()),
            action,
        };
        let folder = self.folder.path();
        std::fs::write(folder.join("task"), serde_json::to_vec(&task).unwrap()).unwrap();
        let mut command = self.bed.command(std::env::current_exe().unwrap());
        command
            .args(["--exact", "controller", "--ignored"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let controller = Killed(command.spawn().unwrap());
        let begun = Instant::now();
        while !is_done() {
            assert!(begun.elapsed() < PATIENCE, "{key} is not done");
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(controller);
        // It may have been quicker than the kill.
        let _ = std::fs::remove_file(folder.join("journal").join(format!("done-{key}")));
        let next = executor(folder);
        if next.inspect(&task, 0).unwrap() == Found::Undone {
            next.carry_out(&task).unwrap();
        }
    }

    fn count(&self, file: &Path) -> usize {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().count()
    }
}

#[test]
fn what_a_killed_controller_has_done_on_a_host_is_not_done_again() {
    let bed = Testbed::start(&["db"]).unwrap();
    let repository = Repository::start(&bed).unwrap();
    let offer = |version| {
        let package = Package {
            name: "greeter",
            version,
            program: "true",
            after: "",
        };
        repository.offer(&package).unwrap();
    };
    offer("1.0");
    bed.on("db", "apt-get -q update && apt-get -qy install greeter")
        .unwrap();
    offer("1.1");
    let folder = tempfile::tempdir().unwrap();
    let (take, _) = bed.snapshots().unwrap();
    let taken = folder.path().join("taken");
    let line = format!(
        "echo >>{}; exec {} db kept",
        taken.display(),
        take.display()
    );
    let config = format!(
        "[ssh]\nconfig = {:?}\n[ansible]\nplaybook = {:?}\n[backups.snapshot]\ntake = [\"sh\", \"-c\", {line:?}]\n\
         verify = [\"false\"]\nrestore = [\"false\"]\ndiscard = [\"false\"]\n",
        bed.ssh_config(),
        ansible_playbook().unwrap(),
    );
    std::fs::write(folder.path().join("config"), config).unwrap();
    bed.enter().unwrap();
    let world = World { bed, folder };
    let bed = &world.bed;
    let upper = bed.folder().join("db/upper");

    let backup = Backup {
        name: "kept".to_owned(),
        provider: "snapshot".to_owned(),
        keep_days: 1,
    };
    let kept = bed.folder().join("snapshots/db-kept");
    world.killed_after("back-up", Action::BackUp(backup), || kept.exists());
    assert_eq!(world.count(&taken), 1);

    let changes = vec![Change {
        patch: "greeter-1.1".to_owned(),
        means: Means::Packages {
            names: vec!["greeter=1.1".to_owned()],
        },
    }];
    let upgrades = || {
        let log = std::fs::read_to_string(upper.join("var/log/dpkg.log")).unwrap();
        let of_greeter = |what: &str| log.lines().filter(|it| it.contains(what)).count();
        [
            of_greeter(" upgrade greeter:"),
            of_greeter(" status installed greeter:all 1.1"),
        ]
    };
    world.killed_after("apply", Action::Apply { changes }, || upgrades()[1] > 0);
    assert_eq!(upgrades(), [1, 1]);

    let boots = bed.boots("db").unwrap();
    let reboot = Action::Reboot { timeout_ms: 60_000 };
    world.killed_after("reboot", reboot, || bed.boots("db").unwrap() > boots);
    assert_eq!(bed.boots("db").unwrap(), boots + 1);

    let late = Job {
        name: "late".to_owned(),
        kind: JobKind::Cron,
        schedule: "0 4 * * *".to_owned(),
        command: "echo >> /var/late".to_owned(),
        file: Some("/etc/cron.d/late".to_owned()),
        user: Some("root".to_owned()),
        must_not_be_skipped: true,
    };
    bed.write(
        "db",
        "/etc/cron.d/late",
        "0 4 * * * root echo >> /var/late\n",
    )
    .unwrap();
    let table = upper.join("etc/cron.d/late");
    let is_held = || std::fs::read_to_string(&table).is_ok_and(|it| it.starts_with("#held"));
    let hold = Action::Hold {
        jobs: vec![late.clone()],
        automatic_updates: false,
    };
    world.killed_after("hold", hold, is_held);
    assert!(is_held());
    let release = Action::Release {
        jobs: vec![late.clone()],
        run: vec![late],
        automatic_updates: false,
    };
    let ran = upper.join("var/late");
    world.killed_after("release", release, || ran.exists());
    assert_eq!(world.count(&ran), 1);
    assert!(!is_held());
}
