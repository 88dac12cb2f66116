//! What an importer found out, before anything is decided.

use patch::Request;
use patch::document::{Severity, Success, Vulnerability};

/// A vulnerability and the requests that exploit it.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The patch's id: a CVE where there is one.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is known of it.
    pub vulnerability: Vulnerability,
    /// Words for what kind of vulnerability it is, such as `lfi`.
    pub hints: Vec<String>,
    /// What of the source is not looked at, for people.
    pub notes: Vec<String>,
    /// What people call the source: a path, usually.
    pub source: String,
    /// Each by itself exploits the vulnerability. At least one.
    pub exploits: Vec<Exploit>,
}

impl Description {
    /// Of exploits of which nothing is known but the requests.
    pub(crate) fn unnamed(id: String, title: String, source: &str, exploits: Vec<Exploit>) -> Self {
        Self {
            id,
            title,
            severity: Severity::High,
            vulnerability: Vulnerability::default(),
            hints: Vec::new(),
            notes: Vec::new(),
            source: source.to_owned(),
            exploits,
        }
    }
}

/// One way to exploit it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exploit {
    /// Unique in the description.
    pub name: String,
    /// Exploits that are tried one instead of the other have the same number; what has
    /// a smaller one comes before and may only prepare.
    pub stage: usize,
    /// The requests, in the order in which they are sent. At least one.
    pub steps: Vec<Step>,
}

/// One request of an exploit.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// As it is sent.
    pub request: Request,
    /// The same request with every unknown part chosen otherwise; a patch must stop it too.
    pub again: Option<Request>,
    /// What the answer of a vulnerable application is like.
    pub success: Option<Success>,
    /// Parts of the request that say nothing of the vulnerability.
    pub unknowns: Vec<Unknown>,
    /// The name of the parameter, header or cookie that is known to be vulnerable.
    pub attacked: Option<String>,
}

impl Step {
    /// A request of which nothing else is known.
    pub fn of(request: Request) -> Self {
        Self {
            request,
            again: None,
            success: None,
            unknowns: Vec::new(),
            attacked: None,
        }
    }
}

/// Bytes that would be others for another target or the next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// As they stand in the request, before anything encodes them.
    pub text: String,
    /// Where they come from.
    pub origin: Origin,
}

/// Where a part of a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Chosen at random.
    Random,
    /// The name of a host that records who calls it.
    Callback,
    /// The name or address of the target.
    Target,
    /// Given by whoever sends it, such as a user name.
    Given,
    /// Taken from an earlier answer.
    Extracted,
}
