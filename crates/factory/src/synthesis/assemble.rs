//! Several candidates to one document: one scope for all, each rule at its own endpoint.

use patch::document::{Condition, Located, Paths, Place, PlaceKind, Rule, Scope, Unparsable, When};

use super::candidates::{self, Candidate};
use super::document::Draft;

/// Adds the rules of the candidates to a draft that holds the cases.
pub(super) fn draft(candidates: &[Candidate], mut draft: Draft) -> Draft {
    let Some(first) = candidates.first() else {
        return draft;
    };
    let mut paths = first.paths.clone();
    draft.body = first.body.clone();
    for candidate in candidates.iter().skip(1) {
        widen(&mut paths, &candidate.paths);
        if candidate.body.unparsable == Unparsable::Block {
            draft.body.unparsable = Unparsable::Block;
        }
    }
    for candidate in candidates {
        let mut rule = candidate.rule.clone();
        // A class of attacks may as well be stopped at the patch's other endpoints, but
        // not everywhere.
        let wider = candidate.paths != paths;
        if wider && (everywhere(&paths) || !of_class(&rule)) {
            bind(&mut rule, &candidate.paths);
        }
        let beside = candidates::beside(&rule);
        for rule in std::iter::once(rule).chain(beside) {
            if !draft.rules.contains(&rule) {
                draft.rules.push(rule);
            }
        }
    }
    draft.scope = Scope {
        path: Located::from(paths),
        ..Scope::default()
    };
    draft
}

fn everywhere(paths: &Paths) -> bool {
    *paths == Paths::default()
}

/// Adds paths; a scope of all paths stays one.
fn widen(paths: &mut Paths, more: &Paths) {
    if everywhere(paths) || everywhere(more) {
        *paths = Paths::default();
        return;
    }
    for (known, more) in [
        (&mut paths.exact, &more.exact),
        (&mut paths.prefix, &more.prefix),
        (&mut paths.suffix, &more.suffix),
        (&mut paths.regex, &more.regex),
    ] {
        for path in more {
            if !known.contains(path) {
                known.push(path.clone());
            }
        }
    }
}

/// Whether what the rule finds is an attack wherever it stands.
fn of_class(rule: &Rule) -> bool {
    use Condition as C;
    match rule {
        Rule::Deny(deny) => !matches!(
            deny.condition,
            C::Absent | C::Present | C::Equals(_) | C::NotLike(_) | C::PathConfusion
        ),
        _ => false,
    }
}

/// Adds to a rule that the path must be one of these.
fn bind(rule: &mut Rule, paths: &Paths) {
    let Rule::Deny(deny) = rule else {
        return;
    };
    let written = |paths: &[String], before: &'static str, behind: &'static str| -> Vec<String> {
        let escaped = paths.iter().map(|path| regex::escape(path));
        escaped
            .map(|path| format!("{before}{path}{behind}"))
            .collect()
    };
    let patterns = [
        written(&paths.exact, "^", "$"),
        written(&paths.prefix, "^", ""),
        written(&paths.suffix, "", "$"),
        paths.regex.clone(),
    ]
    .concat();
    if !patterns.is_empty() {
        deny.and.push(When {
            places: vec![Place {
                kind: PlaceKind::Path,
                member: None,
            }],
            decode: None,
            condition: Condition::Regex(format!("(?i){}", patterns.join("|"))),
        });
    }
}
