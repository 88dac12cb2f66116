//! SARIF 2.1.0 (OASIS standard of 27 March 2020) as it is written. Fields that are not asked
//! here are not read; numbers of sections are the standard's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
pub(super) struct Log {
    pub(super) version: String,
    #[serde(default)]
    pub(super) runs: Vec<Run>,
}

/// 3.14
#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) tool: Tool,
    #[serde(default)]
    pub(super) results: Option<Vec<Found>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    pub(super) driver: Component,
    #[serde(default)]
    pub(super) extensions: Vec<Component>,
}

/// 3.19
#[derive(Debug, Deserialize)]
pub(super) struct Component {
    #[serde(default)]
    pub(super) rules: Vec<Rule>,
}

/// 3.49
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) short_description: Option<Message>,
    #[serde(default)]
    pub(super) help_uri: String,
    #[serde(default)]
    pub(super) relationships: Vec<Relationship>,
    #[serde(default)]
    pub(super) properties: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Relationship {
    pub(super) target: Reference,
}

/// 3.52
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) tool_component: Named,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) name: String,
}

/// 3.11
#[derive(Debug, Default, Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    pub(super) text: String,
}

/// 3.27
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found {
    #[serde(default)]
    pub(super) rule_id: String,
    #[serde(default)]
    pub(super) rule: Reference,
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) message: Message,
    #[serde(default)]
    pub(super) locations: Vec<Location>,
    #[serde(default)]
    pub(super) related_locations: Vec<Location>,
    #[serde(default)]
    pub(super) code_flows: Vec<CodeFlow>,
    #[serde(default)]
    pub(super) taxa: Vec<Reference>,
    pub(super) web_request: Option<WebRequest>,
    #[serde(default)]
    pub(super) suppressions: Vec<Value>,
    #[serde(default)]
    pub(super) properties: Map<String, Value>,
}

/// 3.36
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CodeFlow {
    #[serde(default)]
    pub(super) thread_flows: Vec<ThreadFlow>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ThreadFlow {
    #[serde(default)]
    pub(super) locations: Vec<Step>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Step {
    #[serde(default)]
    pub(super) location: Location,
}

/// 3.28
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    #[serde(default)]
    pub(super) message: Message,
    #[serde(default)]
    pub(super) physical_location: Physical,
    #[serde(default)]
    pub(super) logical_locations: Vec<Logical>,
    #[serde(default)]
    pub(super) properties: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Physical {
    #[serde(default)]
    pub(super) artifact_location: Artifact,
    #[serde(default)]
    pub(super) region: Region,
    #[serde(default)]
    pub(super) context_region: Region,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Artifact {
    #[serde(default)]
    pub(super) uri: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Region {
    #[serde(default)]
    pub(super) start_line: u64,
    #[serde(default)]
    pub(super) snippet: Message,
}

/// 3.33
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Logical {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) fully_qualified_name: String,
}

/// 3.46
#[derive(Debug, Deserialize)]
pub(super) struct WebRequest {
    #[serde(default)]
    pub(super) target: String,
    #[serde(default)]
    pub(super) method: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: Message,
}
