//! `cargo xtask fuzz`: runs the targets of `fuzz/` with cargo-fuzz, which needs a nightly compiler.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::{cargo, peers};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz");

/// The engine's test that compares it with libmodsecurity.
const DIFFERENTIAL: &str = "differential";
/// What libmodsecurity manages with the core rule set at paranoia level 4.
const REQUESTS_A_SECOND: u64 = 150;

pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let mut seconds = "60";
    let mut chosen = Vec::new();
    let mut rest = arguments.iter();
    while let Some(&word) = rest.next() {
        match word {
            "--seconds" => seconds = rest.next().context("--seconds needs a number")?,
            name => chosen.push(name),
        }
    }
    if chosen.contains(&DIFFERENTIAL) {
        return differential(seconds.parse()?);
    }
    let targets = targets()?;
    if let Some(unknown) = chosen
        .iter()
        .find(|name| !targets.iter().any(|t| t == *name))
    {
        bail!("no target {unknown}; there are {}", targets.join(", "));
    }
    let works = Command::new("cargo")
        .args(["+nightly", "fuzz", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !works {
        bail!(
            "fuzzing needs a nightly compiler and cargo-fuzz: `rustup toolchain install nightly`, `cargo install --locked cargo-fuzz`"
        );
    }
    let time = format!("-max_total_time={seconds}");
    for target in targets {
        if chosen.is_empty() || chosen.contains(&target.as_str()) {
            // A slow input is a find as much as a crash.
            let limits = ["-timeout=5", "-rss_limit_mb=1024", "-max_len=20000"];
            let mut words = vec!["+nightly", "fuzz", "run", "--fuzz-dir", FOLDER, &target];
            // What once went wrong is where a search best begins.
            let finds = format!("{FOLDER}/../crates/promises/testdata/{target}");
            let corpus = format!("{FOLDER}/corpus/{target}");
            std::fs::create_dir_all(&corpus)?;
            words.push(&corpus);
            if Path::new(&finds).is_dir() {
                words.push(&finds);
            }
            words.extend(["--", &time]);
            words.extend(limits);
            cargo(&words)?;
        }
    }
    Ok(())
}

/// Other random requests than the tests', for about so long.
fn differential(seconds: u64) -> anyhow::Result<()> {
    peers::libmodsecurity()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let seed = now.as_secs().to_string();
    println!("STOPGAP_SEED={seed}");
    let status = Command::new("cargo")
        .args(["test", "--release", "--package", "engine"])
        .args(["--test", DIFFERENTIAL])
        .env("STOPGAP_SEED", seed)
        .env(
            "STOPGAP_REQUESTS",
            (seconds * REQUESTS_A_SECOND).to_string(),
        )
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("the engines differ");
    }
    Ok(())
}

/// The names of the files in `fuzz_targets`.
fn targets() -> anyhow::Result<Vec<String>> {
    let folder = Path::new(FOLDER).join("fuzz_targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}
