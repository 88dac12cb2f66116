//! What the operations of a description allow.

use std::collections::BTreeMap;

use patch::document::PlaceKind;
use serde_json::Value;

use super::route::Route;
use super::shape::{Field, Object, Schemas, Shape, either, either_object};
use super::spec::{Spec, fields, list, text};
use super::texts::joined;

/// Operations of one description.
const OPERATIONS: usize = 2_000;

/// Methods that a path may have, as fields of it.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// One operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    /// In capitals.
    pub(super) method: String,
    pub(super) route: Route,
    /// `operationId`, or what stands for it.
    pub(super) id: String,
    pub(super) allows: Contract,
}

/// What requests may hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Contract {
    pub(super) query: Object,
    pub(super) headers: Object,
    pub(super) cookies: Object,
    pub(super) body: Body,
}

/// What bodies may be.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Body {
    pub(super) required: bool,
    /// By media type; empty if there may be none.
    pub(super) kinds: BTreeMap<String, Shape>,
}

/// All operations, by path and method.
///
/// # Errors
/// The operation, and what of it cannot be read.
pub(super) fn operations(spec: &Spec) -> Result<Vec<Operation>, String> {
    let schemas = Schemas::of(spec);
    let paths = spec.get("paths").and_then(Value::as_object);
    let mut operations = Vec::new();
    for (path, item) in paths.into_iter().flatten() {
        if !path.starts_with('/') {
            continue;
        }
        let item = spec.resolve(item)?;
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            if operations.len() == OPERATIONS {
                return Err(format!("more than {OPERATIONS} operations"));
            }
            let method = method.to_ascii_uppercase();
            let at = |why: String| format!("{method} {path}: {why}");
            let reader = Reader {
                spec,
                schemas: &schemas,
            };
            operations.push(
                reader
                    .operation(path, &method, item, operation)
                    .map_err(at)?,
            );
        }
    }
    Ok(operations)
}

struct Reader<'s> {
    spec: &'s Spec,
    schemas: &'s Schemas<'s>,
}

impl Reader<'_> {
    fn operation(
        &self,
        path: &str,
        method: &str,
        item: &Value,
        operation: &Value,
    ) -> Result<Operation, String> {
        let mut allows = Contract::default();
        let mut in_path = BTreeMap::new();
        // Those of the operation replace those of the path.
        let common = list(item, "parameters").iter();
        for parameter in common.chain(list(operation, "parameters")) {
            let parameter = self.spec.resolve(parameter)?;
            let name = text(parameter, "name").ok_or("a parameter has no `name`")?;
            let place = text(parameter, "in").unwrap_or_default();
            // OpenAPI 3.1 section 4.8.12.2: other parts of the contract say these.
            if place == "header"
                && ["accept", "content-type", "authorization"]
                    .iter()
                    .any(|known| name.eq_ignore_ascii_case(known))
            {
                continue;
            }
            let shape = self.parameter(parameter)?;
            // Of an object in a query, each field is a parameter (section 4.8.12.6).
            if let Shape::Object(object) = shape {
                allows.query.open |= object.open;
                allows.query.fields.extend(object.fields);
                continue;
            }
            let required = parameter.get("required") == Some(&Value::Bool(true));
            let field = Field { shape, required };
            let fields = match place {
                "query" => &mut allows.query.fields,
                "header" => &mut allows.headers.fields,
                "cookie" => &mut allows.cookies.fields,
                "path" => &mut in_path,
                other => {
                    return Err(format!(
                        "the parameter `{name}` is in `{other}`; write query, header, cookie or path"
                    ));
                }
            };
            fields.insert(name.to_owned(), field);
        }
        self.keys(&mut allows.query);
        if let Some(body) = operation.get("requestBody") {
            allows.body = self.body(self.spec.resolve(body)?)?;
        }
        Ok(Operation {
            id: match text(operation, "operationId") {
                Some(id) => super::super::identifier(id),
                None => format!(
                    "{}-{}",
                    method.to_ascii_lowercase(),
                    super::super::scanner::slug(path)
                ),
            },
            method: method.to_owned(),
            route: Route::of(path, &in_path),
            allows,
        })
    }

    fn parameter(&self, parameter: &Value) -> Result<Shape, String> {
        let Some(schema) = parameter.get("schema") else {
            return Ok(Shape::Any);
        };
        let place = text(parameter, "in").unwrap_or_default();
        let form = matches!(place, "query" | "cookie");
        let style = text(parameter, "style").unwrap_or(if form { "form" } else { "simple" });
        let explode = parameter
            .get("explode")
            .and_then(Value::as_bool)
            .unwrap_or(style == "form");
        Ok(match self.schemas.read(schema)? {
            Shape::List(item) if style == "form" && explode => Shape::List(item),
            Shape::List(item) if matches!(style, "form" | "simple") => match *item {
                Shape::Leaf(texts) => Shape::Leaf(joined(&texts)),
                _ => Shape::Any,
            },
            leaf @ Shape::Leaf(_) => leaf,
            Shape::Object(object) if place == "query" && style == "form" && explode => {
                Shape::Object(exploded(object, parameter))
            }
            _ => Shape::Any,
        })
    }

    /// Keys that a security scheme puts into the query.
    fn keys(&self, query: &mut Object) {
        let Some(components) = self.spec.get("components") else {
            return;
        };
        for (_, scheme) in fields(components, "securitySchemes") {
            if let (Some("apiKey"), Some("query"), Some(name)) = (
                text(scheme, "type"),
                text(scheme, "in"),
                text(scheme, "name"),
            ) {
                query.fields.entry(name.to_owned()).or_insert(Field {
                    shape: Shape::Any,
                    required: false,
                });
            }
        }
    }

    fn body(&self, body: &Value) -> Result<Body, String> {
        let mut kinds = BTreeMap::new();
        for (kind, media) in fields(body, "content") {
            let kind = kind
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            let shape = match media.get("schema") {
                Some(schema) => self.schemas.read(schema)?,
                None => Shape::Any,
            };
            kinds.insert(kind, shape);
        }
        Ok(Body {
            required: body.get("required") == Some(&Value::Bool(true)),
            kinds,
        })
    }
}

/// The fields of an object as parameters of their own. Lists are as in a form; of what is an
/// object again nothing is said.
fn exploded(object: Object, parameter: &Value) -> Object {
    let required = parameter.get("required") == Some(&Value::Bool(true));
    let fields = object.fields.into_iter().map(|(name, field)| {
        let shape = match field.shape {
            Shape::List(item) if matches!(*item, Shape::Leaf(_)) => Shape::List(item),
            leaf @ Shape::Leaf(_) => leaf,
            _ => Shape::Any,
        };
        let required = required && field.required;
        (name, Field { shape, required })
    });
    Object {
        fields: fields.collect(),
        ..object
    }
}

impl Contract {
    /// What this or another operation allows, where one path leads to both.
    pub(super) fn or(self, other: &Self) -> Self {
        let other = other.clone();
        let mut kinds = self.body.kinds;
        for (kind, shape) in other.body.kinds {
            let merged = match kinds.remove(&kind) {
                Some(known) => either(known, shape),
                None => shape,
            };
            kinds.insert(kind, merged);
        }
        Self {
            query: either_object(self.query, other.query),
            headers: either_object(self.headers, other.headers),
            cookies: either_object(self.cookies, other.cookies),
            body: Body {
                required: self.body.required && other.body.required,
                kinds,
            },
        }
    }

    /// The parameters that are not in the body, by their places.
    pub(super) fn parameters(&self) -> [(PlaceKind, &Object); 3] {
        [
            (PlaceKind::Query, &self.query),
            (PlaceKind::Header, &self.headers),
            (PlaceKind::Cookie, &self.cookies),
        ]
    }
}
