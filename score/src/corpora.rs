//! Where the corpora are, and their files.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// `$STOPGAP_CORPORA`, else `shared/corpora` beside the repository.
pub(crate) fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpora");
    let told = std::env::var_os("STOPGAP_CORPORA").map(PathBuf::from);
    let folder = told.unwrap_or_else(|| PathBuf::from(beside));
    folder.is_dir().then_some(folder)
}

/// A text and the name of its file.
pub(crate) struct Text {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The YAML files of a folder and its folders, in order.
pub(crate) fn texts(folder: &Path) -> anyhow::Result<Vec<Text>> {
    let mut texts = Vec::new();
    for path in patch::load::files(folder)? {
        let suffix = path.extension().and_then(|suffix| suffix.to_str());
        if matches!(suffix, Some("yaml" | "yml")) {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.display().to_string();
            texts.push(Text { name, text });
        }
    }
    Ok(texts)
}
