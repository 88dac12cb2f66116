//! What is known to disagree with other projects' cases.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Known disagreements, each with its reason, and how the cases went.
pub(crate) struct Gaps {
    known: BTreeMap<String, String>,
    count: usize,
    passed: usize,
    wrong: Vec<String>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    gap: Vec<Gap>,
}

#[derive(Deserialize)]
struct Gap {
    name: String,
    why: String,
}

impl Gaps {
    pub(crate) fn read(text: &str) -> Self {
        let list: List = toml::from_str(text).unwrap();
        Self {
            known: list
                .gap
                .into_iter()
                .map(|gap| (gap.name, gap.why))
                .collect(),
            count: 0,
            passed: 0,
            wrong: Vec::new(),
        }
    }

    /// A case is right if it passes and is no gap, or is a gap and does not pass.
    pub(crate) fn judge(&mut self, name: &str, outcome: Result<(), String>) {
        self.count += 1;
        self.passed += usize::from(outcome.is_ok());
        match (outcome, self.known.remove(name)) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(why)) => self.wrong.push(format!(
                "{name} passes, so it is no gap; strike it from the list ({why})"
            )),
            (Err(why), None) => self.wrong.push(format!("{name}: {why}")),
        }
    }

    /// Fails unless every case was right, and, where all were run, every gap is a case.
    pub(crate) fn end(mut self, all: bool, what: &str) {
        eprintln!("{} of {} {what} pass", self.passed, self.count);
        if all {
            let strays = std::mem::take(&mut self.known);
            self.wrong.extend(
                strays
                    .into_keys()
                    .map(|name| format!("{name} is listed as a gap and is no case")),
            );
        }
        self.wrong.sort();
        assert!(
            self.wrong.is_empty(),
            "{} of {} {what} are not as listed:\n{}",
            self.wrong.len(),
            self.count,
            self.wrong.join("\n")
        );
    }
}
