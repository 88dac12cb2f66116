//! `cargo xtask score`: the factory on third-party corpora, and what its patches cost a gateway, with
//! optimisation.

use crate::{bench, cargo};

/// Words with which nothing is measured, no cost, or other requests than the bench has.
const WITHOUT_COST: [&str; 3] = ["--write", "--quick", "--seed"];

pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let mut words = vec!["run", "--quiet", "--release", "--package", "score", "--"];
    words.extend(arguments);
    let scored = cargo(&words);
    if arguments.iter().any(|word| WITHOUT_COST.contains(word)) {
        return scored;
    }
    let json = arguments.iter().filter(|word| **word == "--json");
    let words: Vec<&str> = ["imported"].iter().chain(json).copied().collect();
    // What was missed before is told, but it does not keep the cost from being measured.
    let measured = bench::run(&words);
    scored.and(measured)
}
