//! What contributors and CI run: `cargo xtask test` and `cargo xtask ci`.

mod prepare;

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};

const USAGE: &str = "usage: cargo xtask test | ci

  test   all tests of the workspace; as root, what they need of the system is installed first
  ci     formatting, lints, licences (where cargo-deny is installed), then all tests";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let outcome = match task.as_deref() {
        Some("test") => test(),
        Some("ci") => ci(),
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
    } else {
        eprintln!(
            "xtask: skipped `cargo deny check`: cargo-deny is not installed; `cargo install --locked cargo-deny`"
        );
    }
    test()
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
