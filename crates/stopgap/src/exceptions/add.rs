//! `stopgap exceptions add`.

use std::process::ExitCode;

use clap::{ArgGroup, Args};
use ledger::Subject;
use ledger::exception::{About, Evidence, Protection, Terms};

use super::{day_ms, told};
use crate::ledger_place::{Place, Who, now_ms};

/// Ask for an exception; it counts when somebody else has approved it.
#[derive(Args)]
#[command(group = ArgGroup::new("about").required(true).args(["findings", "advisory", "subject"]))]
#[command(group = ArgGroup::new("protection").required(true).args(["virtual_patch", "network_isolation", "other_control"]))]
pub(super) struct Add {
    #[command(flatten)]
    place: Place,
    /// About the finding with this number. Can be repeated.
    #[arg(long = "finding", value_name = "NUMBER")]
    findings: Vec<i64>,
    /// About all findings of this advisory that are not fixed.
    #[arg(long, value_name = "ID")]
    advisory: Option<String>,
    /// About all findings of this that are not fixed, as far as a virtual patch that protects is
    /// for them: asset/ID or application/ID.
    #[arg(long, value_name = "KIND/ID")]
    subject: Option<Subject>,
    /// This virtual patch protects; the exception is void when it does not any more.
    #[arg(long, value_name = "ID")]
    virtual_patch: Option<String>,
    /// It cannot be reached.
    #[arg(long, requires = "evidence", requires = "recheck")]
    network_isolation: bool,
    /// Something else protects: what.
    #[arg(long, value_name = "TEXT", requires = "evidence", requires = "recheck")]
    other_control: Option<String>,
    /// What shows that it protects.
    #[arg(long, value_name = "TEXT", conflicts_with = "virtual_patch")]
    evidence: Option<String>,
    /// When that must be looked at again, or the exception is void: 2027-01-31.
    #[arg(long, value_name = "DATE", value_parser = day_ms, conflicts_with = "virtual_patch")]
    recheck: Option<i64>,
    /// Who answers for it.
    #[arg(long, value_name = "WHO")]
    owner: String,
    /// When it must be decided anew: 2027-01-31.
    #[arg(long, value_name = "DATE", value_parser = day_ms)]
    expires: i64,
    #[command(flatten)]
    by: Who,
    /// Write one JSON object: {"version", "standing", "value"}.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Add) -> anyhow::Result<ExitCode> {
    let terms = Terms {
        about: arguments.about(),
        reason: arguments.by.why.clone(),
        owner: arguments.owner.clone(),
        expires_ms: arguments.expires,
        protection: arguments.protection(),
    };
    let store = arguments.place.open()?;
    let made = store.change(&arguments.by.by(now_ms()), |it| it.request_exception(terms))?;
    told(&made, arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

impl Add {
    fn about(&self) -> About {
        match (&self.advisory, &self.subject) {
            (Some(advisory), _) => About::Advisory(advisory.clone()),
            (None, Some(subject)) => About::Subject(subject.clone()),
            (None, None) => About::Findings(self.findings.clone()),
        }
    }

    fn protection(&self) -> Protection {
        if let Some(patch) = &self.virtual_patch {
            let patch = patch.clone();
            return Protection::VirtualPatch { patch };
        }
        let evidence = Evidence {
            seen: self.evidence.clone().unwrap_or_default(),
            recheck_ms: self.recheck.unwrap_or_default(),
        };
        match &self.other_control {
            Some(what) => Protection::OtherControl {
                what: what.clone(),
                evidence,
            },
            None => Protection::NetworkIsolation(evidence),
        }
    }
}
