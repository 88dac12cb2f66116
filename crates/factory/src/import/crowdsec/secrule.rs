//! Conditions as SecLang: for those that a document cannot say.

use seclang::{Action, Directive, DirectiveKind, Operator, Rule, Selector, Span, Target};

use super::leaf::{Leaf, Test, Transform, Zone};

/// A chain of conditions that must hold together; its first rule has the number.
pub(super) fn chain(leaves: &[Leaf], number: u64, message: &str) -> Vec<Directive> {
    let mut directives = Vec::new();
    if leaves
        .iter()
        .any(|leaf| leaf.zones.contains(&Zone::RawBody))
    {
        let actions = vec![
            Action::new("id", &(number + 1).to_string()),
            Action::new("phase", "1"),
            Action::flag("pass"),
            Action::flag("nolog"),
            Action::new("ctl", "forceRequestBodyVariable=On"),
        ];
        directives.push(directive(DirectiveKind::Action(actions)));
    }
    for (at, leaf) in leaves.iter().enumerate() {
        let mut actions = Vec::new();
        if at == 0 {
            actions.push(Action::new("id", &number.to_string()));
            actions.push(Action::new("phase", "2"));
            actions.push(Action::flag("deny"));
            actions.push(Action::flag("log"));
            actions.push(Action::new("msg", message));
        }
        let steps = leaf
            .transform
            .iter()
            .filter(|step| **step != Transform::Count);
        actions.push(Action::new("t", "none"));
        actions.extend(steps.map(|step| Action::new("t", step.seclang())));
        if let Some(parser) = leaf.parser {
            actions.push(Action::new(
                "ctl",
                &format!("requestBodyProcessor={parser}"),
            ));
        }
        if at + 1 < leaves.len() {
            actions.push(Action::flag("chain"));
        }
        directives.push(directive(DirectiveKind::Rule(Rule {
            targets: targets(leaf),
            operator: operator(leaf),
            actions,
        })));
    }
    directives
}

fn targets(leaf: &Leaf) -> Vec<Target> {
    let mut targets = Vec::new();
    let one = |zone: Zone, selector| Target {
        span: Span::default(),
        excluded: false,
        counted: leaf.has(Transform::Count),
        variable: zone.seclang().to_owned(),
        selector,
    };
    for zone in &leaf.zones {
        if leaf.variables.is_empty() {
            targets.push(one(*zone, None));
        }
        for variable in &leaf.variables {
            let pattern = variable
                .strip_prefix('/')
                .and_then(|rest| rest.strip_suffix('/'));
            let selector = match pattern {
                Some(pattern) => Selector::Regex(pattern.to_owned()),
                None => Selector::Literal(variable.clone()),
            };
            targets.push(one(*zone, Some(selector)));
        }
    }
    targets
}

fn operator(leaf: &Leaf) -> Operator {
    let (name, argument) = match leaf.test {
        // How many there are is a number.
        Test::Equals if leaf.has(Transform::Count) => ("eq", leaf.value.clone()),
        // Text with a macro in it is text here.
        Test::Equals | Test::StartsWith | Test::EndsWith | Test::Contains
            if leaf.value.contains("%{") =>
        {
            let text = regex_syntax::escape(&leaf.value).replace('%', "\\x25");
            let pattern = match leaf.test {
                Test::Equals => format!("\\A{text}\\z"),
                Test::StartsWith => format!("\\A{text}"),
                Test::EndsWith => format!("{text}\\z"),
                _ => text,
            };
            ("rx", pattern)
        }
        Test::Sql | Test::Xss => (leaf.test.seclang(), String::new()),
        test => (test.seclang(), leaf.value.clone()),
    };
    Operator {
        span: Span::default(),
        negated: leaf.not,
        name: name.to_owned(),
        argument,
    }
}

fn directive(kind: DirectiveKind) -> Directive {
    Directive {
        span: Span::default(),
        kind,
    }
}
