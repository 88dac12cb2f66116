//! What became of a campaign, on a page and as files.

use askama::Template;
use campaign::report::{Report, csv, html};

use crate::console::render::{Frame, filled, filters};
use crate::console::visit::{Shown, Visit};
use crate::problem::Problem;
use crate::routes::Drawn;

/// Lines of a report that the page shows; the files have all.
const LINES: usize = 500;

#[derive(Template)]
#[template(path = "campaign_report.html")]
struct ReportPage {
    frame: Frame,
    report: Report,
    more: bool,
    lines: usize,
}

fn told(visit: &Visit<'_>) -> Result<Report, Problem> {
    visit.get(&format!("/campaigns/{}/report", visit.id()))
}

pub(crate) fn report(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let report = told(visit)?;
    Ok(Shown::Page(filled(&ReportPage {
        frame: visit.frame("/campaigns"),
        more: report.results.len() > LINES,
        lines: LINES,
        report,
    })?))
}

fn file(visit: &Visit<'_>, kind: &'static str, ending: &str, text: String) -> Shown {
    Shown::File {
        name: format!("campaign-{}.{ending}", visit.id()),
        kind,
        text,
    }
}

pub(crate) fn report_html(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let drawn: Drawn = visit.get(&format!("/campaigns/{}/plan", visit.id()))?;
    let text = html(&told(visit)?, &drawn.gantt, &drawn.graph);
    Ok(file(visit, "text/html; charset=utf-8", "html", text))
}

pub(crate) fn report_csv(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let text = csv(&told(visit)?);
    Ok(file(visit, "text/csv; charset=utf-8", "csv", text))
}

pub(crate) fn report_json(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let text = serde_json::to_string_pretty(&told(visit)?)?;
    Ok(file(visit, "application/json", "json", text))
}
