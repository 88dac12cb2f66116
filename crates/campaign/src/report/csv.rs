//! A report as a table (RFC 4180).

use super::Report;
use crate::text::minute;

/// One line for each asset and patch.
#[must_use]
pub fn csv(report: &Report) -> String {
    let mut csv = String::new();
    line(
        &mut csv,
        &[
            "ring", "wave", "asset", "patch", "result", "why", "class", "excerpt", "took_s",
            "reboot", "held", "released",
        ],
    );
    for it in &report.results {
        let hold = report.holds.iter().find(|hold| hold.asset == it.asset);
        let held = hold.map_or(String::new(), |hold| minute(hold.held_ms));
        let released = hold.and_then(|hold| hold.released_ms);
        line(
            &mut csv,
            &[
                &it.ring,
                &it.wave.to_string(),
                &it.asset,
                &it.patch,
                &it.result,
                &it.why,
                &it.class,
                &it.excerpt,
                &(it.took_ms / 1000).to_string(),
                &it.reboot,
                &held,
                &released.map_or(String::new(), minute),
            ],
        );
    }
    csv
}

fn line(csv: &mut String, fields: &[&str]) {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            csv.push(',');
        }
        csv.push_str(&quoted(field));
    }
    csv.push_str("\r\n");
}

/// What a spreadsheet would take for a formula is text: logs of hosts are others' words.
fn quoted(field: &str) -> String {
    let guarded = match field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{field}"),
        false => field.to_owned(),
    };
    match guarded.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", guarded.replace('"', "\"\"")),
        false => guarded,
    }
}
