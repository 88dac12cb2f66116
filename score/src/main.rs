//! The factory measured on third-party corpora: see `cargo xtask score`.

mod benign;
mod corpora;
mod crowdsec;
mod measure;
mod nuclei;
mod patches;
mod report;
mod traffic;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};

const USAGE: &str = "usage: cargo xtask score [--json] [--misses] [--quick] [--seed N] [--write FOLDER]

  --json    a JSON object for each number
  --misses  what was missed and what was stopped wrongly, a line each
  --quick   fewer legitimate requests, no cost
  --seed    chooses other legitimate requests and other random values in exploits
  --write   nothing is measured: the imported patches are written to FOLDER/patches, and the legitimate
            requests whose cost is measured, for `stopgap inspect`, to FOLDER/elsewhere.jsonl and FOLDER/near.jsonl";

/// What is wanted.
#[derive(Clone, Copy)]
struct Settings {
    json: bool,
    misses: bool,
    quick: bool,
    seed: u64,
}

/// Importers choose by 0.
const SEED: u64 = 20_270_101;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("score: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every reach was reached.
fn run() -> anyhow::Result<bool> {
    let mut settings = Settings {
        json: false,
        misses: false,
        quick: false,
        seed: SEED,
    };
    let mut folder = None;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => settings.json = true,
            "--misses" => settings.misses = true,
            "--quick" => settings.quick = true,
            "--seed" => {
                let told = words.next().and_then(|word| word.parse().ok());
                settings.seed = told
                    .filter(|seed| *seed != 0)
                    .context("`--seed` is followed by a number above 0")?;
            }
            "--write" => {
                let told = words.next().context("`--write` is followed by a folder")?;
                folder = Some(PathBuf::from(told));
            }
            other => bail!("`{other}` is not known\n{USAGE}"),
        }
    }
    let Some(corpora) = corpora::folder() else {
        bail!("there are no corpora; name their folder in STOPGAP_CORPORA");
    };
    if let Some(folder) = folder {
        measure::write(&corpora, &folder, settings)?;
        return Ok(true);
    }
    let report = measure::all(&corpora, settings)?;
    match settings.json {
        true => report.print_json()?,
        false => println!("{report}"),
    }
    Ok(report.all_reached())
}
