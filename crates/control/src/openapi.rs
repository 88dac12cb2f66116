//! The description of the API in OpenAPI 3.1, made of the table of routes and of the types.

use ledger::exception::Standing;
use ledger::rollout::Stage;
use ledger::{Area, State};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::call::{KEY, WHY};
use crate::fleet::{CALLS, FleetCall};
use crate::{Limits, Method, Route, routes};

/// The description, as JSON.
#[must_use]
pub fn describe() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    let mut paths = Map::new();
    for route in routes() {
        let path = paths
            .entry(format!("/api/v1{}", route.path))
            .or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            let method = route.method.name().to_lowercase();
            path.insert(method, operation(&route, &mut generator));
        }
    }
    for call in CALLS {
        let method = call.method.name().to_lowercase();
        let described = json!({ method: of_fleet(call, &mut generator) });
        paths.insert(format!("/api/v1{}", call.path), described);
    }
    let mut described = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stopgap",
            "description": "The ledger of findings, virtual patches and rollouts. Times are milliseconds since 1970-01-01 UTC.",
            "version": "1",
        },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "enrolment": {
                    "type": "http", "scheme": "bearer",
                    "description": "The token of an enrolment, which counts once",
                },
                "signature": {
                    "type": "apiKey", "in": "header", "name": "Signature",
                    "description": "RFC 9421 with Ed25519 over \"@method\", \"@request-target\" and \"content-digest\" (RFC 9530, SHA-256), by the key that has joined",
                },
            },
            "responses": {
                "problem": {
                    "description": "Why it was not done, as RFC 9457 says",
                    "content": { "application/problem+json": { "schema": problem() } },
                },
            },
        },
    });
    bound(&mut described);
    described
}

/// Formats are hints alone: says in numbers what whole numbers of 32 bits hold.
fn bound(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(bound),
        Value::Object(fields) => {
            if fields
                .get("format")
                .is_some_and(|format| format == "uint32")
            {
                fields.entry("maximum").or_insert_with(|| u32::MAX.into());
            }
            fields.values_mut().for_each(bound);
        }
        _ => {}
    }
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let answer = (route.output)(generator);
    let mut response = json!({
        "description": "It was done",
        "content": { "application/json": { "schema": answer } },
    });
    if route.versioned {
        response["headers"] = json!({
            "ETag": { "description": "The version of what is shown", "schema": { "type": "string" } },
        });
    }
    let mut responses = json!({ "default": { "$ref": "#/components/responses/problem" } });
    responses[route.status.to_string()] = response.clone();
    // What was there before is given back.
    if route.name == "open_finding" {
        responses["200"] = response;
    }
    if route.method == Method::Get && route.versioned {
        responses["304"] = json!({ "description": "It is as If-None-Match says" });
    }
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.about,
        "tags": [route.area],
        "x-stopgap-role": route.role,
        "parameters": parameters(route),
        "responses": responses,
    });
    if let Some(input) = route.input {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": input(generator) } },
        });
    }
    operation
}

fn of_fleet(call: &FleetCall, generator: &mut SchemaGenerator) -> Value {
    let mut responses = json!({ "default": { "$ref": "#/components/responses/problem" } });
    let json = |schema: schemars::Schema| json!({ "application/json": { "schema": schema } });
    match call.output {
        Some(output) => {
            let content = json(output(generator));
            responses["200"] = json!({ "description": "It was done", "content": content });
        }
        None if call.method == Method::Get => {
            let kind = "application/vnd.dsse.envelope.v1+json";
            let content = json!({ kind: { "schema": { "type": "object" } } });
            responses["200"] = json!({ "description": "A newer bundle", "content": content });
            responses["304"] = json!({ "description": "There is none yet" });
        }
        None => responses["204"] = json!({ "description": "It was done" }),
    }
    let security = match call.name {
        "fleet_enrol" => json!([{ "enrolment": [] }]),
        _ => json!([{ "signature": [] }]),
    };
    let mut operation = json!({
        "operationId": call.name,
        "summary": call.about,
        "tags": [Area::Fleet],
        "security": security,
        "responses": responses,
    });
    if let Some(input) = call.input {
        let content = json(input(generator));
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    if call.method == Method::Get {
        operation["parameters"] = json!([{
            "name": "after", "in": "query", "required": true,
            "description": "the number of the newest bundle that the ingress point has; 0: none",
            "schema": { "type": "integer", "minimum": 0 },
        }]);
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let text = |place: &str, name: &str, about: &str, required: bool| {
        json!({
            "name": name, "in": place, "description": about, "required": required,
            "schema": { "type": "string" },
        })
    };
    let with = |mut parameter: Value, schema: Value| {
        parameter["schema"] = schema;
        parameter
    };
    let mut parameters = Vec::new();
    if route.path.contains("{id}") {
        let id = text("path", "id", "names what this is about", true);
        let number = json!({ "type": "integer", "minimum": 1, "maximum": i64::MAX });
        let numbered = ["/exceptions/", "/findings/", "/rollouts/"];
        let numbered = numbered.iter().any(|path| route.path.starts_with(path));
        parameters.push(match numbered {
            true => with(id, number),
            false => id,
        });
    }
    for (name, about) in route.query {
        let parameter = text("query", name, about, false);
        parameters.push(match *name {
            "limit" => with(
                parameter,
                json!({ "type": "integer", "minimum": 1, "maximum": 200 }),
            ),
            "days" => with(
                parameter,
                json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            ),
            "from_ms" | "until_ms" => {
                with(parameter, json!({ "type": "integer", "format": "int64" }))
            }
            "state" => with(parameter, json!({ "enum": State::ALL })),
            "stage" => with(parameter, json!({ "enum": Stage::ALL })),
            "standing" => with(parameter, json!({ "enum": Standing::ALL })),
            "finding" => with(
                parameter,
                json!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX }),
            ),
            "subject" if route.area == Area::Findings => {
                let pattern = "^(asset|application)/[A-Za-z0-9._:@-]+$";
                with(parameter, json!({ "type": "string", "pattern": pattern }))
            }
            _ => with(
                parameter,
                json!({ "type": "string", "pattern": r"^[^\x00]*$" }),
            ),
        });
    }
    if route.method == Method::Get {
        if route.versioned {
            let about = "the ETag of what the caller has";
            parameters.push(text("header", "If-None-Match", about, false));
        }
        return parameters;
    }
    let why = text("header", WHY, "why, for the audit log", true);
    parameters.push(with(
        why,
        json!({ "type": "string", "pattern": r"^.*\S.*$", "maxLength": 4096 }),
    ));
    if route.method == Method::Post {
        let about = "names the call: if it comes again within a day, it is answered as before";
        let key = text("header", KEY, about, false);
        let most = Limits::default().key_bytes;
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": most });
        parameters.push(with(key, schema));
    }
    if route.path.contains("{id}") && route.method != Method::Delete {
        let about = "the ETag of what is to be changed, or *";
        let required = route.method == Method::Put;
        let tag = text("header", "If-Match", about, required);
        let schema =
            json!({ "type": "string", "pattern": r#"^(\*|"[0-9]{1,18}")$"#, "minLength": 1 });
        parameters.push(with(tag, schema));
    }
    parameters
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
        },
    })
}
