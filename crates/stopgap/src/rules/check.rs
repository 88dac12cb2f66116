//! What is doubtful in rules that load.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::ops::RangeInclusive;
use std::process::ExitCode;

use engine::{Input, Limits};
use seclang::{Action, Directive, DirectiveKind, Location, Rule, Ruleset, SourceMap, Span};
use serde_json::json;

use super::explain::is_linear;
use super::files::RuleFiles;
use super::selectors::Filled;
use super::{actions, argument, has, id, phase};

/// Something doubtful, and where.
struct Doubt {
    location: Option<Location>,
    message: String,
}

impl Doubt {
    fn object(&self) -> serde_json::Value {
        let place = self.location.as_ref();
        json!({
            "file": place.map(|at| &at.path),
            "line": place.map(|at| at.line),
            "column": place.map(|at| at.column),
            "message": self.message,
        })
    }
}

/// Loads the rules as a gateway would, and writes each doubt on a line.
pub(super) fn run(rules: &[Ruleset], as_json: bool) -> anyhow::Result<ExitCode> {
    let input = Input {
        rules: rules.to_vec(),
        patches: Vec::new(),
    };
    let plan = engine::compile(&input, Limits::default(), &RuleFiles)?;
    let mut doubts: Vec<Doubt> = plan
        .warnings()
        .map(|(location, message)| Doubt {
            location: location.cloned(),
            message: message.to_owned(),
        })
        .collect();
    doubts.extend(doubts_of(rules));
    doubts.sort_by_key(|doubt| {
        let place = doubt.location.as_ref();
        place.map(|at| (at.path.clone(), at.line, at.column))
    });
    let mut output = std::io::stdout().lock();
    for doubt in &doubts {
        if as_json {
            writeln!(output, "{}", doubt.object())?;
            continue;
        }
        match &doubt.location {
            Some(location) => writeln!(output, "{location}: {}", doubt.message)?,
            None => writeln!(output, "{}", doubt.message)?,
        }
    }
    if !as_json {
        writeln!(output, "{} doubtful", doubts.len())?;
    }
    Ok(match doubts.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn doubts_of(rules: &[Ruleset]) -> Vec<Doubt> {
    let filled = Filled::of(rules);
    let mut doubts = unreachable(rules);
    doubts.extend(without_marker(rules));
    doubts.extend(rules.iter().flat_map(|each| each_rule(each, &filled)));
    doubts.extend(meant_nowhere(rules));
    doubts
}

/// Where `ctl` switches off rules by ids that no rule has.
fn meant_nowhere(rules: &[Ruleset]) -> Vec<Doubt> {
    let known: BTreeSet<u64> = in_order(rules)
        .filter_map(|(_, directive)| id(actions(directive)?))
        .collect();
    let mut doubts = Vec::new();
    for (sources, directive) in in_order(rules) {
        for action in actions(directive).unwrap_or_default() {
            let Some(ids) = switched_off(action) else {
                continue;
            };
            if known.range(ids.clone()).next().is_none() {
                let (first, last) = ids.into_inner();
                let named = match first == last {
                    true => format!("no rule has the id {first}"),
                    false => format!("no rule has an id of {first} to {last}"),
                };
                doubts.push(Doubt {
                    location: Some(sources.locate(directive.span)),
                    message: format!("{named}, which ctl switches off"),
                });
            }
        }
    }
    doubts
}

fn switched_off(action: &Action) -> Option<RangeInclusive<u64>> {
    if !action.name.eq_ignore_ascii_case("ctl") {
        return None;
    }
    let (option, value) = action.argument.as_deref()?.split_once('=')?;
    let by_id = ["ruleRemoveById", "ruleRemoveTargetById"];
    if !by_id
        .iter()
        .any(|it| it.eq_ignore_ascii_case(option.trim()))
    {
        return None;
    }
    let ids = value.split(';').next()?.trim();
    let (first, last) = ids.split_once('-').unwrap_or((ids, ids));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some(first..=last)
}

/// All directives in the order in which they count: a skip goes on into the next file.
fn in_order(rules: &[Ruleset]) -> impl DoubleEndedIterator<Item = (&SourceMap, &Directive)> {
    rules
        .iter()
        .flat_map(|it| it.directives.iter().map(move |each| (&it.sources, each)))
}

/// Rules between an unconditional `skipAfter` and its marker, in its phase.
fn unreachable(rules: &[Ruleset]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let mut skipping: HashMap<u8, (&str, Location)> = HashMap::new();
    let mut chained = false;
    for (sources, directive) in in_order(rules) {
        if let DirectiveKind::Marker(name) = &directive.kind {
            skipping.retain(|_, (wanted, _)| *wanted != name.value);
            continue;
        }
        let Some(actions) = actions(directive) else {
            continue;
        };
        let continues = std::mem::replace(&mut chained, has(actions, "chain"));
        let phase = phase(actions);
        if continues {
            continue;
        }
        if let Some((marker, by)) = skipping.get(&phase) {
            doubts.push(Doubt {
                location: Some(sources.locate(directive.span)),
                message: format!("never runs: {by} always skips to {marker}"),
            });
        } else if let (DirectiveKind::Action(_), Some(marker)) =
            (&directive.kind, argument(actions, "skipAfter"))
        {
            skipping.insert(phase, (marker, sources.locate(directive.span)));
        }
    }
    doubts
}

/// Where it is skipped to a marker that does not follow.
fn without_marker(rules: &[Ruleset]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let mut follow = BTreeSet::new();
    for (sources, directive) in in_order(rules).rev() {
        if let DirectiveKind::Marker(name) = &directive.kind {
            follow.insert(name.value.as_str());
        }
        let marker = actions(directive).and_then(|actions| argument(actions, "skipAfter"));
        if let Some(marker) = marker.filter(|marker| !follow.contains(marker)) {
            doubts.push(Doubt {
                location: Some(sources.locate(directive.span)),
                message: format!(
                    "there is no marker {marker} after this: all later rules of its phase are skipped"
                ),
            });
        }
    }
    doubts
}

fn each_rule(ruleset: &Ruleset, filled: &Filled) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let (mut in_phase, mut chained) = (2, false);
    for directive in &ruleset.directives {
        let Some(actions) = actions(directive) else {
            continue;
        };
        if !std::mem::replace(&mut chained, has(actions, "chain")) {
            in_phase = phase(actions);
        }
        let mut doubt = |span, message| {
            doubts.push(Doubt {
                location: Some(ruleset.sources.locate(span)),
                message,
            });
        };
        if let DirectiveKind::Rule(rule) = &directive.kind {
            targets(rule, in_phase, filled, &mut doubt);
            if !is_linear(rule) {
                let message = "look-around and back-references are not linear: a long value may reach the limit on backtracking, and then does not match";
                doubt(rule.operator.span, message.to_owned());
            }
        }
        if let Some(message) = decoding(actions) {
            doubt(directive.span, message);
        }
    }
    doubts
}

fn targets(rule: &Rule, phase: u8, filled_by: &Filled, doubt: &mut dyn FnMut(Span, String)) {
    for target in rule.targets.iter().filter(|target| !target.excluded) {
        let filled = engine::variable_phase(&target.variable).unwrap_or(1);
        if filled > phase {
            doubt(
                target.span,
                format!(
                    "{} is empty in phase {phase}: it is filled in phase {filled}",
                    target.variable
                ),
            );
        }
        if let Some(message) = filled_by.never(target) {
            doubt(target.span, message);
        }
    }
    let selects = rule.targets.iter().any(|target| !target.excluded);
    if !selects && let Some(first) = rule.targets.first() {
        doubt(
            first.span,
            "all targets are exclusions: nothing is looked at".to_owned(),
        );
    }
}

/// Transformations whose order undoes them.
fn decoding(actions: &[Action]) -> Option<String> {
    /// The second is useless, or wrong, once the first was applied.
    const WRONG: &[(&str, &str, &str)] = &[
        (
            "lowercase",
            "base64decode",
            "Base64 has letters of both cases",
        ),
        (
            "lowercase",
            "base64decodeext",
            "Base64 has letters of both cases",
        ),
        (
            "uppercase",
            "base64decode",
            "Base64 has letters of both cases",
        ),
        (
            "removewhitespace",
            "compresswhitespace",
            "no white space is left",
        ),
        ("removewhitespace", "trim", "no white space is left"),
        ("removenulls", "replacenulls", "no NUL byte is left"),
        (
            "normalisepath",
            "urldecode",
            "what is decoded later is not normalised",
        ),
        (
            "normalisepath",
            "urldecodeuni",
            "what is decoded later is not normalised",
        ),
        (
            "normalizepath",
            "urldecode",
            "what is decoded later is not normalised",
        ),
        (
            "normalizepath",
            "urldecodeuni",
            "what is decoded later is not normalised",
        ),
        (
            "lowercase",
            "urldecodeuni",
            "what is decoded later is not in lower case",
        ),
        (
            "lowercase",
            "urldecode",
            "what is decoded later is not in lower case",
        ),
        (
            "lowercase",
            "htmlentitydecode",
            "what is decoded later is not in lower case",
        ),
        (
            "lowercase",
            "jsdecode",
            "what is decoded later is not in lower case",
        ),
        ("length", "lowercase", "a length has no letters"),
    ];
    let chain: Vec<String> = actions
        .iter()
        .filter(|action| action.name.eq_ignore_ascii_case("t"))
        .filter_map(|action| Some(action.argument.as_deref()?.to_ascii_lowercase()))
        .collect();
    let chain = chain
        .rsplit(|name| name == "none")
        .next()
        .unwrap_or_default();
    WRONG.iter().find_map(|(first, second, why)| {
        let at = chain.iter().position(|name| name == first)?;
        let later = chain.get(at + 1..)?.iter().any(|name| name == second);
        // A second pass afterwards makes it good.
        let again = chain.get(at + 1..)?.iter().rposition(|name| name == first)
            > chain.get(at + 1..)?.iter().rposition(|name| name == second);
        (later && !again).then(|| format!("t:{second} after t:{first}: {why}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubts(files: &[&str]) -> Vec<String> {
        let read = |text: &&str| seclang::parse("a.conf", text, &seclang::Limits::default());
        let rules: Vec<Ruleset> = files.iter().map(|text| read(text).unwrap()).collect();
        let found = doubts_of(&rules).into_iter();
        found.map(|doubt| doubt.message).collect()
    }

    #[test]
    fn each_kind_of_doubt_is_told_and_sound_rules_are_not() {
        for (text, part) in [
            (
                "SecAction \"id:1,phase:1,skipAfter:END\"\nSecRule ARGS \"@rx a\" \"id:2,phase:1\"\nSecMarker END",
                "never runs",
            ),
            ("SecAction \"id:1,phase:1,skipAfter:END\"", "no marker END"),
            (
                "SecMarker END\nSecRule ARGS \"@rx a\" \"id:1,skipAfter:END\"",
                "no marker END",
            ),
            (
                "SecRule REQUEST_BODY \"@rx a\" \"id:1,phase:1\"",
                "filled in phase 2",
            ),
            (
                "SecRule TX:scroe \"@gt 1\" \"id:1,phase:2\"",
                "no rule sets TX:scroe",
            ),
            (
                "SecRule IP:count \"@gt 1\" \"id:1\"",
                "no rule opens it with initcol:ip=",
            ),
            (
                "SecAction \"id:1,setuid:a,setvar:user.count=1\"\nSecRule USER:cuont \"@gt 1\" \"id:2\"",
                "no rule sets USER:cuont",
            ),
            (
                "SecAction \"id:1,phase:1,ctl:ruleRemoveTargetById=10-20;ARGS:a\"",
                "an id of 10 to 20",
            ),
            ("SecRule RULE:name \"@rx a\" \"id:1\"", "RULE holds id"),
            ("SecRule ARGS \"@rx a(?!b)\" \"id:1\"", "not linear"),
            (
                "SecRule ARGS \"@rx a\" \"id:1,t:lowercase,t:base64Decode\"",
                "both cases",
            ),
            ("SecRule !ARGS:a \"@rx a\" \"id:1\"", "nothing is looked at"),
        ] {
            let found = doubts(&[text]);
            assert!(
                found.iter().any(|doubt| doubt.contains(part)),
                "{text}: {found:?}"
            );
        }
        let sound = "SecAction \"id:1,phase:1,setvar:tx.score_%{REMOTE_ADDR}=1,skipAfter:END\"\n\
             SecMarker END\n\
             SecRule TX:score_1 \"@eq 1\" \"id:2,phase:1,chain\"\n\
             SecRule &TX:other|RULE:id \"@eq 0\" \"t:lowercase,t:urlDecodeUni,t:lowercase\"\n\
             SecAction \"id:3,phase:1,initcol:IP=1,setvar:ip.count=+1,ctl:ruleRemoveById=4\"\n\
             SecRule IP:Count \"@gt 1\" \"id:4,phase:1\"";
        assert_eq!(doubts(&[sound]), Vec::<String>::new());
    }

    #[test]
    fn files_are_read_as_one_after_the_other() {
        let skip = "SecAction \"id:1,phase:1,skipAfter:END\"";
        let rule = "SecRule ARGS \"@rx a\" \"id:2,phase:1\"";
        assert_eq!(doubts(&[skip, "SecMarker END", rule]), Vec::<String>::new());
        let found = doubts(&[skip, rule, "SecMarker END"]);
        assert!(
            found.len() == 1 && found[0].contains("never runs"),
            "{found:?}"
        );
        let found = doubts(&["SecMarker END", skip]);
        assert!(
            found.len() == 1 && found[0].contains("no marker END"),
            "{found:?}"
        );
    }
}
