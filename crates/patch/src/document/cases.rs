//! The requests that prove a patch.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Located;

/// What must be stopped and what must pass.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// Attacks: each must be stopped.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub exploit: Vec<Located<Case>>,
    /// Their benign twins: each must pass.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub benign: Vec<Located<Case>>,
}

/// One request and how to see what it did.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Unique in the document.
    pub name: String,
    /// Raw HTTP as a string, or the short form.
    pub request: RequestForm,
    /// An exploit: what the answer of a vulnerable application is like. A benign
    /// case: what the application's answer is like; a status below 400 if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<Success>,
    /// Whether the request does no harm wherever it arrives, so that it may be sent to where
    /// people are, to see that it is stopped. A GET, HEAD or OPTIONS without a body if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inert: Option<bool>,
}

/// What an answer is like. Every condition that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// The status is this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body contains this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_contains: Option<String>,
    /// The body does not contain this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_lacks: Option<String>,
    /// The regular expression is found in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_matches: Option<Located<String>>,
    /// Headers that contain these.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub headers: BTreeMap<String, String>,
}

/// A request as it is written.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestForm {
    /// Raw HTTP/1.1. Lines of the head may end in `\n` alone; `Content-Length`
    /// is added where a body has no length.
    Raw(String),
    /// The short form.
    Short(Box<Short>),
}

/// A request in short form. At most one of the body's forms is given.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Short {
    /// `GET` if left out, `POST` where there is a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The request target as it is sent: nothing is encoded.
    pub path: String,
    /// Query parameters; names and values are percent-encoded.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub query: Query,
    /// `app` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Header lines.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub headers: BTreeMap<String, String>,
    /// Cookies; sent as they are.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub cookies: BTreeMap<String, String>,
    /// An urlencoded body; names and values are percent-encoded.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub form: Query,
    /// A JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Json>,
    /// Fields of a multipart body.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub multipart: BTreeMap<String, String>,
    /// A body as it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// A body of any bytes, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// Send the body in chunks.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub chunked: bool,
}

/// Names and values, in order of the names.
pub type Query = BTreeMap<String, String>;

/// Any JSON value, written as YAML.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Json(pub serde_json::Value);

impl JsonSchema for Json {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Json".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "Any JSON value." })
    }
}

impl<'de> Deserialize<'de> for RequestForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = RequestForm;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("raw HTTP as a string, or a mapping with path, query, headers, …")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<RequestForm, E> {
                Ok(RequestForm::Raw(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RequestForm, A::Error> {
                let short = Short::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RequestForm::Short(Box::new(short)))
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl Serialize for RequestForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Raw(text) => serializer.serialize_str(text),
            Self::Short(short) => short.serialize(serializer),
        }
    }
}

impl JsonSchema for RequestForm {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Request".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Raw HTTP as a string, or the short form.",
            "anyOf": [{ "type": "string" }, generator.subschema_for::<Short>()],
        })
    }
}
