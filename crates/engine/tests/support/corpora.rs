//! Where other projects' cases are.

use std::path::{Path, PathBuf};

/// `$STOPGAP_CORPORA`, or `shared/corpora` beside the checkout; says so where neither holds `part`.
pub(crate) fn corpora(part: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let folder = std::env::var_os("STOPGAP_CORPORA").map_or_else(beside, PathBuf::from);
    if folder.join(part).is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no corpora; set STOPGAP_CORPORA to a folder that holds {part}");
    None
}
