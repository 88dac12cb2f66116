//! The factory measured on third-party corpora: see `cargo xtask score`.

mod benign;
mod corpora;
mod crowdsec;
mod measure;
mod nuclei;
mod patches;
mod report;
mod traffic;

use std::process::ExitCode;

use anyhow::bail;

const USAGE: &str = "usage: cargo xtask score [--json] [--misses] [--quick]

  --json    a JSON object for each number
  --misses  what was missed and what was stopped wrongly, a line each
  --quick   fewer legitimate requests, no cost";

/// What is wanted.
#[derive(Default, Clone, Copy)]
struct Settings {
    json: bool,
    misses: bool,
    quick: bool,
}

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
    let mut settings = Settings::default();
    for word in std::env::args().skip(1) {
        match word.as_str() {
            "--json" => settings.json = true,
            "--misses" => settings.misses = true,
            "--quick" => settings.quick = true,
            other => bail!("`{other}` is not known\n{USAGE}"),
        }
    }
    let Some(corpora) = corpora::folder() else {
        bail!("there are no corpora; name their folder in STOPGAP_CORPORA");
    };
    let report = measure::all(&corpora, settings)?;
    match settings.json {
        true => report.print_json()?,
        false => println!("{report}"),
    }
    Ok(report.all_reached())
}
