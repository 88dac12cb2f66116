//! The description of the API in OpenAPI 3.1, made of the table of routes and of the types.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::call::{KEY, WHY};
use crate::{Method, Route, routes};

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
    json!({
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
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "responses": {
                "problem": {
                    "description": "Why it was not done, as RFC 9457 says",
                    "content": { "application/problem+json": { "schema": problem() } },
                },
            },
        },
    })
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

fn parameters(route: &Route) -> Vec<Value> {
    let text = |place: &str, name: &str, about: &str, required: bool| {
        json!({
            "name": name, "in": place, "description": about, "required": required,
            "schema": { "type": "string" },
        })
    };
    let mut parameters = Vec::new();
    if route.path.contains("{id}") {
        parameters.push(text("path", "id", "names what this is about", true));
    }
    for (name, about) in route.query {
        let mut parameter = text("query", name, about, false);
        if *name == "limit" {
            parameter["schema"] = json!({ "type": "integer", "minimum": 1, "maximum": 200 });
        }
        parameters.push(parameter);
    }
    if route.method == Method::Get {
        if route.versioned {
            let about = "the ETag of what the caller has";
            parameters.push(text("header", "If-None-Match", about, false));
        }
        return parameters;
    }
    parameters.push(text("header", WHY, "why, for the audit log", true));
    if route.method == Method::Post {
        let about = "names the call: if it comes again within a day, it is answered as before";
        parameters.push(text("header", KEY, about, false));
    }
    if route.path.contains("{id}") && route.method != Method::Delete {
        let about = "the ETag of what is to be changed, or *";
        let required = route.method == Method::Put;
        parameters.push(text("header", "If-Match", about, required));
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
