//! Directives to units, and units to the patches they belong to.

use seclang::{Action, Directive, DirectiveKind, Rule, Ruleset};

use crate::witness::is_disruptive;

/// A chain, or a directive by itself.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) kind: Kind,
    /// As it was written, without the comments above.
    pub(super) text: String,
    pub(super) line: u32,
    /// The chain's rules; none of other directives.
    pub(super) rules: Vec<Rule>,
    /// The CVE that its actions or the comments above it name.
    pub(super) cve: Option<String>,
}

/// What a unit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Stops requests.
    Stops,
    /// Takes protection of other rules away.
    Excludes,
    /// Prepares for rules that follow: `setvar`, `skipAfter`, markers, logging.
    Prepares,
    /// `SecDefaultAction`
    Defaults,
    /// Any other directive, such as `SecRuleEngine`.
    Sets,
}

/// The units of a file, in order.
///
/// # Errors
/// A chain without its end.
pub(super) fn units(ruleset: &Ruleset, text: &str, name: &str) -> Result<Vec<Unit>, String> {
    let mut units: Vec<Unit> = Vec::new();
    let mut open: Option<(Unit, u32)> = None;
    // What `block` does where nothing says so, save in rules that count.
    let mut blocks = None;
    let mut last = 0;
    for directive in &ruleset.directives {
        let span = directive.span;
        let above = slice(text, last, span.start);
        // A span ends before the quote that closes its last argument.
        let quoted = text.as_bytes().get(span.end as usize) == Some(&b'"');
        last = span.end + u32::from(quoted);
        if let DirectiveKind::DefaultAction(actions) = &directive.kind {
            blocks = Some(stops(actions, None));
        }
        let (mut unit, start) = open.take().unwrap_or_else(|| {
            let unit = Unit {
                kind: kind(directive, blocks),
                text: String::new(),
                line: ruleset.sources.locate(span).line,
                rules: Vec::new(),
                cve: cve(comment(above)),
            };
            (unit, span.start)
        });
        unit.text = slice(text, start, last).to_owned();
        let continues = match &directive.kind {
            DirectiveKind::Rule(rule) => {
                unit.rules.push(rule.clone());
                has(&rule.actions, "chain")
            }
            _ => false,
        };
        let actions = actions(directive);
        unit.cve = unit.cve.or_else(|| {
            actions
                .iter()
                .find_map(|action| cve(action.argument.as_ref()?))
        });
        if actions.iter().any(excludes) {
            unit.kind = Kind::Excludes;
        }
        match continues {
            true => open = Some((unit, start)),
            false => units.push(unit),
        }
    }
    match open {
        Some((unit, _)) => Err(format!("{name}:{}: the chain has no end", unit.line)),
        None => Ok(units),
    }
}

/// Whether rules of a file depend on what others set or jump over, so that they stay together.
pub(super) fn depend(units: &[Unit]) -> bool {
    let jumps = |rule: &Rule| has(&rule.actions, "skip") || has(&rule.actions, "skipAfter");
    let reads = |rule: &Rule| {
        let of_others = |name: &str| {
            let name = name.to_ascii_uppercase();
            ["TX", "IP", "GLOBAL", "SESSION", "USER", "RESOURCE"].contains(&name.as_str())
        };
        rule.targets
            .iter()
            .any(|target| of_others(&target.variable))
            || rule
                .operator
                .argument
                .to_ascii_lowercase()
                .contains("%{tx.")
    };
    let rules = || units.iter().flat_map(|unit| &unit.rules);
    let stops = || {
        units
            .iter()
            .filter(|unit| unit.kind == Kind::Stops)
            .flat_map(|unit| &unit.rules)
    };
    rules().any(jumps) || stops().any(reads)
}

fn kind(directive: &Directive, blocks: Option<bool>) -> Kind {
    match &directive.kind {
        DirectiveKind::Rule(rule) if stops(&rule.actions, blocks) => Kind::Stops,
        DirectiveKind::Action(actions) if stops(actions, blocks) => Kind::Stops,
        DirectiveKind::Rule(_) | DirectiveKind::Action(_) | DirectiveKind::Marker(_) => {
            Kind::Prepares
        }
        DirectiveKind::DefaultAction(_) => Kind::Defaults,
        DirectiveKind::Setting { name, .. } => {
            let name = name.value.to_ascii_lowercase();
            match name.starts_with("secruleremove") || name.starts_with("secruleupdate") {
                true => Kind::Excludes,
                false => Kind::Sets,
            }
        }
    }
}

/// Whether actions stop a request; `block`, and saying nothing, mean what the default does.
fn stops(actions: &[Action], blocks: Option<bool>) -> bool {
    let block = has(actions, "block");
    let own = is_disruptive(actions) && !block;
    let says_nothing = !["pass", "allow"].iter().any(|name| has(actions, name));
    own || match blocks {
        Some(blocks) => blocks && says_nothing,
        None => block && !counts(actions),
    }
}

/// Whether a score is what a match is for.
fn counts(actions: &[Action]) -> bool {
    actions.iter().any(|action| {
        let argument = action.argument.as_deref().unwrap_or_default();
        action.name.eq_ignore_ascii_case("setvar")
            && argument.to_ascii_lowercase().contains("score")
    })
}

/// Whether a chain does what `SecDefaultAction` says.
pub(super) fn asks_default(unit: &Unit) -> bool {
    unit.rules
        .first()
        .is_some_and(|rule| has(&rule.actions, "block"))
}

fn actions(directive: &Directive) -> &[Action] {
    match &directive.kind {
        DirectiveKind::Rule(rule) => &rule.actions,
        DirectiveKind::Action(actions) => actions,
        _ => &[],
    }
}

/// `ctl:ruleRemoveById=…`, `ctl:ruleEngine=Off` and the like.
fn excludes(action: &Action) -> bool {
    let argument = action
        .argument
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    action.name.eq_ignore_ascii_case("ctl")
        && (argument.starts_with("ruleremove") || argument.starts_with("ruleengine"))
}

pub(super) fn has(actions: &[Action], name: &str) -> bool {
    actions
        .iter()
        .any(|action| action.name.eq_ignore_ascii_case(name))
}

/// The comment that stands directly above.
fn comment(above: &str) -> &str {
    let start = above.rfind("\n\n").map_or(0, |at| at + 2);
    above.get(start..).unwrap_or_default()
}

/// The first CVE that a text names.
pub(super) fn cve(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    upper.match_indices("CVE").find_map(|(at, _)| {
        let mut numbers = upper
            .get(at + 3..)?
            .trim_start_matches(['-', '_', '/'])
            .splitn(2, ['-', '_', '/']);
        let (year, rest) = (numbers.next()?, numbers.next()?);
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        (is_year && digits.len() >= 4).then(|| format!("CVE-{year}-{digits}"))
    })
}

fn slice(text: &str, from: u32, to: u32) -> &str {
    text.get(from as usize..to as usize).unwrap_or_default()
}
