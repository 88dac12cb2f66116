//! What an operation allows, as rules of a document.

use patch::document::{Allow, Condition, Deny, Member, Place, PlaceKind, Rule};

use super::contract::{Body, Contract};
use super::shape::{Object, Shape};
use super::texts;

/// The rules for one operation.
pub(super) fn of(contract: &Contract) -> Vec<Rule> {
    let mut rules: Vec<Rule> = only_query(&contract.query).into_iter().collect();
    for (kind, object) in contract.parameters() {
        for (name, field) in &object.fields {
            let place = place(kind, name);
            let (texts, once) = match &field.shape {
                Shape::Leaf(texts) => (texts.as_slice(), kind == PlaceKind::Query),
                Shape::List(item) => match &**item {
                    Shape::Leaf(texts) => (texts.as_slice(), false),
                    _ => (&[][..], false),
                },
                _ => (&[][..], false),
            };
            let bounds = texts::allow(vec![place.clone()], texts).unwrap_or_else(|| Allow {
                places: vec![place],
                ..Allow::default()
            });
            let allow = Allow {
                required: field.required,
                max_count: once.then_some(1),
                ..bounds
            };
            if allow.required || allow.max_count.is_some() || !texts.is_empty() {
                rules.extend(asks(allow));
            }
        }
    }
    body(&contract.body, &mut rules);
    rules
}

/// What asks nothing is no rule.
fn asks(allow: Allow) -> Option<Rule> {
    let nothing = Allow {
        places: allow.places.clone(),
        ..Allow::default()
    };
    (allow != nothing).then_some(Rule::Allow(allow))
}

fn place(kind: PlaceKind, name: &str) -> Place {
    Place {
        kind,
        member: Some(Member::Name(name.to_owned())),
    }
}

fn deny(kind: PlaceKind, member: Option<Member>, condition: Condition) -> Rule {
    Rule::Deny(Deny {
        places: vec![Place { kind, member }],
        decode: None,
        condition,
        and: Vec::new(),
        status: None,
    })
}

fn only_query(query: &Object) -> Option<Rule> {
    if query.open {
        return None;
    }
    if query.fields.is_empty() {
        return Some(deny(PlaceKind::QueryNames, None, Condition::Present));
    }
    let names = query.fields.keys();
    Some(Rule::Allow(Allow {
        only: names.map(|name| place(PlaceKind::Query, name)).collect(),
        ..Allow::default()
    }))
}

fn body(body: &Body, rules: &mut Vec<Rule>) {
    if body.kinds.is_empty() {
        rules.push(deny(PlaceKind::Body, None, Condition::LongerThan(0)));
        return;
    }
    if !body.kinds.keys().any(|kind| kind.contains('*')) {
        rules.push(Rule::Allow(Allow {
            content_types: body.kinds.keys().cloned().collect(),
            ..Allow::default()
        }));
    }
    // With one media type alone it is known where a required field must be.
    let sure = body.required && body.kinds.len() == 1;
    for (kind, shape) in &body.kinds {
        if is_json(kind) {
            json(shape, sure, rules);
        } else if let Shape::Object(object) = shape {
            match kind.as_str() {
                "application/x-www-form-urlencoded" => form(object, sure, false, rules),
                "multipart/form-data" => form(object, sure, true, rules),
                _ => {}
            }
        }
    }
}

/// Whether bodies of a media type are JSON.
pub(super) fn is_json(kind: &str) -> bool {
    kind == "application/json" || kind.ends_with("+json")
}

/// `files` says whether a field may be a file, which is no field to the rules.
fn form(object: &Object, sure: bool, files: bool, rules: &mut Vec<Rule>) {
    for (name, field) in &object.fields {
        let (leaf, texts) = match &field.shape {
            Shape::Leaf(texts) => (true, texts.as_slice()),
            _ => (false, &[][..]),
        };
        let place = place(PlaceKind::Form, name);
        let bounds = texts::allow(vec![place.clone()], texts).unwrap_or_else(|| Allow {
            places: vec![place],
            ..Allow::default()
        });
        rules.extend(asks(Allow {
            required: sure && field.required && leaf && (!files || is_told(texts)),
            ..bounds
        }));
    }
    if !object.open {
        let names = object.fields.keys();
        rules.push(Rule::Allow(Allow {
            only: names.map(|name| place(PlaceKind::Form, name)).collect(),
            ..Allow::default()
        }));
    }
}

/// Whether more is known of a text than that it is one; contents of files are such.
fn is_told(texts: &[texts::Text]) -> bool {
    !texts.is_empty() && texts.iter().all(|text| text.expression().is_some())
}

fn json(shape: &Shape, sure: bool, rules: &mut Vec<Rule>) {
    let mut walk = Walk::default();
    let closed = walk.below(shape, &mut Vec::new(), sure, rules);
    if closed && !walk.names.is_empty() {
        rules.push(Rule::Allow(Allow {
            only: walk
                .names
                .iter()
                .map(|name| Place {
                    kind: PlaceKind::Json,
                    member: Some(Member::Pattern(name.clone())),
                })
                .collect(),
            ..Allow::default()
        }));
    }
    if !walk.leaves.is_empty() {
        // What must be a text may be no object, such as an operator of a database.
        let pattern = format!("(?i)^json\\.(?:{})\\.", walk.leaves.join("|"));
        rules.push(deny(
            PlaceKind::Json,
            Some(Member::Pattern(pattern)),
            Condition::Present,
        ));
    }
}

/// Leaves by their paths.
#[derive(Default)]
struct Walk {
    /// Expressions for the names that may be there.
    names: Vec<String>,
    /// Expressions for the leaves that are texts.
    leaves: Vec<String>,
}

impl Walk {
    /// Adds the rules for all leaves; whether other names may be stopped.
    fn below(
        &mut self,
        shape: &Shape,
        path: &mut Vec<String>,
        sure: bool,
        rules: &mut Vec<Rule>,
    ) -> bool {
        match shape {
            Shape::Any => {
                self.name(path);
                !path.is_empty()
            }
            Shape::List(item) => {
                path.push("*".to_owned());
                let closed = self.below(item, path, false, rules);
                path.pop();
                closed
            }
            Shape::Leaf(texts) => {
                self.name(path);
                if !path.is_empty() {
                    self.leaves.push(expression(path));
                    let place = place(PlaceKind::Json, &path.join("."));
                    let bounds = texts::allow(vec![place.clone()], texts);
                    let bounds = bounds.unwrap_or_else(|| Allow {
                        places: vec![place],
                        ..Allow::default()
                    });
                    rules.extend(asks(Allow {
                        required: sure,
                        ..bounds
                    }));
                }
                true
            }
            Shape::Object(object) => {
                if object.nullable && !path.is_empty() {
                    self.name(path);
                }
                let before = self.names.len();
                let mut closed = !object.open;
                for (name, field) in &object.fields {
                    path.push(name.clone());
                    let sure = sure && field.required;
                    closed &= self.below(&field.shape, path, sure, rules);
                    path.pop();
                }
                // Below an object that is open every name is welcome.
                if !closed && !path.is_empty() {
                    self.names.truncate(before);
                    self.name(path);
                    return true;
                }
                closed
            }
        }
    }

    fn name(&mut self, path: &[String]) {
        if !path.is_empty() {
            self.names.push(expression(path));
        }
    }
}

fn expression(path: &[String]) -> String {
    let steps = path.iter().map(|step| match step.as_str() {
        "*" => "[^.]*".to_owned(),
        step => regex::escape(step),
    });
    steps.collect::<Vec<_>>().join("\\.")
}
