//! Files of other projects, as rules name them.

use std::path::{Path, PathBuf};

/// Files below a folder.
pub(crate) struct Folder(pub(crate) PathBuf);

/// A folder, and one file that is not in it.
pub(crate) struct FolderWith<'a> {
    folder: &'a Folder,
    name: &'a str,
    text: &'a str,
}

impl Folder {
    pub(crate) fn with<'a>(&'a self, name: &'a str, text: &'a str) -> FolderWith<'a> {
        FolderWith {
            folder: self,
            name,
            text,
        }
    }

    fn path(&self, name: &str, source: &str) -> PathBuf {
        let beside = Path::new(source).parent().unwrap_or(Path::new(""));
        // ModSecurity's cases name their files from the root of its own tests.
        let name = name.strip_prefix("test-cases/").unwrap_or(name);
        let path = self.0.join(beside).join(name);
        match path.exists() || name.contains('*') {
            true => path,
            false => self.0.join(name),
        }
    }
}

impl engine::Resources for Folder {
    fn read(&self, name: &str, source: &str) -> Result<Vec<u8>, String> {
        let path = self.path(name, source);
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl seclang::Files for FolderWith<'_> {
    fn find(&self, pattern: &str, from: &str) -> Result<Vec<String>, String> {
        let path = self.folder.path(pattern, from);
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(format!("{pattern} is no file"));
        };
        let name = name.to_string_lossy();
        let Some((start, end)) = name.split_once('*') else {
            return Ok(vec![path.to_string_lossy().into_owned()]);
        };
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .map_err(|error| error.to_string())?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name().is_some_and(|name| {
                    let name = name.to_string_lossy();
                    name.starts_with(start) && name.ends_with(end)
                })
            })
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        found.sort();
        Ok(found)
    }

    fn read(&self, name: &str) -> Result<String, String> {
        if name == self.name {
            return Ok(self.text.to_owned());
        }
        std::fs::read_to_string(name).map_err(|error| format!("{name}: {error}"))
    }
}
