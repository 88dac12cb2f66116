//! `cargo xtask bench`: builds what is measured and what measures, with optimisation, and runs it.

use crate::{cargo, peers};

pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    if arguments.contains(&"engine") || arguments.iter().all(|word| word.starts_with('-')) {
        peers::libmodsecurity()?;
        peers::zentinel()?;
    }
    cargo(&[
        "build",
        "--release",
        "--package",
        "stopgap",
        "--package",
        "bench",
        "--package",
        "score",
    ])?;
    let mut words = vec!["run", "--quiet", "--release", "--package", "bench", "--"];
    words.extend(arguments);
    cargo(&words)
}
