//! What the passes made of the general rules, for people.

use super::Plan;
use super::gate::Gate;
use super::ir::{Rule, Selector, Step, Target, Text};
use super::query;
use crate::language::variables;
use crate::need::ByteSet;
use crate::transformations;

/// A rule that is left in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// 0 for a `SecAction` without an id.
    pub rule: u64,
    /// 1 to 5.
    pub phase: u8,
    /// What its values are looked at for, as rules name it.
    pub looks_at: Vec<String>,
    /// The transformations by which they are decoded before that.
    pub decoded_by: Vec<&'static str>,
    /// When it runs.
    pub when: When,
}

/// When a rule runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// In every request, and why.
    Always(String),
    /// If there is any value of what it looks at.
    AnyValue,
    /// If such a value, decoded, holds all of this.
    Holding {
        /// Of each set one byte.
        bytes: Vec<String>,
        /// One of these texts, ASCII case ignored; empty: none is asked for.
        texts: Vec<String>,
        /// Bytes that do in place of a text.
        or: String,
    },
}

impl Plan {
    /// The general rules that folding has left, phase by phase, in their order.
    pub fn outline(&self) -> Vec<Planned> {
        let mut planned = Vec::new();
        for (phase, steps) in (1..).zip(&self.base.phases) {
            for step in steps {
                if let Step::Rule(rule) = step {
                    planned.push(self.planned(phase, rule));
                }
            }
        }
        planned
    }

    fn planned(&self, phase: u8, rule: &Rule) -> Planned {
        let mut planned = Planned {
            rule: rule.id,
            phase,
            looks_at: Vec::new(),
            decoded_by: Vec::new(),
            when: When::AnyValue,
        };
        let Some((_, link, test)) = query::telling(rule, !self.base.reads_matched) else {
            planned.when = When::Always(why(rule));
            return planned;
        };
        planned.looks_at = link.targets.iter().map(written).collect();
        let names = link.transformations.iter();
        planned.decoded_by = names
            .filter_map(|&at| transformations::ALL.get(usize::from(at)))
            .map(|spec| spec.name)
            .collect();
        if test.gate != Gate::default() && !query::counts(link) {
            let bits = (0..128).map(|bit| 1_u128 << bit);
            let bits = bits.filter(|bit| test.gate.bits & bit != 0);
            let texts = test.gate.clause.map(|clause| self.scan.texts.of(clause));
            planned.when = When::Holding {
                bytes: bits.map(|bit| self.bytes(bit)).collect(),
                texts: texts.unwrap_or_default(),
                or: self.bytes(test.gate.unless),
            };
        }
        planned
    }

    /// The bytes that set the bit.
    fn bytes(&self, bit: u128) -> String {
        let signatures = &self.scan.signatures;
        let bytes = (0..=u8::MAX).filter(|&byte| signatures.of(&[byte]) & bit != 0);
        let set = bytes.fold(ByteSet::NONE, ByteSet::with);
        ranges(set)
    }
}

/// Why a rule runs whatever the request holds.
fn why(rule: &Rule) -> String {
    let Some(link) = rule.links.first() else {
        return "it has no condition".to_owned();
    };
    if link.test.is_none() {
        return "it has no condition".to_owned();
    }
    let unforeseen = link
        .targets
        .iter()
        .find(|target| target.counted || !query::is_foreseeable_target(target));
    match unforeseen {
        Some(target) => format!("{} is not known before rules run", written(target)),
        None => "its links have effects".to_owned(),
    }
}

fn written(target: &Target) -> String {
    let mut text = String::new();
    text.push_str(if target.excluded { "!" } else { "" });
    text.push_str(if target.counted { "&" } else { "" });
    text.push_str(variables::spec(target.variable).name);
    match &target.selector {
        Selector::All => {}
        Selector::Name(Text::Plain(name) | Text::Template(name, _)) => {
            text.push(':');
            text.push_str(name);
        }
        Selector::Pattern(_) => text.push_str(":/…/"),
        Selector::Path(_, written) => {
            text.push(':');
            text.push_str(written);
        }
    }
    text
}

/// A set as in a bracket of regular expressions.
fn ranges(set: ByteSet) -> String {
    let mut text = String::new();
    let mut bytes = set.iter().peekable();
    while let Some(first) = bytes.next() {
        let mut last = first;
        while let Some(next) = bytes.next_if(|&next| Some(next) == last.checked_add(1)) {
            last = next;
        }
        text.push_str(&first.escape_ascii().to_string());
        if last > first {
            if last - first > 1 {
                text.push('-');
            }
            text.push_str(&last.escape_ascii().to_string());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Input, Limits, NoResources};

    fn outline(rules: &str) -> Vec<Planned> {
        let rules = seclang::parse("test.conf", rules, &seclang::Limits::default()).unwrap();
        let input = Input {
            rules: vec![rules],
            patches: Vec::new(),
        };
        let plan = crate::compile(&input, Limits::default(), &NoResources).unwrap();
        plan.outline()
    }

    #[test]
    fn what_is_left_of_rules_is_told_with_what_it_asks_for() {
        let planned = outline(
            r#"
            SecAction "id:1,phase:1,pass,nolog,setvar:tx.level=1"
            SecRule TX:LEVEL "@lt 2" "id:2,phase:1,pass,nolog,skipAfter:END"
            SecRule ARGS "@rx never" "id:3,phase:1,deny"
            SecMarker END
            SecRule ARGS|!ARGS:q "@rx (?i)<script" "id:4,phase:2,deny,t:none,t:lowercase"
            SecRule REQUEST_COOKIES:/^a/ "!@rx ^x" "id:5,phase:2,deny,t:none"
            SecRule &ARGS "@lt 5" "id:6,phase:2,deny,t:none"
            SecRule &ARGS "@gt 5" "id:7,phase:2,deny,t:none"
            "#,
        );
        let ids: Vec<u64> = planned.iter().map(|rule| rule.rule).collect();
        assert_eq!(ids, [4, 5, 6, 7]);
        assert_eq!(planned[0].looks_at, ["ARGS", "!ARGS:q"]);
        assert_eq!(planned[0].decoded_by, ["lowercase"]);
        let When::Holding { bytes, .. } = &planned[0].when else {
            panic!("{:?}", planned[0]);
        };
        assert_eq!(bytes[0], "<");
        assert_eq!(planned[1].looks_at, ["REQUEST_COOKIES:/…/"]);
        assert_eq!(planned[1].when, When::AnyValue);
        let always = When::Always("&ARGS is not known before rules run".to_owned());
        assert_eq!(planned[2].when, always);
        assert_eq!(planned[3].when, When::AnyValue);
    }

    #[test]
    fn a_set_is_written_in_ranges() {
        let set = ByteSet::of(b"abcx\n\xff").or(ByteSet::of(b"01"));
        assert_eq!(ranges(set), r"\n01a-cx\xff");
        assert_eq!(ranges(ByteSet::NONE), "");
    }
}
