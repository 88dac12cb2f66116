//! CycloneDX 1.5, with vulnerabilities alone.

use ledger::Subject;
use serde_json::{Value, json};

use super::{Said, list};

pub(super) fn document(said: &Said<'_>) -> Value {
    let components = said.subjects().into_iter().map(|subject| {
        let (kind, name) = match subject {
            Subject::Asset(id) => ("device", id),
            Subject::Application(id) => ("application", id),
        };
        json!({ "type": kind, "bom-ref": said.name(subject), "name": name })
    });
    let vulnerabilities = said.statements.iter().map(|statement| {
        let (advisory, exception) = (&statement.advisory.id, statement.exception.id);
        let affects = statement.subjects.iter();
        json!({
            "bom-ref": format!("{advisory}/exception/{exception}"),
            "id": advisory,
            "analysis": {
                "state": "exploitable",
                "response": ["workaround_available"],
                "detail": statement.action(),
                "firstIssued": statement.since(),
                "lastUpdated": said.time(),
            },
            "affects": list(affects.map(|it| json!({ "ref": said.name(it) }))),
        })
    });
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": said.time(),
            "authors": [{ "name": said.author }],
        },
        "components": list(components),
        "vulnerabilities": list(vulnerabilities),
    })
}
