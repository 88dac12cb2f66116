//! Snapshots within real images of qcow2: of a disk that nothing has open, and of one that QEMU serves meanwhile.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod killed;
mod power;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use campaign::{Action, Backup, Class, Done, Failure, Hands, Retreat, Task};
use executor::{Config, Executor};

/// Looks whether the file system is whole, and what is in it.
const LOOK: &str = r#"look = ["sh", "-c", "e2fsck -fn \"$1\" && debugfs -R 'cat state' \"$1\" | grep -x before", "sh", "{copy}"]"#;

/// A machine's disk: a file system of ext4 with a file, in an image.
struct Disk {
    folder: tempfile::TempDir,
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What a test that fails has left waiting comes to its end.
        let _ = std::fs::write(self.path("go"), "");
        let mut flock = Command::new("flock");
        let lock = self.path("journal/lock-db");
        let _ = flock.args(["-w", "60"]).arg(lock).arg("true").output();
        let [_, stop] = self.machine();
        let _ = Command::new("sh").arg(stop).status();
    }
}

impl Disk {
    fn new() -> Self {
        let disk = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let raw = disk.file_system("before");
        let mut convert = Command::new("qemu-img");
        convert.args(["convert", "-O", "qcow2"]).arg(raw);
        well(convert.arg(disk.path("db.qcow2")));
        disk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file system in which the file says this.
    fn file_system(&self, says: &str) -> PathBuf {
        let (tree, raw) = (self.path("tree"), self.path(&format!("{says}.raw")));
        std::fs::create_dir_all(&tree).unwrap();
        std::fs::write(tree.join("state"), format!("{says}\n")).unwrap();
        let mut make = program("mke2fs");
        make.args(["-q", "-t", "ext4", "-d"]).arg(tree);
        well(make.arg(&raw).arg("8M"));
        raw
    }

    /// What the machine's disk says.
    fn says(&self) -> String {
        let raw = self.path("now.raw");
        let mut convert = Command::new("qemu-img");
        convert.args(["convert", "-U", "-f"]);
        match self.serves() {
            true => convert.args(["raw", &self.address()]),
            false => convert.arg("qcow2").arg(self.path("db.qcow2")),
        };
        well(convert.args(["-O", "raw"]).arg(&raw));
        let mut debugfs = program("debugfs");
        let said = well(debugfs.args(["-R", "cat state"]).arg(raw));
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    }

    /// An update that the machine writes to its disk.
    fn update(&self, says: &str) {
        let raw = self.file_system(says);
        let mut convert = Command::new("qemu-img");
        convert
            .args(["convert", "-n", "-f", "raw", "-O"])
            .arg(match self.serves() {
                true => "raw",
                false => "qcow2",
            });
        convert.arg(raw);
        well(match self.serves() {
            true => convert.arg(self.address()),
            false => convert.arg(self.path("db.qcow2")),
        });
        assert_eq!(self.says(), says);
    }

    fn address(&self) -> String {
        format!("nbd+unix:///disk?socket={}", self.path("nbd").display())
    }

    /// The scripts that start and stop the machine.
    fn machine(&self) -> [PathBuf; 2] {
        let folder = self.folder.path().display();
        let start = format!(
            "exec qemu-storage-daemon --daemonize --pidfile {folder}/pid \
             --blockdev driver=file,node-name=file,filename={folder}/$1.qcow2 \
             --blockdev driver=qcow2,node-name=disk,file=file \
             --chardev socket,path={folder}/$1.qmp,server=on,wait=off,id=m --monitor chardev=m \
             --nbd-server addr.type=unix,addr.path={folder}/nbd \
             --export type=nbd,id=e,node-name=disk,writable=on,name=disk >{folder}/told 2>&1\n"
        );
        let stop = format!(
            "pid=$(cat {folder}/pid) || exit 0; rm {folder}/pid; kill $pid\n\
             exec tail -s 0.02 --pid=$pid -f /dev/null\n"
        );
        [("start", start), ("stop", stop)].map(|(name, text)| {
            let path = self.path(name);
            std::fs::write(&path, text).unwrap();
            path
        })
    }

    fn start(&self) {
        let [start, _] = self.machine();
        well(Command::new("sh").arg(start).arg("db"));
        assert!(self.serves());
    }

    fn stop(&self) {
        let [_, stop] = self.machine();
        well(Command::new("sh").arg(stop));
    }

    fn serves(&self) -> bool {
        self.path("pid").exists()
    }

    fn snapshots(&self) -> usize {
        let mut info = Command::new("qemu-img");
        info.args(["info", "-U", "--output=json"]);
        let said = well(info.arg(self.path("db.qcow2"))).stdout;
        String::from_utf8(said)
            .unwrap()
            .matches("\"vm-clock-sec\"")
            .count()
    }

    /// The provider's table: `more` beside the image and the look.
    fn table(&self, more: &str) -> String {
        let folder = self.folder.path().display();
        format!("[qcow2.images]\nimage = \"{folder}/{{asset}}.qcow2\"\n{LOOK}\n{more}")
    }

    fn executor(&self, more: &str) -> Executor {
        let config = Config::parse(&self.table(more)).unwrap();
        Executor::new(config, "monthly", &self.path("journal")).unwrap()
    }

    fn with_machine(&self) -> Executor {
        self.executor(&format!(
            "{}\n{}",
            self.monitor("qmp"),
            self.power("", "; exit $ended")
        ))
    }

    fn monitor(&self, kind: &str) -> String {
        format!(
            "qmp = \"{}/{{asset}}.{kind}\"",
            self.folder.path().display()
        )
    }

    /// Commands that write down that they were begun and stop and start the machine, with more before that and after it.
    fn power(&self, before: &str, after: &str) -> String {
        let [start, stop] = self.machine();
        let folder = self.folder.path().display();
        let line = |what: &str, script: &PathBuf| {
            let script = script.display();
            let text = format!(
                "cd {folder}; echo {what} >>log; what={what}; {before} sh {script} db; ended=$? {after}"
            );
            format!("{what} = [\"sh\", \"-c\", {text:?}]\n")
        };
        format!("{}{}", line("stop", &stop), line("start", &start))
    }

    /// Where programs are looked for, with one before the others that goes by this name; it finds the others.
    fn with_program(&self, name: &str, text: &str) -> String {
        let (folder, path) = (self.folder.path().display(), std::env::var("PATH").unwrap());
        let program = self.path("bin").join(name);
        std::fs::create_dir_all(self.path("bin")).unwrap();
        let text = format!("#!/bin/sh\nPATH={path:?}\ncd {folder}\n{text}\n");
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        format!("{folder}/bin:{path}")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn check(&self) {
        let mut check = Command::new("qemu-img");
        well(check.arg("check").arg(self.path("db.qcow2")));
    }
}

fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

fn well(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

fn backup() -> Backup {
    Backup {
        name: "monthly-db".to_owned(),
        provider: "images".to_owned(),
        keep_days: 1,
    }
}

/// Each time another task.
fn carry_out(executor: &Executor, action: Action) -> Result<Done, Failure> {
    static TASKS: AtomicUsize = AtomicUsize::new(0);
    let number = TASKS.fetch_add(1, Ordering::Relaxed);
    executor.carry_out(&task(&format!("production/{number}/db/backup"), action))
}

fn task(key: &str, action: Action) -> Task {
    Task {
        key: key.to_owned(),
        ring: "production".to_owned(),
        asset: Some("db".to_owned()),
        action,
    }
}

fn take() -> Action {
    Action::BackUp(backup())
}

fn verify() -> Action {
    Action::VerifyBackup(backup())
}

fn restore() -> Action {
    Action::RollBack {
        retreat: Retreat::Restore(backup()),
        changes: Vec::new(),
    }
}

fn discard() -> Action {
    Action::Discard(backup())
}

/// Nothing that was restored for trial is left, and the image is whole.
fn clean(disk: &Disk) {
    let left = std::fs::read_dir(disk.folder.path()).unwrap();
    let left = left.map(|it| it.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|it| it.contains("stopgap-")).count(), 0);
    if !disk.serves() {
        disk.check();
    }
}

fn goes_back(disk: &Disk, executor: &Executor) {
    carry_out(executor, take()).unwrap();
    // By whom it was begun before: it is the same one then.
    carry_out(executor, take()).unwrap();
    assert_eq!(disk.snapshots(), 1);
    let serves = disk.serves();
    disk.update("after");
    let looked = carry_out(executor, verify()).unwrap();
    assert!(looked.evidence.contains("before"), "{}", looked.evidence);
    assert_eq!(disk.says(), "after", "looking changes nothing");
    clean(disk);
    carry_out(executor, restore()).unwrap();
    assert_eq!(disk.says(), "before");
    assert_eq!(disk.serves(), serves);
    // A second time too: what was restored is kept until it is discarded.
    disk.update("again");
    carry_out(executor, restore()).unwrap();
    assert_eq!(disk.says(), "before");
    carry_out(executor, discard()).unwrap();
    assert_eq!(disk.snapshots(), 0);
    carry_out(executor, discard()).unwrap();
    let none = carry_out(executor, verify()).unwrap_err();
    assert_eq!(none.class, Class::Backup, "{}", none.excerpt);
    let none = carry_out(executor, restore()).unwrap_err();
    assert_eq!(none.class, Class::Backup, "{}", none.excerpt);
    assert_eq!(disk.says(), "before");
    assert_eq!(disk.serves(), serves, "it is started again also then");
    clean(disk);
}

#[test]
fn a_disk_that_nothing_has_open_goes_back_to_its_snapshot() {
    let disk = Disk::new();
    goes_back(&disk, &disk.executor(""));
}

#[test]
fn a_disk_that_a_machine_writes_to_goes_back_to_its_snapshot() {
    let disk = Disk::new();
    disk.start();
    let executor = disk.with_machine();
    let pid = std::fs::read(disk.path("pid")).unwrap();
    carry_out(&executor, take()).unwrap();
    assert_eq!(
        std::fs::read(disk.path("pid")).unwrap(),
        pid,
        "it was not stopped for that"
    );
    goes_back(&disk, &executor);
    disk.stop();
    disk.check();
    // The same provider, while the machine is off.
    carry_out(&executor, take()).unwrap();
    assert!(!disk.serves(), "it stays off");
    assert_eq!(disk.snapshots(), 1);
}

#[test]
fn what_cannot_be_gone_back_to_is_no_backup() {
    let disk = Disk::new();
    // What it holds is not what is looked for.
    disk.update("broken");
    let executor = disk.executor("");
    carry_out(&executor, take()).unwrap();
    let failure = carry_out(&executor, verify()).unwrap_err();
    assert_eq!(failure.class, Class::Backup, "{}", failure.excerpt);
    clean(&disk);
    // A machine has it open, and its monitor is not named: that passes, or is said.
    disk.start();
    let failure = carry_out(&executor, take()).unwrap_err();
    assert_eq!(failure.class, Class::Busy, "{}", failure.excerpt);
    assert_eq!(disk.snapshots(), 1, "the one before is left");
    // Another machine's monitor.
    std::fs::copy(disk.path("before.raw"), disk.path("web.qcow2")).unwrap();
    std::os::unix::fs::symlink(disk.path("db.qmp"), disk.path("web.qmp")).unwrap();
    let other = disk.with_machine();
    let of_web = |executor: &Executor| {
        let task = Task {
            key: "production/1/web/backup".to_owned(),
            ring: "production".to_owned(),
            asset: Some("web".to_owned()),
            action: take(),
        };
        executor.carry_out(&task).unwrap_err()
    };
    // What is no qcow2 is not taken for what it says of itself.
    let failure = of_web(&executor);
    assert_eq!(failure.class, Class::Backup);
    let expected = "not in qcow2 format";
    assert!(failure.excerpt.contains(expected), "{}", failure.excerpt);
    well(
        Command::new("qemu-img")
            .args(["create", "-f", "qcow2"])
            .arg(disk.path("web.qcow2"))
            .arg("1M"),
    );
    let failure = of_web(&other);
    assert!(
        failure.excerpt.contains("does not have"),
        "{}",
        failure.excerpt
    );
    std::fs::remove_file(disk.path("web.qcow2")).unwrap();
    let failure = of_web(&executor);
    assert_eq!(failure.class, Class::Backup, "{}", failure.excerpt);
}

#[test]
fn one_works_on_a_machine_at_a_time() {
    let disk = Disk::new();
    disk.start();
    let more = disk.power("", "; exit $ended");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| carry_out(&disk.executor(&more), take()).unwrap());
        }
    });
    assert_eq!(disk.log(), "stop\nstart\n".repeat(4));
    assert_eq!(disk.snapshots(), 1);
    assert!(disk.serves());
}

#[test]
fn a_copy_for_trial_is_read_by_nobody_else_and_made_only_where_it_has_room() {
    let disk = Disk::new();
    let folder = disk.folder.path().display();
    let of = |look: &str| {
        let text = format!(
            "[qcow2.images]\nimage = \"{folder}/{{asset}}.qcow2\"\nlook = [\"sh\", \"-c\", {look:?}, \"sh\", \"{{copy}}\"]"
        );
        let config = Config::parse(&text).unwrap();
        Executor::new(config, "monthly", &disk.path("journal")).unwrap()
    };
    let executor = of(r#"stat -c %A "$1" "${1%/*}""#);
    carry_out(&executor, take()).unwrap();
    let looked = carry_out(&executor, verify()).unwrap();
    assert_eq!(looked.evidence, "-rw-------\ndrwx------");
    clean(&disk);
    let failure = carry_out(&of("exit 1"), verify()).unwrap_err();
    assert_eq!(failure.class, Class::Backup);
    clean(&disk);
    // Larger than any disk here, and empty.
    std::fs::remove_file(disk.path("db.qcow2")).unwrap();
    let mut create = Command::new("qemu-img");
    create.args(["create", "-f", "qcow2"]);
    well(create.arg(disk.path("db.qcow2")).arg("1P"));
    carry_out(&executor, take()).unwrap();
    let failure = carry_out(&executor, verify()).unwrap_err();
    assert_eq!(failure.class, Class::Space, "{}", failure.excerpt);
    clean(&disk);
}

#[test]
fn a_machine_is_not_stopped_for_a_monitor_that_is_not_there_nor_left_down() {
    let disk = Disk::new();
    disk.start();
    carry_out(&disk.with_machine(), take()).unwrap();
    let power = disk.power("", "; exit $ended");
    let mistyped = disk.executor(&format!("{}\n{power}", disk.monitor("qnp")));
    for action in [take(), restore()] {
        let failure = carry_out(&mistyped, action).unwrap_err();
        let expected = "name its monitor in `qmp`";
        assert!(failure.excerpt.contains(expected), "{}", failure.excerpt);
        assert_eq!(disk.log(), "");
    }
    // What stops it says that it has not.
    let fails = disk.executor(&disk.power("", "; [ $what = start ]"));
    let failure = carry_out(&fails, restore()).unwrap_err();
    assert_eq!(failure.class, Class::Backup, "{}", failure.excerpt);
    assert_eq!(disk.log(), "stop\nstart\n");
    assert!(disk.serves(), "it is started again");
}

#[test]
fn a_provider_that_cannot_work_is_refused_when_it_is_read() {
    let image = "[qcow2.images]\nimage = \"/disks/{asset}.qcow2\"\n";
    for (more, expected) in [
        ("", "look"),
        ("look = []", "`look` names no program"),
        ("look = [\"a\"]\nstop = [\"b\"]", "go together"),
        (
            "look = [\"a\"]\nqmp = \"/run/{asset}.qmp\"",
            "must be stopped to restore it: say `stop` and `start`",
        ),
        (
            "look = [\"a\"]\nqmp = \"/run/db.qmp\"\nstop = [\"b\"]\nstart = [\"b\"]",
            "`qmp` would be the same for all assets",
        ),
        (
            "look = [\"a\"]\n[backups.images]\ntake = [\"a\"]\nverify = [\"a\"]\nrestore = [\"a\"]\ndiscard = [\"a\"]",
            "backups.images has that name",
        ),
    ] {
        let why = Config::parse(&format!("{image}{more}")).unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
    let shared = "[qcow2.images]\nimage = \"/disks/all.qcow2\"\nlook = [\"a\"]";
    let why = Config::parse(shared).unwrap_err();
    assert!(
        why.contains("`image` would be the same for all assets"),
        "{why}"
    );
}
