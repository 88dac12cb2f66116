//! What a bench found: rows with their reach.

use std::fmt;

use serde::Serialize;

/// The result of one bench.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    bench: &'static str,
    /// How it was measured.
    note: String,
    rows: Vec<Row>,
}

/// One number.
#[derive(Debug, Serialize)]
struct Row {
    what: String,
    value: f64,
    /// The quartiles of the rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    spread: Option<(f64, f64)>,
    unit: &'static str,
    /// What it should not exceed, or, where `more_is_better`, not fall below.
    #[serde(skip_serializing_if = "Option::is_none")]
    reach: Option<f64>,
    more_is_better: bool,
}

impl Row {
    fn is_reached(&self) -> bool {
        self.reach.is_none_or(|reach| match self.more_is_better {
            true => self.value >= reach,
            false => self.value <= reach,
        })
    }
}

impl Table {
    pub(crate) fn new(bench: &'static str, note: impl Into<String>) -> Self {
        Self {
            bench,
            note: note.into(),
            rows: Vec::new(),
        }
    }

    /// A plain number.
    pub(crate) fn number(
        &mut self,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        reach: Option<f64>,
    ) {
        self.rows.push(Row {
            what: what.into(),
            value,
            spread: None,
            unit,
            reach,
            more_is_better: false,
        });
    }

    /// The median of ratios, one of each round.
    pub(crate) fn ratio(&mut self, what: impl Into<String>, rounds: &[f64], reach: Option<f64>) {
        self.rows.push(Row {
            what: what.into(),
            value: median(rounds),
            spread: Some((quantile(rounds, 0.25), quantile(rounds, 0.75))),
            unit: "×",
            reach,
            more_is_better: false,
        });
    }

    /// The same of ratios that are better the greater they are.
    pub(crate) fn gain(&mut self, what: impl Into<String>, rounds: &[f64], reach: Option<f64>) {
        self.ratio(what, rounds, reach);
        if let Some(row) = self.rows.last_mut() {
            row.more_is_better = true;
        }
    }

    pub(crate) fn is_reached(&self) -> bool {
        self.rows.iter().all(Row::is_reached)
    }

    pub(crate) fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this part of the values is; 0 of nothing.
fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1) as f64 * part).round();
    sorted.get(at as usize).copied().unwrap_or_default()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## {}\n\n{}\n", self.bench, self.note)?;
        writeln!(
            f,
            "| What | Measured | Quartiles | Reach | |\n|---|---|---|---|---|"
        )?;
        for row in &self.rows {
            let digits = if row.value >= 100.0 { 0 } else { 2 };
            let unit = row.unit;
            write!(f, "| {} | {:.digits$} {unit} | ", row.what, row.value)?;
            if let Some((least, most)) = row.spread {
                write!(f, "{least:.2}–{most:.2}")?;
            }
            match row.reach {
                Some(reach) => {
                    let mark = if row.is_reached() { "✓" } else { "✗" };
                    let bound = if row.more_is_better { "≥" } else { "≤" };
                    writeln!(f, " | {bound} {reach} {unit} | {mark} |")?;
                }
                None => writeln!(f, " | | |")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_beyond_its_reach_is_marked() {
        let mut table = Table::new("b", "note");
        table.ratio("near", &[1.3, 1.0, 1.1], Some(1.15));
        assert!(table.is_reached());
        table.ratio("far", &[1.3, 1.2, 1.25], Some(1.15));
        assert!(!table.is_reached());
        table.gain("fast", &[50.0, 70.0], Some(40.0));
        let text = table.to_string();
        for line in [
            "| fast | 70.00 × | 50.00–70.00 | ≥ 40 × | ✓ |",
            "| near | 1.10 × | 1.10–1.30 | ≤ 1.15 × | ✓ |",
            "| far | 1.25 × | 1.25–1.30 | ≤ 1.15 × | ✗ |",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
