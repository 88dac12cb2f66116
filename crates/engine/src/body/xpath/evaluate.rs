//! Expression and document to nodes.

use super::super::document::{Document, NodeKind};
use super::{Expression, Function, Test, XPath, local};

/// What an expression comes to.
enum Value {
    Nodes(Vec<usize>),
    Text(Vec<u8>),
    Number(f64),
    Truth(bool),
}

/// Where a predicate is asked.
#[derive(Clone, Copy)]
struct Place {
    node: usize,
    position: usize,
    last: usize,
}

pub(super) struct Evaluation<'d> {
    pub(super) document: &'d Document,
    /// Nodes that may still be looked at.
    pub(super) budget: usize,
}

impl Evaluation<'_> {
    fn spend(&mut self) -> bool {
        self.budget = self.budget.saturating_sub(1);
        self.budget > 0
    }

    /// The nodes of a path from a node; of none, from the document.
    pub(super) fn nodes(&mut self, path: &XPath, from: Option<usize>) -> Vec<usize> {
        let start = if path.absolute { None } else { from };
        let mut current: Vec<Option<usize>> = vec![start];
        for step in &path.steps {
            let mut next: Vec<Option<usize>> = Vec::new();
            for &node in &current {
                let mut found = Vec::new();
                for from in self.origins(node, step.deep) {
                    let mut group = Vec::new();
                    self.step(&step.test, from, &mut group);
                    for predicate in &step.predicates {
                        self.filter(predicate, &mut group);
                    }
                    found.extend(group);
                }
                next.extend(found.into_iter().map(Some));
            }
            next.sort_unstable();
            next.dedup();
            current = next;
        }
        current.into_iter().flatten().collect()
    }

    /// The node, and for `//` all elements below it.
    fn origins(&mut self, node: Option<usize>, deep: bool) -> Vec<Option<usize>> {
        let mut origins = vec![node];
        if deep {
            let (start, end) = match node.and_then(|at| Some((at, self.document.node(at)?))) {
                None => (0, self.document.len()),
                Some((at, node)) => (at + 1, node.end),
            };
            for at in start..end {
                if !self.spend() {
                    break;
                }
                let element = self.document.node(at);
                if element.is_some_and(|node| node.kind == NodeKind::Element) {
                    origins.push(Some(at));
                }
            }
        }
        origins
    }

    fn step(&mut self, test: &Test, from: Option<usize>, found: &mut Vec<usize>) {
        match test {
            Test::Itself => found.extend(from),
            Test::Parent => {
                found.extend(from.and_then(|at| self.document.node(at)?.parent));
            }
            _ => {
                let document = self.document;
                for child in document.children(from) {
                    if !self.spend() {
                        return;
                    }
                    let node = document.node(child);
                    if node.is_some_and(|node| test.agrees(document, child, node)) {
                        found.push(child);
                    }
                }
            }
        }
    }

    fn filter(&mut self, predicate: &Expression, group: &mut Vec<usize>) {
        let last = group.len();
        let mut kept = Vec::new();
        for (at, &node) in group.iter().enumerate() {
            let place = Place {
                node,
                position: at + 1,
                last,
            };
            let holds = match self.value(predicate, place) {
                Value::Number(number) => number == place.position as f64,
                value => self.truth(&value),
            };
            if holds {
                kept.push(node);
            }
        }
        *group = kept;
    }

    fn value(&mut self, expression: &Expression, place: Place) -> Value {
        match expression {
            Expression::Literal(text) => Value::Text(text.clone()),
            Expression::Number(number) => Value::Number(*number),
            Expression::Path(path) => Value::Nodes(self.nodes(path, Some(place.node))),
            Expression::Or(left, right) => {
                Value::Truth(self.holds(left, place) || self.holds(right, place))
            }
            Expression::And(left, right) => {
                Value::Truth(self.holds(left, place) && self.holds(right, place))
            }
            Expression::Equal(left, right) => Value::Truth(self.compare(left, right, place, true)),
            Expression::Unequal(left, right) => {
                Value::Truth(self.compare(left, right, place, false))
            }
            Expression::Call(function, arguments) => self.call(*function, arguments, place),
        }
    }

    fn holds(&mut self, expression: &Expression, place: Place) -> bool {
        let value = self.value(expression, place);
        self.truth(&value)
    }

    fn truth(&self, value: &Value) -> bool {
        match value {
            Value::Nodes(nodes) => !nodes.is_empty(),
            Value::Text(text) => !text.is_empty(),
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::Truth(truth) => *truth,
        }
    }

    fn text(&self, value: &Value) -> Vec<u8> {
        match value {
            Value::Nodes(nodes) => nodes
                .first()
                .map_or_else(Vec::new, |&node| self.document.text(node)),
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string().into_bytes(),
            Value::Truth(truth) => truth.to_string().into_bytes(),
        }
    }

    /// Sets of nodes compare by whether some node of theirs does.
    fn compare(
        &mut self,
        left: &Expression,
        right: &Expression,
        place: Place,
        equal: bool,
    ) -> bool {
        let (left, right) = (self.value(left, place), self.value(right, place));
        let texts = |value: &Value| match value {
            Value::Nodes(nodes) => nodes.iter().map(|&node| self.document.text(node)).collect(),
            value => vec![self.text(value)],
        };
        let number =
            |text: &[u8]| -> Option<f64> { std::str::from_utf8(text).ok()?.trim().parse().ok() };
        let numeric = matches!(left, Value::Number(_)) || matches!(right, Value::Number(_));
        let rights = texts(&right);
        texts(&left).iter().any(|left| {
            rights.iter().any(|right| {
                let same = match numeric {
                    true => number(left).is_some() && number(left) == number(right),
                    false => left == right,
                };
                same == equal
            })
        })
    }

    fn call(&mut self, function: Function, arguments: &[Expression], place: Place) -> Value {
        let mut values: Vec<Value> = Vec::new();
        for argument in arguments {
            values.push(self.value(argument, place));
        }
        let text = |at: usize| {
            values
                .get(at)
                .map_or_else(Vec::new, |value| self.text(value))
        };
        let name = || {
            let node = self.document.node(place.node);
            node.map_or(b"".as_slice(), |node| node.name.as_slice())
        };
        match function {
            Function::Not => Value::Truth(!values.first().is_some_and(|value| self.truth(value))),
            Function::Contains => Value::Truth(memchr::memmem::find(&text(0), &text(1)).is_some()),
            Function::StartsWith => Value::Truth(text(0).starts_with(&text(1))),
            Function::LocalName => Value::Text(local(name()).to_vec()),
            Function::Name => Value::Text(name().to_vec()),
            Function::Position => Value::Number(place.position as f64),
            Function::Last => Value::Number(place.last as f64),
            Function::Count => Value::Number(match values.first() {
                Some(Value::Nodes(nodes)) => nodes.len() as f64,
                _ => 0.0,
            }),
            Function::NormalizeSpace => {
                let text = text(0);
                let words: Vec<&[u8]> = text
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty())
                    .collect();
                Value::Text(words.join(&b' '))
            }
            Function::StringLength => {
                Value::Number(String::from_utf8_lossy(&text(0)).chars().count() as f64)
            }
            Function::Text => Value::Text(text(0)),
        }
    }
}
