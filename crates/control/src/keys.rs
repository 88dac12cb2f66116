//! Private keys that sign bundles, each in a file of its own that its owner alone can read.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, Read, Result, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::SYSTEM;
use rustix::rand::{GetRandomFlags, getrandom};
use store::{By, Store};
use wire::{PrivateKey, PublicKey};

/// A file of a key, in bytes; 32 bytes in base64 have 44.
const KEY_BYTES: u64 = 128;

/// A folder of private keys.
#[derive(Debug, Clone)]
pub struct Keys {
    folder: PathBuf,
}

impl Keys {
    /// The keys in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(folder: &Path) -> Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|why| at(folder, &why))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Makes a key.
    ///
    /// # Errors
    /// The system gives no random bytes, or the file cannot be written.
    pub fn make(&self) -> Result<PublicKey> {
        let mut bytes = [0; 32];
        if getrandom(&mut bytes, GetRandomFlags::empty())? != bytes.len() {
            return Err(Error::other("too few random bytes"));
        }
        let public = PrivateKey::of(&bytes).public();
        let path = self.path(&public.id());
        let written = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            writeln!(file, "{}", STANDARD.encode(bytes))?;
            file.sync_all()?;
            File::open(&self.folder)?.sync_all()
        };
        written().map_err(|why| at(&path, &why))?;
        Ok(public)
    }

    /// Adds the first key that signs, if there is none, and makes sure that the one that signs is here.
    ///
    /// # Errors
    /// Its file is not here, or the ledger cannot be read or written.
    pub fn ready(&self, store: &Store, now_ms: i64) -> Result<()> {
        let there = store.read(|it| it.signing_keys()).map_err(Error::other)?;
        if let Some(signs) = there.first() {
            return self.find(&signs.id).map(|_| ());
        }
        let public = self.make()?;
        let by = By {
            who: SYSTEM,
            why: "bundles must be signed",
            now_ms,
        };
        let added = store.change(&by, |it| {
            // Another process may have been quicker.
            if !it.signing_keys()?.is_empty() {
                return Ok(false);
            }
            it.add_signing_key(&public.id(), &public.to_string())?;
            Ok(true)
        });
        match added.map_err(Error::other)? {
            true => Ok(()),
            false => {
                self.forget(&public.id())?;
                self.ready(store, now_ms)
            }
        }
    }

    /// The private key of this name.
    ///
    /// # Errors
    /// Its file is not here, or is not of it.
    pub fn find(&self, id: &str) -> Result<PrivateKey> {
        let path = self.path(id);
        let mut text = String::new();
        let read = File::open(&path)
            .and_then(|file| file.take(KEY_BYTES).read_to_string(&mut text))
            .map_err(|why| {
                let why = format!("{why}; bundles are signed by this key, so bring its file here");
                at(&path, &Error::other(why))
            });
        read?;
        let bytes = STANDARD.decode(text.trim()).ok();
        let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
        let key = bytes.map(|bytes| PrivateKey::of(&bytes));
        key.filter(|key| key.public().id() == id).ok_or_else(|| {
            let why = "this is not the key that the file's name says: bring it from a backup";
            at(&path, &Error::other(why))
        })
    }

    /// Deletes a key.
    ///
    /// # Errors
    /// The file cannot be deleted.
    pub fn forget(&self, id: &str) -> Result<()> {
        let path = self.path(id);
        std::fs::remove_file(&path).map_err(|why| at(&path, &why))
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.key"))
    }
}

fn at(path: &Path, why: &Error) -> Error {
    Error::new(why.kind(), format!("{}: {why}", path.display()))
}
