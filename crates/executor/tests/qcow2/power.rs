//! Machines that are stopped for work on their disks, where something goes wrong meanwhile; and what is left of it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use campaign::{Action, Class, Hands};
use executor::{Config, Executor};

use super::killed::controller_of;
use super::{Disk, carry_out, restore, take, task};

#[test]
fn a_machine_that_does_not_start_at_first_is_not_done_until_it_has() {
    for (action, by_hand) in [(take(), false), (restore(), false), (take(), true)] {
        let disk = Disk::new();
        disk.start();
        if matches!(action, Action::RollBack { .. }) {
            carry_out(&disk.with_machine(), take()).unwrap();
            disk.update("after");
        }
        let fails = "[ $what != start ] || [ -e failed ] || { touch failed; exit 1; };";
        let executor = disk.executor(&disk.power(fails, "; exit $ended"));
        let task = task("production/1/db/step", action);
        let failure = executor.carry_out(&task).unwrap_err();
        assert_eq!(failure.class, Class::Down, "{}", failure.excerpt);
        assert!(!disk.serves());
        assert_eq!(disk.says(), "before", "the work itself was done");
        if by_hand {
            disk.start();
        }
        for _ in 0..2 {
            executor.carry_out(&task).unwrap();
            assert!(disk.serves());
        }
        let again = if by_hand { "" } else { "start\n" };
        assert_eq!(disk.log(), format!("stop\nstart\n{again}"));
        assert_eq!(disk.snapshots(), 1);
    }
}

#[test]
fn a_machine_is_started_again_also_where_its_mark_cannot_be_made() {
    let disk = Disk::new();
    std::fs::create_dir_all(disk.path("journal/mark-step")).unwrap();
    let failure = disk.executor("").carry_out(&task("step", take()));
    assert_eq!(failure.unwrap_err().class, Class::Backup);
    disk.start();
    let executor = disk.executor(&disk.power("", "; exit $ended"));
    let failure = executor.carry_out(&task("step", take())).unwrap_err();
    assert_eq!(failure.class, Class::Backup, "{}", failure.excerpt);
    assert_eq!(disk.log(), "stop\nstart\n");
    assert!(disk.serves());
}

#[test]
fn a_machine_that_does_not_stop_in_its_time_is_started_again_at_once() {
    let disk = Disk::new();
    disk.start();
    let hangs = disk.power("[ $what = start ] || sleep 60;", "; exit $ended");
    std::fs::write(disk.path("config"), disk.table(&hangs)).unwrap();
    // Time passes faster.
    let faster = "echo $3 >>bounds; of=$3; case $* in *what=stop*) of=1; esac; shift 3; exec timeout -k 1 $of \"$@\"";
    let mut controller = controller_of(&disk);
    controller.env("PATH", disk.with_program("timeout", faster));
    let ended = controller.output().unwrap();
    assert!(!ended.status.success());
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(said.contains("`sh` did not end in 600 s"), "{said}");
    let bounds = std::fs::read_to_string(disk.path("bounds")).unwrap();
    assert_eq!(bounds, "600\n600\n");
    assert_eq!(disk.log(), "stop\nstart\n");
    assert!(disk.serves());
    assert_eq!(disk.snapshots(), 0);
}

#[test]
fn what_programs_say_is_read_by_nobody_else_and_not_kept() {
    let disk = Disk::new();
    disk.start();
    let journal = disk.path("journal");
    // As it was made before.
    std::fs::create_dir(&journal).unwrap();
    std::fs::set_permissions(&journal, Permissions::from_mode(0o755)).unwrap();
    let look = "umask >>umasks; stat -c %a journal/*.said >>modes;";
    let folder = disk.folder.path().display();
    let own = format!("[\"sh\", \"-c\", {:?}]", format!("cd {folder}; {look}"));
    let text = format!(
        "{}[backups.own]\ntake = {own}\nverify = {own}\nrestore = {own}\ndiscard = {own}\n",
        disk.table(&disk.power(look, "; exit $ended"))
    );
    let executor = Executor::new(Config::parse(&text).unwrap(), "monthly", &journal).unwrap();
    carry_out(&executor, take()).unwrap();
    let Action::BackUp(mut own) = take() else {
        return;
    };
    own.provider = "own".to_owned();
    carry_out(&executor, Action::BackUp(own)).unwrap();
    let read = |name| std::fs::read_to_string(disk.path(name)).unwrap();
    assert_eq!(read("modes"), "600\n".repeat(3));
    let umasks = read("umasks");
    let mut umasks = umasks.lines();
    let first = umasks.next();
    assert!(umasks.all(|it| Some(it) == first && it != "0077"));
    let mode = std::fs::metadata(&journal).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let left = std::fs::read_dir(&journal).unwrap();
    let left = left.map(|it| it.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|it| it.contains("said")).count(), 0);
}
