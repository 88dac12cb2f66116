//! Time and memory of 10,000 patches.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, anyhow};
use engine::{Limits, Mode};
use serde::{Deserialize, Serialize};

use crate::table::{Table, median};
use crate::{Settings, documents, process};

const PATCHES: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct Told {
    read_s: f64,
    compile_s: f64,
    peak_mb: f64,
}

pub(crate) fn bench(settings: &Settings) -> anyhow::Result<Table> {
    let rounds = if settings.quick { 1 } else { 5 };
    let folder = tempfile::tempdir()?;
    documents::write(folder.path(), PATCHES)?;
    let mut told: Vec<Told> = Vec::new();
    for _ in 0..rounds {
        let mut command = Command::new(&settings.bench);
        command.args(["as", "compiler"]).arg(folder.path());
        let (_, output) = process::run(command)?;
        told.push(serde_json::from_slice(&output).context("the compiler said something else")?);
    }
    let of = |part: fn(&Told) -> f64| median(&told.iter().map(part).collect::<Vec<_>>());
    let mut table = Table::new(
        "compile",
        format!(
            "{PATCHES} documents of ten kinds, from files to a plan, on one thread; CPU time; medians of {rounds} runs."
        ),
    );
    table.number("read the documents", of(|told| told.read_s), "s", None);
    table.number("compile them", of(|told| told.compile_s), "s", None);
    let both = of(|told| told.read_s + told.compile_s);
    table.number("read and compile", both, "s", Some(3.0));
    table.number("peak memory", of(|told| told.peak_mb), "MB", Some(150.0));
    Ok(table)
}

/// The role: compiles a folder and tells what that took.
pub(crate) fn run(folder: &Path) -> anyhow::Result<()> {
    let begin = process::own_cpu()?;
    let sources = sources(folder)?;
    let read = process::own_cpu()?;
    let plan = patch::load::plan(&[], &sources, Limits::default(), &engine::NoResources)
        .map_err(|problem| anyhow!("{problem}"))?;
    let told = Told {
        read_s: read - begin,
        compile_s: process::own_cpu()? - read,
        peak_mb: process::peak_megabytes(std::process::id())?,
    };
    drop(plan);
    println!("{}", serde_json::to_string(&told)?);
    Ok(())
}

/// All documents of a folder, enforced.
pub(crate) fn sources(folder: &Path) -> anyhow::Result<Vec<(patch::Source, Mode)>> {
    let sources = patch::load::sources(&[folder.to_owned()]).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow!("{}", lines.join("\n"))
    })?;
    Ok(sources
        .into_iter()
        .map(|source| (source, Mode::Enforce))
        .collect())
}
