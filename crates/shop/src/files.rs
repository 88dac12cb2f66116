//! The instance's files, and the flawed way in which they are served.

use std::io;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::seed;

const FILE_BYTES: u64 = 256 * 1024;

/// A temporary directory: `static/` is served, `private/` is not meant to be.
#[derive(Debug)]
pub(crate) struct Files {
    directory: TempDir,
}

impl Files {
    pub(crate) fn write() -> io::Result<Self> {
        let directory = TempDir::with_prefix("stopgap-shop-")?;
        for (name, text) in seed::files() {
            let path = directory.path().join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, text)?;
        }
        Ok(Self { directory })
    }

    /// The directory that is served.
    pub(crate) fn served(&self) -> PathBuf {
        self.directory.path().join("static")
    }

    /// The file that a path under `/static/` names, and its media type.
    ///
    /// FLAW: path traversal. The name is decoded twice, backslashes are taken for slashes,
    /// and nothing checks that what it names is under the served directory.
    pub(crate) async fn read(&self, name: &str) -> Option<(Vec<u8>, &'static str)> {
        let once = percent_decode_str(name).decode_utf8_lossy();
        let twice = percent_decode_str(&once).decode_utf8_lossy();
        let path = self.served().join(twice.replace('\\', "/"));
        let metadata = tokio::fs::metadata(&path).await.ok()?;
        if !metadata.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        let file = tokio::fs::File::open(&path).await.ok()?;
        file.take(FILE_BYTES).read_to_end(&mut bytes).await.ok()?;
        Some((bytes, media_type(&path)))
    }
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}
