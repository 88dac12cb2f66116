//! Constants: what rules do whatever the request holds, they do at load.
//!
//! The program is walked in the order of its phases with what is known of `TX`
//! at each place. Rules that can never match, or that a jump always skips, go;
//! macros of constants become text; variables that the first rules set become
//! initial values. Core rule sets spend a quarter of their rules on such things
//! (paranoia levels, defaults).

mod facts;
pub(crate) mod reads;

use std::collections::{HashMap, HashSet};

use facts::{Fact, Facts, Outcome, join};
use reads::names_in;

use crate::limits::Limits;
use crate::plan::ir::{Allow, Disruptive, Effect, Link, Program, Rule, Step, Text};

/// Folds constants; what `TX` holds from the start is in `program.tx` afterwards.
pub(crate) fn fold(program: &mut Program, limits: &Limits) {
    let mut walk = Walk::new(program, limits);
    let mut after = Vec::new();
    for phase in 1..=5 {
        if phase == 5 {
            // It runs after whichever phase was the last.
            walk.facts = after
                .drain(..)
                .chain(walk.stopped.take())
                .reduce(Facts::join);
        }
        let Some(steps) = program.phases.get_mut(phase - 1) else {
            continue;
        };
        let all = std::mem::take(steps);
        *steps = walk.phase(phase, all);
        after.extend(walk.facts.clone());
    }
    for (name, value) in walk.initial {
        program.tx.set_initial(&name, Some(&value));
    }
    program.reads_matched = walk.reads_matched;
}

struct Walk<'l> {
    limits: &'l Limits,
    /// At the place that is looked at; none: it is never reached.
    facts: Option<Facts>,
    /// At the markers that jumps lead to.
    jumps: HashMap<String, Facts>,
    /// At the end of the phases that `allow` leads to, by phase.
    ends: HashMap<usize, Facts>,
    /// Where the transaction may be stopped.
    stopped: Option<Facts>,
    /// Variables that rules read or write as the transaction runs.
    seen: HashSet<Vec<u8>>,
    /// Whether rules read variables of any name.
    all_seen: bool,
    /// Whether every transaction comes here.
    certain: bool,
    initial: Vec<(Vec<u8>, Vec<u8>)>,
    /// Effects by which rules that come later may be taken away.
    removals: Vec<Effect>,
    /// Some: this place is reached only after one of these effects.
    guard: Option<Vec<usize>>,
    /// Whether a rule asks what an earlier one matched.
    reads_matched: bool,
}

impl<'l> Walk<'l> {
    fn new(program: &Program, limits: &'l Limits) -> Self {
        let reads_matched = program.phases.iter().flatten().any(|step| match step {
            Step::Rule(rule) => rule.reads_matched(),
            Step::Marker(_) => false,
        });
        Self {
            limits,
            facts: Some(Facts::default()),
            jumps: HashMap::new(),
            ends: HashMap::new(),
            stopped: None,
            seen: HashSet::new(),
            all_seen: false,
            certain: true,
            initial: Vec::new(),
            removals: Vec::new(),
            guard: None,
            reads_matched,
        }
    }

    /// The steps of the phase that are left.
    fn phase(&mut self, phase: usize, steps: Vec<Step>) -> Vec<Step> {
        let mut left: Vec<Step> = Vec::new();
        for step in steps {
            match step {
                Step::Marker(name) => {
                    if let Some(facts) = self.jumps.remove(&name) {
                        join(&mut self.facts, &facts);
                        self.guard = None;
                    }
                    // What was to be jumped over is gone.
                    while let Some(Step::Rule(rule)) = left.last()
                        && rule.only_jumps_to(&name)
                    {
                        left.pop();
                    }
                    left.push(Step::Marker(name));
                }
                Step::Rule(rule) => {
                    if let Some(rule) = self.rule(phase, rule) {
                        left.push(Step::Rule(rule));
                    }
                }
            }
        }
        self.guard = None;
        // A jump to a marker that does not come ends the phase.
        for (_, facts) in std::mem::take(&mut self.jumps) {
            join(&mut self.facts, &facts);
        }
        if let Some(facts) = self.ends.remove(&phase) {
            join(&mut self.facts, &facts);
        }
        left
    }

    fn rule(&mut self, phase: usize, mut rule: Box<Rule>) -> Option<Box<Rule>> {
        let before = self.facts.clone()?;
        // What the rule itself may change is not known while it runs.
        let mut during = before.clone();
        for link in &rule.links {
            link.blur(&mut during);
        }
        for link in &mut rule.links {
            link.substitute(&during, self.limits);
        }
        let mut outcome = rule.outcome(&before, &during);
        if outcome == Outcome::Never {
            return None;
        }
        let removes = |effect: &Effect| effect.surely_removes(&rule);
        let all = |guard: &Vec<usize>| {
            guard
                .iter()
                .all(|&at| self.removals.get(at).is_some_and(removes))
        };
        if self.guard.as_ref().is_some_and(all) {
            return None;
        }
        let removers: Vec<usize> = (0..)
            .zip(&self.removals)
            .filter(|(_, effect)| effect.may_remove(&rule))
            .map(|(at, _)| at)
            .collect();
        // Where a jump is taken unless it was removed, what it skips is reached
        // only by its removal.
        let guard = (outcome == Outcome::Always
            && self.guard.is_none()
            && rule.only_jumps()
            && all(&removers))
        .then_some(removers.clone());
        if outcome == Outcome::Always && !removers.is_empty() {
            outcome = Outcome::Sometimes;
        }
        let after = match outcome {
            Outcome::Always => rule.after(before.clone()),
            _ => rule.after(before.clone()).join(before.clone()),
        };
        let fixed = outcome == Outcome::Always && phase == 1 && self.certain;
        if fixed && let Some(values) = self.initial_values(&rule, &after) {
            self.initial.extend(values);
            self.facts = Some(after);
            return None;
        }
        self.facts = Some(after.clone());
        self.leave(phase, &rule, outcome, &after);
        if outcome == Outcome::Sometimes && guard.is_some() {
            self.guard = guard;
        }
        let effects = rule.links.iter().flat_map(|link| &link.effects);
        self.removals
            .extend(effects.filter(|effect| effect.takes_rules_away()).cloned());
        for link in &rule.links {
            self.all_seen |= link.names_of_tx(&mut self.seen);
        }
        for text in rule.texts() {
            self.all_seen |= names_in(text, &mut self.seen);
        }
        Some(rule)
    }

    /// Jumps, `allow` and stops.
    fn leave(&mut self, phase: usize, rule: &Rule, outcome: Outcome, after: &Facts) {
        if let Some(marker) = &rule.skip_after {
            let facts = self.jumps.remove(marker);
            let facts = facts.map_or_else(|| after.clone(), |known| known.join(after.clone()));
            self.jumps.insert(marker.clone(), facts);
            self.certain &= outcome == Outcome::Never;
            if outcome == Outcome::Always {
                self.facts = None;
            }
        }
        match &rule.disruptive {
            Disruptive::Pass | Disruptive::Strip(_) => return,
            Disruptive::Allow(Allow::Phase) => self.end(phase, after),
            Disruptive::Allow(Allow::Request) => self.end(phase.max(2), after),
            _ => {}
        }
        join(&mut self.stopped, after);
        self.certain = false;
    }

    fn end(&mut self, phase: usize, after: &Facts) {
        let facts = self.ends.remove(&phase);
        let facts = facts.map_or_else(|| after.clone(), |known| known.join(after.clone()));
        self.ends.insert(phase, facts);
    }

    /// What a rule that always matches sets, if it does nothing else and nobody
    /// could tell that it was set from the start.
    fn initial_values(&self, rule: &Rule, after: &Facts) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        let [link] = rule.links.as_slice() else {
            return None;
        };
        let quiet = rule.is_silent()
            && rule.skip_after.is_none()
            && !(link.test.is_some() && (self.reads_matched || link.capture));
        if !quiet || self.all_seen {
            return None;
        }
        link.effects
            .iter()
            .map(|effect| {
                let Effect::SetTx {
                    name: Text::Plain(name),
                    ..
                } = effect
                else {
                    return None;
                };
                let name = name.as_bytes();
                match after.get(name) {
                    Fact::Holds(value) if !self.seen.contains(name) => {
                        Some((name.to_vec(), value.to_vec()))
                    }
                    _ => None,
                }
            })
            .collect()
    }
}
impl Rule {
    /// Whether a match has no other effect than to go on at the marker.
    fn only_jumps_to(&self, marker: &str) -> bool {
        self.skip_after.as_deref() == Some(marker) && self.only_jumps()
    }

    /// Whether a match has no other effect than to go on elsewhere.
    fn only_jumps(&self) -> bool {
        self.skip_after.is_some() && self.is_quiet()
    }

    /// Whether a match is not recorded, decides nothing and sets nothing.
    fn is_quiet(&self) -> bool {
        let idle = |link: &Link| link.effects.is_empty() && !link.capture;
        self.is_silent() && self.links.iter().all(idle)
    }

    /// Whether nobody hears of a match but by what it sets.
    fn is_silent(&self) -> bool {
        !self.log && self.disruptive == Disruptive::Pass && self.severity.is_none()
    }
}

impl Effect {
    fn takes_rules_away(&self) -> bool {
        matches!(
            self,
            Self::RemoveRules(_)
                | Self::RemoveRulesByTag(_)
                | Self::RemoveTarget { .. }
                | Self::RemoveTargetByTag { .. }
                | Self::RemoveRulesByMessage(_)
                | Self::RemoveTargetByMessage { .. }
        )
    }

    /// Whether a transaction that runs it may leave the rule out, or a target of it.
    fn may_remove(&self, rule: &Rule) -> bool {
        match self {
            Self::RemoveRules(range) | Self::RemoveTarget { rules: range, .. } => {
                range.contains(&rule.id)
            }
            Self::RemoveRulesByTag(tag) | Self::RemoveTargetByTag { tag, .. } => {
                matches!(tag, Text::Template(..)) || rule.tags.iter().any(|known| tag.is(known))
            }
            Self::RemoveRulesByMessage(message) | Self::RemoveTargetByMessage { message, .. } => {
                matches!(message, Text::Template(..)) || rule.message == *message
            }
            _ => false,
        }
    }

    /// Whether a transaction that runs it leaves the rule out.
    fn surely_removes(&self, rule: &Rule) -> bool {
        match self {
            Self::RemoveRules(range) => range.contains(&rule.id),
            Self::RemoveRulesByTag(Text::Plain(tag)) => rule.tags.contains(tag),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::ir::Step;
    use crate::{Input, Limits, NoResources, compile};

    /// Ids of the rules that are left, and a variable's value at the start.
    fn left(rules: &str, name: &str) -> (Vec<u64>, Option<String>) {
        let rules = seclang::parse("rules.conf", rules, &seclang::Limits::default()).unwrap();
        let input = Input {
            rules: vec![rules],
            patches: Vec::new(),
        };
        let plan = compile(&input, Limits::default(), &NoResources).unwrap();
        let steps = plan.base.phases.iter().flatten();
        let ids = steps.filter_map(|step| match step {
            Step::Rule(rule) => Some(rule.id),
            Step::Marker(_) => None,
        });
        let tx = crate::transaction::tx::Tx::default();
        let names = &plan.base.tx;
        let value = tx.get(names.named(name.as_bytes()), names);
        let value = value.map(|value| String::from_utf8_lossy(value).into_owned());
        (ids.collect(), value)
    }

    const LEVELS: &str = r#"
        SecRule TX:LEVEL "@lt 1" "id:10,phase:2,pass,nolog,skipAfter:END"
        SecRule ARGS "@rx a" "id:11,phase:2,deny"
        SecRule TX:LEVEL "@lt 2" "id:12,phase:2,pass,nolog,skipAfter:END"
        SecRule ARGS "@rx b" "id:13,phase:2,deny"
        SecMarker END
        SecRule ARGS "@rx c" "id:14,phase:2,deny"
    "#;

    #[test]
    fn a_level_that_is_set_at_first_decides_at_load() {
        let set = "SecAction \"id:1,phase:1,pass,nolog,setvar:tx.level=1\"";
        let default = "SecRule &TX:level \"@eq 0\" \"id:2,phase:1,pass,nolog,setvar:tx.level=2\"";
        let (ids, level) = left(&format!("{set}\n{default}\n{LEVELS}"), "level");
        assert_eq!(
            (ids.as_slice(), level.as_deref()),
            ([11, 14].as_slice(), Some("1"))
        );
        let (ids, level) = left(&format!("{default}\n{LEVELS}"), "level");
        assert_eq!(
            (ids.as_slice(), level.as_deref()),
            ([11, 13, 14].as_slice(), Some("2"))
        );
    }

    #[test]
    fn what_the_request_decides_stays() {
        let set = "SecRule ARGS:pl \"@rx .\" \"id:1,phase:1,pass,nolog,setvar:tx.level=1\"";
        let (ids, level) = left(&format!("{set}\n{LEVELS}"), "level");
        assert_eq!(
            (ids.as_slice(), level),
            ([1, 10, 11, 12, 13, 14].as_slice(), None)
        );
        let always = "SecAction \"id:1,phase:1,pass,nolog,setvar:tx.level=1\"";
        let removed = "SecRule ARGS:x \"@rx .\" \"id:2,phase:1,pass,nolog,ctl:ruleRemoveById=12\"";
        let (ids, _) = left(&format!("{removed}\n{always}\n{LEVELS}"), "level");
        assert_eq!(ids, [2, 11, 12, 13, 14]);
        // By a tag that the rules between have too.
        let tagged = LEVELS.replace("phase:2", "phase:2,tag:crs");
        let by_tag = "SecRule ARGS:x \"@rx .\" \"id:2,phase:1,pass,nolog,ctl:ruleRemoveByTag=crs\"";
        let (ids, _) = left(&format!("{always}\n{by_tag}\n{tagged}"), "level");
        assert_eq!(ids, [2, 11, 14]);
        let any =
            "SecRule ARGS_NAMES \"@rx .\" \"id:2,phase:1,pass,nolog,setvar:tx.%{MATCHED_VAR}=9\"";
        let (ids, _) = left(&format!("{always}\n{any}\n{LEVELS}"), "level");
        assert_eq!(ids, [2, 10, 11, 12, 13, 14]);
    }

    #[test]
    fn what_was_read_before_it_is_set_is_not_set_from_the_start() {
        let (ids, score) = left(
            r#"
            SecRule TX:score "@ge 1" "id:1,phase:1,deny"
            SecRule ARGS "@eq %{tx.score}" "id:2,phase:1,pass,log"
            SecAction "id:3,phase:1,pass,nolog,setvar:tx.score=5"
            SecRule ARGS "@rx a" "id:4,phase:1,pass,nolog,setvar:tx.score=+1"
            SecRule TX:score "@ge 6" "id:5,phase:2,deny"
            "#,
            "score",
        );
        assert_eq!(
            (ids.as_slice(), score.as_deref()),
            ([2, 4, 5].as_slice(), Some("5"))
        );
    }
}
