//! Rules that change nothing as long as no other rule has set what they read.
//!
//! Core rule sets add up scores at the end of each phase, and compare the sums with thresholds, in
//! every request. Until a rule has matched, that sets variables to what they hold already. Such
//! rules read `TX` alone, so what they do while it is as a transaction begins is found out here.

use std::borrow::Cow;

use crate::language::variables::Variable;
use crate::operators::Hit;
use crate::plan::ir::{
    Change, Check, Disruptive, Effect, Link, Piece, Rule, Selector, Target, Test, Text,
};
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
        let mut reader = Reader {
            names,
            quiet: Self::default(),
        };
        for link in &rule.links {
            if !reader.matches(link)? {
                return Some(reader.quiet);
            }
            let idle = !link.capture && link.effects.iter().all(|effect| reader.is_idle(effect));
            if !idle {
                return None;
            }
        }
        let passes = rule.disruptive == Disruptive::Pass && !rule.log && rule.severity.is_none();
        (passes && rule.skip == 0 && rule.skip_after.is_none()).then_some(reader.quiet)
    }
}

/// Reads `TX` as a transaction begins, and notes what was read.
struct Reader<'n> {
    names: &'n TxNames,
    quiet: Quiet,
}

impl<'n> Reader<'n> {
    /// Whether the link matches; none if that depends on more.
    fn matches(&mut self, link: &Link) -> Option<bool> {
        let Some(test) = &link.test else {
            return Some(true);
        };
        if link.multi_match || !link.transformations.is_empty() {
            return None;
        }
        let mut any = false;
        for target in &link.targets {
            if let Some(value) = self.value(target)? {
                any |= self.says(test, &value)?;
            }
        }
        Some(any)
    }

    /// What the target means, if it is set.
    fn value(&mut self, target: &Target) -> Option<Option<Cow<'n, [u8]>>> {
        if target.variable != Variable::Tx || target.excluded {
            return None;
        }
        match &target.selector {
            Selector::Name(Text::Plain(name)) => {
                let value = self.read(name)?;
                Some(match target.counted {
                    true => Some(Cow::Borrowed(if value.is_some() { b"1" } else { b"0" })),
                    false => value.map(Cow::Borrowed),
                })
            }
            Selector::Pattern(pattern) if !target.counted => {
                let slots = self.names.fitting(pattern)?;
                self.quiet.slots.extend(slots);
                self.quiet.others = true;
                let mut set = slots.iter().map(|&slot| self.names.initial(slot as usize));
                set.all(|value| value.is_none()).then_some(None)
            }
            _ => None,
        }
    }

    /// What a variable holds, if rules name it.
    fn read(&mut self, name: &str) -> Option<Option<&'n [u8]>> {
        let slot = self.names.slot(name.as_bytes())?;
        self.quiet.slots.push(slot as u32);
        Some(self.names.initial(slot))
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
                    expanded.extend_from_slice(self.read(name)?.unwrap_or_default());
                }
                Piece::Variable(..) => return None,
            }
        }
        Some(Cow::Owned(expanded))
    }

    /// Whether the effect sets a variable to what it holds already.
    fn is_idle(&mut self, effect: &Effect) -> bool {
        let Effect::SetTx {
            name: Text::Plain(name),
            change,
        } = effect
        else {
            return false;
        };
        let Some(old) = self.read(name) else {
            return false;
        };
        let sum = |amount: i64| {
            let sum = number(old.unwrap_or_default()).saturating_add(amount);
            sum.to_string().into_bytes()
        };
        let new = match change {
            Change::Unset => return old.is_none(),
            Change::Set(text) => self.text(text).map(Cow::into_owned),
            Change::Add(text) => self.text(text).map(|amount| sum(number(&amount))),
            Change::Subtract(text) => {
                let amount = self.text(text);
                amount.map(|amount| sum(number(&amount).saturating_neg()))
            }
        };
        new.is_some_and(|new| old == Some(&new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ir::Step;
    use crate::{Input, Limits, NoResources};

    /// The rules that are quiet.
    fn quiet(rules: &str) -> Vec<u64> {
        let rules = seclang::parse("test.conf", rules, &seclang::Limits::default()).unwrap();
        let input = Input {
            rules: vec![rules],
            patches: Vec::new(),
        };
        let plan = crate::compile(&input, Limits::default(), &NoResources).unwrap();
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
}
