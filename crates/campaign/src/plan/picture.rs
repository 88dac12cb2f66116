//! A plan as pictures: the graph of what comes before what, and the waves on a line of time.

use std::fmt::Write;

use super::{Plan, PlannedAsset};
use crate::text::minute;

/// Assets that the graph draws one by one; of more, it draws waves.
const DRAWN: usize = 60;
/// Lines that it draws from one box.
const LINES: usize = 12;
/// Waves that the line of time draws, and boxes of waves in the graph.
const WAVES: usize = 200;

/// Escapes what others wrote, for SVG and HTML.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other if other.is_control() && other != '\n' => {}
            other => escaped.push(other),
        }
    }
    escaped
}

fn begun(width: usize, height: usize, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\"><title>{}</title>",
        escaped(title)
    )
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}

struct Node {
    label: String,
    column: usize,
    row: usize,
    color: &'static str,
    to: Vec<usize>,
}

/// What comes before what: dependencies stand left of what depends on them.
#[must_use]
pub fn graph(plan: &Plan) -> String {
    let nodes = match plan.assets.len() <= DRAWN {
        true => of_assets(plan),
        false => of_waves(plan),
    };
    let (box_w, box_h, step_x, step_y) = (150, 28, 210, 40);
    let columns = nodes.iter().map(|it| it.column + 1).max().unwrap_or(1);
    let rows = nodes.iter().map(|it| it.row + 1).max().unwrap_or(1);
    let (width, height) = (columns * step_x, rows * step_y + 10);
    let mut svg = begun(width, height, "What comes before what");
    svg.push_str("<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" fill=\"#667\"/></marker></defs>");
    let at = |node: &Node| (node.column * step_x + 10, node.row * step_y + 8);
    for node in &nodes {
        let (x, y) = at(node);
        for to in node.to.iter().take(LINES).filter_map(|to| nodes.get(*to)) {
            let (to_x, to_y) = at(to);
            let _ = write!(
                svg,
                "<path d=\"M{} {}L{to_x} {}\" stroke=\"#667\" fill=\"none\" marker-end=\"url(#a)\"/>",
                x + box_w,
                y + box_h / 2,
                to_y + box_h / 2
            );
        }
    }
    for node in &nodes {
        let (x, y) = at(node);
        let _ = write!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{box_w}\" height=\"{box_h}\" rx=\"4\" fill=\"{}\" stroke=\"#334\"/><text x=\"{}\" y=\"{}\">{}</text>",
            node.color,
            x + 8,
            y + 18,
            escaped(&shortened(&node.label, 21))
        );
    }
    svg.push_str("</svg>");
    svg
}

fn of_assets(plan: &Plan) -> Vec<Node> {
    let mut rows = Vec::new();
    let node = |asset: &PlannedAsset| {
        let column = asset.level as usize;
        if rows.len() <= column {
            rows.resize(column + 1, 0);
        }
        let row = rows.get_mut(column).map_or(0, |row: &mut usize| {
            *row += 1;
            *row - 1
        });
        Node {
            label: asset.id.clone(),
            column,
            row,
            color: match asset.patches.is_empty() {
                true => "#eef",
                false => "#cde8cd",
            },
            to: asset.dependents.iter().map(|to| *to as usize).collect(),
        }
    };
    plan.assets.iter().map(node).collect()
}

fn of_waves(plan: &Plan) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for (column, ring) in plan.rings.iter().enumerate() {
        for (row, wave) in ring.waves.iter().enumerate() {
            let last = row + 1 == ring.waves.len();
            let next = nodes.len() + 1;
            let following = !last || column + 1 < plan.rings.len();
            nodes.push(Node {
                label: format!("{} {}: {} assets", ring.name, row + 1, wave.assets.len()),
                column,
                row,
                color: "#cde8cd",
                to: following.then_some(next).into_iter().collect(),
            });
        }
    }
    nodes.truncate(WAVES);
    nodes
}

/// The waves on a line of time, in UTC, with the windows behind them.
#[must_use]
pub fn gantt(plan: &Plan) -> String {
    let waves: Vec<_> = plan
        .rings
        .iter()
        .flat_map(|ring| ring.waves.iter().enumerate().map(move |it| (ring, it)))
        .take(WAVES)
        .collect();
    let ends = waves
        .iter()
        .map(|(_, (_, wave))| wave.begins_ms.saturating_add(wave.takes_ms));
    let from = waves.iter().map(|(_, (_, wave))| wave.begins_ms).min();
    let (from, until) = (from.unwrap_or(0), ends.max().unwrap_or(1));
    let span = until.saturating_sub(from).max(1);
    let (left, chart, row_h) = (170_i64, 700_i64, 24);
    let x = |time_ms: i64| {
        let within = time_ms.clamp(from, until).saturating_sub(from);
        left + i64::try_from(i128::from(within) * i128::from(chart) / i128::from(span)).unwrap_or(0)
    };
    let height = (waves.len() + 1) * row_h + 10;
    let mut svg = begun(890, height, "The waves, in time");
    for (row, (ring, (at, wave))) in waves.iter().enumerate() {
        let y = row * row_h + 6;
        let windows = ring.windows.iter();
        for window in windows.filter(|it| it.opens_ms < until && it.closes_ms > from) {
            let (opens, closes) = (x(window.opens_ms), x(window.closes_ms));
            let _ = write!(
                svg,
                "<rect x=\"{opens}\" y=\"{y}\" width=\"{}\" height=\"20\" fill=\"#eef\"/>",
                closes - opens
            );
        }
        let (begins, ends) = (
            x(wave.begins_ms),
            x(wave.begins_ms.saturating_add(wave.takes_ms)),
        );
        let label = format!(
            "{} wave {}, {} assets",
            ring.name,
            at + 1,
            wave.assets.len()
        );
        let _ = write!(
            svg,
            "<text x=\"4\" y=\"{}\">{}</text><rect x=\"{begins}\" y=\"{}\" width=\"{}\" height=\"12\" fill=\"#4a8f4a\"><title>{}</title></rect>",
            y + 14,
            escaped(&shortened(&label, 26)),
            y + 4,
            (ends - begins).max(2),
            minute(wave.begins_ms)
        );
    }
    let y = height - 8;
    let _ = write!(
        svg,
        "<text x=\"{left}\" y=\"{y}\">{}</text><text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{} UTC</text></svg>",
        minute(from),
        left + chart,
        minute(until)
    );
    svg
}
