//! CISA's catalogue of known exploited vulnerabilities, as the JSON feed has it.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

/// Bytes of a feed at most.
const FEED_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feed {
    #[serde(default)]
    pub(super) catalog_version: String,
    pub(super) vulnerabilities: Vec<Vulnerability>,
}

/// What of an entry tells what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Vulnerability {
    #[serde(rename = "cveID")]
    pub(super) cve: String,
    #[serde(rename = "vendorProject")]
    pub(super) vendor: String,
    pub(super) product: String,
    #[serde(rename = "vulnerabilityName")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) date_added: String,
    #[serde(rename = "shortDescription", default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) cwes: Vec<String>,
}

pub(super) fn read(path: &Path) -> anyhow::Result<Feed> {
    let at = path.display();
    let file = std::fs::File::open(path).with_context(|| format!("{at}: cannot be opened"))?;
    let mut text = Vec::new();
    file.take(FEED_BYTES + 1)
        .read_to_end(&mut text)
        .with_context(|| format!("{at}: cannot be read"))?;
    if text.len() as u64 > FEED_BYTES {
        bail!("{at}: the feed is larger than the {FEED_BYTES} bytes allowed");
    }
    serde_json::from_slice(&text).map_err(|error| {
        anyhow::anyhow!(
            "{at}:{}:{}: {error}; give the JSON feed of known exploited vulnerabilities",
            error.line(),
            error.column()
        )
    })
}
