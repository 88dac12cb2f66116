//! Documents that bundles name, kept by their digests.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use wire::{Bundle, BundlePatch};

/// Bytes of one document, at most.
const DOCUMENT_BYTES: u64 = 1024 * 1024;

/// The folder of documents.
#[derive(Clone)]
pub(super) struct Documents {
    folder: PathBuf,
}

impl Documents {
    pub(super) fn open(folder: PathBuf) -> anyhow::Result<Self> {
        let made = std::fs::create_dir_all(&folder);
        made.with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder })
    }

    /// Digests of the bundle's documents that are not here, or are damaged; each once.
    pub(super) fn missing(&self, bundle: &Bundle) -> Vec<String> {
        let mut seen = HashSet::new();
        let mut missing = Vec::new();
        for patch in &bundle.patches {
            if seen.insert(&patch.digest) && self.text(&patch.digest).is_err() {
                missing.push(patch.digest.clone());
            }
        }
        missing
    }

    /// A document's text.
    pub(super) fn of(&self, patch: &BundlePatch) -> anyhow::Result<String> {
        let text = self.text(&patch.digest);
        text.with_context(|| format!("the document of {} cannot be read", patch.id))
    }

    fn text(&self, digest: &str) -> anyhow::Result<String> {
        let path = self.folder.join(digest);
        let file = File::open(&path).with_context(|| path.display().to_string())?;
        let mut text = String::new();
        file.take(DOCUMENT_BYTES + 1)
            .read_to_string(&mut text)
            .with_context(|| path.display().to_string())?;
        if digest_of(&text) != digest {
            bail!("{} is damaged", path.display());
        }
        Ok(text)
    }

    /// Keeps a document; [`settle`](Self::settle) makes sure of it.
    pub(super) fn keep(&self, digest: &str, text: &str) -> anyhow::Result<()> {
        let path = self.folder.join(digest);
        let new = self.folder.join("new");
        let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &path));
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// What was kept survives a loss of power from here on: once for all is faster than each.
    pub(super) fn settle(&self) -> anyhow::Result<()> {
        let settled = File::open(&self.folder).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
        settled.with_context(|| format!("cannot write {}", self.folder.display()))
    }

    /// Removes the documents that none of the bundles names.
    pub(super) fn prune(&self, bundles: &[&Bundle]) -> std::io::Result<()> {
        let patches = bundles.iter().flat_map(|bundle| &bundle.patches);
        let named: HashSet<&str> = patches.map(|patch| patch.digest.as_str()).collect();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if !name.to_str().is_some_and(|name| named.contains(name)) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// As bundles name a document.
pub(super) fn digest_of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
