//! A report as a page that needs nothing else: charts are drawn in it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Line, Report};
use crate::campaign::Word;
use crate::plan::escaped;
use crate::text::{minute, span};

const COLORS: &[(&str, &str)] = &[
    ("done", "#3f8f46"),
    ("skipped", "#8a8f98"),
    ("rolled back", "#c98a1b"),
    ("failed", "#b8352c"),
    ("open", "#4a6fa5"),
];

const STYLE: &str = "body{font:15px/1.5 sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c2430}table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{border:1px solid #ccd;padding:.3rem .5rem;text-align:left;vertical-align:top}pre{white-space:pre-wrap;margin:0;max-height:12rem;overflow:auto}svg{max-width:100%;height:auto}";

/// The report as a page, with these pictures of its plan.
#[must_use]
pub fn html(report: &Report, gantt: &str, graph: &str) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Campaign {}: {}</title><style>{STYLE}</style><h1>Campaign {}: {}</h1>",
        report.campaign,
        escaped(&report.title),
        report.campaign,
        escaped(&report.title)
    );
    summary(&mut page, report);
    let _ = write!(page, "<h2>Results</h2>{}", share(&assets(&report.results)));
    results(&mut page, report);
    let _ = write!(
        page,
        "<h2>Durations</h2>{}<h2>Plan</h2>{gantt}{graph}",
        durations(&report.results)
    );
    remedies(&mut page, report);
    holds(&mut page, report);
    people(&mut page, report);
    tests(&mut page, report);
    page.push_str("</html>\n");
    page
}

fn summary(page: &mut String, report: &Report) {
    let mut facts = vec![
        ("Owner", escaped(&report.owner)),
        ("As of", format!("{} UTC", minute(report.time_ms))),
        ("Planned", word(&report.planned)),
    ];
    facts.extend(report.started.as_ref().map(|it| ("Started", word(it))));
    facts.extend(
        report
            .rolled_back
            .as_ref()
            .map(|it| ("Taken back", word(it))),
    );
    facts.extend(
        report
            .follows
            .map(|it| ("Takes up", format!("campaign {it}"))),
    );
    for next in &report.followed_by {
        facts.push(("Taken up by", format!("campaign {next}")));
    }
    page.push_str("<table>");
    for (name, fact) in facts {
        let _ = write!(page, "<tr><th>{name}</th><td>{fact}</td></tr>");
    }
    page.push_str("</table>");
}

fn word(word: &Word) -> String {
    let text = match word.text.is_empty() {
        true => String::new(),
        false => format!(": {}", escaped(&word.text)),
    };
    format!(
        "{} UTC by {}{text}",
        minute(word.time_ms),
        escaped(&word.who)
    )
}

/// The first line of each asset.
fn assets(lines: &[Line]) -> Vec<&Line> {
    let mut assets: BTreeMap<(&str, &str), &Line> = BTreeMap::new();
    for line in lines {
        assets.entry((&line.ring, &line.asset)).or_insert(line);
    }
    assets.into_values().collect()
}

/// How many assets came to which end, as one bar.
fn share(assets: &[&Line]) -> String {
    let all = assets.len().max(1);
    let mut svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 60\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\"><title>How many assets came to which end</title>".to_owned();
    let (mut x, mut legend) = (0, 0);
    for (name, color) in COLORS {
        let count = assets.iter().filter(|it| it.result == *name).count();
        if count == 0 {
            continue;
        }
        let width = (700 * count / all).max(2);
        let _ = write!(
            svg,
            "<rect x=\"{x}\" y=\"0\" width=\"{width}\" height=\"24\" fill=\"{color}\"/><rect x=\"{legend}\" y=\"36\" width=\"12\" height=\"12\" fill=\"{color}\"/><text x=\"{}\" y=\"47\">{name} {count}</text>",
            legend + 16
        );
        x += width;
        legend += 130;
    }
    svg.push_str("</svg>");
    svg
}

/// How long assets took: how many within which time.
fn durations(lines: &[Line]) -> String {
    const STEPS_S: [i64; 7] = [60, 300, 600, 1200, 1800, 3600, i64::MAX];
    let took = assets(lines).into_iter().filter(|it| it.took_ms > 0);
    let mut counts = [0_usize; STEPS_S.len()];
    for line in took {
        let at = STEPS_S.iter().position(|most| line.took_ms / 1000 < *most);
        if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let mut svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 150\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\"><title>How long assets took</title>".to_owned();
    for ((at, count), most_s) in counts.iter().enumerate().zip(STEPS_S) {
        let height = 100 * count / most;
        let label = match most_s {
            i64::MAX => "longer".to_owned(),
            most_s => format!("< {}", span(most_s * 1000)),
        };
        let x = at * 100 + 10;
        let _ = write!(
            svg,
            "<rect x=\"{x}\" y=\"{}\" width=\"80\" height=\"{height}\" fill=\"#4a6fa5\"/><text x=\"{x}\" y=\"{}\">{count}</text><text x=\"{x}\" y=\"138\">{label}</text>",
            120 - height,
            116 - height
        );
    }
    svg.push_str("</svg>");
    svg
}

fn table(page: &mut String, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    page.push_str("<table><tr>");
    for head in heads {
        let _ = write!(page, "<th>{head}</th>");
    }
    page.push_str("</tr>");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{cell}</td>");
        }
        page.push_str("</tr>");
    }
    page.push_str("</table>");
}

fn results(page: &mut String, report: &Report) {
    let heads = [
        "Ring", "Wave", "Asset", "Patch", "Result", "Why", "Took", "Reboot",
    ];
    let rows = report.results.iter().map(|it| {
        let mut why = escaped(&it.why);
        if !it.class.is_empty() {
            let _ = write!(why, " ({})<pre>{}</pre>", it.class, escaped(&it.excerpt));
        }
        let color = COLORS.iter().find(|(name, _)| *name == it.result);
        let color = color.map_or("", |(_, color)| color);
        vec![
            escaped(&it.ring),
            it.wave.to_string(),
            escaped(&it.asset),
            escaped(&it.patch),
            format!("<b style=\"color:{color}\">{}</b>", it.result),
            why,
            span(it.took_ms),
            it.reboot.clone(),
        ]
    });
    table(page, &heads, rows);
}

fn remedies(page: &mut String, report: &Report) {
    if report.remedies.is_empty() {
        return;
    }
    page.push_str("<h2>What is still to do</h2>");
    let rows = report.remedies.iter().map(|it| {
        let plan = it.plan.as_ref().map_or("nobody has said".to_owned(), word);
        vec![
            escaped(&it.asset),
            escaped(&it.owner),
            escaped(&it.problem),
            plan,
        ]
    });
    table(page, &["Asset", "Owner", "Problem", "Plan"], rows);
}

fn holds(page: &mut String, report: &Report) {
    if report.holds.is_empty() {
        return;
    }
    page.push_str("<h2>Jobs on hold</h2>");
    let rows = report.holds.iter().map(|it| {
        vec![
            escaped(&it.asset),
            escaped(&it.jobs.join(", ")),
            minute(it.held_ms),
            it.released_ms.map_or("not released".to_owned(), minute),
            format!("<pre>{}</pre>", escaped(&it.proof)),
        ]
    });
    table(
        page,
        &["Asset", "Jobs", "Held", "Released", "What shows it"],
        rows,
    );
}

fn people(page: &mut String, report: &Report) {
    page.push_str("<h2>Who approved, and what was read</h2>");
    let answers = report.answers.iter().map(|it| {
        let says = if it.consents { "consents" } else { "objects" };
        vec![
            escaped(&it.ring),
            escaped(&it.service),
            says.to_owned(),
            word(&it.word),
        ]
    });
    table(page, &["Ring", "Service", "Answer", "Who"], answers);
    let reviews = report.reviews.iter().map(|it| {
        let read: Vec<String> = it.read.iter().map(|it| escaped(&it.text)).collect();
        let issue = it
            .issue
            .as_ref()
            .map_or("none that concerns us".to_owned(), |it| escaped(it));
        vec![
            escaped(&it.patch),
            escaped(&it.ring),
            read.join("<br>"),
            issue,
            word(&it.word),
        ]
    });
    table(
        page,
        &["Patch", "Ring", "Read", "Known issue", "Signed"],
        reviews,
    );
    let evidence = report
        .evidence
        .iter()
        .map(|it| vec![escaped(&it.patch), escaped(&it.from.told()), word(&it.word)]);
    if !report.evidence.is_empty() {
        table(
            page,
            &["Patch", "Evidence that is not our test region's", "Who"],
            evidence,
        );
    }
}

fn tests(page: &mut String, report: &Report) {
    page.push_str("<h2>What was tested</h2>");
    let rows = report.tests.iter().map(|it| {
        vec![
            escaped(&it.task),
            escaped(&it.what.join(", ")),
            minute(it.time_ms),
            if it.held { "held" } else { "did not hold" }.to_owned(),
            format!("<pre>{}</pre>", escaped(&it.seen)),
        ]
    });
    table(page, &["Task", "What", "When", "Outcome", "Seen"], rows);
}
