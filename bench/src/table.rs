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
    /// The least and the most of the rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    spread: Option<(f64, f64)>,
    unit: &'static str,
    /// What it should not exceed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reach: Option<f64>,
}

impl Row {
    fn is_reached(&self) -> bool {
        self.reach.is_none_or(|reach| self.value <= reach)
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
        });
    }

    /// The median of ratios, one of each round.
    pub(crate) fn ratio(&mut self, what: impl Into<String>, rounds: &[f64], reach: Option<f64>) {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        self.rows.push(Row {
            what: what.into(),
            value: median(rounds),
            spread: sorted.first().copied().zip(sorted.last().copied()),
            unit: "×",
            reach,
        });
    }

    pub(crate) fn is_reached(&self) -> bool {
        self.rows.iter().all(Row::is_reached)
    }

    pub(crate) fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// The middle one, or the mean of the two in the middle; 0 of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        at(half)
    } else {
        f64::midpoint(at(half.saturating_sub(1)), at(half))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## {}\n\n{}\n", self.bench, self.note)?;
        writeln!(
            f,
            "| What | Measured | Rounds | Reach | |\n|---|---|---|---|---|"
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
                    writeln!(f, " | ≤ {reach} {unit} | {mark} |")?;
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
        table.ratio("far", &[1.3, 1.2], Some(1.15));
        assert!(!table.is_reached());
        let text = table.to_string();
        assert!(
            text.contains("| near | 1.10 × | 1.00–1.30 | ≤ 1.15 × | ✓ |"),
            "{text}"
        );
        assert!(
            text.contains("| far | 1.25 × | 1.20–1.30 | ≤ 1.15 × | ✗ |"),
            "{text}"
        );
    }
}
