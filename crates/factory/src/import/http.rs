//! Raw HTTP/1.1 requests, each of which is an exploit; lines that begin with `###` between them.
//! Editors write the same with variables, comments and whole URLs (`.http` files).

use std::collections::BTreeMap;

use patch::Request;

use super::{Imported, Importer, Options, stem};
use crate::{Description, Exploit, Limits, Step};

/// `http`
pub(super) const IMPORTER: Importer = Importer {
    kind: "http",
    summary: "raw HTTP/1.1 requests (RFC 9112), lines that begin with ### between them; also as editors write them",
    suffixes: &["http", "req", "txt"],
    read,
    read_bytes: Some(read_bytes),
};

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    read_bytes(text.as_bytes(), name, options)
}

/// Also requests whose bodies are no text, such as serialised objects.
fn read_bytes(bytes: &[u8], name: &str, options: &Options) -> Vec<Imported> {
    made(exploits(bytes, name, &options.limits), name, options)
}

fn made(exploits: Result<Vec<Exploit>, String>, name: &str, options: &Options) -> Vec<Imported> {
    let id = stem(name);
    let exploits = match exploits {
        Ok(exploits) => exploits,
        Err(reason) => return vec![Imported::rejected(id, reason)],
    };
    let title = format!("the request of {id}");
    let description = Description::unnamed(id, title, name, exploits);
    vec![Imported::synthesised(&description, options)]
}

fn exploits(bytes: &[u8], name: &str, limits: &Limits) -> Result<Vec<Exploit>, String> {
    let mut exploits = Vec::new();
    let mut variables = Variables::within(limits);
    let mut room = limits.inflated_bytes;
    for (line, part) in requests(bytes) {
        let at_line = |why| format!("{name}:{line}: {why}");
        let (head, body) = match std::str::from_utf8(part) {
            Ok(text) => (text, None),
            Err(_) => binary(part).map_err(at_line)?,
        };
        let (above, request) = headless(head, &mut variables).map_err(at_line)?;
        if request.is_empty() && body.is_none() {
            continue;
        }
        let line = line + above;
        let at_line = |why| format!("{name}:{line}: {why}");
        let request = variables.replaced(request).map_err(at_line)?;
        let request = whole(&unfolded(&with_line(&request)));
        let number = exploits.len() + 1;
        let bound = limits.exploits;
        if number > bound {
            return Err(format!("{name}:{line}: more than {bound} requests"));
        }
        let raw = match body {
            None => request.into_bytes(),
            Some(body) => [request.trim_end().as_bytes(), b"\r\n\r\n", body].concat(),
        };
        let request = Request::from_raw(&raw).map_err(at_line)?;
        let request = plain(request, &mut room).map_err(at_line)?;
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

/// The same request with its body as it is, where it was deflated (RFC 9110 section 8.4.1).
/// `room` is what bodies of this source may still inflate to.
fn plain(mut request: Request, room: &mut usize) -> Result<Request, String> {
    let deflates = |(name, value): &(Vec<u8>, Vec<u8>)| {
        let known: [&[u8]; 3] = [b"gzip", b"x-gzip", b"deflate"];
        let coding = value.trim_ascii().to_ascii_lowercase();
        name.eq_ignore_ascii_case(b"content-encoding") && known.contains(&coding.as_slice())
    };
    if !request.headers.iter().any(deflates) {
        return Ok(request);
    }
    let body = engine::transformations::inflated(&request.body, *room);
    *room = room.checked_sub(body.len()).ok_or(
        "the bodies down to this one inflate to more than a source may have; leave some out",
    )?;
    if !body.is_empty() {
        request.headers.retain(|header| !deflates(header));
        request.body = body;
    }
    Ok(request)
}

/// The texts between separators that are not blank, with the lines at which they begin.
fn requests(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut found = Vec::new();
    let (mut start, mut first) = (0, 1);
    let mut at = 0;
    let mut keep = |start: usize, end: usize, first: usize| {
        let part = bytes.get(start..end).unwrap_or_default();
        let request = part.trim_ascii_start();
        let (blank, _) = part.split_at(part.len() - request.len());
        if !request.is_empty() {
            let lines = blank.iter().filter(|byte| **byte == b'\n').count();
            found.push((first + lines, request));
        }
    };
    for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        if line.starts_with(b"###") {
            keep(start, at, first);
            (start, first) = (at + line.len(), number + 1);
        }
        at += line.len();
    }
    keep(start, bytes.len(), first);
    found
}

/// The head of a request, with what stands above it, and its body, which is no text.
fn binary(bytes: &[u8]) -> Result<(&str, Option<&[u8]>), String> {
    let (mut head, mut body) = (0, &b""[..]);
    // What stands above a request has no blank line behind it that ends a head.
    let mut begun = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let blank = line.trim_ascii().is_empty();
        if blank && begun {
            body = bytes.get(head + line.len()..).unwrap_or_default();
            break;
        }
        let aside =
            blank || line.starts_with(b"#") || line.starts_with(b"//") || line.starts_with(b"@");
        begun |= !aside;
        head += line.len();
    }
    let head = std::str::from_utf8(bytes.get(..head).unwrap_or_default())
        .map_err(|_| "the head of its request is no UTF-8")?;
    Ok((head, Some(body)))
}

/// A request without the comments and variables above it, and how many lines these are.
fn headless<'t>(text: &'t str, variables: &mut Variables<'t>) -> Result<(usize, &'t str), String> {
    let (mut lines, mut rest) = (0, text);
    loop {
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        let line = line.trim();
        let aside = line.is_empty() || line.starts_with('#') || line.starts_with("//");
        let variable = line
            .strip_prefix('@')
            .and_then(|variable| variable.split_once('='));
        if let Some((name, value)) = variable {
            let value = variables.replaced(value.trim())?;
            variables.set.insert(name.trim(), value);
            if variables.set.len() > VARIABLES {
                return Err(format!("it sets more than {VARIABLES} variables"));
            }
        } else if rest.is_empty() || !aside {
            return Ok((lines, rest));
        }
        (lines, rest) = (lines + 1, after);
    }
}

/// Variables that a file may set.
const VARIABLES: usize = 1000;
/// Bytes of a variable's name at most, with the spaces around it.
const NAME_BYTES: usize = 256;

/// What a file has set.
struct Variables<'t> {
    set: BTreeMap<&'t str, String>,
    /// Bytes that may still be put in the place of names, in the whole file.
    room: usize,
    bound: usize,
}

impl Variables<'_> {
    fn within(limits: &Limits) -> Self {
        Self {
            set: BTreeMap::new(),
            room: limits.source_bytes,
            bound: limits.source_bytes,
        }
    }

    /// `{{name}}` of what has been set. What nobody has set may be the attack itself.
    fn replaced(&mut self, text: &str) -> Result<String, String> {
        let (mut whole, mut rest) = (String::new(), text);
        while let Some((before, behind)) = rest.split_once("{{") {
            let near = behind.split_at(behind.floor_char_boundary(NAME_BYTES)).0;
            let named = near.split_once("}}").map(|(name, _)| name);
            let value = named.and_then(|name| self.set.get(name.trim()));
            whole.push_str(before);
            match (named, value) {
                (Some(name), Some(value)) => {
                    let room = self.room.checked_sub(value.len());
                    self.room = room.ok_or_else(|| {
                        format!("its variables make more than {} bytes", self.bound)
                    })?;
                    whole.push_str(value);
                    rest = behind.get(name.len() + 2..).unwrap_or_default();
                }
                _ => {
                    whole.push_str("{{");
                    rest = behind;
                }
            }
        }
        whole.push_str(rest);
        Ok(whole)
    }
}

/// A request whose first line stands in pseudo-headers, as those of HTTP/2 are shown (RFC 9113
/// section 8.3.1), with a line of its own.
fn with_line(text: &str) -> String {
    if !text.starts_with(':') {
        return text.to_owned();
    }
    let (mut method, mut path, mut host) = ("GET", "/", None);
    let mut rest = text;
    while let Some(after) = rest.strip_prefix(':') {
        let (line, behind) = after.split_once('\n').unwrap_or((after, ""));
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name {
            "method" => method = value.trim(),
            "path" => path = value.trim(),
            "authority" => host = Some(value.trim()),
            _ => {}
        }
        rest = behind;
    }
    let host = host.map_or_else(String::new, |host| format!("Host: {host}\n"));
    format!("{method} {path} HTTP/1.1\n{host}{rest}")
}

/// A query may go on in further lines, each of which begins with `?` or `&`.
fn unfolded(text: &str) -> String {
    let (line, mut rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut first = line.trim_end().to_owned();
    loop {
        let (next, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        let next = next.trim();
        if !next.starts_with(['?', '&']) {
            break;
        }
        first.push_str(&next.replace(' ', "%20"));
        rest = behind;
    }
    match first.len() == line.trim_end().len() {
        true => text.to_owned(),
        false => format!("{first}\n{rest}"),
    }
}

/// A request for a whole URL, which needs no version and no `Host`, as it is sent.
fn whole(text: &str) -> String {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let Some((method, url)) = line.trim().split_once(char::is_whitespace) else {
        return text.to_owned();
    };
    // Spaces in a URL are its own; only a version is none of it.
    let (url, version) = match url.rsplit_once(char::is_whitespace) {
        Some((url, version)) if version.starts_with("HTTP/") => (url, version),
        _ => (url, "HTTP/1.1"),
    };
    let Some((_, url)) = url
        .trim()
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
    else {
        return text.to_owned();
    };
    let head = rest.lines().take_while(|line| !line.trim().is_empty());
    let mut names = head.filter_map(|line| line.split_once(':'));
    if names.any(|(name, _)| name.trim().eq_ignore_ascii_case("host")) {
        return text.to_owned();
    }
    let end = url.find(['/', '?']).unwrap_or(url.len());
    let (host, target) = url.split_at(end);
    let target = target.replace(char::is_whitespace, "%20");
    let slash = if target.starts_with('/') { "" } else { "/" };
    format!("{method} {slash}{target} {version}\nHost: {host}\n{rest}")
}
