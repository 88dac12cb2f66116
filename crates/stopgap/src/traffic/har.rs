//! HTTP Archives, as [`patch::har`] reads them.

use anyhow::{Context, anyhow};
use patch::har::{self, Entry};
use patch::prove::Recorded;

use super::Record;

/// All entries, in order; their ids are their positions, from 0.
pub(super) fn read(bytes: &[u8]) -> anyhow::Result<Vec<anyhow::Result<Record>>> {
    let entries = har::read(bytes).context("this is no HTTP Archive")?;
    let record = |(at, entry): (usize, Result<Entry, String>)| {
        let entry = entry.map_err(|why| anyhow!("entry {at}: {why}"))?;
        Ok(Record {
            id: Some(at.into()),
            exchange: entry.exchange,
            recorded: Recorded {
                body: entry.has_body,
                ..Recorded::WHOLE
            },
        })
    };
    Ok(entries.into_iter().map(record).collect())
}
