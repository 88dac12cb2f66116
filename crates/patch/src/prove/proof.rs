//! What a proof says, as it is stored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Outcome;
use super::evaded::Evaded;
use super::traffic::Traffic;
use crate::document::Document;

/// The recorded result of running a patch against its cases, their evasions and traffic.
///
/// A reader ignores fields that it does not know; a change that would mislead it raises
/// [`Proof::VERSION`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// The shape's version.
    pub version: u32,
    /// The patch's id.
    pub patch: String,
    /// Which document was proven: [`Document::digest`].
    pub document: String,
    /// When.
    pub time: Timestamp,
    /// The document's own cases, exploits first.
    pub cases: Vec<Outcome>,
    /// Variants of the exploits.
    pub evasions: Evaded,
    /// Recorded traffic, if any was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
    /// What a request costs.
    pub cost: Cost,
}

/// The time that an inspection takes on the machine of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Inspections of the patch's benign requests.
    pub inspections: u64,
    /// Nanoseconds; half of the inspections took no longer.
    pub median_ns: u64,
}

impl Proof {
    /// The version that is written, and the highest that is read.
    pub const VERSION: u32 = 1;

    /// Reads a stored proof.
    ///
    /// # Errors
    /// What is no proof, or one of a later version, for people.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let proof: Self =
            serde_json::from_str(text).map_err(|error| format!("this is no proof: {error}"))?;
        if proof.version == 0 || proof.version > Self::VERSION {
            return Err(format!(
                "version {} of proofs is not known, {} is the highest; prove the patch again",
                proof.version,
                Self::VERSION
            ));
        }
        Ok(proof)
    }

    /// Why the patch is not proven; empty if it is.
    pub fn objections(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (exploit, wrong) in [(true, "passes"), (false, "is stopped")] {
            let kind = if exploit { "exploit" } else { "benign" };
            let mut of_kind = self.cases.iter().filter(|case| case.exploit == exploit);
            if of_kind.clone().next().is_none() {
                found.push(format!("there is no {kind} case"));
            }
            let failed = of_kind.by_ref().filter(|case| !case.ok);
            found.extend(failed.map(|case| format!("{kind} `{}` {wrong}", case.name)));
        }
        found.extend(self.evasions.objections());
        found.extend(self.traffic.as_ref().and_then(Traffic::objection));
        found
    }

    /// Whether the proof is for this very document.
    ///
    /// # Errors
    /// It is for another, for people.
    pub fn covers(&self, document: &Document) -> Result<(), String> {
        match self.patch == *document.id.value && self.document == document.digest() {
            true => Ok(()),
            false => Err(format!(
                "the proof is for another document than `{}` as it is now; prove it again",
                document.id.value
            )),
        }
    }
}

impl Document {
    /// SHA-256, in hexadecimal, of what the document says; comments and layout do not count.
    pub fn digest(&self) -> String {
        // Every document can be written as JSON.
        let text = serde_json::to_vec(self).unwrap_or_default();
        let digest = Sha256::digest(text);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
