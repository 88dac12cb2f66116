//! A rule in words.

use std::io::Write;
use std::process::ExitCode;

use seclang::{Action, Directive, DirectiveKind, Ruleset, Selector, Target};

use super::{actions, has, id, phase};

/// Writes what the rule of that id does, link by link.
pub(super) fn run(wanted: u64, rules: &[Ruleset]) -> anyhow::Result<ExitCode> {
    let mut output = std::io::stdout().lock();
    for ruleset in rules {
        let begins = |directive: &Directive| actions(directive).and_then(id) == Some(wanted);
        let Some(start) = ruleset.directives.iter().position(begins) else {
            continue;
        };
        for (at, directive) in ruleset.directives.iter().skip(start).enumerate() {
            let Some(actions) = actions(directive) else {
                break;
            };
            if at == 0 {
                let place = ruleset.sources.locate(directive.span);
                writeln!(output, "rule {wanted}, {place}, {}", when(phase(actions)))?;
            } else {
                writeln!(output, "and, of the same request:")?;
            }
            explain(directive, actions, &mut output)?;
            if !has(actions, "chain") {
                break;
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(output, "no rule has the id {wanted}")?;
    Ok(ExitCode::FAILURE)
}

fn when(phase: u8) -> &'static str {
    match phase {
        1 => "runs with the request's head (phase 1)",
        2 => "runs with the request's body (phase 2)",
        3 => "runs with the response's head (phase 3)",
        4 => "runs with the response's body (phase 4)",
        _ => "runs at the end, when nothing can be stopped (phase 5)",
    }
}

fn explain(
    directive: &Directive,
    actions: &[Action],
    output: &mut impl Write,
) -> std::io::Result<()> {
    if let DirectiveKind::Rule(rule) = &directive.kind {
        writeln!(output, "  looks at")?;
        for target in &rule.targets {
            writeln!(output, "    {target}: {}", meaning(target))?;
        }
        decoding(actions, output)?;
        let spec = engine::operators::find(&rule.operator.name);
        let negated = if rule.operator.negated {
            "it is not so that "
        } else {
            ""
        };
        writeln!(
            output,
            "  and matches if\n    {}: {negated}{}",
            rule.operator,
            spec.map_or("", |spec| spec.summary)
        )?;
    } else {
        writeln!(output, "  matches always")?;
    }
    writeln!(output, "  then")?;
    for action in actions {
        let plain = ["t", "chain", "id", "phase"];
        if plain
            .iter()
            .any(|name| action.name.eq_ignore_ascii_case(name))
        {
            continue;
        }
        let does = engine::action_summary(&action.name).unwrap_or("");
        writeln!(output, "    {action}: {does}")?;
    }
    Ok(())
}

fn decoding(actions: &[Action], output: &mut impl Write) -> std::io::Result<()> {
    let mut chain: Vec<&str> = Vec::new();
    for action in actions
        .iter()
        .filter(|action| action.name.eq_ignore_ascii_case("t"))
    {
        match action.argument.as_deref() {
            Some(none) if none.eq_ignore_ascii_case("none") => chain.clear(),
            Some(name) => chain.push(name),
            None => {}
        }
    }
    if chain.is_empty() {
        return writeln!(output, "  as it is (and as SecDefaultAction says)");
    }
    writeln!(output, "  after")?;
    for name in chain {
        let spec = engine::transformations::find(name);
        writeln!(
            output,
            "    t:{name}: {}",
            spec.map_or("", |spec| spec.summary)
        )?;
    }
    Ok(())
}

fn meaning(target: &Target) -> String {
    let variable = engine::variables()
        .find(|(name, _)| name.eq_ignore_ascii_case(&target.variable))
        .map_or("", |(_, summary)| summary);
    let members = match &target.selector {
        None => String::new(),
        Some(Selector::Literal(name)) => format!(", only {name}"),
        Some(Selector::Regex(pattern)) => format!(", only names that match {pattern}"),
    };
    let what = format!("{variable}{members}");
    match (target.excluded, target.counted) {
        (true, _) => format!("not {what}"),
        (false, true) => format!("how many there are of {what}"),
        (false, false) => what,
    }
}
