//! A controller that is killed, and who comes after it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use campaign::{Class, Found, Hands};
use executor::{Config, Executor};

use super::{Disk, carry_out, discard, restore, take, task, verify};

const CONFIG: &str = "CONTROLLER_CONFIG";

#[test]
#[ignore = "is the controller that another test kills"]
fn controller() {
    let folder = PathBuf::from(std::env::var(CONFIG).unwrap());
    let text = std::fs::read_to_string(folder.join("config")).unwrap();
    let config = Config::parse(&text).unwrap();
    let executor = Executor::new(config, "monthly", &folder.join("journal")).unwrap();
    let action = match folder.join("restores").exists() {
        true => restore(),
        false => take(),
    };
    executor.carry_out(&task("killed", action)).unwrap();
}

/// A process of its own that carries out the task `killed`, by the configuration that is in the disk's folder.
pub(super) fn controller_of(disk: &Disk) -> Command {
    let mut controller = Command::new(std::env::current_exe().unwrap());
    controller
        .args(["--exact", "killed::controller", "--ignored"])
        .env(CONFIG, disk.folder.path());
    controller
}

/// Is killed when it is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for `go`, but not for good: a test that fails may leave it waiting.
const WAIT: &str = "n=0; until [ -e go ] || [ $n -ge 6000 ]; do sleep 0.01; n=$((n+1)); done;";

fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Kills a controller once the log ends so.
fn kill_controller(disk: &Disk, config: &str, log: &str) {
    std::fs::write(disk.path("config"), config).unwrap();
    let mut controller = controller_of(disk);
    controller.stdout(Stdio::null()).stderr(Stdio::null());
    let controller = Killed(controller.spawn().unwrap());
    until("it begins", || disk.log().ends_with(log));
    drop(controller);
}

/// Kills a controller that has begun to stop, or to start, the machine; another one follows at once.
fn killed(restores: bool, at: &str) {
    let disk = Disk::new();
    disk.start();
    if restores {
        carry_out(&disk.with_machine(), take()).unwrap();
        disk.update("after");
        std::fs::write(disk.path("restores"), "").unwrap();
    }
    let wait = format!("[ $what != {at} ] || {{ {WAIT} }};");
    let more = disk.power(&wait, "; exit $ended");
    kill_controller(&disk, &disk.table(&more), &format!("{at}\n"));
    let action = if restores { restore() } else { take() };
    let task = task("killed", action);
    let next = disk.executor(&more);
    std::thread::scope(|scope| {
        let next = scope.spawn(|| {
            assert_eq!(next.inspect(&task, 0).unwrap(), Found::Undone);
            next.carry_out(&task).unwrap()
        });
        std::fs::write(disk.path("go"), "").unwrap();
        next.join().unwrap();
    });
    let says = format!("restores: {restores}, killed at {at}");
    assert_eq!(disk.log(), "stop\nstart\n", "{says}");
    assert!(disk.serves(), "{says}");
    assert_eq!(disk.snapshots(), 1, "{says}");
    assert_eq!(disk.says(), "before", "{says}");
    // What comes after it is not taken back by yet another that finds it not written down.
    disk.update("later");
    let journal = disk.path("journal");
    std::fs::remove_file(journal.join("done-killed")).unwrap();
    disk.executor(&more).carry_out(&task).unwrap();
    assert_eq!(disk.says(), "later", "{says}");
    assert_eq!(disk.log(), "stop\nstart\n", "{says}");
    disk.stop();
    disk.check();
}

#[test]
fn a_controller_killed_in_the_middle_is_followed_by_one_that_does_nothing_twice() {
    for restores in [false, true] {
        for at in ["stop", "start"] {
            killed(restores, at);
        }
    }
}

#[test]
fn a_program_of_a_provider_goes_on_without_whoever_has_begun_it_and_is_run_once() {
    let disk = Disk::new();
    let folder = disk.folder.path().display();
    let program = |what: &str, line: &str| {
        let text = format!("cd {folder}; echo {what} >>log; {line}");
        format!("{what} = [\"sh\", \"-c\", {text:?}, \"sh\", \"{{asset}}\", \"{{backup}}\"]\n")
    };
    let text = format!(
        "[backups.images]\n{}{}{}{}",
        program(
            "take",
            &format!("{WAIT} echo said; qemu-img snapshot -c $2 $1.qcow2")
        ),
        program("verify", "qemu-img snapshot -l $1.qcow2 | grep -w $2"),
        program("restore", "qemu-img snapshot -a $2 $1.qcow2"),
        program("discard", "qemu-img snapshot -d $2 $1.qcow2"),
    );
    kill_controller(&disk, &text, "take\n");
    let config = Config::parse(&text).unwrap();
    let executor = Executor::new(config, "monthly", &disk.path("journal")).unwrap();
    std::thread::scope(|scope| {
        let next = scope.spawn(|| executor.carry_out(&task("killed", take())).unwrap());
        std::fs::write(disk.path("go"), "").unwrap();
        next.join().unwrap();
    });
    assert_eq!(disk.log(), "take\n");
    assert_eq!(disk.snapshots(), 1);
    let looked = carry_out(&executor, verify()).unwrap();
    assert!(
        looked.evidence.contains("monthly-db"),
        "{}",
        looked.evidence
    );
    disk.update("after");
    carry_out(&executor, restore()).unwrap();
    assert_eq!(disk.says(), "before");
    carry_out(&executor, discard()).unwrap();
    assert_eq!(disk.snapshots(), 0);
    let none = carry_out(&executor, verify()).unwrap_err();
    assert_eq!(none.class, Class::Backup, "{}", none.excerpt);
}

#[test]
fn what_a_killed_controller_has_left_waiting_does_not_do_it_again() {
    let disk = Disk::new();
    disk.start();
    let more = disk.power("", "; exit $ended");
    std::fs::write(disk.path("config"), disk.table(&more)).unwrap();
    // The work itself is slow to come for the lock.
    let slow = format!(
        "case $* in *\" sh -c \"*) touch queued; {WAIT} esac; flock \"$@\"; ended=$?; touch late; exit $ended"
    );
    let mut controller = controller_of(&disk);
    controller
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .env("PATH", disk.with_program("flock", &slow));
    let controller = Killed(controller.spawn().unwrap());
    until("it comes for the lock", || disk.path("queued").exists());
    drop(controller);
    std::fs::remove_file(disk.path("late")).unwrap();
    disk.executor(&more)
        .carry_out(&task("killed", take()))
        .unwrap();
    assert_eq!(disk.log(), "stop\nstart\n");
    disk.update("after");
    std::fs::write(disk.path("go"), "").unwrap();
    until("it is through", || disk.path("late").exists());
    assert_eq!(disk.log(), "stop\nstart\n", "it did nothing any more");
    assert!(disk.serves());
    carry_out(&disk.with_machine(), restore()).unwrap();
    assert_eq!(disk.says(), "before");
}
