//! Benches. Each compares the program with a peer on the same input, in rounds within one run,
//! and prints ratios: on a busy machine those are stable where times are not.
//!
//! Run them by `cargo xtask bench`, which builds what they need with optimisation.

mod compile;
mod documents;
mod engines;
mod flame;
mod gateway;
mod imported;
mod ingress;
mod inspect;
mod instructions;
mod load;
mod nginx;
mod peer;
mod process;
mod table;
mod valgrind;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use table::Table;

const USAGE: &str = "usage: cargo xtask bench [NAME…] [--json] [--quick]
       cargo xtask bench flame FILE.svg

  engine         the core rule set's cost: against libmodsecurity and zentinel-modsec
  adversarial    the core rule set's cost for each byte of hostile requests
  gateway        CPU per request: against a bare reverse proxy, nginx, and with more patches
  ingress        CPU per request of nginx, Caddy, Traefik, HAProxy and Envoy that ask: against those that do not
  imported       all imported patches together: CPU of the gateway, and the engine's instructions
  inspect        `stopgap inspect` against reading and writing JSON lines alone
  compile        time and memory of 10,000 patches
  instructions   instructions per request, counted by valgrind

All of them where none is named. flame draws where the engine's instructions go.

  --json    one JSON object a line instead of tables
  --quick   fewer requests: to see that it works, not to quote";

/// What all benches are told.
pub(crate) struct Settings {
    /// The program that is measured.
    pub(crate) stopgap: PathBuf,
    /// This program, for its roles as a peer.
    pub(crate) bench: PathBuf,
    pub(crate) quick: bool,
}

type Bench = fn(&Settings) -> anyhow::Result<Table>;

const BENCHES: &[(&str, Bench)] = &[
    ("compile", compile::bench),
    ("inspect", inspect::bench),
    ("instructions", instructions::bench),
    ("gateway", gateway::bench),
    ("imported", imported::bench),
    ("ingress", ingress::bench),
    ("engine", engines::bench),
    ("adversarial", engines::adversarial::bench),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        // Roles: what the benches start as processes of their own.
        ["as", "proxy", upstream] => address(upstream).and_then(peer::run),
        ["as", "engine", rules, mixes @ ..] => engines::role::run(Path::new(rules), mixes),
        ["as", "compiler", folder] => compile::run(Path::new(folder)),
        ["as", "copier", input] => inspect::run(Path::new(input)),
        ["as", "inspector", folder, route, count] => {
            instructions::run(Path::new(folder), route, count)
        }
        ["as", "replayer", patches, requests, times] => {
            imported::run(Path::new(patches), Path::new(requests), times)
        }
        ["flame", file] => std::env::current_exe()
            .context("this program is not to be found")
            .and_then(|bench| flame::draw(&bench, Path::new(file))),
        _ => return measure(&words),
    };
    exit(outcome.map(|()| true))
}

fn measure(words: &[&str]) -> ExitCode {
    let (mut json, mut quick, mut names) = (false, false, Vec::new());
    for &word in words {
        match word {
            "--json" => json = true,
            "--quick" => quick = true,
            name if BENCHES.iter().any(|(known, _)| *known == name) => names.push(name),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    exit(all(&names, json, quick))
}

fn all(names: &[&str], json: bool, quick: bool) -> anyhow::Result<bool> {
    let bench = std::env::current_exe().context("this program is not to be found")?;
    let stopgap = bench.with_file_name("stopgap");
    if !stopgap.is_file() {
        bail!("no {}: run it by `cargo xtask bench`", stopgap.display());
    }
    let settings = Settings {
        stopgap,
        bench,
        quick,
    };
    let mut reached = true;
    for (name, bench) in BENCHES {
        if names.is_empty() || names.contains(name) {
            let table = bench(&settings).with_context(|| format!("bench {name}"))?;
            reached &= table.is_reached();
            if json {
                println!("{}", table.json()?);
            } else {
                print!("{table}");
            }
        }
    }
    Ok(reached)
}

fn exit(outcome: anyhow::Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("bench: not every number is within its reach");
            ExitCode::FAILURE
        }
        Err(why) => {
            eprintln!("bench: {why:#}");
            ExitCode::from(2)
        }
    }
}

fn address(text: &str) -> anyhow::Result<SocketAddr> {
    text.parse()
        .with_context(|| format!("{text} is no address"))
}
