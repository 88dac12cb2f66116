//! Metrics, as Prometheus reads them.

use std::fmt::{Display, Write};

/// Metrics in Prometheus' text format, version 0.0.4.
#[derive(Debug, Default)]
pub struct Exposition(String);

/// The samples of one metric.
pub struct Metric<'a> {
    text: &'a mut String,
    name: &'a str,
}

impl Exposition {
    /// What an answer with metrics is.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// What only grows until the process ends; the name ends in `_total`.
    pub fn counter<'a>(&'a mut self, name: &'a str, help: &str) -> Metric<'a> {
        self.metric(name, "counter", help)
    }

    /// What goes up and down.
    pub fn gauge<'a>(&'a mut self, name: &'a str, help: &str) -> Metric<'a> {
        self.metric(name, "gauge", help)
    }

    /// What is counted by its size.
    pub fn histogram<'a>(&'a mut self, name: &'a str, help: &str) -> Metric<'a> {
        self.metric(name, "histogram", help)
    }

    /// The text.
    #[must_use]
    pub fn text(self) -> String {
        self.0
    }

    fn metric<'a>(&'a mut self, name: &'a str, kind: &str, help: &str) -> Metric<'a> {
        let text = &mut self.0;
        put(
            text,
            format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"),
        );
        Metric { text, name }
    }
}

impl Metric<'_> {
    /// One sample, with its labels.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, &value);
    }

    /// The samples of a histogram: for each upper bound how many were within it and not within
    /// the one before; the sum of all sizes, and how many there were.
    pub fn sizes(
        &mut self,
        labels: &[(&str, &str)],
        within: impl IntoIterator<Item = (f64, u64)>,
        (sum, count): (f64, u64),
    ) {
        let mut so_far = 0;
        for (bound, more) in within {
            so_far += more;
            self.bucket(labels, &bound.to_string(), so_far);
        }
        // What came between reading the two is in the next answer.
        let count = count.max(so_far);
        self.bucket(labels, "+Inf", count);
        self.line("_sum", labels, &sum);
        self.line("_count", labels, &count);
    }

    fn bucket(&mut self, labels: &[(&str, &str)], bound: &str, count: u64) {
        let labels = [labels, &[("le", bound)]].concat();
        self.line("_bucket", &labels, &count);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: &dyn Display) {
        put(self.text, format_args!("{}{suffix}", self.name));
        for (at, (name, label)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            put(
                self.text,
                format_args!("{before}{name}=\"{}\"", escaped(label)),
            );
        }
        let end = if labels.is_empty() { "" } else { "}" };
        put(self.text, format_args!("{end} {value}\n"));
    }
}

fn put(to: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _: std::fmt::Result = to.write_fmt(what);
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_may_hold_anything_and_buckets_add_up() {
        let mut told = Exposition::default();
        told.counter("a_total", "Of patches.")
            .sample(&[("patch", "CVE-\"1\"\\\n"), ("action", "block")], 1);
        told.histogram("b_seconds", "Time.")
            .sizes(&[("of", "x")], [(0.1, 1), (0.5, 2)], (7.5, 4));
        assert_eq!(
            told.text(),
            "# HELP a_total Of patches.
# TYPE a_total counter
a_total{patch=\"CVE-\\\"1\\\"\\\\\\n\",action=\"block\"} 1
# HELP b_seconds Time.
# TYPE b_seconds histogram
b_seconds_bucket{of=\"x\",le=\"0.1\"} 1
b_seconds_bucket{of=\"x\",le=\"0.5\"} 3
b_seconds_bucket{of=\"x\",le=\"+Inf\"} 4
b_seconds_sum{of=\"x\"} 7.5
b_seconds_count{of=\"x\"} 4
"
        );
    }
}
