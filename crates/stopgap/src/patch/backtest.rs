//! `stopgap patch backtest`: what patches would have done with recorded traffic.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use engine::{Exchange, Match};
use patch::Source;
use patch::prove::{Tally, Traffic};
use serde::Serialize;

use crate::traffic::{self, Format};

/// Say what patches would have stopped of recorded requests.
///
/// Without attacks among them, what would have been stopped is a false positive; how many
/// there may be among all requests is told with its uncertainty. Access logs hold neither
/// bodies nor most headers: what they say nothing about is named. Records that cannot be
/// read are counted, and the first of them named.
///
/// Exit status: 0 nothing would have been stopped, 1 something would, 2 wrong use or bad input.
#[derive(Args)]
pub(super) struct Arguments {
    /// Patch files, or folders of them.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Recorded requests: HAR, JSON lines, raw HTTP, ModSecurity audit logs, access logs.
    #[arg(long, required = true, value_name = "FILE", num_args = 1..)]
    traffic: Vec<PathBuf>,
    /// How they are recorded; told by their start if left out.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write one JSON object a patch.
    #[arg(long)]
    json: bool,
}

/// What was counted for a patch.
pub(super) struct Tested {
    pub(super) traffic: Traffic,
    pub(super) stopped: Vec<Stopped>,
}

/// A request that would have been stopped.
pub(super) struct Stopped {
    /// File and number of the record.
    pub(super) record: String,
    pub(super) exchange: Exchange,
    pub(super) cause: Match,
}

#[derive(Serialize)]
struct Told<'t> {
    patch: &'t str,
    #[serde(flatten)]
    traffic: &'t Traffic,
    /// The largest share of false positives, at 95 % confidence.
    bound: Option<f64>,
    /// The same of the requests in scope.
    bound_in_scope: Option<f64>,
}

/// Unreadable records that are named.
const FAULTS: u64 = 10;
/// Requests that would have been stopped and that are kept to be drawn, of one patch.
const DRAWN: usize = 20;

pub(super) fn start(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sources = super::some_documents(&arguments.paths)?;
    let tested = run(&sources, &arguments.traffic, arguments.format)?;
    let mut clean = true;
    for (source, Tested { traffic, .. }) in sources.iter().zip(&tested) {
        clean &= traffic.hits == 0;
        let patch = source.document.id.as_str();
        if arguments.json {
            let told = Told {
                patch,
                traffic,
                bound: traffic.bound(),
                bound_in_scope: traffic.bound_in_scope(),
            };
            println!("{}", serde_json::to_string(&told)?);
            continue;
        }
        println!("{patch}");
        for line in told(traffic) {
            println!("  {line}");
        }
        for hit in &traffic.examples {
            let (record, request) = (&hit.record, &hit.request);
            println!(
                "  stopped: {record}: {request}; rule {} at {}",
                hit.rule, hit.target
            );
        }
    }
    Ok(match clean {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Reads the files once, for all patches.
pub(super) fn run(
    sources: &[Source],
    files: &[PathBuf],
    format: Option<Format>,
) -> anyhow::Result<Vec<Tested>> {
    let mut tallies = Vec::new();
    for source in sources {
        let tally = Tally::new(source, &patch::compile(source)?)?;
        tallies.push((tally, Vec::new()));
    }
    let mut faults = 0;
    for path in files {
        let name = path.display();
        traffic::each(path, format, &mut |number, record| {
            match record {
                Ok(record) => {
                    for (tally, stopped) in &mut tallies {
                        let at = || format!("{name}:{number}");
                        let cause = tally.see(&record.exchange, record.recorded, at);
                        if let Some(cause) = cause.filter(|_| stopped.len() < DRAWN) {
                            stopped.push(Stopped {
                                record: at(),
                                exchange: record.exchange.clone(),
                                cause,
                            });
                        }
                    }
                }
                Err(error) => {
                    faults += 1;
                    if faults <= FAULTS {
                        eprintln!("{name}:{number}: not read: {error:#}");
                    }
                    tallies.iter_mut().for_each(|(tally, _)| tally.unreadable());
                }
            }
            Ok(())
        })?;
    }
    if faults > FAULTS {
        eprintln!("{} more records were not read", faults - FAULTS);
    }
    let end = |(tally, stopped): (Tally, _)| Tested {
        traffic: tally.end(),
        stopped,
    };
    Ok(tallies.into_iter().map(end).collect())
}

/// What traffic says, in sentences.
pub(super) fn told(traffic: &Traffic) -> Vec<String> {
    let mut lines = vec![format!(
        "{} of {} recorded requests would have been stopped; {} are in the patch's scope",
        traffic.hits, traffic.requests, traffic.concerned
    )];
    if let Some(bound) = traffic.bound() {
        let in_scope = traffic.bound_in_scope().map_or_else(String::new, |bound| {
            format!(", at most {} of those in scope", percent(bound))
        });
        lines.push(format!(
            "at 95 % confidence at most {} of requests like these are stopped{in_scope}",
            percent(bound)
        ));
    }
    if traffic.concerned == 0 {
        lines.push(
            "no request was in the patch's scope: its rules were not tried on any".to_owned(),
        );
    }
    for partial in &traffic.partial {
        let (place, seen) = (&partial.place, partial.seen);
        let of = traffic.concerned;
        lines.push(match seen {
            0 => format!(
                "partial evidence: {place} was never recorded; what rules do there is untested"
            ),
            _ => format!(
                "partial evidence: {place} was recorded in {seen} of {of} requests in scope"
            ),
        });
    }
    if traffic.undecided > 0 {
        lines.push(format!(
            "{} requests are undecided: a part that was not recorded decides",
            traffic.undecided
        ));
    }
    if traffic.unreadable > 0 {
        lines.push(format!("{} records could not be read", traffic.unreadable));
    }
    lines
}

/// Two significant digits.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        10.0.. => format!("{percent:.0} %"),
        1.0.. => format!("{percent:.1} %"),
        0.1.. => format!("{percent:.2} %"),
        0.01.. => format!("{percent:.3} %"),
        _ => format!("{percent:.4} %"),
    }
}
