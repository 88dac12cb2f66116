//! Schemas of whole values (JSON Schema as OpenAPI 3.0 and 3.1 use it), as far as leaves
//! and names of a request can be held against them. What cannot be told allows more.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::spec::{Spec, fields, list, reference};
use super::texts::{Text, plain};

/// Schemas within schemas; what is deeper may be anything.
const SCHEMA_DEPTH: usize = 24;
/// Schemas that are looked at for one description, references followed.
const SCHEMAS: usize = 50_000;

/// What a value is like.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Any,
    /// One of these texts.
    Leaf(Vec<Text>),
    List(Box<Shape>),
    Object(Object),
}

/// The fields of an object.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Object {
    pub(super) fields: BTreeMap<String, Field>,
    /// Whether other fields may be there.
    pub(super) open: bool,
    /// Whether it may be null.
    pub(super) nullable: bool,
}

/// A field of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) shape: Shape,
    pub(super) required: bool,
}

/// Reads schemas.
pub(super) struct Schemas<'s> {
    spec: &'s Spec,
    seen: Cell<usize>,
}

impl<'s> Schemas<'s> {
    pub(super) fn of(spec: &'s Spec) -> Self {
        Self {
            spec,
            seen: Cell::new(0),
        }
    }

    /// What a schema says.
    ///
    /// # Errors
    /// A reference that leads nowhere; more schemas than are looked at.
    pub(super) fn read(&self, schema: &Value) -> Result<Shape, String> {
        self.below(schema, &mut Vec::new(), 0)
    }

    fn below(
        &self,
        schema: &'_ Value,
        within: &mut Vec<String>,
        depth: usize,
    ) -> Result<Shape, String> {
        self.seen.set(self.seen.get() + 1);
        if self.seen.get() > SCHEMAS {
            return Err(format!("more than {SCHEMAS} schemas, references followed"));
        }
        if depth > SCHEMA_DEPTH {
            return Ok(Shape::Any);
        }
        if let Some(reference) = reference(schema) {
            // A schema within itself.
            if within.iter().any(|known| known == reference) {
                return Ok(Shape::Any);
            }
            within.push(reference.to_owned());
            let shape = self.below(self.spec.resolve(schema)?, within, depth + 1);
            within.pop();
            return shape;
        }
        let mut shape = self.own(schema, within, depth)?;
        for part in list(schema, "allOf") {
            shape = both(shape, self.below(part, within, depth + 1)?);
        }
        for choice in ["oneOf", "anyOf"] {
            let mut ways = Vec::new();
            for way in list(schema, choice) {
                ways.push(self.below(way, within, depth + 1)?);
            }
            if let Some(any) = ways.into_iter().reduce(either) {
                shape = both(shape, any);
            }
        }
        Ok(shape)
    }

    /// Without what it is composed of.
    fn own(&self, schema: &Value, within: &mut Vec<String>, depth: usize) -> Result<Shape, String> {
        let nullable = schema.get("nullable") == Some(&Value::Bool(true));
        let values: Vec<&Value> = match schema.get("const") {
            Some(value) => vec![value],
            None => list(schema, "enum").iter().collect(),
        };
        if !values.is_empty() {
            let texts: Option<Vec<String>> = values.into_iter().map(plain).collect();
            return Ok(match texts {
                Some(mut texts) => {
                    if nullable && !texts.iter().any(|text| text == "null") {
                        texts.push("null".to_owned());
                    }
                    Shape::Leaf(vec![Text::one_of(texts)])
                }
                None => Shape::Any,
            });
        }
        let kinds: Vec<&str> = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ if schema.get("properties").is_some() => vec!["object"],
            _ if schema.get("items").is_some() => vec!["array"],
            _ => return Ok(Shape::Any),
        };
        let mut ways = Vec::new();
        for kind in &kinds {
            ways.push(match *kind {
                "object" => self.object(schema, within, depth)?,
                "array" => Shape::List(Box::new(match schema.get("items") {
                    Some(items) => self.below(items, within, depth + 1)?,
                    None => Shape::Any,
                })),
                leaf => Shape::Leaf(vec![Text::of(schema, leaf)]),
            });
        }
        if nullable {
            ways.push(Shape::Leaf(vec![Text::of(schema, "null")]));
        }
        Ok(ways.into_iter().reduce(either).unwrap_or(Shape::Any))
    }

    fn object(
        &self,
        schema: &Value,
        within: &mut Vec<String>,
        depth: usize,
    ) -> Result<Shape, String> {
        let required: Vec<&str> = list(schema, "required")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let mut found = Object {
            open: !["additionalProperties", "unevaluatedProperties"]
                .iter()
                .any(|name| schema.get(*name) == Some(&Value::Bool(false)))
                || schema.get("patternProperties").is_some(),
            ..Object::default()
        };
        for (name, property) in fields(schema, "properties") {
            // Paths to leaves have no dots of their own.
            if name.is_empty() || name.contains(['.', '*']) {
                found.open = true;
                continue;
            }
            let read_only =
                self.spec.resolve(property)?.get("readOnly") == Some(&Value::Bool(true));
            found.fields.insert(
                name.clone(),
                Field {
                    shape: self.below(property, within, depth + 1)?,
                    required: !read_only && required.contains(&name.as_str()),
                },
            );
        }
        Ok(Shape::Object(found))
    }
}

/// Both must hold. An object that is closed alone is closed to what neither names.
fn both(one: Shape, other: Shape) -> Shape {
    match (one, other) {
        (Shape::Any, other) => other,
        (one, Shape::Any) => one,
        (Shape::Object(mut one), Shape::Object(other)) => {
            one.open &= other.open;
            one.nullable &= other.nullable;
            for (name, field) in other.fields {
                let merged = match one.fields.remove(&name) {
                    Some(known) => Field {
                        required: known.required || field.required,
                        shape: both(known.shape, field.shape),
                    },
                    None => field,
                };
                one.fields.insert(name, merged);
            }
            Shape::Object(one)
        }
        (Shape::List(one), Shape::List(other)) => Shape::List(Box::new(both(*one, *other))),
        (one, _) => one,
    }
}

/// One of them must hold.
pub(super) fn either(one: Shape, other: Shape) -> Shape {
    match (one, other) {
        (Shape::Leaf(mut one), Shape::Leaf(other)) => {
            one.extend(other);
            Shape::Leaf(one)
        }
        (Shape::List(one), Shape::List(other)) => Shape::List(Box::new(either(*one, *other))),
        (Shape::Object(one), Shape::Object(other)) => Shape::Object(either_object(one, other)),
        (Shape::Object(mut object), Shape::Leaf(texts))
        | (Shape::Leaf(texts), Shape::Object(mut object))
            if texts.iter().all(|text| text.sample == "null") =>
        {
            object.nullable = true;
            Shape::Object(object)
        }
        _ => Shape::Any,
    }
}

/// The fields of both, each required where both require it.
pub(super) fn either_object(mut one: Object, mut other: Object) -> Object {
    let names: Vec<String> = one
        .fields
        .keys()
        .chain(other.fields.keys())
        .cloned()
        .collect();
    let mut fields = BTreeMap::new();
    for name in names {
        let merged = match (one.fields.remove(&name), other.fields.remove(&name)) {
            (Some(one), Some(other)) => Field {
                required: one.required && other.required,
                shape: either(one.shape, other.shape),
            },
            (Some(field), None) => absent_from(field, other.open),
            (None, Some(field)) => absent_from(field, one.open),
            (None, None) => continue,
        };
        fields.insert(name, merged);
    }
    Object {
        fields,
        open: one.open || other.open,
        nullable: one.nullable || other.nullable,
    }
}

/// What is not named may be anything where others are welcome.
fn absent_from(field: Field, open: bool) -> Field {
    Field {
        required: false,
        shape: match open {
            true => Shape::Any,
            false => field.shape,
        },
    }
}

impl Shape {
    /// A value of this shape, with every field that is named.
    pub(super) fn sample(&self) -> Value {
        match self {
            Self::Any => json!("text"),
            Self::Leaf(texts) => texts.first().map_or(Value::Null, leaf),
            Self::List(item) => json!([item.sample()]),
            Self::Object(object) => {
                let fields = object.fields.iter();
                let fields: Map<String, Value> = fields
                    .map(|(name, field)| (name.clone(), field.shape.sample()))
                    .collect();
                Value::Object(fields)
            }
        }
    }
}

/// A text as JSON; numbers and words of JSON without quotes.
fn leaf(text: &Text) -> Value {
    match serde_json::from_str(&text.sample) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Null)) => value,
        _ => Value::String(text.sample.clone()),
    }
}
