//! What the console asks of those who understand patch documents, and who reach other machines.

use ledger::{Advisory, Proof, Reason};
use wire::Event;

/// Makes, reads and proves documents. The control side itself does not know their language.
pub trait Workshop: Send + Sync {
    /// What descriptions of vulnerabilities it understands: their names, and what they are.
    fn kinds(&self) -> Vec<(&'static str, &'static str)>;

    /// Documents made from a description; for each source that gives none, why.
    fn make(&self, kind: &str, name: &str, text: &str) -> Vec<Result<Made, String>>;

    /// The document that is there already for a vulnerability, to be taken as it is.
    fn ready(&self, advisory: &str) -> Option<Made>;

    /// Reads a document, tries its cases and their evasions on it.
    ///
    /// # Errors
    /// What is wrong with it, each with its line.
    fn examine(&self, document: &str, now_ms: i64) -> Result<Examined, Vec<String>>;

    /// What its rules do, for people; empty if that cannot be told.
    fn explain(&self, document: &str) -> String;

    /// Tries a document as `examine` does, and draws what came of it: a fragment of HTML with each
    /// case's request, and what stops it.
    ///
    /// # Errors
    /// What is wrong with the document.
    fn draw(&self, document: &str) -> Result<String, Vec<String>>;

    /// The request that an event tells of, as far as it does: a fragment of HTML, with what matched.
    fn draw_hit(&self, patch: &str, event: &Event) -> String;

    /// How what is drawn looks, as CSS.
    fn style(&self) -> &'static str;

    /// The smallest change of a document that lets the request of an event pass; none: no small
    /// change does, and loses no proof.
    ///
    /// # Errors
    /// What is wrong with the document or the event.
    fn refine(&self, document: &str, event: &Event) -> Result<Option<Refined>, String>;

    /// What an address answers, as a text to read before a vendor patch is reviewed.
    ///
    /// # Errors
    /// Why it was not fetched.
    fn fetch(&self, address: &str) -> Result<String, String>;

    /// What is another in a text than in the one before, line by line.
    fn difference(&self, before: &str, after: &str) -> String;
}

/// A change that is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refined {
    /// The document with it.
    pub document: String,
    /// What it changes, and why.
    pub reasons: Vec<String>,
}

/// A document that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its text.
    pub document: String,
    /// Where the fix can be followed, as far as the description says.
    pub fix: String,
}

/// What a document says of itself, and its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Its identifier.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The vulnerability that it is for.
    pub advisory: Advisory,
    /// Who answers for it.
    pub owner: String,
    /// Why it is there.
    pub reason: Reason,
    /// When it must be looked at anew.
    pub expires_ms: i64,
    /// What came of trying it.
    pub proof: Proof,
}
