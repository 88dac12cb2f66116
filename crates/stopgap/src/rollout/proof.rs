//! A proof of `stopgap patch prove --json`, as the ledger takes it.

use std::path::Path;

use anyhow::bail;
use ledger::Proof;
use patch::document::Source;

use crate::patch::PROOFS_BYTES;

/// The proof of a patch's document, from a file with one proof a line.
pub(super) fn read(path: &Path, id: &str, document: &str) -> anyhow::Result<Proof> {
    let name = path.display();
    let text = crate::source::read(path, PROOFS_BYTES)?;
    let source = Source::parse(id, document)?;
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty());
    for (line, number) in lines {
        let proof = patch::prove::Proof::from_json(line);
        let proof = proof.map_err(|why| anyhow::anyhow!("{name}:{number}: {why}"))?;
        if proof.patch != *source.document.id.value {
            continue;
        }
        let covers = proof.covers(&source.document);
        covers.map_err(|why| anyhow::anyhow!("{name}:{number}: {why}"))?;
        return Ok(Proof {
            digest: ledger::sha256(document.as_bytes()),
            objections: proof.objections(),
            proven_ms: proof.time.as_millisecond(),
        });
    }
    bail!("there is no proof of {id} in {name}: make one with stopgap patch prove --json")
}
