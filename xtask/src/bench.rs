//! `cargo xtask bench`: builds what is measured and what measures, with optimisation, and runs it.

use crate::cargo;

pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    cargo(&[
        "build",
        "--release",
        "--package",
        "stopgap",
        "--package",
        "bench",
    ])?;
    let mut words = vec!["run", "--quiet", "--release", "--package", "bench", "--"];
    words.extend(arguments);
    cargo(&words)
}
