//! `cargo xtask score`: the factory on third-party corpora, with optimisation.

use crate::cargo;

pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let mut words = vec!["run", "--quiet", "--release", "--package", "score", "--"];
    words.extend(arguments);
    cargo(&words)
}
