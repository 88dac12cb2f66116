//! The demo shows what it claims.

use std::process::Command;

#[test]
fn every_step_of_the_demo_shows_what_it_claims() {
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(["demo", "--no-wait"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("7. Rollback"), "{said}");
    assert!(!said.contains('✗'), "{said}");
}
