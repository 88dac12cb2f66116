//! Constants: what rules do whatever the request holds, they do at load.
//!
//! The program is walked in the order of its phases with what is known of `TX`
//! at each place. Rules that can never match, or that a jump always skips, go;
//! macros of constants become text; variables that the first rules set become
//! initial values. Core rule sets spend a quarter of their rules on such things
//! (paranoia levels, defaults).

use std::collections::{BTreeSet, HashMap, HashSet};

use super::ir::{
    Allow, Change, Check, Disruptive, Effect, Link, Piece, Program, Rule, Selector, Step, Target,
    Text,
};
use crate::language::variables::Variable;
use crate::limits::Limits;
use crate::operators::{Arguments, Build, Hit, NoResources};
use crate::store::number;
use crate::transformations;

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
    for name in walk.seen {
        program.tx.add(&name);
    }
}

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fact {
    Holds(Vec<u8>),
    Absent,
    Unknown,
}

/// What is known of all variables at a place in the program.
#[derive(Debug, Clone, Default)]
struct Facts {
    names: HashMap<Vec<u8>, Fact>,
    /// How names begin that only the request tells: any of them may be set.
    open: BTreeSet<Vec<u8>>,
}

impl Facts {
    fn get(&self, name: &[u8]) -> &Fact {
        match self.names.get(name) {
            Some(fact) => fact,
            None if self.open.iter().any(|start| name.starts_with(start)) => &Fact::Unknown,
            None => &Fact::Absent,
        }
    }

    fn join(mut self, other: Self) -> Self {
        let names: Vec<Vec<u8>> = self
            .names
            .keys()
            .chain(other.names.keys())
            .cloned()
            .collect();
        for name in names {
            if self.get(&name) != other.get(&name) {
                self.names.insert(name, Fact::Unknown);
            }
        }
        self.open.extend(other.open);
        self
    }

    /// A variable is set whose name only the request tells.
    fn forget(&mut self, name: &Text) {
        let start = match name {
            Text::Template(_, pieces) => match pieces.first() {
                Some(Piece::Literal(start)) => start.to_ascii_lowercase().into_bytes(),
                _ => Vec::new(),
            },
            Text::Plain(name) => name.to_ascii_lowercase().into_bytes(),
        };
        for (name, fact) in &mut self.names {
            if name.starts_with(&start) {
                *fact = Fact::Unknown;
            }
        }
        self.open.insert(start);
    }
}

fn join(known: &mut Option<Facts>, other: &Facts) {
    *known = Some(match known.take() {
        Some(known) => known.join(other.clone()),
        None => other.clone(),
    });
}

/// Whether a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Never,
    Sometimes,
    Always,
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
                        Some((name.to_vec(), value.clone()))
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

    /// Whether it asks what an earlier rule has matched.
    fn reads_matched(&self) -> bool {
        let Some(first) = self.links.first() else {
            return false;
        };
        let targets = first.targets.iter().map(|target| target.variable);
        let texts: Vec<&Text> = match first.test.as_ref().map(|test| &test.check) {
            // What follows a match of its own reads that.
            Some(Check::Plain { argument, .. } | Check::Expanded(_, argument)) => vec![argument],
            Some(Check::Compiled(_)) => Vec::new(),
            None => {
                let effects = first.effects.iter().flat_map(Effect::texts);
                effects.chain(self.texts()).collect()
            }
        };
        let in_texts = texts.into_iter().flat_map(Text::variables);
        targets
            .chain(in_texts)
            .any(|variable| matches!(variable, Variable::MatchedVar | Variable::MatchedVarName))
    }

    /// What it says of a match.
    fn texts(&self) -> impl Iterator<Item = &Text> {
        let location = match &self.disruptive {
            Disruptive::Redirect { location, .. } => Some(location),
            _ => None,
        };
        [&self.message, &self.data].into_iter().chain(location)
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

    fn outcome(&self, before: &Facts, during: &Facts) -> Outcome {
        let mut outcome = Outcome::Always;
        let mut effects = false;
        for (at, link) in self.links.iter().enumerate() {
            let facts = if at == 0 { before } else { during };
            match link.outcome(facts) {
                // What earlier links have done stays done.
                Outcome::Never if effects => return Outcome::Sometimes,
                Outcome::Never => return Outcome::Never,
                Outcome::Sometimes => outcome = Outcome::Sometimes,
                Outcome::Always => {}
            }
            effects |= !link.effects.is_empty() || link.capture;
        }
        outcome
    }

    /// What is known after it has matched.
    fn after(&self, mut facts: Facts) -> Facts {
        for link in &self.links {
            if link.capture || !link.is_once() {
                link.blur(&mut facts);
                continue;
            }
            for effect in &link.effects {
                effect.apply(&mut facts);
            }
        }
        facts
    }
}

impl Link {
    /// Whether its effects take place exactly once.
    fn is_once(&self) -> bool {
        match self.targets.as_slice() {
            [] => self.test.is_none(),
            [target] => {
                target.counted
                    || target.variable == Variable::Tx
                        && matches!(target.selector, Selector::Name(Text::Plain(_)))
            }
            _ => false,
        }
    }

    fn outcome(&self, facts: &Facts) -> Outcome {
        let Some(test) = &self.test else {
            return Outcome::Always;
        };
        if self.multi_match {
            return Outcome::Sometimes;
        }
        let mut outcome = Outcome::Never;
        for target in &self.targets {
            let value = match target.value(facts) {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(()) => return Outcome::Sometimes,
            };
            let value = self.transformations.iter().fold(value, |value, &at| {
                let mut output = Vec::new();
                let changed = transformations::ALL
                    .get(usize::from(at))
                    .is_some_and(|spec| (spec.apply)(&value, &mut output));
                if changed { output } else { value }
            });
            let mut hit = Hit::default();
            let found = match &test.check {
                Check::Compiled(operator) => operator.matches(&value, &mut hit),
                Check::Plain {
                    function,
                    argument: Text::Plain(argument),
                    ..
                } => function(argument.as_bytes(), &value, &mut hit),
                Check::Plain { .. } | Check::Expanded(..) => return Outcome::Sometimes,
            };
            if found != test.negated {
                outcome = Outcome::Always;
            }
        }
        outcome
    }

    /// Whatever it may set is not known.
    fn blur(&self, facts: &mut Facts) {
        if self.capture {
            for group in b'0'..=b'9' {
                facts.names.insert(vec![group], Fact::Unknown);
            }
        }
        for effect in &self.effects {
            match effect {
                Effect::SetTx {
                    name: Text::Plain(name),
                    ..
                } => {
                    facts.names.insert(name.clone().into_bytes(), Fact::Unknown);
                }
                Effect::SetTx { name, .. } => facts.forget(name),
                _ => {}
            }
        }
    }

    /// Macros of constants become text.
    fn substitute(&mut self, facts: &Facts, limits: &Limits) {
        match self.test.as_mut().map(|test| &mut test.check) {
            Some(Check::Plain { argument, .. }) => argument.substitute(facts),
            Some(check @ Check::Expanded(..)) => check.compile(facts, limits),
            _ => {}
        }
        for effect in &mut self.effects {
            if let Effect::SetTx { name, change } = effect {
                name.substitute(facts);
                if let Change::Set(text) | Change::Add(text) | Change::Subtract(text) = change {
                    text.substitute(facts);
                }
            }
        }
    }

    /// Adds the variables of `TX` that it reads or sets; `true`: it may be any.
    fn names_of_tx(&self, names: &mut HashSet<Vec<u8>>) -> bool {
        let mut any = false;
        if self.capture {
            names.extend((b'0'..=b'9').map(|group| vec![group]));
        }
        for target in &self.targets {
            if target.variable == Variable::Tx {
                match &target.selector {
                    Selector::Name(Text::Plain(name)) => {
                        names.insert(name.to_ascii_lowercase().into_bytes());
                    }
                    _ => any = true,
                }
            }
        }
        if let Some(test) = &self.test
            && let Check::Plain { argument, .. } | Check::Expanded(_, argument) = &test.check
        {
            any |= names_in(argument, names);
        }
        for effect in &self.effects {
            for text in effect.texts() {
                any |= names_in(text, names);
            }
            match effect {
                Effect::SetTx {
                    name: Text::Plain(name),
                    ..
                } => {
                    names.insert(name.clone().into_bytes());
                }
                Effect::SetTx { .. } => any = true,
                _ => {}
            }
        }
        any
    }
}

impl Check {
    /// Compiles an operator whose argument turns out to be constant.
    fn compile(&mut self, facts: &Facts, limits: &Limits) {
        let Self::Expanded(spec, argument) = self else {
            return;
        };
        argument.substitute(facts);
        if let (Text::Plain(text), Build::Compiled(build)) = (&*argument, &spec.build) {
            let arguments = Arguments {
                text,
                limits,
                resources: &NoResources,
                source: "",
            };
            // What is no argument matches nothing, whenever it is asked.
            if let Ok(operator) = build(&arguments) {
                *self = Self::Compiled(operator.into());
            }
        }
    }
}

impl Target {
    /// The only value that it means; an error: that depends on the request.
    fn value(&self, facts: &Facts) -> Result<Option<Vec<u8>>, ()> {
        let Selector::Name(Text::Plain(name)) = &self.selector else {
            return Err(());
        };
        if self.variable != Variable::Tx || self.excluded {
            return Err(());
        }
        let fact = facts.get(name.to_ascii_lowercase().as_bytes());
        match (self.counted, fact) {
            (_, Fact::Unknown) => Err(()),
            (false, Fact::Absent) => Ok(None),
            (false, Fact::Holds(value)) => Ok(Some(value.clone())),
            (true, Fact::Absent) => Ok(Some(b"0".to_vec())),
            (true, Fact::Holds(_)) => Ok(Some(b"1".to_vec())),
        }
    }
}

impl Effect {
    fn apply(&self, facts: &mut Facts) {
        let Self::SetTx { name, change } = self else {
            return;
        };
        let Text::Plain(name) = name else {
            facts.forget(name);
            return;
        };
        let name = name.as_bytes();
        let fact = match (change, facts.get(name)) {
            (Change::Unset, _) => Fact::Absent,
            (Change::Set(Text::Plain(text)), _) => Fact::Holds(text.clone().into_bytes()),
            (Change::Add(Text::Plain(amount)), known) => sum(known, number(amount.as_bytes())),
            (Change::Subtract(Text::Plain(amount)), known) => {
                sum(known, number(amount.as_bytes()).saturating_neg())
            }
            _ => Fact::Unknown,
        };
        facts.names.insert(name.to_vec(), fact);
    }

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

    /// Its texts, which may have macros.
    fn texts(&self) -> Vec<&Text> {
        match self {
            Self::SetTx { name, change } | Self::SetKept { name, change, .. } => match change {
                Change::Set(text) | Change::Add(text) | Change::Subtract(text) => vec![name, text],
                Change::Unset => vec![name],
            },
            Self::InitCollection { key, .. } => vec![key],
            Self::Expire { name, seconds, .. } => vec![name, seconds],
            Self::SetEnv { value, .. } => vec![value],
            Self::RemoveRulesByTag(text)
            | Self::RemoveRulesByMessage(text)
            | Self::RemoveTargetByTag { tag: text, .. }
            | Self::RemoveTargetByMessage { message: text, .. } => vec![text],
            _ => Vec::new(),
        }
    }
}

fn sum(known: &Fact, amount: i64) -> Fact {
    let base = match known {
        Fact::Holds(value) => number(value),
        Fact::Absent => 0,
        Fact::Unknown => return Fact::Unknown,
    };
    Fact::Holds(base.saturating_add(amount).to_string().into_bytes())
}

impl Text {
    fn variables(&self) -> Vec<Variable> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Template(_, pieces) => pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Variable(variable, _) => Some(*variable),
                    Piece::Literal(_) => None,
                })
                .collect(),
        }
    }

    fn substitute(&mut self, facts: &Facts) {
        let Self::Template(_, pieces) = self else {
            return;
        };
        for piece in pieces.iter_mut() {
            if let Piece::Variable(Variable::Tx, Some(name)) = piece {
                let value = match facts.get(name.to_ascii_lowercase().as_bytes()) {
                    Fact::Holds(value) => String::from_utf8(value.clone()).ok(),
                    Fact::Absent => Some(String::new()),
                    Fact::Unknown => None,
                };
                if let Some(value) = value {
                    *piece = Piece::Literal(value);
                }
            }
        }
        let literals: Option<Vec<&str>> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => Some(text.as_str()),
                Piece::Variable(..) => None,
            })
            .collect();
        if let Some(literals) = literals {
            *self = Self::Plain(literals.concat());
        }
    }
}

/// Adds the variables of `TX` that a text's macros read; `true`: it may be any.
fn names_in(text: &Text, names: &mut HashSet<Vec<u8>>) -> bool {
    let Text::Template(_, pieces) = text else {
        return false;
    };
    let mut any = false;
    for piece in pieces {
        match piece {
            Piece::Variable(Variable::Tx, Some(name)) => {
                names.insert(name.to_ascii_lowercase().into_bytes());
            }
            Piece::Variable(Variable::Tx, None) => any = true,
            _ => {}
        }
    }
    any
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
        let value = tx.get(name.as_bytes(), &plan.base.tx);
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
