//! What keeps a document from being used.

use std::collections::HashSet;

use jiff::civil::Date;

use crate::compile::compile;
use crate::document::{Located, Oversize, Paths, Source, Success};
use crate::problem::{Level, Problem};
use crate::prove::{self, prove};

/// Everything that is wrong with a document on a day, errors and warnings.
pub fn lint(source: &Source, today: Date) -> Vec<Problem> {
    let mut lint = Lint {
        source,
        problems: Vec::new(),
    };
    lint.identity();
    lint.accountability(today);
    lint.scope();
    lint.cases();
    lint.rules();
    lint.problems
}

struct Lint<'a> {
    source: &'a Source,
    problems: Vec<Problem>,
}

impl Lint<'_> {
    fn add(&mut self, level: Level, place: (u32, u32), message: impl Into<String>) {
        self.problems.push(Problem {
            file: self.source.name.clone(),
            line: place.0,
            column: place.1,
            level,
            message: message.into(),
        });
    }

    fn error(&mut self, place: (u32, u32), message: impl Into<String>) {
        self.add(Level::Error, place, message);
    }

    fn identity(&mut self) {
        let document = &self.source.document;
        let id = &document.id;
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if id.is_empty() || id.len() > 100 || !id.chars().all(fits) {
            self.error(
                at(id),
                "`id` is 1 to 100 letters, digits, `-`, `_` and `.`, such as CVE-2024-23334",
            );
        }
        if document.title.trim().is_empty() {
            self.error(
                at(&document.title),
                "`title` is empty; write one line for people",
            );
        }
    }

    /// Who answers for it, why it is there, until when.
    fn accountability(&mut self, today: Date) {
        let document = &self.source.document;
        match &document.owner {
            Some(owner) if !owner.trim().is_empty() => {}
            _ => self.error(
                (1, 1),
                "`owner` is missing; name who answers for this patch, such as web-platform@example.org",
            ),
        }
        if document.reason.is_none() {
            self.error(
                (1, 1),
                "`reason` is missing; write no-resources, provider-managed, third-party or waiting-for-fix",
            );
        }
        let Some(expires) = &document.expires else {
            self.error(
                (1, 1),
                "`expires` is missing; write the day on which the patch must be renewed or gone, YYYY-MM-DD",
            );
            return;
        };
        match expires.parse::<Date>() {
            Err(_) => self.error(
                at(expires),
                format!("`{}` is no day; write YYYY-MM-DD", expires.value),
            ),
            Ok(day) if day < today => self.error(
                at(expires),
                format!("the patch expired on {day}; renew it or remove it"),
            ),
            Ok(_) => {}
        }
    }

    fn scope(&mut self) {
        let path = &self.source.document.scope.path;
        for text in path.prefix.iter().chain(&path.exact) {
            if !text.starts_with('/') {
                self.error(
                    at(path),
                    format!("the path `{text}` does not begin with `/`; use `suffix` or `regex` for parts"),
                );
            }
        }
    }

    fn cases(&mut self) {
        let cases = &self.source.document.cases;
        let place = match at(cases) {
            (0, 0) => (1, 1),
            place => place,
        };
        if cases.exploit.is_empty() {
            self.error(
                place,
                "there is no exploit case; without one nobody can say that the patch works",
            );
        }
        if cases.benign.is_empty() {
            self.error(
                place,
                "there is no benign case; add the legitimate request that looks most like the exploit",
            );
        }
        let mut names = HashSet::new();
        for case in cases.exploit.iter().chain(&cases.benign) {
            if !names.insert(case.name.as_str()) {
                self.error(
                    at(case),
                    format!("two cases are called `{}`; names are unique", case.name),
                );
            }
            if let Some(success) = &case.success
                && let Err(why) = success.judge(&crate::case::Reply::default())
            {
                self.error(at(case), format!("case `{}`: {why}", case.name));
            }
        }
        let silent: Vec<&str> = cases
            .exploit
            .iter()
            .filter(|case| case.success.as_ref().is_none_or(Success::is_empty))
            .map(|case| case.name.as_str())
            .collect();
        if !silent.is_empty() {
            let message = format!(
                "no `success` says how a vulnerable application answers to: {}; a live target cannot be judged",
                silent.join(", ")
            );
            self.add(Level::Warning, place, message);
        }
    }

    /// The rules compile, stop every exploit and no benign twin.
    fn rules(&mut self) {
        let source = self.source;
        if source.document.rules.is_empty() {
            self.error(
                (1, 1),
                "there is no rule; add allow, deny, strip or seclang",
            );
            return;
        }
        let compiled = compile(source);
        let held = compiled
            .as_ref()
            .is_ok_and(|compiled| compiled.body_bytes.is_some());
        let (scope, body) = (&source.document.scope, &source.document.body);
        if held && body.oversize == Oversize::Block && scope.path.value == Paths::default() {
            self.add(
                Level::Warning,
                match at(&scope.path) {
                    (0, 0) => (1, 1),
                    place => place,
                },
                "uploads to any path that are larger than the budget are answered 413; name paths in `scope`, or write `oversize: partial` or `pass-and-record` in `body`",
            );
        }
        let report = compiled
            .and_then(|compiled| prove::plan(source, &compiled))
            .and_then(|plan| prove(source, &plan, false));
        let report = match report {
            Ok(report) => report,
            Err(problem) => {
                self.problems.push(problem);
                return;
            }
        };
        let cases = &source.document.cases;
        for (outcome, case) in report
            .cases
            .iter()
            .zip(cases.exploit.iter().chain(&cases.benign))
            .filter(|(outcome, _)| !outcome.ok)
        {
            let message = match (outcome.exploit, outcome.rule, &outcome.target) {
                (true, ..) => format!(
                    "exploit `{}` passes: no rule matches it; see `stopgap patch explain`",
                    outcome.name
                ),
                (false, Some(rule), Some(target)) => format!(
                    "benign `{}` is stopped by rule {rule} at {target}; narrow the rule",
                    outcome.name
                ),
                (false, ..) => format!("benign `{}` is stopped", outcome.name),
            };
            self.error(at(case), message);
        }
    }
}

fn at<T>(located: &Located<T>) -> (u32, u32) {
    (located.line, located.column)
}
