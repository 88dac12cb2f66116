//! What has been done, on disk before anybody is told: whoever asks after a crash finds it here.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use campaign::{Class, Done, Failure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault;

/// A folder of small files, one for each thing that is kept.
pub(crate) struct Journal(PathBuf);

impl Journal {
    /// What programs have said is in it: nobody else may enter, also not where it was made before.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        Ok(Self(folder.to_owned()))
    }

    /// That a task was done, and what was seen of it.
    pub(crate) fn done(&self, key: &str, done: &Done) -> Result<(), Failure> {
        self.keep("done", key, done)
    }

    pub(crate) fn was_done(&self, key: &str) -> Result<Option<Done>, Failure> {
        self.kept("done", key)
    }

    /// Keeps something under a kind and a name.
    pub(crate) fn keep(
        &self,
        kind: &str,
        name: &str,
        what: &impl Serialize,
    ) -> Result<(), Failure> {
        let path = self.path(kind, name);
        let write = || -> io::Result<()> {
            let new = path.with_extension("new");
            let mut file = File::create(&new)?;
            file.write_all(&serde_json::to_vec(what)?)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.0)?.sync_all()
        };
        write().map_err(|why| self.fault(&path, &why))
    }

    /// What was kept.
    pub(crate) fn kept<T: DeserializeOwned>(
        &self,
        kind: &str,
        name: &str,
    ) -> Result<Option<T>, Failure> {
        let path = self.path(kind, name);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|why| self.fault(&path, &why.into())),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(self.fault(&path, &why)),
        }
    }

    /// A file that whoever works here on an asset holds locked.
    pub(crate) fn lock(&self, asset: &str) -> PathBuf {
        self.path("lock", asset)
    }

    /// A file that whoever of this process works on an asset holds locked, over all that it starts for that.
    pub(crate) fn turn(&self, asset: &str) -> PathBuf {
        self.path("turn", asset)
    }

    /// A file that is there while an asset's machine is stopped for work on its disk.
    pub(crate) fn stopped(&self, asset: &str) -> PathBuf {
        self.path("stopped", asset)
    }

    /// A file that is there once a command has run.
    pub(crate) fn mark(&self, run: &str) -> PathBuf {
        self.path("mark", run)
    }

    /// A folder of this journal.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.0.join(name);
        fs::create_dir_all(&folder).map_err(|why| self.fault(&folder, &why))?;
        Ok(folder)
    }

    fn path(&self, kind: &str, name: &str) -> PathBuf {
        // No name leads out of the folder, and no two are the same file.
        let mut file = format!("{kind}-");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
                file.push(char::from(byte));
            } else {
                file.push_str(&format!("%{byte:02x}"));
            }
        }
        self.0.join(file)
    }

    fn fault(&self, path: &Path, why: &io::Error) -> Failure {
        let class = if why.kind() == io::ErrorKind::StorageFull {
            Class::Space
        } else {
            Class::Command
        };
        fault::of(class, format!("{}: {why}", path.display()))
    }
}
