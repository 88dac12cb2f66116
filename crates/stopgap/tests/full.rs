//! A disk that is full: what was acknowledged is there, what was not is told, and when there is
//! room again it goes on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/control.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod side;

use std::path::PathBuf;
use std::process::Command;

use side::Control;

/// Puts a disk of its own at the folder, with something on it that can go, then becomes the program.
const SMALL_DISK: &str = r#"mount -t tmpfs -o size=3m tmpfs "$FOLDER" &&
head -c 1048576 /dev/zero > "$FOLDER/ballast" &&
"$0" token add ann --of ann --role operator --who root --why first --data "$FOLDER/data" > "$FOLDER/token" &&
exec "$0" "$@""#;

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut small = Command::new("unshare");
    small
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            SMALL_DISK,
        ])
        .arg(env!("CARGO_BIN_EXE_stopgap"))
        .env("FOLDER", folder.path());
    let control = Control::started(small, "127.0.0.1:0", &folder.path().join("data"), &[]);
    // What the process sees there.
    let inside = |name: &str| {
        let root = PathBuf::from(format!("/proc/{}/root", control.child.id()));
        root.join(folder.path().strip_prefix("/").unwrap())
            .join(name)
    };
    let secret = std::fs::read_to_string(inside("token")).unwrap();
    let secret = secret.trim();
    let advisory = |number: usize| {
        let title = "x".repeat(4000);
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
    std::fs::remove_file(inside("ballast")).unwrap();
    assert_eq!(add(number).0, 201, "there is room again");
    for number in taken {
        assert_eq!(there(number), 200, "CVE-{number} was acknowledged");
    }
    let (_, log) = control.call("GET /api/v1/audit/verification", secret, "");
    assert!(log.contains("\"holds\":true"), "{log}");
    control.stop();
}
