//! What was measured: rows with their reach, for people and as JSON lines.

use std::fmt;

use serde::Serialize;

/// All rows of one run.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    of: &'static str,
    what: String,
    value: f64,
    /// Of a share: the part and the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    of_whole: Option<(usize, usize)>,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reach: Option<Reach>,
    reached: bool,
}

/// What a number should be.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reach {
    AtLeast(f64),
    AtMost(f64),
}

impl Reach {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl Report {
    pub(crate) fn count(&mut self, of: &'static str, what: impl Into<String>, value: usize) {
        self.row(of, what, value as f64, "", None);
    }

    pub(crate) fn row(
        &mut self,
        of: &'static str,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        reach: Option<Reach>,
    ) {
        self.rows.push(Row {
            of,
            what: what.into(),
            value,
            of_whole: None,
            unit,
            reached: reach.is_none_or(|reach| reach.holds(value)),
            reach,
        });
    }

    /// A part of a whole, in percent.
    pub(crate) fn share(
        &mut self,
        of: &'static str,
        what: &str,
        part: usize,
        whole: usize,
        reach: Option<Reach>,
    ) {
        // Nothing measured is nothing reached.
        let value = match whole {
            0 => f64::NAN,
            _ => 100.0 * part as f64 / whole as f64,
        };
        self.row(of, what, value, "%", reach);
        if let Some(row) = self.rows.last_mut() {
            row.of_whole = Some((part, whole));
        }
    }

    pub(crate) fn all_reached(&self) -> bool {
        self.rows.iter().all(|row| row.reached)
    }

    /// One JSON object a row.
    pub(crate) fn print_json(&self) -> anyhow::Result<()> {
        for row in &self.rows {
            println!("{}", serde_json::to_string(row)?);
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |row: &Row| match row.of_whole {
            Some((part, whole)) => format!("{}: {part} of {whole}", row.what),
            None => row.what.clone(),
        };
        let widths = self.rows.iter().map(|row| shown(row).chars().count());
        let width = widths.max().unwrap_or(0);
        let mut of = "";
        for row in &self.rows {
            if of != row.of {
                of = row.of;
                writeln!(f, "\n{of}")?;
            }
            let number = match row.value.fract() == 0.0 {
                true => format!("{:.0}", row.value),
                false => format!("{:.2}", row.value),
            };
            write!(f, "  {:width$}  {number:>9} {:<3}", shown(row), row.unit)?;
            match row.reach {
                None => writeln!(f)?,
                Some(reach) => {
                    let (sign, bound) = match reach {
                        Reach::AtLeast(least) => ("≥", least),
                        Reach::AtMost(most) => ("≤", most),
                    };
                    let verdict = if row.reached { "reached" } else { "MISSED" };
                    writeln!(f, "  {sign} {bound} {verdict}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_beyond_its_floor_is_told_and_fails_the_whole() {
        // The part, the whole, what it should be, and whether that is so.
        let shares = [
            (925, 1000, Reach::AtLeast(92.5), true),
            (924, 1000, Reach::AtLeast(92.5), false),
            (0, 29_877, Reach::AtMost(0.0), true),
            (1, 29_877, Reach::AtMost(0.0), false),
            // Of nothing.
            (0, 0, Reach::AtLeast(0.0), false),
            (0, 0, Reach::AtMost(100.0), false),
        ];
        for (part, whole, reach, reached) in shares {
            let mut report = Report::default();
            report.count("corpus", "requests", whole);
            report.share("corpus", "stopped", part, whole, Some(reach));
            report.row("corpus", "time", 1.0, "s", Some(Reach::AtMost(10.0)));
            assert_eq!(report.all_reached(), reached, "{part} of {whole}");
            let told = report.to_string();
            assert_eq!(told.contains("MISSED"), !reached, "{told}");
        }
    }
}
