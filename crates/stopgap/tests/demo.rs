//! The demo shows what it claims, and ends when it is told to.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stopgap"));
    command.arg("demo").stdout(Stdio::piped());
    command
}

#[test]
fn every_step_of_the_demo_shows_what_it_claims() {
    let output = demo().arg("--no-wait").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("7. Rollback"), "{said}");
    assert!(!said.contains('✗'), "{said}");
    let wide: Vec<&str> = said
        .lines()
        .filter(|line| line.chars().count() > 100)
        .collect();
    assert!(wide.is_empty(), "{wide:#?}");

    // What the README shows of it, in that order.
    let readme = include_str!("../../../README.md");
    let shown = readme.split_once("-- demo\n").unwrap().1;
    let shown = shown.split_once("```").unwrap().0.lines();
    let mut lines = said.lines();
    for line in shown.filter(|line| !line.is_empty()) {
        assert!(lines.any(|it| it == line), "the README, {line}:\n{said}");
    }
}

#[test]
fn it_stays_to_be_played_with_until_it_is_ended() {
    let mut child = demo().spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines: Vec<String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.contains("Ctrl-C"))
        .collect();
    let told = |what: &str| lines.iter().any(|line| line.trim_start().starts_with(what));
    assert!(told("protected:") && told("not protected:") && told("curl "));
    assert_eq!(child.try_wait().unwrap(), None);
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    assert!(child.wait().unwrap().success());
}

#[test]
fn it_ends_when_nobody_reads() {
    let mut child = demo().stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!errors.contains("panicked"), "{errors}");
}
