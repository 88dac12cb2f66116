//! Requests and answers, short enough for people to read.

use std::net::SocketAddr;

use patch::document::Case;
use patch::{Reply, Request};

use super::screen::cut;

/// Characters of a line, and lines of one part of a request.
const COLUMNS: usize = 88;
const LINES: usize = 2;
/// Bytes of an answer around what shows the exploit.
const BEFORE: usize = 10;
const AFTER: usize = 60;
/// A command that is longer is not worth copying.
const COMMAND: usize = 400;

/// The request line, and a header of its own or the body where one carries the exploit.
pub(super) fn request(request: &Request) -> Vec<String> {
    let line = format!("{} {}", text(&request.method), text(&request.target));
    let mut parts = vec![line];
    let own = |name: &[u8]| {
        let name = name.to_ascii_lowercase();
        !matches!(&*name, b"host" | b"content-type" | b"cookie")
    };
    for (name, value) in request.headers.iter().filter(|(name, _)| own(name)).take(1) {
        parts.push(format!("{}: {}", text(name), text(value)));
    }
    if !request.body.is_empty() {
        parts.push(text(&request.body));
    }
    parts.iter().flat_map(|part| wrapped(part)).collect()
}

/// The beginning, on a few lines.
fn wrapped(part: &str) -> Vec<String> {
    let letters: Vec<char> = cut(part, COLUMNS * LINES).chars().collect();
    let lines = letters.chunks(COLUMNS);
    lines.map(|line| line.iter().collect()).collect()
}

/// The status, and of the body what is around the text that shows the exploit.
pub(super) fn answer(reply: Option<&Reply>, case: &Case) -> String {
    let Some(reply) = reply else {
        return "no answer".to_owned();
    };
    let wanted = case
        .success
        .as_ref()
        .and_then(|success| success.body_contains.as_deref())
        .unwrap_or_default()
        .as_bytes();
    let at = reply
        .body
        .windows(wanted.len().max(1))
        .position(|window| window == wanted);
    let body = match at {
        Some(at) => {
            let end = at
                .saturating_add(wanted.len().max(AFTER))
                .min(reply.body.len());
            let start = at.saturating_sub(BEFORE);
            let rest = if end < reply.body.len() { "…" } else { "" };
            let before = if start > 0 { "…" } else { "" };
            let part = reply.body.get(start..end).unwrap_or_default();
            format!("{before}{}{rest}", text(part))
        }
        None => "without what the exploit is after".to_owned(),
    };
    format!("{} {}", reply.status, body.trim_end())
}

/// A command that sends the request; none if it cannot be typed.
pub(super) fn command(request: &Request, address: SocketAddr) -> Option<String> {
    let quoted = |bytes: &[u8]| {
        let printable = bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
        printable.then(|| format!("'{}'", text(bytes).replace('\'', r"'\''")))
    };
    if !request.target.starts_with(b"/") {
        return None;
    }
    let url = [format!("http://{address}").as_bytes(), &request.target].concat();
    let mut words = vec!["curl -i --path-as-is".to_owned()];
    if request.method != b"GET" && request.method != b"POST" {
        words.push(format!("-X {}", text(&request.method)));
    }
    for (name, value) in &request.headers {
        if !name.eq_ignore_ascii_case(b"host") {
            let header = [name.as_slice(), b": ", value].concat();
            words.push(format!("-H {}", quoted(&header)?));
        }
    }
    if !request.body.is_empty() {
        words.push(format!("--data-raw {}", quoted(&request.body)?));
    }
    words.push(quoted(&url)?);
    let command = words.join(" ");
    (command.len() <= COMMAND).then_some(command)
}

/// On one line: control characters and what is no UTF-8 become spaces.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}
