//! Lines as ModSecurity writes them, from a trace and the rules.

use std::collections::HashMap;
use std::fmt::Write;

use engine::{LeftOut, Trace};
use seclang::{Action, DirectiveKind, Rule, Ruleset};

use super::Outcome;

/// The rule that the test adds, to see what parsers noticed.
const PROBE: u64 = 4_000_000_000;

/// A rule of a chain and its actions; no rule for a `SecAction`.
type Link<'a> = (Option<&'a Rule>, &'a [Action]);

/// The rules that are told of.
pub(crate) struct Log<'a> {
    /// By the chain's id and the place in the chain.
    links: HashMap<(u64, usize), Link<'a>>,
    settings: Vec<(&'a str, &'a str)>,
}

fn id(actions: &[Action]) -> Option<u64> {
    let id = actions.iter().rfind(|action| action.name == "id")?;
    id.argument.as_deref()?.trim_matches('\'').parse().ok()
}

impl<'a> Log<'a> {
    pub(crate) fn new(rules: &'a Ruleset) -> Self {
        let mut links = HashMap::new();
        let mut settings = Vec::new();
        let (mut chain, mut at, mut chained) = (0, 0, false);
        for directive in &rules.directives {
            let (rule, actions) = match &directive.kind {
                DirectiveKind::Rule(rule) => (Some(rule), rule.actions.as_slice()),
                DirectiveKind::Action(actions) => (None, actions.as_slice()),
                DirectiveKind::Setting { name, arguments } => {
                    let argument = arguments.first().map_or("", |text| text.value.as_str());
                    settings.push((name.value.as_str(), argument));
                    continue;
                }
                _ => continue,
            };
            (chain, at) = match (id(actions), chained) {
                (_, true) => (chain, at + 1),
                (Some(id), false) => (id, 0),
                (None, false) => (0, 0),
            };
            chained = actions.iter().any(|action| action.name == "chain");
            links.insert((chain, at), (rule, actions));
        }
        Self { links, settings }
    }

    pub(crate) fn write(&self, outcome: &Outcome) -> String {
        let mut log = String::new();
        let mut current = (0, 0);
        let mut seen = Vec::new();
        let mut tx = Vec::new();
        for step in &outcome.trace {
            match step {
                Trace::Begins { rule, link, .. } => {
                    current = (*rule, *link);
                    seen.push(*rule);
                    self.begins(current, &mut log);
                }
                Trace::LeftOut { rule, why } => {
                    seen.push(*rule);
                    left_out(*rule, *why, &mut log);
                }
                Trace::Transformed { name, value } => {
                    line(
                        &mut log,
                        &format!("[9]  T (0) t:{}: \"{}\"", spelled(name), text(value)),
                    );
                }
                Trace::Asked {
                    target,
                    value,
                    matched,
                } => {
                    let value = text(value);
                    line(
                        &mut log,
                        &format!("Target value: \"{value}\" (Variable: {target})"),
                    );
                    if current.0 == PROBE {
                        line(&mut log, noticed(&value));
                    } else if *matched {
                        line(&mut log, &self.matched(current, target, &tx));
                    }
                }
                Trace::Set { name, value } => {
                    if let Some(name) = name.strip_prefix("TX:") {
                        tx.push((name.to_owned(), text(value)));
                    }
                    self.set(current, name, &text(value), &mut log);
                }
                Trace::Ends { matched, .. } => {
                    line(&mut log, &format!("Rule returned {}.", u8::from(*matched)));
                    if *matched {
                        self.ends(current, &mut log);
                    }
                }
            }
        }
        self.end(outcome, &seen, &mut log);
        log
    }

    fn begins(&self, current: (u64, usize), log: &mut String) {
        let Some((rule, _)) = self.links.get(&current) else {
            return;
        };
        let Some(rule) = rule else {
            return line(
                log,
                &format!("(Rule: {}) Executing unconditional rule...", current.0),
            );
        };
        let targets: Vec<String> = rule.targets.iter().map(ToString::to_string).collect();
        line(
            log,
            &format!(
                "(Rule: {}) Executing operator \"{}\" with param \"{}\" against {}.",
                current.0,
                operator(rule),
                rule.operator.argument,
                targets.join("|")
            ),
        );
    }

    fn matched(&self, current: (u64, usize), target: &str, tx: &[(String, String)]) -> String {
        match self.links.get(&current) {
            Some((Some(rule), _)) => format!(
                "Warning. Matched \"Operator `{}' with parameter `{}' against variable `{target}'",
                operator(rule),
                tx.iter()
                    .fold(rule.operator.argument.clone(), |text, (name, value)| {
                        text.replace(&format!("%{{tx.{name}}}"), value)
                    })
            ),
            _ => String::new(),
        }
    }

    fn set(&self, current: (u64, usize), name: &str, value: &str, log: &mut String) {
        if let Some(group) = name.strip_prefix("TX:").filter(|name| name.len() == 1) {
            line(
                log,
                &format!("Added regex subexpression TX.{group}: {value}"),
            );
            if let Some((Some(rule), _)) = self.links.get(&current) {
                line(
                    log,
                    &format!("Added {} match TX.{group}: {value}", operator(rule)),
                );
            }
        }
        match name.strip_prefix("ENV:") {
            Some(name) => {
                line(
                    log,
                    &format!("Setting environment variable: {name} to {value}"),
                );
            }
            None => line(log, &format!("Saving variable: {name} with value: {value}")),
        }
    }

    fn ends(&self, current: (u64, usize), log: &mut String) {
        let Some((_, actions)) = self.links.get(&current) else {
            return;
        };
        for action in *actions {
            line(log, &format!("Running action: {}", action.name));
            let mode = action.argument.as_deref().and_then(|argument| {
                let (option, mode) = argument.split_once('=')?;
                option.eq_ignore_ascii_case("ruleEngine").then_some(mode)
            });
            if action.name == "ctl"
                && let Some(mode) = mode
            {
                let mode = match mode.to_ascii_lowercase().as_str() {
                    "on" => "Enabled",
                    "off" => "Disabled",
                    _ => "DetectionOnly",
                };
                line(
                    log,
                    &format!(
                        "Setting SecRuleEngine to {mode} as requested by a ctl:ruleEngine action"
                    ),
                );
            }
        }
    }

    fn end(&self, outcome: &Outcome, seen: &[u64], log: &mut String) {
        let says = |name: &str| {
            self.settings
                .iter()
                .rev()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        if says("SecRuleEngine").is_some_and(|(_, mode)| mode.eq_ignore_ascii_case("off")) {
            line(log, "Rule engine disabled, returning...");
        }
        let mut ids: Vec<u64> = self.links.keys().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids.iter().filter(|id| !seen.contains(id)) {
            if says("SecRuleRemoveByTag").is_some() {
                line(
                    log,
                    &format!("Skipped rule id '{id}'. Removed by a SecRuleRemoveByTag directive."),
                );
            }
            if seen.iter().any(|seen| seen < id) {
                line(log, &format!("Skipped rule id '{id}'"));
                line(
                    log,
                    "Dropping the evaluation of upcoming rules in favor of an `allow' action",
                );
            }
        }
        if !outcome.inspects_response {
            line(
                log,
                "Response Content-Type is text/html. It is not marked to be inspected.",
            );
        }
        if let Some(decision) = &outcome.decision {
            line(log, "Running action deny");
            let code = match &decision.action {
                engine::Action::Block { status } | engine::Action::Redirect { status, .. } => {
                    *status
                }
                engine::Action::Drop => 403,
            };
            line(log, &format!("Access denied with code {code}"));
        }
        for found in &outcome.matches {
            line(
                log,
                &format!(
                    "[id \"{}\"] [msg \"{}\"] [data \"{}\"]",
                    found.rule, found.message, found.data
                ),
            );
            line(log, &format!("Saving msg: {}", found.message));
        }
    }
}

fn left_out(rule: u64, why: LeftOut, log: &mut String) {
    match why {
        LeftOut::Skipped => line(log, &format!("Skipped rule id '{rule}'")),
        LeftOut::Removed => {
            line(
                log,
                &format!("Skipped rule id '{rule}'. Skipped due to a ruleRemoveByTag action."),
            );
            line(
                log,
                &format!("Rule id: {rule} was skipped due to a ruleRemoveById action"),
            );
        }
    }
}

/// What ModSecurity says of what a parser noticed.
fn noticed(anomaly: &str) -> &'static str {
    match anomaly {
        "TooLarge" => "Request body excluding files is bigger than the maximum expected.",
        "TooManyArguments" => "Skipping request argument, over limit",
        "MultipartBoundaryWhitespace" => "Multipart: Warning: boundary whitespace in C-T header",
        "MultipartBoundaryQuoted" => "Multipart: Warning: boundary was quoted.",
        "MultipartDataBefore" => "Multipart: Warning: seen data before first boundary",
        "MultipartLfLine" => "Multipart: Warning: incorrect line endings used (LF).",
        "MultipartInvalidQuoting" => "Multipart: Warning: invalid quoting used.",
        _ => "",
    }
}

/// An operator as ModSecurity's log spells it.
fn operator(rule: &Rule) -> String {
    let name = &rule.operator.name;
    match name.to_ascii_lowercase().as_str() {
        "streq" => "StrEq".to_owned(),
        "detectsqli" => "DetectSQLi".to_owned(),
        "detectxss" => "DetectXSS".to_owned(),
        "verifycc" => "VerifyCC".to_owned(),
        "verifycpf" => "VerifyCPF".to_owned(),
        "verifyssn" => "VerifySSN".to_owned(),
        "verifysvnr" => "VerifySVNR".to_owned(),
        _ => name[..1].to_ascii_uppercase() + &name[1..],
    }
}

/// A transformation as ModSecurity's log spells it.
fn spelled(name: &str) -> String {
    match name {
        "base64Encode" | "base64Decode" => name.to_ascii_lowercase(),
        name => name.to_owned(),
    }
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

fn line(log: &mut String, text: &str) {
    let _ = writeln!(log, "[4] {text}");
}
