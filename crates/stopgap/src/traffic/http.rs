//! Raw HTTP text: requests one after the other, lines that begin with `###` between them.

use anyhow::anyhow;
use patch::Request;
use patch::prove::Recorded;

use super::Record;

/// All requests, in order; their ids are their positions, from 0.
pub(super) fn read(bytes: &[u8]) -> Vec<anyhow::Result<Record>> {
    requests(bytes)
        .into_iter()
        .enumerate()
        .map(|(at, text)| {
            let request = Request::from_raw(text).map_err(|why| anyhow!("request {at}: {why}"))?;
            Ok(Record {
                id: Some(at.into()),
                exchange: request.exchange(""),
                recorded: Recorded::WHOLE,
            })
        })
        .collect()
}

fn requests(bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b"###") {
            found.push(bytes.get(start..at).unwrap_or_default());
            start = at + line.len();
        }
        at += line.len();
    }
    found.push(bytes.get(start..).unwrap_or_default());
    found.retain(|text| !text.trim_ascii().is_empty());
    // Blank lines before a request line are no part of it (RFC 9112 section 2.2).
    found
        .into_iter()
        .map(|text| text.trim_ascii_start())
        .collect()
}
