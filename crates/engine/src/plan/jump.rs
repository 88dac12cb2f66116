//! `skip` as `skipAfter`: one kind of jump, whatever passes over the rules do.

use super::ir::{Program, Rule, Step};

/// Puts a marker where each `skip` leads.
pub(crate) fn name_skips(program: &mut Program) {
    for steps in &mut program.phases {
        let is_skip = |step: &Step| matches!(step, Step::Rule(rule) if rule.skip > 0);
        if steps.iter().any(is_skip) {
            *steps = named(std::mem::take(steps));
        }
    }
}

fn named(steps: Vec<Step>) -> Vec<Step> {
    let mut result = Vec::with_capacity(steps.len());
    // Markers that are still to come, and after how many rules.
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut count = 0_usize;
    for step in steps {
        let Step::Rule(mut rule) = step else {
            result.push(step);
            continue;
        };
        for (rules, _) in &mut open {
            *rules -= 1;
        }
        let skip = std::mem::take(&mut rule.skip);
        if skip > 0 && rule.skip_after.is_none() {
            count += 1;
            // No rule can name this: SecLang has no way to write a zero byte.
            let name = format!("skip\0{count}");
            rule.skip_after = Some(name.clone());
            open.push((skip, name));
        }
        result.push(Step::Rule(rule));
        open.retain(|(rules, name)| {
            if *rules == 0 {
                result.push(Step::Marker(name.clone()));
            }
            *rules > 0
        });
    }
    result
}

/// Where a rule that matched sends the evaluation on.
pub(crate) fn after(steps: &[Step], at: usize, rule: &Rule) -> usize {
    let Some(wanted) = &rule.skip_after else {
        return at;
    };
    let rest = steps.get(at..).unwrap_or_default();
    let is_marker = |step: &Step| matches!(step, Step::Marker(name) if name == wanted);
    at + rest.iter().position(is_marker).unwrap_or(rest.len())
}
