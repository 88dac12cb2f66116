//! What a rule's targets mean in this transaction.

use super::collections::{Pairs, Selected};
use super::evaluate::Run;
use super::inputs::{Item, Members};
use super::values::ValueId;
use crate::language::variables::{self, Variable};
use crate::plan::ir::{Collection, Link, Processor, Rule, Selector, Target, Text};

impl Run<'_> {
    /// All values that a link's targets mean, or only the chosen ones of them, excluded ones
    /// taken away.
    pub(super) fn select(
        &mut self,
        rule: &Rule,
        link: &Link,
        only_chosen: bool,
        selected: &mut Vec<Selected>,
    ) {
        let by_rule = |variable| {
            let mut targets = link.targets.iter();
            targets.any(|target| target.excluded && target.variable == variable)
        };
        for target in link.targets.iter().filter(|target| !target.excluded) {
            let variable = target.variable;
            if only_chosen && !target.counted && !self.candidates.is_holding(variable) {
                continue;
            }
            let excludes = by_rule(variable)
                || self.patch.is_none() && {
                    let mut targets = self.overrides.targets.iter();
                    targets.any(|(_, which, _)| *which == variable)
                };
            let start = selected.len();
            self.members(target, only_chosen, selected);
            let mut at = start;
            while excludes && let Some(candidate) = selected.get(at).copied() {
                if self.is_excluded(rule, link, candidate) {
                    selected.remove(at);
                } else {
                    at += 1;
                }
            }
            if target.counted {
                let count = selected.len() - start;
                selected.truncate(start);
                let value = self.number(count);
                let name = match &target.selector {
                    Selector::Name(Text::Plain(name)) => Some(self.values.intern(name.as_bytes())),
                    _ => None,
                };
                selected.push(Selected {
                    variable: target.variable,
                    name,
                    value,
                });
            }
        }
    }

    /// A number as a value.
    fn number(&mut self, number: usize) -> ValueId {
        // What fits in a byte needs no memory of its own.
        let digits: &[u8] = match number {
            0 => b"0",
            1 => b"1",
            2 => b"2",
            _ => return self.values.intern(number.to_string().as_bytes()),
        };
        self.values.intern(digits)
    }

    fn is_excluded(&mut self, rule: &Rule, link: &Link, candidate: Selected) -> bool {
        let in_link = link.targets.iter().any(|target| {
            target.excluded
                && target.variable == candidate.variable
                && self.agrees(&target.selector, candidate.name)
        });
        if in_link || self.patch.is_some() {
            return in_link;
        }
        let mut apart = self.values.apart.take();
        let name = candidate.name.map_or(&[][..], |name| self.values.get(name));
        let mut targets = self.overrides.targets.iter();
        let excluded = targets.any(|(which, variable, selector)| {
            *variable == candidate.variable && which.is(rule) && selector.agrees(name, &mut apart)
        });
        self.values.apart = apart;
        excluded
    }

    /// Whether a selector means the member of this name.
    fn agrees(&mut self, selector: &Selector, name: Option<ValueId>) -> bool {
        if let Selector::Name(text @ Text::Template(..)) = selector {
            let wanted = self.expand(text);
            let name = name.map_or(&[][..], |name| self.values.get(name));
            return name.eq_ignore_ascii_case(&wanted);
        }
        let mut apart = self.values.apart.take();
        let name = name.map_or(&[][..], |name| self.values.get(name));
        let agrees = selector.agrees(name, &mut apart);
        self.values.apart = apart;
        agrees
    }

    /// The values that a target means; only those that are chosen, where that is asked.
    pub(super) fn members(
        &mut self,
        target: &Target,
        only_chosen: bool,
        selected: &mut Vec<Selected>,
    ) {
        let variable = target.variable;
        let inputs = self.inputs;
        if let Selector::Path(path, written) = &target.selector {
            let name = Some(self.values.intern(written.as_bytes()));
            let steps = self.limits.xpath_steps;
            let left = path.select(inputs.document(), steps, &mut |text| {
                self.values.spend(text.len());
                let value = self.values.intern(text);
                selected.push(Selected {
                    variable,
                    name,
                    value,
                });
            });
            self.values.spend(steps - left.min(steps));
            self.kept.gave_up |= left == 0;
            return;
        }
        match inputs.members(variable, self.values) {
            Members::Values(first, second) => {
                let items = first.iter().chain(second).map(|item| (item, item.value));
                self.take_each(target, items, only_chosen, selected);
            }
            Members::Names(first, second) => {
                let items = first.iter().chain(second).map(|item| (item, item.name));
                self.take_each(target, items, only_chosen, selected);
            }
            Members::Sizes(items) => {
                for item in items {
                    let size = self.number(self.values.get(item.value).len());
                    self.take(target, item, size, selected);
                }
            }
            Members::Scalar(Some(value)) => {
                if !only_chosen || self.candidates.is_chosen(value) {
                    selected.push(Selected {
                        variable,
                        name: None,
                        value,
                    });
                }
            }
            Members::Scalar(None) => {}
            Members::Size(size) => {
                let value = self.number(size);
                selected.push(Selected {
                    variable,
                    name: None,
                    value,
                });
            }
            Members::Kept => self.kept_members(target, selected),
        }
    }

    fn take_each<'i>(
        &mut self,
        target: &Target,
        items: impl Iterator<Item = (&'i Item, ValueId)>,
        only_chosen: bool,
        selected: &mut Vec<Selected>,
    ) {
        let selected_of = |(item, value): (&Item, ValueId)| Selected {
            variable: target.variable,
            name: Some(item.name),
            value,
        };
        let candidates = &*self.candidates;
        let is_in = |value| !only_chosen || candidates.is_chosen(value);
        // PERF: most selectors are the first two.
        match (&target.selector, target.name) {
            (Selector::All, _) => {
                let items = items.filter(|(_, value)| is_in(*value));
                selected.extend(items.map(selected_of));
            }
            (Selector::Name(_), Some(number)) => {
                let (values, scan) = (&mut *self.values, self.scan);
                let items = items.filter(|(item, value)| {
                    values.number(item.name, scan) == Some(number) && is_in(*value)
                });
                selected.extend(items.map(selected_of));
            }
            _ => {
                for (item, value) in items {
                    if !only_chosen || self.candidates.is_chosen(value) {
                        self.take(target, item, value, selected);
                    }
                }
            }
        }
    }

    fn take(&mut self, target: &Target, item: &Item, value: ValueId, selected: &mut Vec<Selected>) {
        let agrees = match &target.selector {
            Selector::All => true,
            Selector::Name(Text::Plain(wanted)) => {
                let name = self.values.get(item.name);
                name.len() == wanted.len() && name.eq_ignore_ascii_case(wanted.as_bytes())
            }
            selector => {
                let pattern = target.name;
                let known = pattern.and_then(|pattern| self.values.meant(pattern, item.name));
                known.unwrap_or_else(|| {
                    let agrees = self.agrees(selector, Some(item.name));
                    if let Some(pattern) = pattern {
                        self.values.add_meant(pattern, item.name, agrees);
                    }
                    agrees
                })
            }
        };
        if agrees {
            selected.push(Selected {
                variable: target.variable,
                name: Some(item.name),
                value,
            });
        }
    }

    fn kept_members(&mut self, target: &Target, selected: &mut Vec<Selected>) {
        let variable = target.variable;
        if let Some(collection) = variables::persistent(variable) {
            let pairs = self
                .kept
                .persistent(collection, self.context, self.settings);
            return self.pairs(target, pairs, selected);
        }
        match variable {
            Variable::Tx => self.tx_members(target, selected),
            Variable::Env => {
                let mut pairs = self.kept.environment.clone();
                for (name, value) in &*self.context.environment {
                    if !pairs.iter().any(|(known, _)| known == name.as_bytes()) {
                        pairs.push((name.clone().into_bytes(), value.clone().into_bytes()));
                    }
                }
                self.pairs(target, pairs, selected);
            }
            Variable::Geo => {
                let place = self.kept.place.iter();
                let pairs =
                    place.map(|(name, value)| (name.as_bytes().into(), value.as_bytes().into()));
                let pairs = pairs.collect();
                self.pairs(target, pairs, selected);
            }
            Variable::ArgsPath => self.pairs(target, self.kept.path_parts.clone(), selected),
            Variable::Rule => {
                let pairs = self.about_rule();
                self.pairs(target, pairs, selected);
            }
            Variable::SessionId | Variable::UserId => {
                let collection = match variable {
                    Variable::SessionId => Collection::Session,
                    _ => Collection::User,
                };
                if let Some(key) = self.kept.key(collection).map(<[u8]>::to_vec) {
                    self.single(variable, &key, selected);
                }
            }
            Variable::WebAppId => {
                let id = self.settings.web_app_id.clone();
                self.single(variable, id.as_bytes(), selected);
            }
            Variable::FullRequest | Variable::FullRequestLength => {
                let whole = self.full_request();
                self.values.spend(whole.len());
                if variable == Variable::FullRequest {
                    self.single(variable, &whole, selected);
                } else {
                    let length = whole.len().to_string();
                    self.single(variable, length.as_bytes(), selected);
                }
            }
            Variable::ReqbodyProcessor => {
                let name = self.overrides.processor.map_or("", Processor::name);
                self.single(variable, name.as_bytes(), selected);
            }
            Variable::MscPcreError | Variable::MscPcreLimitsExceeded => {
                let flag: &[u8] = if self.kept.gave_up { b"1" } else { b"0" };
                self.single(variable, flag, selected);
            }
            Variable::HighestSeverity => {
                let severity = self.kept.highest_severity.unwrap_or(255).to_string();
                self.single(variable, severity.as_bytes(), selected);
            }
            Variable::MatchedVar
            | Variable::MatchedVars
            | Variable::MatchedVarName
            | Variable::MatchedVarsNames => self.matched_members(variable, selected),
            _ => {}
        }
    }

    fn tx_members(&mut self, target: &Target, selected: &mut Vec<Selected>) {
        if let Selector::Name(Text::Plain(name)) = &target.selector {
            // Of the fields one by one, since the value goes to another of them.
            let tx = self.kept.tx.of(self.place);
            if let Some(value) = tx.get(self.names.named(name.as_bytes()), self.names) {
                let value = self.values.intern(value);
                let name = Some(self.values.intern(name.as_bytes()));
                selected.push(Selected {
                    variable: target.variable,
                    name,
                    value,
                });
            }
            return;
        }
        let mut pairs: Pairs = match &target.selector {
            Selector::Pattern(pattern) => self.tx().fitting(pattern, self.names),
            _ => {
                let all = self.tx().iter(self.names);
                all.map(|(name, value)| (name.to_vec(), value.to_vec()))
                    .collect()
            }
        };
        // ModSecurity's order is any; here it is the same whatever the plan knows.
        pairs.sort_by_cached_key(|(name, _)| name.to_ascii_lowercase());
        self.pairs(target, pairs, selected);
    }

    fn matched_members(&mut self, variable: Variable, selected: &mut Vec<Selected>) {
        match variable {
            Variable::MatchedVar => {
                if let Some(last) = self.kept.last_matched {
                    selected.push(Selected {
                        variable,
                        name: None,
                        value: last.value,
                    });
                }
            }
            Variable::MatchedVars => {
                for at in 0..self.kept.matched.len() {
                    if let Some(found) = self.kept.matched.get(at).copied() {
                        selected.push(Selected { variable, ..found });
                    }
                }
            }
            Variable::MatchedVarName => {
                if let Some(last) = self.kept.last_matched {
                    let name = self.name_of(&last);
                    self.single(variable, name.as_bytes(), selected);
                }
            }
            Variable::MatchedVarsNames => {
                for at in 0..self.kept.matched.len() {
                    if let Some(found) = self.kept.matched.get(at).copied() {
                        let name = self.name_of(&found);
                        let value = self.values.intern(name.as_bytes());
                        selected.push(Selected {
                            variable,
                            name: Some(value),
                            value,
                        });
                    }
                }
            }
            _ => {}
        }
    }

    fn single(&mut self, variable: Variable, value: &[u8], selected: &mut Vec<Selected>) {
        let value = self.values.intern(value);
        selected.push(Selected {
            variable,
            name: None,
            value,
        });
    }

    fn pairs(&mut self, target: &Target, pairs: Pairs, selected: &mut Vec<Selected>) {
        for (name, value) in pairs {
            let name = Some(self.values.intern(&name));
            if self.agrees(&target.selector, name) {
                let value = self.values.intern(&value);
                selected.push(Selected {
                    variable: target.variable,
                    name,
                    value,
                });
            }
        }
    }

    /// The request put together again.
    fn full_request(&self) -> Vec<u8> {
        let mut whole = Vec::new();
        if let Some(line) = self.inputs.scalar(Variable::RequestLine) {
            whole.extend_from_slice(self.values.get(line));
        }
        for item in self.inputs.header_lines() {
            whole.extend_from_slice(b"\n");
            whole.extend_from_slice(self.values.get(item.name));
            whole.extend_from_slice(b": ");
            whole.extend_from_slice(self.values.get(item.value));
        }
        whole.extend_from_slice(b"\n\n");
        whole.extend_from_slice(self.body);
        whole
    }

    /// `RULE`.
    fn about_rule(&mut self) -> Pairs {
        let Some(rule) = self.current else {
            return Pairs::new();
        };
        // As written: a message that names RULE would have no end.
        let values = [
            Some(rule.id.to_string()),
            rule.revision.as_deref().map(str::to_owned),
            Some(rule.phase.to_string()),
            rule.severity.map(|it| it.to_string()),
            Some(rule.message.written().to_owned()),
            Some(rule.data.written().to_owned()),
        ];
        let pairs = variables::RULE_NAMES.into_iter().zip(values);
        pairs
            .filter_map(|(name, value)| Some((name.into(), value?.into_bytes())))
            .collect()
    }

    /// `ARGS:q`, as rules and people write it.
    pub(super) fn name_of(&self, found: &Selected) -> String {
        let variable = variables::spec(found.variable).name;
        match found.name {
            Some(name) => format!(
                "{variable}:{}",
                String::from_utf8_lossy(self.values.get(name))
            ),
            None => variable.to_owned(),
        }
    }
}
