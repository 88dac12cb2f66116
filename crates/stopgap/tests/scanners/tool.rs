//! Somebody else's program, bounded in time.

use std::ffi::OsStr;
use std::process::Command;

/// All that a program said within so many seconds.
pub(crate) fn said(seconds: u32, program: &str, arguments: &[impl AsRef<OsStr>]) -> String {
    let output = Command::new("timeout")
        .args(["--kill-after=5", &seconds.to_string(), program])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0 | 1) => said,
        Some(127) => panic!("{program} is missing; as root: apt-get install {program}"),
        Some(124) => panic!("{program} was not done after {seconds} s: {said}{errors}"),
        _ => panic!("{program} failed, {}: {said}{errors}", output.status),
    }
}
