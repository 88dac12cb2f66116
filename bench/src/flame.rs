//! Where the instructions of inspection go, as a picture: a flame graph.
//!
//! Valgrind counts for each function what it and each that it calls took, not each stack. What
//! a function took that several call is shared out by how much each of them had of it.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Context;

use crate::engines;
use crate::process::Worker;
use crate::valgrind;

/// What is drawn begins with it.
const ROOT: &str = "bench::engines::role::inspect";
const WIDTH: f64 = 1200.0;
const ROW: f64 = 17.0;
/// Parts of the whole that are too small to be seen.
const SMALLEST: f64 = 0.004;
const DEEPEST: usize = 40;
/// Width of a letter.
const LETTER: f64 = 6.2;

/// Instructions of functions, and of each that they call, by their numbers.
#[derive(Default)]
struct Calls {
    names: HashMap<u32, String>,
    own: HashMap<u32, f64>,
    called: HashMap<u32, HashMap<u32, f64>>,
}

/// Draws ordinary requests under the core rule set into a file.
pub(crate) fn draw(bench: &Path, file: &Path) -> anyhow::Result<()> {
    valgrind::install()?;
    let rules =
        engines::core_rule_set().context("set STOPGAP_CORPORA to a folder that holds crs/rules")?;
    let folder = tempfile::tempdir()?;
    let settings = folder.path().join("rules.conf");
    std::fs::write(&settings, engines::settings_of(1, &rules, false)?)?;
    let mix = folder.path().join("mix");
    let requests = engines::mixes::ordinary(600);
    std::fs::write(&mix, engines::mixes::written(&requests))?;
    let (mut command, log) = valgrind::command(folder.path());
    command.arg(bench).args(["as", "engine"]);
    command.arg(&settings).arg(&mix);
    let mut worker = Worker::start(command)?;
    worker.tell("0 2")?;
    worker.end()?;
    let calls = Calls::read(&std::fs::read_to_string(&log)?);
    std::fs::write(file, calls.picture()?)
        .with_context(|| format!("cannot write {}", file.display()))
}

impl Calls {
    /// Callgrind's format: `fn=(1) name`, then lines of place and cost; `calls=` says that the
    /// next line is what the function in `cfn=` took.
    fn read(text: &str) -> Self {
        let mut calls = Self::default();
        let (mut function, mut callee, mut is_call) = (0, 0, false);
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("fn=") {
                function = calls.name(rest);
            } else if let Some(rest) = line.strip_prefix("cfn=") {
                callee = calls.name(rest);
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if line.starts_with(|first: char| "0123456789+-*".contains(first)) {
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok());
                let cost: f64 = cost.unwrap_or_default();
                if std::mem::take(&mut is_call) {
                    let called = calls.called.entry(function).or_default();
                    *called.entry(callee).or_default() += cost;
                } else {
                    *calls.own.entry(function).or_default() += cost;
                }
            }
        }
        calls
    }

    /// The number in `(1) name`; the name is written the first time only.
    fn name(&mut self, text: &str) -> u32 {
        let (number, name) = text.split_once(')').unwrap_or((text, ""));
        let number = number.trim_start_matches('(').parse().unwrap_or_default();
        if !name.is_empty() {
            self.names.insert(number, name.trim().to_owned());
        }
        number
    }

    /// What a function took with all that it calls.
    fn whole(&self, function: u32) -> f64 {
        let called = self.called.get(&function);
        let called: f64 = called.map_or(0.0, |called| called.values().sum());
        self.own.get(&function).copied().unwrap_or_default() + called
    }

    fn picture(&self) -> anyhow::Result<String> {
        let root = self.names.iter().find(|(_, name)| name.starts_with(ROOT));
        let (&root, _) = root.with_context(|| format!("valgrind saw no {ROOT}"))?;
        let mut boxes = Vec::new();
        self.stack(root, (0.0, 1.0), &mut Vec::new(), &mut boxes);
        let rows = boxes.iter().map(|drawn| drawn.row).max().unwrap_or(0) + 1;
        let height = rows as f64 * ROW + 24.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"monospace\" font-size=\"10\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text x=\"4\" y=\"15\">Instructions of ordinary requests, core rule set, paranoia level 1; \
             below each function what it calls</text>\n"
        );
        for drawn in &boxes {
            let (x, width) = (drawn.from * WIDTH, drawn.part * WIDTH);
            let y = drawn.row as f64 * ROW + 22.0;
            let name = escaped(&self.names[&drawn.function]);
            let letters = (width / LETTER) as usize;
            let label: String = match letters {
                0..4 => String::new(),
                _ => short(&self.names[&drawn.function])
                    .chars()
                    .take(letters)
                    .collect(),
            };
            // A string takes whatever is written.
            let _: std::fmt::Result = writeln!(
                svg,
                "<g><title>{name}: {:.1} %</title><rect x=\"{x:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{}\" fill=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{}</text></g>",
                drawn.part * 100.0,
                (width - 0.5).max(0.2),
                ROW - 1.0,
                colour(&name),
                x + 2.0,
                y + 12.0,
                escaped(&label),
            );
        }
        svg += "</svg>\n";
        Ok(svg)
    }

    /// Draws a function, and below it those that it calls.
    fn stack(
        &self,
        function: u32,
        (from, part): (f64, f64),
        path: &mut Vec<u32>,
        boxes: &mut Vec<Drawn>,
    ) {
        boxes.push(Drawn {
            function,
            row: path.len(),
            from,
            part,
        });
        if path.len() == DEEPEST {
            return;
        }
        path.push(function);
        let whole = self.whole(function);
        let mut called: Vec<(u32, f64)> = self
            .called
            .get(&function)
            .into_iter()
            .flatten()
            .map(|(callee, cost)| (*callee, cost / whole * part))
            .filter(|(callee, part)| *part >= SMALLEST && !path.contains(callee))
            .collect();
        called.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut at = from;
        for (callee, part) in called {
            self.stack(callee, (at, part), path, boxes);
            at += part;
        }
        path.pop();
    }
}

/// A function in the picture: where it begins and how wide it is, as parts of the whole.
struct Drawn {
    function: u32,
    row: usize,
    from: f64,
    part: f64,
}

/// The last two parts of a path, without what stands in angle brackets and the hash.
fn short(name: &str) -> String {
    let mut depth = 0;
    let mut plain = String::new();
    for letter in name.chars() {
        match letter {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let parts: Vec<&str> = plain
        .split("::")
        .filter(|part| !part.is_empty() && !is_hash(part))
        .collect();
    parts[parts.len().saturating_sub(2)..].join("::")
}

fn is_hash(part: &str) -> bool {
    part.len() == 17
        && part.starts_with('h')
        && part
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'h')
}

/// One for our engine, one for expressions and texts, one for all else.
fn colour(name: &str) -> &'static str {
    let of = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if of(&["regex_automata", "aho_corasick", "memchr"]) {
        "#9ec5e8"
    } else if of(&["libinjection", "sqli", "xss"]) {
        "#c9b1e0"
    } else if of(&["engine::", "bench::"]) {
        "#f6b36a"
    } else {
        "#d5d5d5"
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_stands_below_as_wide_as_what_it_took() {
        let counts = "fn=(1) bench::engines::role::inspect::h0123456789abcdef\n10 100\n\
            cfn=(2) engine::run<a>\ncalls=2 5\n11 300\n\nfn=(2)\n5 200\n+1 100\n";
        let calls = Calls::read(counts);
        assert_eq!(calls.whole(1), 400.0);
        assert_eq!(calls.whole(2), 300.0);
        let svg = calls.picture().unwrap();
        assert!(
            svg.contains("<title>engine::run&lt;a&gt;: 75.0 %</title>"),
            "{svg}"
        );
        assert!(svg.contains(">role::inspect<"), "{svg}");
    }
}
