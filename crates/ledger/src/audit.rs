//! Who changed what, and why: entries that each hold the hash of the one before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest;

/// What stands before the first entry.
pub const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
pub struct Entry {
    /// From 1, without a gap.
    pub sequence: i64,
    /// When.
    pub time_ms: i64,
    /// Who.
    pub who: String,
    /// What was done: `finding.shield`, `token.create`, …
    pub action: String,
    /// To what: `finding/17`, `patch/CVE-2024-23334`, …
    pub subject: String,
    /// Why, as the person said.
    pub why: String,
    /// What it became, as JSON.
    pub detail: String,
    /// The hash of the entry before; [`BEGINNING`] in the first.
    pub previous: String,
    /// Of all of the above: SHA-256, in hexadecimal.
    pub hash: String,
}

impl Entry {
    /// The entry with its hash.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.hash = self.digest();
        self
    }

    /// What the hash must be.
    fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(b"stopgap audit 1\n");
        hasher.update(self.sequence.to_be_bytes());
        hasher.update(self.time_ms.to_be_bytes());
        let texts = [
            &self.who,
            &self.action,
            &self.subject,
            &self.why,
            &self.detail,
            &self.previous,
        ];
        for text in texts {
            // With its length, so that no two entries are the same bytes.
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        digest::hex(&hasher.finalize())
    }
}

/// The end of a chain: how many entries it has, and the hash of the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditHead")]
pub struct Head {
    /// The last entry's number, 0 if there is none.
    pub sequence: i64,
    /// The last entry's hash, or [`BEGINNING`].
    pub hash: String,
}

impl Head {
    /// Of a chain without entries.
    #[must_use]
    pub fn beginning() -> Self {
        Self {
            sequence: 0,
            hash: BEGINNING.to_owned(),
        }
    }

    /// The chain's end after this entry.
    ///
    /// # Errors
    /// The entry does not continue the chain.
    pub fn after(&self, entry: &Entry) -> Result<Self, Broken> {
        let broken = |fault| {
            Err(Broken {
                sequence: self.sequence + 1,
                fault,
            })
        };
        if entry.sequence != self.sequence + 1 {
            return broken(Fault::Missing);
        }
        if entry.previous != self.hash {
            return broken(Fault::Unlinked);
        }
        if entry.hash != entry.digest() {
            return broken(Fault::Altered);
        }
        Ok(Self {
            sequence: entry.sequence,
            hash: entry.hash.clone(),
        })
    }
}

/// The first entry at which a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The entry's number.
    pub sequence: i64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// It does not hold the hash of the entry before.
    Unlinked,
    /// It is not what it was when its hash was made.
    Altered,
    /// The log holds another entry than was noted.
    Replaced,
    /// It is beyond the log's noted end.
    Uncounted,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.fault {
            Fault::Missing => "is missing",
            Fault::Unlinked => "does not hold the hash of the entry before it",
            Fault::Altered => "was altered after it was written",
            Fault::Replaced => "has another hash than was noted",
            Fault::Uncounted => "is beyond the log's noted end",
        };
        write!(f, "entry {} {what}", self.sequence)
    }
}

impl std::error::Error for Broken {}
