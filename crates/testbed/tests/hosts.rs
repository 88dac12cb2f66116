//! The hosts do what tests of patching need of hosts.

use std::path::Path;

use testbed::{Package, Repository, Testbed};

#[test]
fn hosts_are_apart_update_reboot_and_go_back_to_a_snapshot() {
    let bed = Testbed::start(&["alpha", "beta"]).unwrap();
    for host in ["alpha", "beta"] {
        assert_eq!(bed.on(host, "hostname").unwrap().trim(), host);
        let state = bed.on(host, "systemctl is-system-running --wait").unwrap();
        assert_eq!(state.trim(), "running");
    }
    // They see each other, and nothing else.
    bed.on("alpha", "timeout 5 bash -c '</dev/tcp/beta/22'")
        .unwrap();
    assert!(
        bed.on("alpha", "timeout 2 bash -c '</dev/tcp/192.0.2.1/80'")
            .is_err()
    );
    // One restarts a service: the other's goes on.
    let cron = "systemctl show -p MainPID cron";
    let before = bed.on("beta", cron).unwrap();
    bed.on("alpha", "systemctl restart cron").unwrap();
    assert_eq!(bed.on("beta", cron).unwrap(), before);

    let repository = Repository::start(&bed).unwrap();
    let package = |version, program| Package {
        name: "greeter",
        version,
        program,
        after: "touch /run/reboot-required",
    };
    repository.offer(&package("1.0", "echo hello")).unwrap();
    let install = "apt-get -q update && apt-get -qy install greeter";
    bed.on("alpha", install).unwrap();
    assert_eq!(bed.on("alpha", "greeter").unwrap(), "hello\n");
    assert!(bed.on("beta", "greeter").is_err());

    let (take, restore) = bed.snapshots().unwrap();
    let run = |script: &Path| {
        let status = bed.command(script).args(["alpha", "before"]).status();
        assert!(status.unwrap().success());
    };
    run(&take);
    repository.offer(&package("1.1", "exit 1")).unwrap();
    bed.on("alpha", install).unwrap();
    assert!(bed.on("alpha", "greeter").is_err());
    bed.on("alpha", "test -e /run/reboot-required").unwrap();
    run(&restore);
    bed.wait_for("alpha").unwrap();
    assert_eq!(bed.on("alpha", "greeter").unwrap(), "hello\n");

    // A reboot ends every process and what is in /run; files stay.
    bed.on("alpha", "touch /run/mark /root/mark").unwrap();
    let boots = bed.boots("alpha").unwrap();
    let _ = bed.on("alpha", "systemctl reboot");
    while bed.boots("alpha").unwrap() == boots {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    bed.wait_for("alpha").unwrap();
    bed.on("alpha", "test ! -e /run/mark && test -e /root/mark")
        .unwrap();
    bed.cut_power("alpha").unwrap();
    bed.on("alpha", "test -e /root/mark").unwrap();
    assert_eq!(bed.boots("beta").unwrap(), 1);
}
