//! Snapshots within real images of qcow2: of a disk that nothing has open, and of one that QEMU serves meanwhile.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::PathBuf;
use std::process::{Command, Output};

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
        self.stop();
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
             while kill -0 $pid 2>/dev/null; do sleep 0.02; done\n"
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
    fn executor(&self, more: &str) -> Executor {
        let folder = self.folder.path().display();
        let text = format!("[qcow2.images]\nimage = \"{folder}/{{asset}}.qcow2\"\n{LOOK}\n{more}");
        let config = Config::parse(&text).unwrap();
        Executor::new(config, "monthly", &self.path("journal")).unwrap()
    }

    fn with_machine(&self) -> Executor {
        let [start, stop] = self.machine();
        self.executor(&format!(
            "qmp = \"{}/{{asset}}.qmp\"\nstart = [\"sh\", {start:?}, \"{{asset}}\"]\nstop = [\"sh\", {stop:?}]",
            self.folder.path().display()
        ))
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

/// Each time as the task of another run.
fn carry_out(executor: &Executor, action: Action) -> Result<Done, Failure> {
    executor.carry_out(&Task {
        key: "production/1/db/backup".to_owned(),
        ring: "production".to_owned(),
        asset: Some("db".to_owned()),
        action,
    })
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
    assert!(disk.serves(), "it is started");
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
    let qmp = format!("qmp = {:?}", disk.path("db.qmp"));
    let other = disk.executor(&qmp);
    let of_web = |executor: &Executor| {
        let task = Task {
            key: "production/1/web/backup".to_owned(),
            ring: "production".to_owned(),
            asset: Some("web".to_owned()),
            action: take(),
        };
        executor.carry_out(&task).unwrap_err()
    };
    // An image of another kind would be told apart by nobody else.
    let failure = of_web(&other);
    assert_eq!(failure.class, Class::Backup);
    assert!(failure.excerpt.contains("is of raw"), "{}", failure.excerpt);
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
    let log = disk.path("log");
    let told = |what: &str| format!("[\"sh\", \"-c\", \"echo {what} >>{}\"]", log.display());
    let more = format!("stop = {}\nstart = {}", told("stop"), told("start"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| carry_out(&disk.executor(&more), take()).unwrap());
        }
    });
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(log, "stop\nstart\n".repeat(4));
    assert_eq!(disk.snapshots(), 1);
}

#[test]
fn a_provider_that_cannot_work_is_refused_when_it_is_read() {
    let image = "[qcow2.images]\nimage = \"/disks/{asset}.qcow2\"\n";
    for (more, expected) in [
        ("", "look"),
        ("look = []", "`look` names no program"),
        ("look = [\"a\"]\nstop = [\"b\"]", "go together"),
        (
            "look = [\"a\"]\n[backups.images]\ntake = [\"a\"]\nverify = [\"a\"]\nrestore = [\"a\"]\ndiscard = [\"a\"]",
            "backups.images has that name",
        ),
    ] {
        let why = Config::parse(&format!("{image}{more}")).unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
}
