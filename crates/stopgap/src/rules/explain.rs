//! A rule in words.

use std::collections::HashSet;
use std::io::Write;
use std::process::ExitCode;

use engine::operators::{self, Arguments, Build};
use engine::{Input, Limits, Planned, When};
use seclang::{Action, Directive, DirectiveKind, Rule, Ruleset, Selector, Target};
use serde::Serialize;

use super::files::RuleFiles;
use super::{actions, has, id, phase, plan};

/// What a rule does, link by link, and what it costs.
#[derive(Serialize)]
struct Explained {
    rule: u64,
    place: String,
    phase: u8,
    links: Vec<Link>,
    cost: Cost,
}

/// One rule of a chain.
#[derive(Serialize)]
struct Link {
    looks_at: Vec<Part>,
    /// Transformations, in their order.
    decoded_by: Vec<Part>,
    /// None: it matches always.
    asks: Option<Part>,
    then: Vec<Part>,
}

/// Something as it is written, and what that means.
#[derive(Serialize)]
struct Part {
    written: String,
    means: String,
}

/// How much of the traffic pays for a rule.
#[derive(Serialize)]
struct Cost {
    class: Class,
    why: String,
    /// As `rules plan --json` tells it; none: the rule is not left in the plan.
    when: Option<serde_json::Value>,
    /// Whether no operator of the chain takes longer than its value is long.
    linear: bool,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Class {
    /// It is not in the plan.
    Nothing,
    /// A scan that all rules share tells first whether it could match.
    Prefiltered,
    /// Asked of every value that it looks at.
    EachValue,
    /// Runs in every request.
    EachRequest,
}

/// Writes what the rule of that id does, and what it costs among the others.
pub(super) fn run(wanted: u64, rules: Vec<Ruleset>, as_json: bool) -> anyhow::Result<ExitCode> {
    let input = Input {
        rules,
        patches: Vec::new(),
    };
    let plan = engine::compile(&input, Limits::default(), &RuleFiles)?;
    let found = input.rules.iter().find_map(|ruleset| {
        let begins = |directive: &Directive| actions(directive).and_then(id) == Some(wanted);
        let start = ruleset.directives.iter().position(begins)?;
        Some((ruleset, ruleset.directives.get(start..)?))
    });
    let Some((ruleset, directives)) = found else {
        println!("no rule has the id {wanted}");
        return Ok(ExitCode::FAILURE);
    };
    let mut links = Vec::new();
    let mut linear = true;
    for directive in directives {
        let Some(actions) = actions(directive) else {
            break;
        };
        links.push(link(directive, actions));
        if let DirectiveKind::Rule(rule) = &directive.kind {
            linear &= is_linear(rule);
        }
        if !has(actions, "chain") {
            break;
        }
    }
    let first = directives.first();
    let planned = plan.outline().into_iter().find(|it| it.rule == wanted);
    let explained = Explained {
        rule: wanted,
        place: first.map_or_else(String::new, |first| {
            ruleset.sources.locate(first.span).to_string()
        }),
        phase: first.and_then(actions).map_or(2, phase),
        links,
        cost: cost(planned.as_ref(), linear),
    };
    let mut output = std::io::stdout().lock();
    match as_json {
        true => writeln!(output, "{}", serde_json::to_string(&explained)?)?,
        false => explained.write(&mut output)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn link(directive: &Directive, actions: &[Action]) -> Link {
    let mut link = Link {
        looks_at: Vec::new(),
        decoded_by: decoding(actions),
        asks: None,
        then: then(actions),
    };
    if let DirectiveKind::Rule(rule) = &directive.kind {
        link.looks_at = rule
            .targets
            .iter()
            .map(|target| Part {
                written: target.to_string(),
                means: meaning(target),
            })
            .collect();
        let spec = operators::find(&rule.operator.name);
        let negated = match rule.operator.negated {
            true => "it is not so that ",
            false => "",
        };
        link.asks = Some(Part {
            written: rule.operator.to_string(),
            means: format!("{negated}{}", spec.map_or("", |spec| spec.summary)),
        });
    }
    link
}

/// Whether the time that the rule's operator takes grows no faster than a value.
pub(super) fn is_linear(rule: &Rule) -> bool {
    let spec = operators::find(&rule.operator.name);
    let Some(Build::Compiled(build)) = spec.map(|spec| &spec.build) else {
        return true;
    };
    // The others are, and may need files or lists to be made.
    if !rule.operator.name.to_ascii_lowercase().starts_with("rx") {
        return true;
    }
    let built = build(&Arguments {
        text: &rule.operator.argument,
        limits: &Limits::default(),
        resources: &RuleFiles,
        source: "",
        places: None,
        datasets: None,
    });
    built.is_ok_and(|operator| operator.is_linear())
}

fn cost(planned: Option<&Planned>, linear: bool) -> Cost {
    let (class, why) = match planned.map(|planned| &planned.when) {
        None => (
            Class::Nothing,
            "it can never match, or is done when rules are loaded".to_owned(),
        ),
        Some(When::Always(why)) => (Class::EachRequest, why.clone()),
        Some(When::AnyValue) => (
            Class::EachValue,
            "nothing is known that every value that matches holds".to_owned(),
        ),
        Some(when @ When::Holding { .. }) => (
            Class::Prefiltered,
            format!("a value that matches holds {}", plan::condition(when)),
        ),
    };
    Cost {
        class,
        why,
        when: planned.map(|planned| plan::when(&planned.when)),
        linear,
    }
}

impl Explained {
    /// For people.
    fn write(&self, output: &mut impl Write) -> std::io::Result<()> {
        let when = when(self.phase);
        writeln!(output, "rule {}, {}, {when}", self.rule, self.place)?;
        for (at, link) in self.links.iter().enumerate() {
            if at > 0 {
                writeln!(output, "and, of the same request:")?;
            }
            link.write(output)?;
        }
        let class = match self.cost.class {
            Class::Nothing => "nothing",
            Class::Prefiltered => {
                "prefiltered: asked only where the scan that all rules share finds what it needs"
            }
            Class::EachValue => "not prefilterable: asked of each value that it looks at",
            Class::EachRequest => "not prefilterable: runs in every request",
        };
        writeln!(output, "costs\n  {class}\n    {}", self.cost.why)?;
        if !self.cost.linear {
            writeln!(
                output,
                "  not linear: look-around or a back-reference runs by backtracking, within a limit"
            )?;
        }
        Ok(())
    }
}

impl Link {
    fn write(&self, output: &mut impl Write) -> std::io::Result<()> {
        if let Some(asks) = &self.asks {
            part(output, "looks at", &self.looks_at)?;
            match self.decoded_by.is_empty() {
                true => writeln!(output, "  as it is (and as SecDefaultAction says)")?,
                false => part(output, "after", &self.decoded_by)?,
            }
            part(output, "and matches if", std::slice::from_ref(asks))?;
        } else {
            writeln!(output, "  matches always")?;
        }
        part(output, "then", &self.then)
    }
}

fn part(output: &mut impl Write, title: &str, parts: &[Part]) -> std::io::Result<()> {
    writeln!(output, "  {title}")?;
    let mut known = HashSet::new();
    for part in parts {
        match known.insert(part.means.as_str()) {
            true => writeln!(output, "    {}: {}", part.written, part.means)?,
            // As the one before that means the same.
            false => writeln!(output, "    {}", part.written)?,
        }
    }
    Ok(())
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

fn then(actions: &[Action]) -> Vec<Part> {
    /// Told elsewhere.
    const PLAIN: [&str; 4] = ["t", "chain", "id", "phase"];
    let told = |action: &&Action| {
        let mut plain = PLAIN.iter();
        !plain.any(|name| action.name.eq_ignore_ascii_case(name))
    };
    let parts = actions.iter().filter(told).map(|action| Part {
        written: action.to_string(),
        means: engine::action_summary(&action.name)
            .unwrap_or("")
            .to_owned(),
    });
    parts.collect()
}

fn decoding(actions: &[Action]) -> Vec<Part> {
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
    let parts = chain.into_iter().map(|name| Part {
        written: format!("t:{name}"),
        means: engine::transformations::find(name)
            .map_or("", |spec| spec.summary)
            .to_owned(),
    });
    parts.collect()
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
