//! OpenAPI 3.0 and 3.1, as YAML or JSON: what an API allows becomes positive patches, one for
//! its paths and methods and one for each operation.
//!
//! [`spec`] reads the file, [`files`] what it refers to in others, [`contract`] the operations, [`shape`] and [`texts`] their
//! schemas, [`route`] their paths. [`rules`] makes rules of an operation, [`cases`] requests
//! that are as the contract says and requests that are not.
//!
//! Not held: `required` of lists and objects, and of bodies with several media types;
//! `additionalProperties: false` below an object that is open; counts of items; XML.

mod cases;
mod contract;
mod files;
mod route;
mod rules;
mod shape;
mod spec;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use patch::document::{
    Body, Cases, Condition, Deny, Document, Located, Paths, Place, PlaceKind, Rule, Scope,
    Severity, Vulnerability, When,
};

use super::target::Target;
use super::{Imported, Importer, Made, Options, scanner, stem};
use contract::Operation;
use spec::{Spec, text};

/// `openapi`
pub(super) const IMPORTER: Importer = Importer {
    kind: "openapi",
    summary: "OpenAPI 3.0 and 3.1, YAML or JSON: only what the contract allows",
    suffixes: &["yaml", "yml", "json"],
    read,
    read_bytes: None,
};

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    let id = stem(name);
    let found = Spec::parse(text, name, options).and_then(|spec| {
        let operations = contract::operations(&spec).map_err(|why| format!("{name}: {why}"))?;
        Ok((bases(&spec), operations))
    });
    let (bases, operations) = match found {
        Ok((_, operations)) if operations.is_empty() => {
            let why = format!("{name}: its `paths` hold no operation");
            return vec![Imported::rejected(id, why)];
        }
        Ok(found) => found,
        Err(why) => return vec![Imported::rejected(id, why)],
    };
    let api = Api {
        name,
        id: &id,
        bases,
        operations: &operations,
        options,
    };
    let mut taken = BTreeSet::new();
    let paths = scanner::unique(format!("{id}-paths"), &mut taken);
    let mut imported = vec![Imported {
        outcome: api.paths(&paths).into(),
        id: paths,
    }];
    for operation in &operations {
        let id = scanner::unique(format!("{id}-{}", operation.id), &mut taken);
        imported.push(Imported {
            outcome: api.operation(&id, operation).into(),
            id,
        });
    }
    imported
}

/// The paths of its servers, without a slash at the end.
fn bases(spec: &Spec) -> Vec<String> {
    let mut bases: Vec<String> = Vec::new();
    for server in spec
        .get("servers")
        .and_then(|servers| servers.as_array())
        .into_iter()
        .flatten()
    {
        let url = text(server, "url").unwrap_or_default();
        let path = match url.contains("://") {
            true => Target::of(url).map_or_else(|_| String::new(), |url| url.target),
            false => url.to_owned(),
        };
        let path = filled(&path, server).trim_end_matches('/').to_owned();
        let path = match path.is_empty() || path.starts_with('/') {
            true => path,
            false => format!("/{path}"),
        };
        if !bases.contains(&path) {
            bases.push(path);
        }
    }
    match bases.is_empty() {
        true => vec![String::new()],
        false => bases,
    }
}

/// A method as an expression; who may `GET` may ask for the head alone.
fn spelled(method: &str) -> &str {
    match method {
        "GET" => "GET|HEAD",
        other => other,
    }
}

/// A URL with the defaults of its variables.
fn filled(url: &str, server: &serde_json::Value) -> String {
    let mut url = url.to_owned();
    for (name, variable) in spec::fields(server, "variables") {
        let value = text(variable, "default").unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), value);
    }
    url
}

struct Api<'a> {
    name: &'a str,
    id: &'a str,
    bases: Vec<String>,
    operations: &'a [Operation],
    options: &'a Options,
}

impl Api<'_> {
    /// Only paths that the contract names, each with its methods.
    fn paths(&self, id: &str) -> Result<Made, String> {
        let routes: BTreeSet<String> = self
            .operations
            .iter()
            .map(|operation| operation.route.pattern())
            .collect();
        let all: Vec<String> = routes.into_iter().collect();
        let path = |condition| When {
            places: vec![Place {
                kind: PlaceKind::Path,
                member: None,
            }],
            decode: None,
            condition,
        };
        let whole =
            |patterns: &[String]| format!("(?i)(?:{})(?:{})", self.base(), patterns.join("|"));
        let unknown = path(Condition::NotLike(whole(&all)));
        let mut rules = vec![Rule::Deny(Deny {
            places: unknown.places,
            decode: None,
            condition: unknown.condition,
            and: Vec::new(),
            status: None,
        })];
        let mut methods: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for operation in self.operations {
            let routes = methods.entry(&operation.method).or_default();
            routes.insert(operation.route.pattern());
        }
        // Browsers ask before they call from another site.
        let known = methods.keys().copied();
        let known: BTreeSet<&str> = known.chain(["OPTIONS"]).collect();
        let any: Vec<&str> = known.iter().map(|method| spelled(method)).collect();
        let method = |condition, and| {
            Rule::Deny(Deny {
                places: vec![Place {
                    kind: PlaceKind::Method,
                    member: None,
                }],
                decode: None,
                condition,
                and,
                status: None,
            })
        };
        rules.push(method(Condition::NotLike(any.join("|")), Vec::new()));
        for (name, routes) in methods.iter().filter(|(name, _)| **name != "OPTIONS") {
            // A path of another method may have the same form, or a wider one.
            let routes: Vec<String> = routes.iter().cloned().collect();
            if routes != all {
                let elsewhere = path(Condition::NotLike(whole(&routes)));
                let asked = Condition::Regex(format!("\\A(?:{})\\z", spelled(name)));
                rules.push(method(asked, vec![elsewhere]));
            }
        }
        let mut scope = Scope::default();
        if !self.bases.iter().any(String::is_empty) {
            let prefixes = self.bases.iter().map(|base| format!("{base}/"));
            scope.path = Located::from(Paths {
                prefix: prefixes.collect(),
                ..Paths::default()
            });
        }
        let title = format!("only paths and methods of the contract {}", self.id);
        let base = self.bases.first().cloned().unwrap_or_default();
        let cases = cases::of_paths(&base, self.operations);
        self.made(id, title, scope, rules, cases)
    }

    /// Only what one operation takes.
    fn operation(&self, id: &str, operation: &Operation) -> Result<Made, String> {
        let others = self.operations.iter().filter(|other| {
            other.method == operation.method
                && other.route != operation.route
                && other.route.meets(&operation.route)
                && !operation.route.is_closer_than(&other.route)
        });
        let contract = others.fold(operation.allows.clone(), |sum, other| sum.or(&other.allows));
        let longer = self.operations.iter().filter(|other| {
            other.method == operation.method && other.route.extends(&operation.route)
        });
        let longer: BTreeSet<String> = longer.map(|other| other.route.pattern()).collect();
        let scope = Scope {
            methods: match operation.method.as_str() {
                "GET" => vec!["GET".to_owned(), "HEAD".to_owned()],
                other => vec![other.to_owned()],
            },
            path: Located::from(Paths {
                regex: vec![format!(
                    "^(?:{})(?:{})$",
                    self.base(),
                    operation.route.pattern()
                )],
                except: longer
                    .iter()
                    .map(|pattern| format!("(?:{})(?:{pattern})", self.base()))
                    .collect(),
                ..Paths::default()
            }),
            ..Scope::default()
        };
        let title = format!(
            "only what {} {} takes",
            operation.method, operation.route.template
        );
        let base = self.bases.first().cloned().unwrap_or_default();
        let rules = rules::of(&contract);
        let cases = cases::of_operation(&base, operation, &contract);
        self.made(id, title, scope, rules, cases)
    }

    fn base(&self) -> String {
        let bases = self.bases.iter().map(|base| regex::escape(base));
        bases.collect::<Vec<_>>().join("|")
    }

    fn made(
        &self,
        id: &str,
        title: String,
        scope: Scope,
        rules: Vec<Rule>,
        cases: cases::Requests,
    ) -> Result<Made, String> {
        let options = self.options;
        let mut document = Document {
            stopgap: 1.into(),
            id: id.to_owned().into(),
            title: title.into(),
            severity: Severity::Medium,
            vulnerability: Vulnerability::default(),
            reason: Some(options.reason.into()),
            owner: Some(options.owner.clone().into()),
            expires: Some(options.expires.to_string().into()),
            effect: None,
            limits: Vec::new(),
            scope,
            body: Body::default(),
            rules: rules.into_iter().map(Located::from).collect(),
            cases: Cases::default().into(),
        };
        let at = |why| format!("{}: {why}", self.name);
        document.cases = cases::chosen(&document, cases).map_err(at)?.into();
        let notes = vec![
            "it stops what the contract does not name; give it the application's name in scope.apps where others share the ingress point".to_owned(),
        ];
        let mut comments = vec![format!("made of {}", self.name)];
        comments.extend(notes.iter().cloned());
        let yaml = crate::synthesis::checked(&document, &comments, options).map_err(at)?;
        Ok(Made {
            yaml,
            effect: None,
            notes,
        })
    }
}
