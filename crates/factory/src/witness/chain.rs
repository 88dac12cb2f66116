//! The rules of a patch that stop requests: what must hold together for each.

use engine::PatchRules;
use seclang::{Action, DirectiveKind, Rule};

/// A rule and those chained to it.
#[derive(Debug)]
pub(super) struct Chain {
    /// As matches name it.
    pub(super) number: u64,
    pub(super) links: Vec<Rule>,
}

pub(super) fn of(rules: &PatchRules) -> Vec<Chain> {
    let mut chains = Vec::new();
    let mut open: Option<Chain> = None;
    let directives = rules.rules.iter().flat_map(|ruleset| &ruleset.directives);
    let mut blocks = false;
    for directive in directives {
        match &directive.kind {
            DirectiveKind::DefaultAction(actions) => blocks |= is_disruptive(actions),
            DirectiveKind::Rule(rule) => {
                let chain = open.get_or_insert_with(|| Chain {
                    number: number(&rule.actions),
                    links: Vec::new(),
                });
                chain.links.push(rule.clone());
                if !has(&rule.actions, "chain")
                    && let Some(chain) = open.take()
                {
                    chains.push(chain);
                }
            }
            _ => {}
        }
    }
    chains.retain(|chain| {
        let first = chain.links.first();
        let asks_default = |actions: &[Action]| blocks && !has(actions, "pass");
        first.is_some_and(|rule| is_disruptive(&rule.actions) || asks_default(&rule.actions))
            // What no parser could read is no condition of an exploit.
            && first.is_some_and(|rule| rule.targets.iter().all(|target| target.variable != "REQBODY_ERROR"))
    });
    chains
}

/// Whether a match stops the request.
pub(crate) fn is_disruptive(actions: &[Action]) -> bool {
    ["deny", "drop", "block", "redirect"]
        .iter()
        .any(|name| has(actions, name))
}

fn has(actions: &[Action], name: &str) -> bool {
    actions
        .iter()
        .any(|action| action.name.eq_ignore_ascii_case(name))
}

fn number(actions: &[Action]) -> u64 {
    let id = actions
        .iter()
        .find(|action| action.name.eq_ignore_ascii_case("id"));
    id.and_then(|id| id.argument.as_ref()?.parse().ok())
        .unwrap_or(0)
}
