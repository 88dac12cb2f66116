//! OpenVEX 0.2.0.

use serde_json::{Value, json};

use super::{Said, list};

pub(super) fn document(said: &Said<'_>) -> Value {
    let statements = said.statements.iter().map(|statement| {
        let products = statement.subjects.iter();
        json!({
            "vulnerability": {
                "name": statement.advisory.id,
                "aliases": statement.aliases(),
            },
            "timestamp": statement.since(),
            "products": list(products.map(|it| json!({ "@id": said.name(it) }))),
            "status": "affected",
            "action_statement": statement.action(),
        })
    });
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": said.name(&format_args!("vex/{}", said.now_ms)),
        "author": said.author,
        "timestamp": said.time(),
        "version": 1,
        "tooling": concat!("stopgap ", env!("CARGO_PKG_VERSION")),
        "statements": list(statements),
    })
}
