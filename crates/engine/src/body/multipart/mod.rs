//! `multipart/form-data`, as RFC 7578 and RFC 2046 section 5.1 define it.
//!
//! Where servers differ, every reading is given: a part with two names is a
//! value under both, and each of several file names is one.

pub(super) mod parameters;
mod php;

use std::borrow::Cow;

use super::{Anomaly, Kind, Sink, charset};
use crate::limits::Limits;
use parameters::Parameters;

/// Multipart within multipart that is looked into.
const NESTING: usize = 2;

/// Parses a body. `content_type` is the header's value, which holds the boundary.
pub(crate) fn parse(content_type: &[u8], body: &[u8], limits: &Limits, sink: &mut dyn Sink) {
    let mut parts = 0;
    read(content_type, body, limits, sink, &mut parts, 0);
}

fn read(
    content_type: &[u8],
    body: &[u8],
    limits: &Limits,
    sink: &mut dyn Sink,
    parts: &mut usize,
    depth: usize,
) {
    let Some(boundary) = boundary(content_type, sink) else {
        sink.anomaly(Anomaly::MultipartInvalidBoundary);
        return;
    };
    let (mut crlf, mut lf) = (false, false);
    // Where the current part begins; none before the first delimiter.
    let mut part: Option<usize> = None;
    let mut at = 0;
    while at < body.len() {
        let rest = body.get(at..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
        let line = rest.get(..end).unwrap_or_default();
        crlf |= line.ends_with(b"\r\n");
        lf |= line.ends_with(b"\n") && !line.ends_with(b"\r\n");
        let start = at;
        at += end;
        let delimiter = line
            .strip_prefix(b"--")
            .and_then(|line| line.strip_prefix(&*boundary));
        let Some(tail) = delimiter.map(<[u8]>::trim_ascii_end) else {
            if part.is_none() && !line.trim_ascii().is_empty() {
                sink.anomaly(Anomaly::MultipartDataBefore);
            }
            if line.starts_with(b"--") && undashed(line.trim_ascii_end()) == undashed(&boundary) {
                // The boundary, with more or fewer hyphens than it has.
                sink.anomaly(Anomaly::MultipartUnmatchedBoundary);
            }
            continue;
        };
        if !matches!(tail, b"" | b"--") {
            sink.anomaly(Anomaly::MultipartUnmatchedBoundary);
            continue;
        }
        if let Some(from) = part.replace(at) {
            *parts += 1;
            if *parts > limits.multipart_parts {
                sink.anomaly(Anomaly::MultipartTooManyParts);
                return;
            }
            self::part(
                body.get(from..start).unwrap_or_default(),
                limits,
                sink,
                parts,
                depth,
            );
        }
        if tail == b"--" {
            if !body.get(at..).unwrap_or_default().trim_ascii().is_empty() {
                sink.anomaly(Anomaly::MultipartDataAfter);
                // Some servers go on after the closing delimiter, so what follows is read too.
                continue;
            }
            line_ends(crlf, lf, sink);
            return;
        }
    }
    sink.anomaly(Anomaly::MultipartIncomplete);
    line_ends(crlf, lf, sink);
    if let Some(from) = part {
        self::part(
            body.get(from..).unwrap_or_default(),
            limits,
            sink,
            parts,
            depth,
        );
    }
}

fn undashed(mut text: &[u8]) -> &[u8] {
    while let [b'-', rest @ ..] | [rest @ .., b'-'] = text {
        text = rest;
    }
    text
}

fn line_ends(crlf: bool, lf: bool, sink: &mut dyn Sink) {
    match (crlf, lf) {
        (true, true) => sink.anomaly(Anomaly::MultipartMixedLineEnds),
        (false, true) => sink.anomaly(Anomaly::MultipartLfLine),
        _ => {}
    }
}

/// The boundary of a content type, if RFC 2046 allows it.
fn boundary(content_type: &[u8], sink: &mut dyn Sink) -> Option<Vec<u8>> {
    let parameters = Parameters::read(content_type);
    let mut found = parameters.all("boundary");
    let first = found.next()?;
    if found.next().is_some() {
        sink.anomaly(Anomaly::MultipartInvalidBoundary);
    }
    if first.quoted {
        sink.anomaly(Anomaly::MultipartBoundaryQuoted);
    }
    if first.spaced {
        sink.anomaly(Anomaly::MultipartBoundaryWhitespace);
    }
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
    if first.value.len() > 70 {
        sink.anomaly(Anomaly::MultipartLongBoundary);
    }
    if first.value.is_empty() || !first.value.iter().all(allowed) || first.value.ends_with(b" ") {
        sink.anomaly(Anomaly::MultipartInvalidBoundary);
    }
    (!first.value.is_empty()).then(|| first.value.clone())
}

/// One part: header lines, an empty line, the content, and the line end before the delimiter.
fn part(part: &[u8], limits: &Limits, sink: &mut dyn Sink, parts: &mut usize, depth: usize) {
    let mut headers: Vec<Vec<u8>> = Vec::new();
    let mut bytes = 0;
    let mut rest = part;
    loop {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        bytes += line.len();
        let folded = line.starts_with(b" ") || line.starts_with(b"\t");
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if bytes > limits.multipart_header_bytes {
            sink.anomaly(Anomaly::TooLarge);
            break;
        }
        match headers.last_mut() {
            Some(last) if folded => {
                sink.anomaly(Anomaly::MultipartHeaderFolding);
                last.push(b' ');
                last.extend_from_slice(line.trim_ascii());
            }
            _ => {
                if folded {
                    sink.anomaly(Anomaly::MultipartInvalidHeaderFolding);
                }
                headers.push(line.to_vec());
            }
        }
    }
    let content = rest.strip_suffix(b"\n").unwrap_or(rest);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    describe(&headers, content, sink);
    if let Some(inner) = value(&headers, b"content-type")
        && inner.to_ascii_lowercase().starts_with(b"multipart/")
    {
        sink.anomaly(Anomaly::MultipartNested);
        if depth < NESTING {
            read(inner, content, limits, sink, parts, depth + 1);
        } else {
            sink.anomaly(Anomaly::TooDeep);
        }
    }
}

/// The trimmed value of the first header of that (lower-case) name.
fn value<'h>(headers: &'h [Vec<u8>], name: &[u8]) -> Option<&'h [u8]> {
    headers.iter().find_map(|line| {
        let (have, value) = line.split_at(memchr::memchr(b':', line)?);
        have.trim_ascii()
            .eq_ignore_ascii_case(name)
            .then(|| value.get(1..).unwrap_or_default().trim_ascii())
    })
}

fn describe(headers: &[Vec<u8>], content: &[u8], sink: &mut dyn Sink) {
    let named = |name: &[u8]| {
        headers
            .iter()
            .filter(|line| value(std::slice::from_ref(line), name).is_some())
            .count()
    };
    if headers
        .iter()
        .any(|line| memchr::memchr(b':', line).is_none_or(|colon| colon == 0))
        || named(b"content-disposition") > 1
    {
        sink.anomaly(Anomaly::MultipartInvalidHeader);
    }
    if let Some(coding) = value(headers, b"content-transfer-encoding")
        && ![&b"7bit"[..], b"8bit", b"binary"]
            .iter()
            .any(|known| coding.eq_ignore_ascii_case(known))
    {
        sink.anomaly(Anomaly::MultipartTransferEncoding);
    }
    let header = value(headers, b"content-disposition").unwrap_or_default();
    let disposition = Parameters::read(header);
    for anomaly in &disposition.anomalies {
        sink.anomaly(*anomaly);
    }
    // Django and Werkzeug read the extended form too.
    let mut names: Vec<Vec<u8>> = disposition
        .all("name")
        .map(|found| found.value.clone())
        .chain(
            disposition
                .all("name*")
                .map(|found| parameters::extended(&found.value)),
        )
        .collect();
    let mut files: Vec<Vec<u8>> = disposition
        .all("filename")
        .map(|found| found.value.clone())
        .collect();
    let plain = files.len();
    files.extend(
        disposition
            .all("filename*")
            .map(|found| parameters::extended(&found.value)),
    );
    if names.len() > 1 || plain > 1 || files.len() - plain > 1 {
        sink.anomaly(Anomaly::MultipartDuplicateParameter);
    }
    let asks_php = !disposition.anomalies.is_empty() || php::may_differ(header);
    let both = [(&mut names, &b"name"[..]), (&mut files, b"filename")];
    for (known, name) in both.into_iter().filter(|_| asks_php) {
        for value in php::values(header, name) {
            if !known.contains(&value) {
                known.push(value);
            }
        }
    }
    if names.is_empty() || !disposition.kind.eq_ignore_ascii_case(b"form-data") {
        sink.anomaly(Anomaly::MultipartInvalidPart);
        names.push(Vec::new());
    }
    // Without a name, browsers send an empty file; Django takes the part for a field.
    let nameless = files.iter().any(Vec::is_empty) && !content.is_empty();
    let ambiguous = !disposition.anomalies.is_empty() || names.len() > 1 || nameless;
    let text = match value(headers, b"content-type") {
        Some(kind) if files.is_empty() || ambiguous => charset::field(kind, content, sink),
        _ => content.into(),
    };
    for name in &names {
        for line in headers {
            sink.field(Kind::PartHeader, name, line);
        }
        for file in &files {
            sink.field(Kind::FileName, name, file);
        }
        if !files.is_empty() {
            sink.field(Kind::FileContent, name, content);
        }
        if files.is_empty() || ambiguous {
            sink.field(Kind::Field, name, &text);
            // Many readers know of no charset of a part.
            if matches!(text, Cow::Owned(_)) {
                sink.field(Kind::Field, name, content);
            }
        }
    }
}
