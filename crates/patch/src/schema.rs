//! The JSON Schema of documents.

use crate::document::Document;

/// The JSON Schema (2020-12) of a document, made from the types that read it.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Document).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), "Stopgap virtual patch".into());
    }
    schema
}
