//! Rules that change nothing as long as no other rule has set what they read.
//!
//! Core rule sets add up scores at the end of each phase, and compare the sums with thresholds, in
//! every request. Until a rule has matched, that sets variables to what they hold already. Such
//! rules read `TX` alone, so what they do while it is as a transaction begins is found out here.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::language::variables::Variable;
use crate::operators::Hit;
use crate::plan::ir::{
    Change, Check, Disruptive, Effect, Link, Piece, Rule, Selector, Step, Target, Test, Text,
};
use crate::plan::jump;
use crate::store::number;
use crate::transaction::tx::TxNames;

/// What must be as a transaction begins for a rule to change nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Quiet {
    /// Variables that it reads or sets.
    pub(crate) slots: Vec<u32>,
    /// Whether it matters that no variable is set which no rule names.
    pub(crate) others: bool,
}

impl Quiet {
    /// None: what the rule does depends on more than `TX`, or it changes something.
    pub(super) fn of(rule: &Rule, names: &TxNames) -> Option<Self> {
        let mut reader = Reader::new(names);
        let stays = rule.skip == 0 && rule.skip_after.is_none();
        let is_idle = (!reader.runs(rule)? || stays) && reader.set.is_empty();
        is_idle.then_some(reader.quiet)
    }

    /// The same of a phase after which nobody reads `TX`: it may set variables, too.
    pub(super) fn of_last(steps: &[Step], names: &TxNames) -> Option<Self> {
        let mut reader = Reader::new(names);
        let mut at = 0;
        while let Some(step) = steps.get(at) {
            at += 1;
            if let Step::Rule(rule) = step
                && reader.runs(rule)?
            {
                at = jump::after(steps, at, rule);
            }
        }
        Some(reader.quiet)
    }
}

/// Reads `TX` as a transaction begins, and notes what was read.
struct Reader<'n> {
    names: &'n TxNames,
    quiet: Quiet,
    /// Variables that now hold something else, by slot; none: unset.
    set: HashMap<usize, Option<Vec<u8>>>,
}

impl<'n> Reader<'n> {
    fn new(names: &'n TxNames) -> Self {
        Self {
            names,
            quiet: Quiet::default(),
            set: HashMap::new(),
        }
    }

    /// Whether the rule matches, its effects on `TX` noted; none if that depends on more, or if
    /// more comes of it.
    fn runs(&mut self, rule: &Rule) -> Option<bool> {
        for link in &rule.links {
            if !self.matches(link)? {
                return Some(false);
            }
            // Effects take place value by value, which may change what the next is asked.
            if link.capture || !link.effects.is_empty() && link.targets.len() > 1 {
                return None;
            }
            for effect in &link.effects {
                self.apply(effect)?;
            }
        }
        let passes = rule.disruptive == Disruptive::Pass && !rule.log && rule.severity.is_none();
        passes.then_some(true)
    }

    /// Whether the link matches; none if that depends on more.
    fn matches(&mut self, link: &Link) -> Option<bool> {
        let Some(test) = &link.test else {
            return Some(true);
        };
        let decodes = link.multi_match || !link.transformations.is_empty();
        let mut any = false;
        for target in &link.targets {
            if let Some(value) = self.value(target)? {
                if decodes {
                    return None;
                }
                any |= self.says(test, &value)?;
            }
        }
        Some(any)
    }

    /// What the target means, if it is set.
    fn value(&mut self, target: &Target) -> Option<Option<Vec<u8>>> {
        if target.variable != Variable::Tx || target.excluded {
            return None;
        }
        match &target.selector {
            Selector::Name(Text::Plain(name)) => {
                let value = self.read(name)?;
                Some(match target.counted {
                    true => Some(if value.is_some() { b"1" } else { b"0" }.to_vec()),
                    false => value,
                })
            }
            Selector::Pattern(pattern) if !target.counted => {
                let slots = self.names.fitting(pattern)?;
                self.quiet.slots.extend(slots);
                self.quiet.others = true;
                let mut set = slots.iter().map(|&slot| self.holds(slot as usize));
                set.all(|value| value.is_none()).then_some(None)
            }
            _ => None,
        }
    }

    /// What a variable holds, if rules name it.
    fn read(&mut self, name: &str) -> Option<Option<Vec<u8>>> {
        let slot = self.names.slot(name.as_bytes())?;
        self.quiet.slots.push(slot as u32);
        Some(self.holds(slot))
    }

    fn holds(&self, slot: usize) -> Option<Vec<u8>> {
        let initial = || self.names.initial(slot).map(<[u8]>::to_vec);
        self.set.get(&slot).cloned().unwrap_or_else(initial)
    }

    fn says(&mut self, test: &Test, value: &[u8]) -> Option<bool> {
        let Check::Plain {
            function, argument, ..
        } = &test.check
        else {
            return None;
        };
        let argument = self.text(argument)?;
        Some(function(&argument, value, &mut Hit::default()) != test.negated)
    }

    /// The text with its macros expanded.
    fn text<'t>(&mut self, text: &'t Text) -> Option<Cow<'t, [u8]>> {
        let pieces = match text {
            Text::Plain(plain) => return Some(Cow::Borrowed(plain.as_bytes())),
            Text::Template(_, pieces) => pieces,
        };
        let mut expanded = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => expanded.extend_from_slice(literal.as_bytes()),
                Piece::Variable(Variable::Tx, Some(name)) => {
                    expanded.extend(self.read(name)?.unwrap_or_default());
                }
                Piece::Variable(..) => return None,
            }
        }
        Some(Cow::Owned(expanded))
    }

    /// Notes what the effect changes; none if that is more than a variable of `TX`.
    fn apply(&mut self, effect: &Effect) -> Option<()> {
        let Effect::SetTx {
            name: Text::Plain(name),
            change,
        } = effect
        else {
            return None;
        };
        let old = self.read(name)?;
        let sum = |amount: i64| {
            let old = number(old.as_deref().unwrap_or_default());
            old.saturating_add(amount).to_string().into_bytes()
        };
        let new = match change {
            Change::Unset => None,
            Change::Set(text) => Some(self.text(text)?.into_owned()),
            Change::Add(text) => Some(sum(number(&self.text(text)?))),
            Change::Subtract(text) => Some(sum(number(&self.text(text)?).saturating_neg())),
        };
        let slot = self.names.slot(name.as_bytes())?;
        match self.names.initial(slot) == new.as_deref() {
            true => self.set.remove(&slot),
            false => self.set.insert(slot, new),
        };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Input, Limits, NoResources, Plan};

    fn compiled(rules: &str) -> Arc<Plan> {
        let rules = seclang::parse("test.conf", rules, &seclang::Limits::default()).unwrap();
        let input = Input {
            rules: vec![rules],
            patches: Vec::new(),
        };
        crate::compile(&input, Limits::default(), &NoResources).unwrap()
    }

    /// The rules that are quiet.
    fn quiet(rules: &str) -> Vec<u64> {
        let plan = compiled(rules);
        let steps = plan.base.phases.iter().flatten();
        let rules = steps.filter_map(|step| match step {
            Step::Rule(rule) => Some(rule),
            Step::Marker(_) => None,
        });
        rules
            .filter(|rule| Quiet::of(rule, &plan.base.tx).is_some())
            .map(|rule| rule.id)
            .collect()
    }

    #[test]
    fn rules_that_add_nothing_to_scores_are_quiet() {
        let found = quiet(
            r#"
            SecAction "id:1,phase:1,pass,nolog,setvar:tx.score=0,setvar:tx.sum=0,setvar:tx.most=5"
            SecRule ARGS "@rx attack" "id:2,phase:1,pass,nolog,setvar:tx.score=+5,setvar:tx.seen_%{MATCHED_VAR_NAME}=1"
            SecRule TX:most "@ge 5" "id:3,phase:1,pass,nolog,setvar:tx.sum=+%{tx.score}"
            SecRule TX:sum "@ge %{tx.most}" "id:4,phase:1,deny,log"
            SecRule TX:sum "@lt %{tx.most}" "id:5,phase:1,deny,log"
            SecRule TX:score "@ge 0" "id:6,phase:1,pass,nolog,setvar:tx.turns=+1"
            SecRule TX:/^seen_/ "@unconditionalMatch" "id:7,phase:1,deny"
            SecRule TX:score "@eq 0" "id:8,phase:1,pass,log,msg:'none'"
            SecRule TX:score "@eq 0" "id:9,phase:1,pass,nolog,severity:CRITICAL"
            SecRule TX:score "@eq 0" "id:10,phase:1,pass,nolog,skipAfter:END"
            SecRule TX:score "@eq 0" "id:11,phase:1,pass,nolog,chain"
              SecRule ARGS "@rx x" "setvar:tx.sum=1"
            SecMarker END
            "#,
        );
        assert_eq!(found, [3, 4, 7]);
    }

    #[test]
    fn the_last_phase_is_quiet_if_it_only_adds_up() {
        let is_quiet = |last: &str| {
            let plan = compiled(&format!(
                r#"
                SecAction "id:1,phase:1,pass,nolog,setvar:tx.in=0,setvar:tx.out=0"
                SecRule ARGS "@rx attack" "id:2,phase:1,pass,nolog,setvar:tx.in=+5"
                SecAction "id:3,phase:5,pass,nolog,setvar:tx.all=%{{tx.in}},setvar:tx.all=+%{{tx.out}}"
                {last}
                "#
            ));
            Quiet::of_last(&plan.base.phases[4], &plan.base.tx).is_some()
        };
        assert!(is_quiet(
            r#"
            SecRule TX:all "@eq 0" "id:4,phase:5,pass,nolog,skipAfter:END"
            SecAction "id:5,phase:5,pass,log,msg:'%{tx.all}'"
            SecMarker END
            "#
        ));
        for told in [
            r#"SecAction "id:5,phase:5,pass,log,msg:'%{tx.all}'""#,
            r#"SecRule TX:all "@eq 0" "id:4,phase:5,pass,nolog,ctl:ruleRemoveById=7""#,
            r#"SecRule ARGS "@rx x" "id:4,phase:5,pass,log""#,
        ] {
            assert!(!is_quiet(told), "{told}");
        }
    }
}
