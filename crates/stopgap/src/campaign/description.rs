//! The file that describes a campaign.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use campaign::description::Description;
use campaign::notice::TemplateFault;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// A description of a campaign, in bytes.
const DESCRIPTION_BYTES: u64 = 16 * 1024 * 1024;

/// What it says; a fault is told with the file, and with the line where that is known.
pub(super) fn read(path: &Path) -> anyhow::Result<Description> {
    let cannot = || format!("cannot read {}", path.display());
    let file = std::fs::File::open(path).with_context(cannot)?;
    let mut text = String::new();
    file.take(DESCRIPTION_BYTES + 1)
        .read_to_string(&mut text)
        .with_context(cannot)?;
    if text.len() as u64 > DESCRIPTION_BYTES {
        bail!("{} has more than {DESCRIPTION_BYTES} bytes", path.display());
    }
    let name = path.display();
    let read: Result<Description, _> = serde_saphyr::from_str(&text);
    let description = read.map_err(|why| anyhow::anyhow!("{name}: {why}"))?;
    if let Some(fault) = description.templates.fault() {
        let line = line_of(&fault, &text).map(|it| format!(":{it}"));
        bail!("{name}{}: {}", line.unwrap_or_default(), fault.why);
    }
    Ok(description)
}

/// A description once more, for the places of its texts.
#[derive(Deserialize)]
struct Placed {
    templates: BTreeMap<String, BTreeMap<String, Spanned<String>>>,
}

/// The line of a fault, counted from 1: of the fact where it is written out, else of its text.
fn line_of(fault: &TemplateFault, text: &str) -> Option<usize> {
    let placed: Placed = serde_saphyr::from_str(text).ok()?;
    let place = placed.templates.get(fault.name)?.get(fault.field)?.defined;
    let line = usize::try_from(place.line()).ok()?;
    let span = place.span();
    let begin = usize::try_from(span.byte_offset()?).ok()?;
    let end = begin.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
    let written = text.get(begin..end).unwrap_or_default();
    let before = fault.fact.as_ref().and_then(|it| written.find(it));
    let before = before.and_then(|at| written.get(..at)).unwrap_or_default();
    Some(line + before.matches('\n').count())
}
