//! Each task does on real hosts what it says, and is found done, or not, by whoever comes after a crash.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::{Duration, Instant};

use campaign::{
    Action, Backup, Change, Check, Class, Found, Hands, Mail, Means, Probe, Retreat, Task,
};
use executor::{Config, Executor};
use ledger::{Job, JobKind};
use testbed::{MailServer, Package, Repository, Testbed, ansible_playbook};

struct World {
    bed: Testbed,
    config: Config,
    folder: tempfile::TempDir,
}

impl World {
    fn new(hosts: &[&str]) -> Self {
        let bed = Testbed::start(hosts).unwrap();
        let (take, restore) = bed.snapshots().unwrap();
        let text = format!(
            r#"
            [ssh]
            config = {:?}
            [ansible]
            playbook = {:?}
            [mail]
            server = "smtp://10.77.0.1:2525"
            from = "Patching <patching@example.org>"
            [backups.snapshot]
            take = [{take:?}, "{{asset}}", "{{backup}}"]
            verify = ["test", "-d", "{}/snapshots/{{asset}}-{{backup}}/etc"]
            restore = [{restore:?}, "{{asset}}", "{{backup}}"]
            discard = ["rm", "-rf", "{}/snapshots/{{asset}}-{{backup}}"]
            "#,
            bed.ssh_config(),
            ansible_playbook().unwrap(),
            bed.folder().display(),
            bed.folder().display(),
        );
        Self {
            config: Config::parse(&text).unwrap(),
            bed,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// As after a crash: it knows what is in the folder.
    fn executor(&self) -> Executor {
        Executor::new(self.config.clone(), "monthly", self.folder.path()).unwrap()
    }
}

fn task(key: &str, asset: &str, action: Action) -> Task {
    Task {
        key: key.to_owned(),
        ring: "test".to_owned(),
        asset: Some(asset.to_owned()),
        action,
    }
}

fn check(probe: Probe) -> Check {
    Check {
        name: "works".to_owned(),
        probe,
        timeout_ms: 2000,
    }
}

fn timer(name: &str) -> Job {
    Job {
        name: name.to_owned(),
        kind: JobKind::Timer,
        schedule: "*:*:0/2".to_owned(),
        command: String::new(),
        file: None,
        user: None,
        must_not_be_skipped: false,
    }
}

fn cron(file: &str, schedule: &str, user: &str, command: &str) -> Job {
    Job {
        name: command.to_owned(),
        kind: JobKind::Cron,
        schedule: schedule.to_owned(),
        command: command.to_owned(),
        file: Some(file.to_owned()),
        user: Some(user.to_owned()),
        must_not_be_skipped: true,
    }
}

#[test]
fn updates_are_applied_found_and_taken_back() {
    let world = World::new(&["web"]);
    let bed = &world.bed;
    bed.enter().unwrap();
    let repository = Repository::start(bed).unwrap();
    let offer = |version, program, after| {
        let package = Package {
            name: "greeter",
            version,
            program,
            after,
        };
        repository.offer(&package).unwrap();
    };
    offer("1.0", "echo hello", "");
    bed.on("web", "apt-get -q update && apt-get -qy install greeter")
        .unwrap();
    offer("1.1", "echo good day", "");
    offer("1.2", "exit 3", "touch /run/reboot-required");
    offer("1.3", "true", "echo broken on purpose >&2; exit 1");
    let apply = |version: &str| {
        let changes = vec![Change {
            patch: format!("greeter-{version}"),
            means: Means::Packages {
                names: vec![format!("greeter={version}")],
            },
        }];
        task(
            &format!("test/{version}/web/apply"),
            "web",
            Action::Apply { changes },
        )
    };
    let back = |version: &str| {
        let Action::Apply { changes } = apply(version).action else {
            unreachable!();
        };
        let retreat = Retreat::Downgrade {};
        task(
            &format!("test/{version}/web/roll-back"),
            "web",
            Action::RollBack { retreat, changes },
        )
    };
    let says = |expected: &str| assert_eq!(bed.on("web", "greeter").unwrap(), expected);

    // What was not begun, or is not there, is found so; nothing changes by asking.
    assert_eq!(
        world.executor().inspect(&apply("1.1"), 0).unwrap(),
        Found::Undone
    );
    says("hello\n");
    let done = world.executor().carry_out(&apply("1.1")).unwrap();
    assert!(!done.reboot_needed && !done.rebooted);
    assert!(done.evidence.contains("greeter 1.1"), "{}", done.evidence);
    says("good day\n");
    assert_eq!(
        world.executor().inspect(&apply("1.1"), 0).unwrap(),
        Found::Done(done)
    );

    // A controller that was gone before it could write: the packages themselves tell.
    std::fs::remove_dir_all(world.folder.path()).unwrap();
    let found = world.executor().inspect(&apply("1.1"), 0).unwrap();
    assert!(matches!(found, Found::Done(_)), "{found:?}");

    // A bad one that wants a restart; its check fails, and the version of before comes back.
    let done = world.executor().carry_out(&apply("1.2")).unwrap();
    assert!(done.reboot_needed);
    let works = check(Probe::Command {
        arguments: vec!["greeter".to_owned()],
    });
    let smoke = task(
        "smoke",
        "web",
        Action::Check {
            checks: vec![works],
        },
    );
    let failure = world.executor().carry_out(&smoke).unwrap_err();
    assert_eq!(failure.class, Class::Check);
    // Applying it again, as after a crash, does not hide what was there before.
    world.executor().carry_out(&apply("1.2")).unwrap();
    world.executor().carry_out(&back("1.2")).unwrap();
    says("good day\n");
    world.executor().carry_out(&smoke).unwrap();

    // One whose installation fails, and one that nobody offers.
    let failure = world.executor().carry_out(&apply("1.3")).unwrap_err();
    assert_eq!(failure.class, Class::Command);
    assert!(
        failure.excerpt.contains("broken on purpose"),
        "{}",
        failure.excerpt
    );
    world.executor().carry_out(&back("1.3")).unwrap();
    says("good day\n");
    let failure = world.executor().carry_out(&apply("9.9")).unwrap_err();
    assert_eq!(failure.class, Class::Source, "{}", failure.excerpt);
}

#[test]
fn a_host_is_prepared_restarted_and_released() {
    let world = World::new(&["db", "pc"]);
    let bed = &world.bed;
    bed.enter().unwrap();
    bed.write(
        "db",
        "/etc/systemd/system/beat.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'date +%%s >> /var/beat'\n",
    )
    .unwrap();
    bed.write(
        "db",
        "/etc/systemd/system/beat.timer",
        "[Timer]\nOnCalendar=*:*:0/1\nAccuracySec=100ms\n[Install]\nWantedBy=timers.target\n",
    )
    .unwrap();
    let line = "*  * * * *\tnobody   /usr/bin/touch /tmp/cron-ran; echo $USER done%x\n";
    bed.write(
        "db",
        "/etc/cron.d/proof",
        &format!("# a proof\n{line}* * * * * root true\n"),
    )
    .unwrap();
    bed.on(
        "db",
        "systemctl daemon-reload; systemctl enable --now beat.timer apt-daily.timer",
    )
    .unwrap();
    let table = bed.on("db", "cat /etc/cron.d/proof").unwrap();
    let beats = || bed.on("db", "cat /var/beat 2>/dev/null | wc -l").unwrap();
    let moves = || {
        let before = beats();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(4) {
            if beats() != before {
                return true;
            }
        }
        false
    };
    assert!(moves());

    let daily = "/etc/cron.daily/dpkg";
    let jobs = vec![
        timer("beat.timer"),
        cron(daily, "daily", "root", daily),
        cron(
            "/etc/cron.d/proof",
            "* * * * *",
            "nobody",
            "/usr/bin/touch /tmp/cron-ran; echo $USER done%x",
        ),
        // At the same times as the one before it.
        cron("/etc/cron.d/proof", "* * * * *", "root", "true"),
    ];
    let hold = task(
        "test/1/db/hold",
        "db",
        Action::Hold {
            jobs: jobs.clone(),
            automatic_updates: true,
        },
    );
    // Twice is as once.
    world.executor().carry_out(&hold).unwrap();
    world.executor().carry_out(&hold).unwrap();
    assert!(!moves());
    assert!(bed.on("db", &format!("test ! -x {daily}")).is_ok());
    assert!(bed.on("db", "grep '^[*]' /etc/cron.d/proof").is_err());
    assert!(bed.on("db", "systemctl is-active apt-daily.timer").is_err());
    let periodic = bed
        .on("db", "apt-config dump APT::Periodic::Enable")
        .unwrap();
    assert!(periodic.contains("\"0\""), "{periodic}");

    // Still held after a restart, which happens once, and is found.
    let reboot = task(
        "test/1/db/reboot",
        "db",
        Action::Reboot { timeout_ms: 60_000 },
    );
    assert_eq!(world.executor().inspect(&reboot, 0).unwrap(), Found::Undone);
    let boots = bed.boots("db").unwrap();
    world.executor().carry_out(&reboot).unwrap();
    assert_eq!(bed.boots("db").unwrap(), boots + 1);
    let found = world.executor().inspect(&reboot, 0).unwrap();
    assert!(matches!(found, Found::Done(_)), "{found:?}");
    assert!(!moves());

    let release = task(
        "test/1/db/release",
        "db",
        Action::Release {
            jobs,
            run: vec![cron(
                "/etc/cron.d/other",
                "0 4 * * *",
                "nobody",
                "id -un >> /tmp/late",
            )],
            automatic_updates: true,
        },
    );
    // What can be released is, also where a table is gone meanwhile.
    bed.on("db", "mv /etc/cron.d/proof /etc/proof").unwrap();
    let failure = world.executor().carry_out(&release).unwrap_err();
    assert!(failure.excerpt.contains("proof"), "{}", failure.excerpt);
    assert!(moves());
    assert!(bed.on("db", &format!("test -x {daily}")).is_ok());
    assert!(bed.on("db", "systemctl is-active apt-daily.timer").is_ok());
    bed.on("db", "mv /etc/proof /etc/cron.d/proof").unwrap();
    let done = world.executor().carry_out(&release).unwrap();
    assert!(
        done.evidence.contains("released /etc/cron.d/proof"),
        "{}",
        done.evidence
    );
    assert!(moves());
    assert!(bed.on("db", &format!("test -x {daily}")).is_ok());
    assert_eq!(bed.on("db", "cat /etc/cron.d/proof").unwrap(), table);
    assert!(bed.on("db", "systemctl is-active apt-daily.timer").is_ok());
    assert!(
        bed.on("db", "test ! -e /etc/apt/apt.conf.d/99stopgap-hold")
            .is_ok()
    );
    // What must not be skipped was run, as its user, and once only.
    world.executor().carry_out(&release).unwrap();
    assert_eq!(bed.on("db", "cat /tmp/late").unwrap(), "nobody\n");

    // A backup brings back what was there.
    let backup = Backup {
        name: "monthly-db".to_owned(),
        provider: "snapshot".to_owned(),
        keep_days: 7,
    };
    let verify = task("v", "db", Action::VerifyBackup(backup.clone()));
    let failure = world.executor().carry_out(&verify).unwrap_err();
    assert_eq!(failure.class, Class::Backup);
    for (key, action) in [("b", Action::BackUp(backup.clone())), ("v", verify.action)] {
        world
            .executor()
            .carry_out(&task(key, "db", action))
            .unwrap();
    }
    bed.on("db", "rm /tmp/late; rm -rf /etc/cron.d").unwrap();
    let retreat = Retreat::Restore(backup.clone());
    let changes = Vec::new();
    let restore = task("r", "db", Action::RollBack { retreat, changes });
    let boots = bed.boots("db").unwrap();
    world.executor().carry_out(&restore).unwrap();
    // Whoever comes after a controller that could not write down that it was done does not do it again.
    std::fs::remove_file(world.folder.path().join("done-r")).unwrap();
    assert_eq!(
        world.executor().inspect(&restore, 0).unwrap(),
        Found::Undone
    );
    world.executor().carry_out(&restore).unwrap();
    assert_eq!(bed.boots("db").unwrap(), boots + 1);
    bed.wait_for("db").unwrap();
    assert_eq!(bed.on("db", "cat /etc/cron.d/proof").unwrap(), table);

    // People are told.
    let server = MailServer::start(bed).unwrap();
    let tell = task(
        "test/notice",
        "pc",
        Action::Tell(Mail {
            to: vec![
                "ann@example.org".to_owned(),
                "Bob <bob@example.org>".to_owned(),
            ],
            subject: "Wartung am Samstag: bitte nicht ausschalten – danke".to_owned(),
            text: "Save your work, close, log out.\nDo NOT shut down.\n".to_owned(),
            calendar: Some("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_owned()),
        }),
    );
    world.executor().carry_out(&tell).unwrap();
    let mails = server.mails().unwrap();
    let mail = mails.first().unwrap();
    for part in [
        "ann@example.org",
        "bob@example.org",
        "Do NOT shut down",
        "text/calendar",
    ] {
        assert!(mail.contains(part), "{part} in\n{mail}");
    }
    let found = world.executor().inspect(&tell, 0).unwrap();
    assert!(matches!(found, Found::Done(_)), "{found:?}");
    drop(server);
    assert!(world.executor().carry_out(&tell).is_err());
    let text = "Maintenance at 18:00: it's time to save".to_owned();
    world
        .executor()
        .carry_out(&task("m", "pc", Action::Message { text }))
        .unwrap();

    // Services stop and start in order; what is not there is told.
    for (action, state) in [
        (
            Action::Stop {
                services: vec!["cron.service".to_owned()],
            },
            "inactive",
        ),
        (
            Action::Start {
                services: vec!["cron.service".to_owned()],
            },
            "active",
        ),
    ] {
        world
            .executor()
            .carry_out(&task("s", "pc", action))
            .unwrap();
        let found = bed.on("pc", "systemctl is-active cron; true").unwrap();
        assert_eq!(found.trim(), state);
    }
    let services = vec!["nothing.service".to_owned()];
    assert!(
        world
            .executor()
            .carry_out(&task("s", "pc", Action::Start { services }))
            .is_err()
    );
    let failure = world
        .executor()
        .carry_out(&task(
            "m",
            "gone.invalid",
            Action::Stop {
                services: Vec::new(),
            },
        ))
        .unwrap_err();
    assert_eq!(failure.class, Class::Unreachable);
}
