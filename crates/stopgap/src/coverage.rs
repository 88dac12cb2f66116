//! `stopgap coverage`: where patches are enforced, what shows it, and where nothing is.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use control::{Coverage, Does, PatchCovered, PatchesCovered};
use ledger::probe::Shown;
use serde_json::json;

use crate::ledger_place::{Place, now_ms};

/// Show which patch is enforced at which ingress point, and every way that is a hole.
///
/// Exit status: 0 every way is guarded and no probe went through or was refused by another than its patch, 1 not, 2 wrong use.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Only this ingress point.
    #[arg(value_name = "NAME")]
    ingress: Option<String>,
    /// Write one JSON object: {"points": [{"point", "bundle", "patches"}]}.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let now_ms = now_ms();
    let points = store.read(|it| {
        let coverage = Coverage::of(it)?;
        let map = coverage.map();
        let wanted = |id: &str| arguments.ingress.as_deref().is_none_or(|it| it == id);
        let points = coverage.points().iter().filter(|it| wanted(&it.id));
        let points = points.map(|point| {
            let probes = it.probes(&point.id)?;
            Ok(coverage.patches(&map, point, &probes, now_ms))
        });
        points.collect::<Result<Vec<_>, store::Error>>()
    })?;
    if let Some(name) = arguments.ingress.as_ref().filter(|_| points.is_empty()) {
        anyhow::bail!("ingress point {name} is not there");
    }
    let mut output = std::io::stdout().lock();
    match arguments.json {
        true => writeln!(output, "{}", json!({ "points": points }))?,
        false => {
            for line in points.iter().flat_map(told) {
                writeln!(output, "{line}")?;
            }
        }
    }
    let unstopped = |it: &PatchCovered| {
        let probe = it.probe.as_ref().filter(|probe| probe.current);
        probe.is_some_and(|probe| matches!(probe.shows, Shown::Passed | Shown::Elsewhere))
    };
    let wrong =
        |it: &PatchesCovered| !it.point.holes.is_empty() || it.patches.iter().any(unstopped);
    Ok(match points.iter().any(wrong) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn told(covered: &PatchesCovered) -> Vec<String> {
    let point = &covered.point;
    let guards = match point.guards.is_empty() {
        true => "nobody".to_owned(),
        false => point.guards.join(", "),
    };
    let mut lines = vec![format!(
        "{}  {}  {}  enforced by {guards}",
        point.ingress, point.kind, point.environment
    )];
    for hole in &point.holes {
        let to = hole.application.as_ref().map(|it| format!(" -> {it}"));
        lines.push(format!(
            "  HOLE {}{}{}: {}",
            hole.host,
            hole.prefix,
            to.unwrap_or_default(),
            hole.why
        ));
        lines.push(format!("       {}", hole.remedy));
    }
    for patch in &covered.patches {
        let share = patch.share_percent.map(|share| format!(" {share} %"));
        let does = match patch.does {
            Does::AsWanted => "as wanted",
            Does::Older => "as an earlier bundle says",
            Does::Differs => "not as its bundle says",
            Does::Nothing => "not at all",
        };
        let probe = patch.probe.as_ref().map(|probe| {
            let time = jiff::Timestamp::from_millisecond(probe.sent_ms).unwrap_or_default();
            let old = if probe.current {
                ""
            } else {
                ", an earlier document"
            };
            format!(", probe {} {time:.0}{old}", probe.shows)
        });
        lines.push(format!(
            "  {}  {}{}, {does}{}",
            patch.patch,
            patch.stage,
            share.unwrap_or_default(),
            probe.unwrap_or_default()
        ));
    }
    lines
}
