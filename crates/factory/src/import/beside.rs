//! Files beside a source that it names: lists of words, parts of a description.

use std::fmt;
use std::sync::Arc;

use engine::{NoResources, Resources};

/// Where files beside a source are read from. None are there unless somebody gives them.
#[derive(Clone)]
pub struct Beside(Arc<dyn Resources + Send + Sync>);

impl Beside {
    /// Files that `resources` reads, by a path from the source's folder on, and the source's name.
    pub fn new(resources: impl Resources + Send + Sync + 'static) -> Self {
        Self(Arc::new(resources))
    }

    /// The text of a file.
    ///
    /// # Errors
    /// It is elsewhere than below the source's folder, cannot be read, or is no text.
    pub(super) fn text(&self, path: &str, source: &str) -> Result<String, String> {
        let path = below("", path)?;
        let bytes = self.0.read(&path, source)?;
        String::from_utf8(bytes).map_err(|_| format!("`{path}` is no UTF-8"))
    }
}

impl Default for Beside {
    fn default() -> Self {
        Self::new(NoResources)
    }
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Beside")
    }
}

/// A path as the file `from` means it, both from the source's folder on.
///
/// # Errors
/// It leads to another computer or out of the folder.
pub(super) fn below(from: &str, path: &str) -> Result<String, String> {
    let elsewhere = path.starts_with(['/', '\\']) || path.contains(':');
    if elsewhere {
        return Err(format!(
            "`{path}` is not below the folder of the source; copy it there and name it by a relative path"
        ));
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut steps: Vec<&str> = Vec::new();
    for step in folder.split('/').chain(path.split('/')) {
        match step {
            "" | "." => {}
            ".." => {
                steps
                    .pop()
                    .ok_or_else(|| format!("`{path}` leads out of the folder of the source"))?;
            }
            step => steps.push(step),
        }
    }
    Ok(steps.join("/"))
}
