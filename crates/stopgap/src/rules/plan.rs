//! What the engine makes of rules.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

use engine::{Input, Limits, Planned, When};
use seclang::Ruleset;
use serde_json::json;

use super::files::RuleFiles;
use super::{actions, id};

/// Texts of one rule that are written out for people.
const TEXTS: usize = 8;

/// Writes each rule that is left, with what lets it run.
pub(super) fn run(rules: Vec<Ruleset>, as_json: bool) -> anyhow::Result<ExitCode> {
    let directives = rules.iter().flat_map(|ruleset| &ruleset.directives);
    let mut gone: BTreeSet<u64> = directives.filter_map(|it| id(actions(it)?)).collect();
    let input = Input {
        rules,
        patches: Vec::new(),
    };
    let plan = engine::compile(&input, Limits::default(), &RuleFiles)?;
    let planned = plan.outline();
    for rule in &planned {
        gone.remove(&rule.rule);
    }
    let mut output = std::io::stdout().lock();
    if as_json {
        for rule in &planned {
            writeln!(output, "{}", object(rule))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut group = None;
    for rule in &planned {
        let heading = heading(rule);
        if group.as_ref() != Some(&heading) {
            writeln!(output, "{heading}")?;
            group = Some(heading);
        }
        writeln!(output, "    {}: {}", rule.rule, condition(&rule.when))?;
    }
    write!(
        output,
        "{} rules are left; {} can never match or are done at load",
        planned.len(),
        gone.len()
    )?;
    for (index, rule) in gone.iter().enumerate() {
        let before = if index == 0 { ":" } else { "" };
        write!(output, "{before} {rule}")?;
    }
    writeln!(output)?;
    Ok(ExitCode::SUCCESS)
}

fn heading(rule: &Planned) -> String {
    let phase = rule.phase;
    if matches!(rule.when, When::Always(_)) {
        return format!("phase {phase}: runs in every request");
    }
    let decoded: Vec<String> = rule
        .decoded_by
        .iter()
        .map(|it| format!(" t:{it}"))
        .collect();
    let looks_at = rule.looks_at.join("|");
    format!("phase {phase}: {looks_at}{}", decoded.concat())
}

pub(super) fn condition(when: &When) -> String {
    match when {
        When::Always(why) => why.clone(),
        When::AnyValue => "any value".to_owned(),
        When::Holding { bytes, texts, or } => {
            let mut parts: Vec<String> = bytes.iter().map(|set| format!("[{set}]")).collect();
            if !texts.is_empty() {
                let shown: Vec<String> = texts.iter().take(TEXTS).map(quoted).collect();
                let more = texts.len().saturating_sub(TEXTS);
                let more = if more > 0 {
                    format!(" or {more} more")
                } else {
                    String::new()
                };
                let or = if or.is_empty() {
                    String::new()
                } else {
                    format!(" or [{or}]")
                };
                parts.push(format!("({}{more}{or})", shown.join(" or ")));
            }
            parts.join(" and ")
        }
    }
}

fn quoted(text: &String) -> String {
    format!("\"{text}\"")
}

fn object(rule: &Planned) -> serde_json::Value {
    json!({
        "rule": rule.rule,
        "phase": rule.phase,
        "looks_at": rule.looks_at,
        "decoded_by": rule.decoded_by,
        "when": when(&rule.when),
    })
}

/// What lets a rule run, for programs.
pub(super) fn when(when: &When) -> serde_json::Value {
    match when {
        When::Always(why) => json!({ "always": why }),
        When::AnyValue => json!({ "any_value": true }),
        When::Holding { bytes, texts, or } => {
            json!({ "bytes": bytes, "texts": texts, "or_bytes": or })
        }
    }
}
