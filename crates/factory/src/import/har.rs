//! HTTP Archive 1.2, as [`patch::har`] reads it. A recording is one exploit: its requests, in their order. What only
//! loads a page (pictures, fonts, styles, scripts) is no part of it, and told.

use patch::Request;
use patch::har::{self, Entry};

use super::target::Target;
use super::{Imported, Importer, Options, Outcome, stem};
use crate::{Description, Exploit, Limits, Step};

/// `har`
pub(super) const IMPORTER: Importer = Importer {
    kind: "har",
    summary: "HTTP Archive 1.2: one exploit, recorded; static resources are left out",
    suffixes: &["har"],
    read,
    read_bytes: None,
};

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    let id = stem(name);
    let (steps, loaded) = match steps(text, name, &options.limits) {
        Ok(found) => found,
        Err(reason) => return vec![Imported::rejected(id, reason)],
    };
    let mut found = Vec::new();
    if loaded > 0 {
        found.push(Imported {
            id: id.clone(),
            outcome: Outcome::Needless(format!(
                "{name}: {loaded} of its requests fetch static resources and are no part of the exploit"
            )),
        });
    }
    let exploit = Exploit {
        name: "recorded".to_owned(),
        stage: 0,
        steps,
    };
    let title = format!("the recorded requests of {id}");
    let description = Description::unnamed(id, title, name, vec![exploit]);
    found.push(Imported::synthesised(&description, options));
    found
}

/// The requests, and how many were left out.
fn steps(text: &str, name: &str, limits: &Limits) -> Result<(Vec<Step>, usize), String> {
    let entries = har::read(text.as_bytes())
        .map_err(|error| format!("{name}:{}: this is no HTTP Archive: {error}", error.line()))?;
    let all = entries.len();
    let mut steps = Vec::new();
    for (at, entry) in entries {
        let at_entry = |why| format!("{name}: entry {at}: {why}");
        let request = entry.and_then(request).map_err(at_entry)?;
        if is_static(&request) {
            continue;
        }
        if steps.len() == limits.steps {
            return Err(at_entry(format!(
                "more than {} requests; keep those that exploit something",
                limits.steps
            )));
        }
        if request.target.len() + request.body.len() > limits.request_bytes {
            let bound = limits.request_bytes;
            return Err(at_entry(format!("a request of more than {bound} bytes")));
        }
        steps.push(Step::of(request));
    }
    match steps.is_empty() {
        true => Err(format!(
            "{name}: none of its {all} entries asks for more than a static resource"
        )),
        false => {
            let loaded = all - steps.len();
            Ok((steps, loaded))
        }
    }
}

fn request(entry: Entry) -> Result<Request, String> {
    let url = Target::of(&entry.url)?;
    let mut request = Request::from(entry.exchange);
    request.target = url.target.into_bytes();
    request.version = b"HTTP/1.1".to_vec();
    request.headers.retain(|(name, _)| !frames(name));
    Ok(request)
}

/// Headers that follow from the body.
fn frames(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding")
}

/// Whether a page's picture, font, style or script is fetched, by a path in which nothing
/// can hide.
fn is_static(request: &Request) -> bool {
    const SUFFIXES: &[&str] = &[
        "css", "js", "mjs", "map", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico",
        "woff", "woff2", "ttf", "otf", "eot", "mp4", "webm", "mp3",
    ];
    let Ok(target) = std::str::from_utf8(&request.target) else {
        return false;
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let plain = |text: &str, more: &str| {
        text.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || more.contains(letter))
    };
    let suffix = path.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    request.method == b"GET"
        && request.body.is_empty()
        && !path.contains("..")
        && plain(path, "/-_.~@+")
        // Such as a version.
        && plain(query, "=.-_")
        && SUFFIXES.contains(&suffix.to_ascii_lowercase().as_str())
}
