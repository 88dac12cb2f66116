//! Sources to patches, and patches to decisions.

use std::sync::Arc;

use factory::{Beside, Imported, Importer, Limits, Made, Options, Outcome, importers};
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
        hosts: vec!["app".to_owned(), "www.app.example".to_owned()],
        limits: Limits::default(),
        beside: Beside::default(),
    }
}

pub(crate) fn importer(kind: &str) -> &'static Importer {
    let mut kinds = importers().iter();
    kinds.find(|importer| importer.kind == kind).unwrap()
}

/// What an importer makes of a source.
pub(crate) fn imports(kind: &str, text: &str, name: &str, accept: bool) -> Vec<Imported> {
    importer(kind).import(text, name, &options(accept))
}

/// The first patch of a source, or why there is none.
pub(crate) fn import(kind: &str, text: &str, name: &str, accept: bool) -> Result<Made, String> {
    match imports(kind, text, name, accept).remove(0).outcome {
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
        request(text).exchange("").inspect(&self.plan).action() != "pass"
    }
}

/// The request of such a text as [`raw`] takes.
pub(crate) fn request(text: &str) -> Request {
    Request::from_raw(raw(text).as_bytes()).unwrap()
}

/// A method and a target, then header lines, then a body, as raw HTTP.
pub(crate) fn raw(text: &str) -> String {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let mut raw = format!("{} HTTP/1.1\n", lines.next().unwrap());
    if !head.contains("\nHost: ") {
        raw.push_str("Host: app\n");
    }
    let mut typed = false;
    for line in lines {
        typed |= line.to_ascii_lowercase().starts_with("content-type:");
        // Without a value, to say that there is none.
        if line == "Content-Type:" {
            continue;
        }
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
