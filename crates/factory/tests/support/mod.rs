//! Sources to patches, and patches to decisions.

use std::sync::Arc;

use factory::{Limits, Made, Options, Outcome, importers};
use jiff::civil::date;
use patch::document::Reason;
use patch::{Request, Source, prove};

pub(crate) fn options(accept: bool) -> Options {
    Options {
        owner: "team@example.org".to_owned(),
        reason: Reason::ThirdParty,
        expires: date(2027, 6, 30),
        today: date(2027, 1, 1),
        accept,
        limits: Limits::default(),
    }
}

/// The first patch of a source, or why there is none.
pub(crate) fn import(kind: &str, text: &str, name: &str, accept: bool) -> Result<Made, String> {
    let importer = importers()
        .iter()
        .find(|importer| importer.kind == kind)
        .unwrap();
    match importer
        .import(text, name, &options(accept))
        .remove(0)
        .outcome
    {
        Outcome::Patch(made) => Ok(made),
        other => Err(format!("{other:?}")),
    }
}

/// A patch that decides.
pub(crate) struct Patch {
    plan: Arc<engine::Plan>,
    /// As SecLang, for messages.
    pub(crate) rules: String,
}

impl Patch {
    pub(crate) fn of(yaml: &str) -> Self {
        let source = Source::parse("made", yaml)
            .map_err(|problem| {
                format!(
                    "{problem}
{yaml}"
                )
            })
            .unwrap();
        let compiled = patch::compile(&source).unwrap();
        Self {
            plan: prove::plan(&source, &compiled).unwrap(),
            rules: patch::explain(&source).unwrap().seclang,
        }
    }

    pub(crate) fn stops(&self, text: &str) -> bool {
        let request = Request::from_raw(raw(text).as_bytes()).unwrap();
        request.exchange("").inspect(&self.plan).action() != "pass"
    }
}

/// A method and a target, then header lines, then a body, as raw HTTP.
pub(crate) fn raw(text: &str) -> String {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let mut raw = format!("{} HTTP/1.1\nHost: app\n", lines.next().unwrap());
    let mut typed = false;
    for line in lines {
        typed |= line.to_ascii_lowercase().starts_with("content-type:");
        raw.push_str(line);
        raw.push('\n');
    }
    if !body.is_empty() && !typed {
        raw.push_str("Content-Type: application/x-www-form-urlencoded\n");
    }
    raw.push('\n');
    match typed && body.starts_with("--") {
        true => raw + &body.replace('\n', "\r\n"),
        false => raw + body,
    }
}
