//! What contributors and CI run: `cargo xtask test`, `ci`, `bench`, `score`, `fuzz`.

mod bench;
mod fuzz;
mod peers;
mod prepare;
mod score;

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};

const USAGE: &str = "usage: cargo xtask test | ci | bench | score | fuzz

  test   all tests of the workspace; as root, what they need of the system is installed first
  ci     formatting, lints, licences (where cargo-deny is installed), then all tests
  bench  [NAME…] [--json] [--quick]   ratios against peers, taken in one run
  score  [--json] [--misses] [--quick] [--seed N]
                                      imported patches against the corpora that STOPGAP_CORPORA
                                      names: exploits stopped, legitimate requests passed, and
                                      what all of them cost a gateway
  fuzz   [--seconds N] [TARGET…]      each parser on whatever bytes, a minute each;
                                      `differential`: random requests against libmodsecurity";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => test(),
        ["ci"] => ci(),
        ["bench", rest @ ..] => bench::run(rest),
        ["score", rest @ ..] => score::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs all tests and ends with the sum of all their binaries.
fn test() -> anyhow::Result<()> {
    prepare::prepare()?;
    if let Err(why) = peers::libmodsecurity() {
        // Its tests say that they are skipped.
        if std::env::var_os("CI").is_some() {
            return Err(why);
        }
        eprintln!("xtask: libmodsecurity cannot be had, so nothing is compared with it: {why:#}");
    }
    let mut child = Command::new("cargo")
        .args(["test", "--workspace", "--no-fail-fast"])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let (mut passed, mut failed) = (0_u64, 0_u64);
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line?;
            println!("{line}");
            let count = |what: &str| -> u64 {
                line.strip_prefix("test result: ")
                    .and_then(|result| {
                        result
                            .split([';', '.'])
                            .find_map(|part| part.trim().strip_suffix(what))
                    })
                    .and_then(|number| number.trim().parse().ok())
                    .unwrap_or(0)
            };
            passed += count("passed");
            failed += count("failed");
        }
    }
    let status = child.wait()?;
    println!("{passed} passed, {failed} failed");
    if !status.success() || passed == 0 {
        bail!("the tests failed");
    }
    Ok(())
}

fn ci() -> anyhow::Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])?;
    let deny = Command::new("cargo").args(["deny", "--version"]).output();
    if deny.is_ok_and(|output| output.status.success()) {
        cargo(&["deny", "check", "bans", "licenses", "sources"])?;
        advisories()?;
    } else {
        eprintln!(
            "xtask: skipped `cargo deny check`: cargo-deny is not installed; `cargo install --locked cargo-deny`"
        );
    }
    test()
}

/// Known vulnerabilities of dependencies, where the database can be had.
fn advisories() -> anyhow::Result<()> {
    let output = Command::new("cargo")
        .args(["deny", "check", "advisories"])
        .output()
        .context("cannot start cargo deny")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        eprintln!("xtask: no advisory concerns a dependency");
        return Ok(());
    }
    if said.contains("failed to fetch advisory database") {
        eprintln!(
            "xtask: skipped `cargo deny check advisories`: its database cannot be fetched from here; run it where it can"
        );
        return Ok(());
    }
    bail!("`cargo deny check advisories` failed:\n{said}");
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(arguments)
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("`cargo {}` failed", arguments.join(" "));
    }
    Ok(())
}
