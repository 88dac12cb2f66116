//! The folder in which an ingress point of a fleet keeps what it must not lose.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::rand::{GetRandomFlags, getrandom};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wire::{Bundle, Enrolled, PrivateKey, Trust};

const KEY_BYTES: usize = 32;

/// The folder, held by this process alone.
pub(super) struct Place {
    folder: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

/// Who this ingress point is.
#[derive(Serialize, Deserialize)]
pub(super) struct Membership {
    version: u32,
    #[serde(flatten)]
    pub(super) is: Enrolled,
}

/// The last known good: the bundle in use, and what is trusted since it is.
#[derive(Serialize, Deserialize)]
pub(super) struct Enforced {
    version: u32,
    pub(super) trust: Trust,
    pub(super) bundle: Bundle,
}

/// Of both files.
const VERSION: u32 = 1;

impl Membership {
    pub(super) fn of(is: Enrolled) -> Self {
        let version = VERSION;
        Self { version, is }
    }
}

impl Enforced {
    pub(super) fn of(trust: Trust, bundle: Bundle) -> Self {
        Self {
            version: VERSION,
            trust,
            bundle,
        }
    }
}

impl Place {
    /// Opens the folder; it is made if it is not there.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let mut builder = std::fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        if lock.try_lock().is_err() {
            bail!(
                "{} is in use by another gateway: each needs a folder of its own",
                folder.display()
            );
        }
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock,
        })
    }

    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The key that signs its calls; made when it is first asked for.
    pub(super) fn key(&self) -> anyhow::Result<PrivateKey> {
        let path = self.folder.join("key");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = vec![0; KEY_BYTES];
                // Not more than 256 bytes: given whole, or not at all.
                if getrandom(&mut bytes[..], GetRandomFlags::empty())? != KEY_BYTES {
                    bail!("the system gives no random bytes");
                }
                replace(&path, &bytes, 0o600)?;
                bytes
            }
            Err(why) => {
                return Err(why).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let Ok(bytes) = <[u8; KEY_BYTES]>::try_from(bytes) else {
            bail!(
                "{} is no key of {KEY_BYTES} bytes: enrol with another folder",
                path.display()
            );
        };
        Ok(PrivateKey::of(&bytes))
    }

    /// Who this is; none before it has enrolled.
    pub(super) fn membership(&self) -> anyhow::Result<Option<Membership>> {
        self.read("member.json", "enrol with another folder")
    }

    pub(super) fn keep_membership(&self, membership: &Membership) -> anyhow::Result<()> {
        self.write("member.json", membership)
    }

    /// The last known good; none before the first bundle.
    pub(super) fn enforced(&self) -> anyhow::Result<Option<Enforced>> {
        let remedy = "without it, the gateway starts without a bundle and takes the next one";
        self.read("enforced.json", remedy)
    }

    pub(super) fn keep_enforced(&self, enforced: &Enforced) -> anyhow::Result<()> {
        self.write("enforced.json", enforced)
    }

    fn read<T: DeserializeOwned>(&self, name: &str, remedy: &str) -> anyhow::Result<Option<T>> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let path = self.folder.join(name);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(why) => {
                return Err(why).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let damaged = || format!("{} is damaged: {remedy}", path.display());
        let Versioned { version } = serde_json::from_slice(&text).with_context(damaged)?;
        if version != VERSION {
            bail!(
                "{} has version {version}, {VERSION} is the highest that is known; upgrade the gateway",
                path.display()
            );
        }
        serde_json::from_slice(&text).with_context(damaged)
    }

    fn write(&self, name: &str, what: &impl Serialize) -> anyhow::Result<()> {
        replace(&self.folder.join(name), &serde_json::to_vec(what)?, 0o600)
    }
}

/// Writes a file that is there whole or as it was before, whatever happens meanwhile.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let written = || {
        let new = path.with_extension("new");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(mode)
            .open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}
