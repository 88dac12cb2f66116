//! A disk that is full: what was acknowledged is there, what was not is told, and when there is
//! room again it goes on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/disk.rs"]
mod disk;
#[path = "support/control.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod side;

use cluster::Cluster;
use disk::Disk;
use side::Control;

/// Of the disk, once the program runs.
const ROOM: usize = 512 * 1024;

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged_in_a_file() {
    let disk = Disk::of(4 << 20);
    keeps_what_it_acknowledges(&disk, &[], || ());
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged_in_postgresql() {
    let disk = Disk::of(48 << 20);
    let mut cluster = Cluster::start(&disk, 5432);
    let url = cluster.url(&disk);
    keeps_what_it_acknowledges(&disk, &["--database", &url], || cluster.runs(&disk));
}

/// `recovers` does what whoever runs the database does when there is room again.
fn keeps_what_it_acknowledges(disk: &Disk, database: &[&str], recovers: impl FnOnce()) {
    let folder = disk.path().display().to_string();
    let program = |words: &str, place: &str| {
        let mut command = disk.command(env!("CARGO_BIN_EXE_stopgap"));
        command.args(words.split(' ')).args(database);
        if place == "--keys" || database.is_empty() {
            command.args([place, &folder]);
        }
        command
    };
    let made = program(
        "token add ann --of ann --role operator --who root --why first",
        "--data",
    )
    .output()
    .unwrap();
    let secret = String::from_utf8(made.stdout).unwrap();
    let secret = secret.trim();
    let keys = if database.is_empty() {
        "--data"
    } else {
        "--keys"
    };
    let control = Control::started(program("control --listen 127.0.0.1:0", keys));
    disk.fill_but(ROOM);
    let advisory = |number: usize| {
        // Not the same again and again: PostgreSQL would keep it in little room.
        let words = (0..500).map(|word| format!("{:08x}", (number * 500 + word) * 0x9e37_79b1));
        let title = words.map(|word| word[..8].to_owned()).collect::<String>();
        format!(r#"{{"id":"CVE-{number}","title":"{title}","severity":"high"}}"#)
    };
    let add = |number| control.call("POST /api/v1/advisories", secret, &advisory(number));
    let there = |number: usize| {
        let call = format!("GET /api/v1/advisories/CVE-{number}");
        control.call(&call, secret, "").0
    };
    let (mut taken, mut number) = (Vec::new(), 0);
    let refused = loop {
        number += 1;
        match add(number) {
            (201, _) => taken.push(number),
            other => break other,
        }
        assert!(number < 1000, "the disk does not become full");
    };
    assert_eq!(refused.0, 507, "{refused:?}");
    assert!(refused.1.contains("disk is full"), "{refused:?}");
    assert_eq!(there(number), 404, "what was refused was not changed");
    for number in &taken {
        assert_eq!(there(*number), 200, "CVE-{number} was acknowledged");
    }
    disk.empty();
    recovers();
    assert_eq!(add(number).0, 201, "there is room again");
    for number in taken {
        assert_eq!(there(number), 200, "CVE-{number} was acknowledged");
    }
    let (_, log) = control.call("GET /api/v1/audit/verification", secret, "");
    assert!(log.contains("\"holds\":true"), "{log}");
    control.stop();
}
