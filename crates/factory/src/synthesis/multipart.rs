//! The parts of a multipart body (RFC 7578): fields, file names, contents of files, and what
//! else their headers hold.

use patch::document::{Member, Place, PlaceKind};

use super::parts::Part;

/// Adds what is found. The boundary is read from the body's first line.
pub(super) fn parts(body: &[u8], parts: &mut Vec<Part>) {
    let start = body.windows(2).position(|two| two == b"--");
    let Some(body) = start.and_then(|start| body.get(start..)) else {
        return;
    };
    let line = body.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let boundary = line.trim_ascii_end();
    if boundary.len() < 3 {
        return;
    }
    for part in split(body, boundary) {
        one(part, parts);
    }
}

fn split<'b>(body: &'b [u8], boundary: &[u8]) -> Vec<&'b [u8]> {
    let mut found = Vec::new();
    let mut rest = body;
    let mut inside = false;
    loop {
        let next = rest
            .windows(boundary.len())
            .position(|window| window == boundary);
        let (part, after) = match next {
            Some(at) => (rest.get(..at), rest.get(at + boundary.len()..)),
            None => (Some(rest), None),
        };
        if inside {
            found.extend(part);
        }
        inside = true;
        match after {
            Some(after) => rest = after,
            None => return found,
        }
    }
}

fn one(part: &[u8], parts: &mut Vec<Part>) {
    let part = part.strip_prefix(b"\r").unwrap_or(part);
    let part = part.strip_prefix(b"\n").unwrap_or(part);
    let blank = |mark: &[u8]| {
        part.windows(mark.len())
            .position(|window| window == mark)
            .map(|at| (at, at + mark.len()))
    };
    let Some((end, start)) = blank(b"\r\n\r\n").or_else(|| blank(b"\n\n")) else {
        return;
    };
    let head = String::from_utf8_lossy(part.get(..end).unwrap_or_default());
    let content = part.get(start..).unwrap_or_default();
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    for value in others(&head) {
        parts.push(part_of(PlaceKind::PartHeaders, None, value.into_bytes()));
    }
    let Some(name) = parameter(&head, "name") else {
        return;
    };
    // A field's name is a path only for whoever wants the application to write there.
    if name.contains(['/', '\\']) {
        let name = name.clone().into_bytes();
        parts.push(part_of(PlaceKind::PartHeaders, None, name));
    }
    match parameter(&head, "filename") {
        Some(file) => {
            parts.push(part_of(PlaceKind::FileNames, None, file.into_bytes()));
            parts.push(part_of(PlaceKind::FileContents, None, content.to_vec()));
        }
        None => parts.push(part_of(PlaceKind::Form, Some(name), content.to_vec())),
    }
}

fn part_of(kind: PlaceKind, name: Option<String>, value: Vec<u8>) -> Part {
    Part {
        place: Place {
            kind,
            member: name.map(Member::Name),
        },
        value,
    }
}

/// A parameter of a header line.
fn parameter(head: &str, wanted: &str) -> Option<String> {
    let mut parameters = pieces(head).into_iter().filter_map(named);
    let found = parameters.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    found.map(|(_, value)| value.to_owned())
}

/// The values that are neither the name of a field nor that of a file.
fn others(head: &str) -> Vec<String> {
    const ELSEWHERE: &[&str] = &["name", "filename", "filename*"];
    let value = |piece| match named(piece) {
        Some((name, value)) => {
            let other = !ELSEWHERE
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known));
            other.then_some(value)
        }
        None => piece.split_once(':').map(|(_, value)| value.trim()),
    };
    pieces(head)
        .into_iter()
        .filter_map(value)
        .map(str::to_owned)
        .collect()
}

/// `name="value"`, without quotes.
fn named(piece: &str) -> Option<(&str, &str)> {
    let (name, value) = piece.trim().split_once('=')?;
    let value = value.trim();
    let value = value.strip_prefix('"').unwrap_or(value);
    let value = value.strip_suffix('"').unwrap_or(value);
    Some((name.trim(), value))
}

/// What semicolons outside of quotes, and ends of lines, cut off.
fn pieces(head: &str) -> Vec<&str> {
    let mut quoted = false;
    let ends = |letter: char| {
        quoted = letter != '\n' && (quoted ^ (letter == '"'));
        letter == '\n' || (letter == ';' && !quoted)
    };
    head.split(ends).collect()
}
