//! What was found, for people and for programs.

use std::io::Write;

use discovery::Found;
use ledger::IngressPath;
use serde_json::{Value, json};

use super::difference::{Difference, PointBecomes, State};

pub(super) fn tell(
    difference: &Difference,
    found: &Found,
    applied: bool,
    json: bool,
) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    if json {
        writeln!(output, "{}", as_json(difference, found, applied))?;
        return Ok(());
    }
    for point in &difference.points {
        for line in of_point(point) {
            writeln!(output, "{line}")?;
        }
    }
    for application in &difference.applications {
        let value = &application.value;
        match application.state {
            State::Known => {}
            State::New => writeln!(
                output,
                "+ application {}, asked for by {}",
                value.id,
                listed(&value.hosts)
            )?,
            State::Changed => writeln!(
                output,
                "+ application {}: asked for by {}, too",
                value.id,
                listed(&application.hosts)
            )?,
        }
    }
    for described in &found.applications {
        let (name, paths) = (&described.name, described.paths.len());
        writeln!(output, "  {name} answers {paths} paths")?;
    }
    for host in &difference.unknown {
        writeln!(
            output,
            "? {host} is no host of an application that is known"
        )?;
    }
    for note in &found.notes {
        writeln!(output, "! {note}")?;
    }
    match (applied, differs(difference)) {
        (true, true) => writeln!(output, "brought into the ledger")?,
        (false, true) => writeln!(output, "nothing was written: --apply --why TEXT does it")?,
        (_, false) => writeln!(output, "the ledger has all of it")?,
    }
    Ok(())
}

fn differs(difference: &Difference) -> bool {
    let points = difference.points.iter().map(|it| it.state);
    let mut states = points.chain(difference.applications.iter().map(|it| it.state));
    states.any(|state| state != State::Known)
}

fn of_point(point: &PointBecomes) -> Vec<String> {
    let value = &point.value;
    let sign = match point.state {
        State::New => "+ ",
        State::Changed | State::Known => "  ",
    };
    let mut lines = vec![format!(
        "{sign}ingress point {} ({}, {}), listens on {}",
        value.id,
        value.kind,
        value.environment,
        listed(&value.listens)
    )];
    for path in &value.paths {
        let sign = match (point.new.contains(path), point.vanished.contains(path)) {
            (true, _) => "+",
            (_, true) => "-",
            _ => " ",
        };
        lines.push(format!("{sign}   {}", of_path(path)));
    }
    for path in point
        .vanished
        .iter()
        .filter(|path| !value.paths.contains(path))
    {
        lines.push(format!("-   {}", of_path(path)));
    }
    for application in &point.lost {
        let id = &value.id;
        lines.push(format!(
            "- application {application} vanished: {id} does not lead to it any more"
        ));
    }
    lines
}

fn of_path(path: &IngressPath) -> String {
    let mut line = format!("{}{}", path.host, path.prefix);
    if let Some(application) = &path.application {
        line.push_str(&format!(" -> {application}"));
    }
    if !path.upstreams.is_empty() {
        line.push_str(&format!(" at {}", path.upstreams.join(", ")));
    }
    if let Some(asks) = &path.asks {
        line.push_str(&format!(", asks {asks}"));
    }
    line
}

fn listed(texts: &[String]) -> String {
    match texts.is_empty() {
        true => "nothing that is told".to_owned(),
        false => texts.join(", "),
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::New => "new",
        State::Changed => "changed",
        State::Known => "known",
    }
}

fn as_json(difference: &Difference, found: &Found, applied: bool) -> Value {
    let points = difference.points.iter().map(|point| {
        json!({
            "state": state(point.state), "value": point.value, "new": point.new,
            "vanished": point.vanished, "lost": point.lost,
        })
    });
    let applications = difference.applications.iter().map(|it| {
        let described = found
            .applications
            .iter()
            .find(|found| found.name == it.value.id);
        json!({
            "state": state(it.state), "value": it.value, "new_hosts": it.hosts,
            "paths": described.map(|found| &found.paths),
        })
    });
    json!({
        "points": points.collect::<Vec<_>>(),
        "applications": applications.collect::<Vec<_>>(),
        "unknown_hosts": difference.unknown,
        "notes": found.notes,
        "applied": applied,
    })
}
