//! Raw HTTP/1.1 requests, each of which is an exploit; lines that begin with `###` between them.

use patch::Request;

use super::{Imported, Importer, Options, stem};
use crate::{Description, Exploit, Step};

/// `http`
pub(super) const IMPORTER: Importer = Importer {
    kind: "http",
    summary: "raw HTTP/1.1 requests (RFC 9112), lines that begin with ### between them",
    suffixes: &["http", "req", "txt"],
    read,
};

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    let id = stem(name);
    let exploits = match exploits(text, name, options.limits.exploits) {
        Ok(exploits) => exploits,
        Err(reason) => return vec![Imported::rejected(id, reason)],
    };
    let title = format!("the request of {id}");
    let description = Description::unnamed(id, title, name, exploits);
    vec![Imported::synthesised(&description, options)]
}

fn exploits(text: &str, name: &str, bound: usize) -> Result<Vec<Exploit>, String> {
    let mut exploits = Vec::new();
    for (line, request) in requests(text) {
        let number = exploits.len() + 1;
        if number > bound {
            return Err(format!("{name}:{line}: more than {bound} requests"));
        }
        let request =
            Request::from_raw(request.as_bytes()).map_err(|why| format!("{name}:{line}: {why}"))?;
        exploits.push(Exploit {
            name: format!("request {number}"),
            stage: 0,
            steps: vec![Step::of(request)],
        });
    }
    match exploits.is_empty() {
        true => Err(format!(
            "{name}: there is no request; write METHOD TARGET HTTP/1.1 and what follows"
        )),
        false => Ok(exploits),
    }
}

/// The texts between separators that are not blank, with the lines at which they begin.
fn requests(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let mut keep = |start: usize, end: usize| {
        let part = text.get(start..end).unwrap_or_default();
        let blank = part.len() - part.trim_start().len();
        let line = 1 + text
            .get(..start + blank)
            .map_or(0, |before| before.matches('\n').count());
        if !part.trim().is_empty() {
            found.push((line, part.trim_start()));
        }
    };
    for line in text.split_inclusive('\n') {
        if line.starts_with("###") {
            keep(start, at);
            start = at + line.len();
        }
        at += line.len();
    }
    keep(start, text.len());
    found
}
