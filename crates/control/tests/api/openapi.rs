use control::{describe, routes};
use serde_json::Value;

use crate::harness::Api;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/openapi.json");

/// A change of the API shows in its review.
#[test]
fn the_description_is_the_one_that_was_reviewed() {
    let now = format!("{:#}\n", describe());
    if std::env::var_os("STOPGAP_WRITE_DOCS").is_some() {
        std::fs::write(SNAPSHOT, &now).unwrap();
    }
    let reviewed = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert!(
        now == reviewed,
        "the API has changed: STOPGAP_WRITE_DOCS=1 cargo test -p control --test api writes testdata/openapi.json anew"
    );
}

#[test]
fn every_route_is_described_and_every_reference_leads_somewhere() {
    let description = describe();
    for route in routes() {
        let path = format!("/api/v1{}", route.path);
        let operation = &description["paths"][&path][route.method.name().to_lowercase()];
        assert_eq!(operation["x-stopgap-role"], route.role.name(), "{path}");
    }
    let mut open = vec![&description];
    let mut references = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => {
                open.extend(fields.values());
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(description.pointer(pointer).is_some(), "{reference}");
                    references += 1;
                }
            }
            _ => {}
        }
    }
    assert!(references > 50, "{references}");
}

#[test]
fn the_description_is_served_to_everybody() {
    let answer = Api::new().bare("GET /openapi.json", &[], "");
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(answer.body, describe());
}
