//! What a block sends, as requests: raw texts, or a method and paths.

use patch::document::Located;
use patch::{Request, next_line};

use super::render::Context;
use super::template::Block;

/// One request, not yet rendered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form<'t> {
    /// A raw request.
    Raw(&'t Located<String>),
    /// A method and a URL; headers and body are the block's.
    Path(&'t str, &'t Located<String>),
}

impl Form<'_> {
    /// The line at which it stands in the template.
    pub(super) fn line(&self) -> u32 {
        match self {
            Self::Raw(text) => text.line,
            Self::Path(_, path) => path.line,
        }
    }

    /// The request with everything rendered.
    ///
    /// # Errors
    /// What cannot be rendered, or is no request then.
    pub(super) fn rendered(
        &self,
        block: &Block,
        context: &mut Context<'_>,
        bound: usize,
    ) -> Result<Request, String> {
        let request = match self {
            Self::Raw(text) => raw(&context.render(text.as_bytes())?),
            Self::Path(method, path) => by_path(block, method, path, context),
        }?;
        let bytes = request.target.len() + request.body.len();
        match bytes > bound {
            true => Err(format!("a request of more than {bound} bytes")),
            false => Ok(request),
        }
    }
}

/// Lines that begin with `@` are for the scanner. The second word is the target.
fn raw(text: &[u8]) -> Result<Request, String> {
    let mut rest = text.trim_ascii_start();
    let line = loop {
        let line = next_line(&mut rest).ok_or("the request is empty")?;
        if !line.starts_with(b"@") {
            break line;
        }
    };
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let method = words.next().ok_or("the request line is empty")?;
    let target = match words.next() {
        Some(word) if !word.starts_with(b"HTTP/") => word,
        _ => b"/",
    };
    let mut headers = Vec::new();
    let mut multipart = false;
    while let Some(line) = next_line(&mut rest) {
        let line = line.trim_ascii();
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        multipart |= name.eq_ignore_ascii_case(b"content-type") && value.starts_with(b"multipart/");
        if !frames(name) {
            headers.push((name.to_vec(), value.to_vec()));
        }
    }
    let body = match multipart {
        true => with_carriage_returns(rest),
        false => {
            let body = rest.strip_suffix(b"\n").unwrap_or(rest);
            body.strip_suffix(b"\r").unwrap_or(body).to_vec()
        }
    };
    Ok(request(method.to_vec(), target, headers, body))
}

fn by_path(
    block: &Block,
    method: &str,
    path: &str,
    context: &mut Context<'_>,
) -> Result<Request, String> {
    let url = context.render(path.as_bytes())?;
    let host = context.render(b"{{Hostname}}")?;
    let mut headers = vec![(b"Host".to_vec(), host)];
    for (name, value) in &block.headers.0 {
        let name = context.render(name.as_bytes())?;
        let value = context.render(value.as_bytes())?;
        if name.eq_ignore_ascii_case(b"host") {
            headers.clear();
        }
        if !frames(&name) {
            headers.push((name, value));
        }
    }
    let body = match &block.body {
        Some(body) => {
            let body = context.render(body.as_bytes())?;
            let multipart = block
                .headers
                .0
                .iter()
                .any(|(_, value)| value.starts_with("multipart/"));
            if multipart {
                with_carriage_returns(&body)
            } else {
                body
            }
        }
        None => Vec::new(),
    };
    // A fragment is not sent.
    let end = url
        .iter()
        .position(|&byte| byte == b'#')
        .unwrap_or(url.len());
    let url = url.get(..end).unwrap_or_default();
    Ok(request(method.as_bytes().to_vec(), url, headers, body))
}

fn request(
    method: Vec<u8>,
    target: &[u8],
    mut headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
) -> Request {
    headers.retain(|(name, _)| !name.is_empty());
    Request {
        method,
        target: relative(target),
        version: b"HTTP/1.1".to_vec(),
        headers,
        body,
        chunked: false,
    }
}

/// Headers that follow from the body.
fn frames(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding")
}

/// A URL without scheme and host, with what cannot stand in a request line encoded.
fn relative(url: &[u8]) -> Vec<u8> {
    let schemes: [&[u8]; 2] = [b"http://", b"https://"];
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(*scheme));
    let target = match rest {
        None => url,
        Some(rest) => {
            let end = rest
                .iter()
                .position(|byte| matches!(byte, b'/' | b'?' | b'\\'));
            rest.get(end.unwrap_or(rest.len())..).unwrap_or_default()
        }
    };
    let mut out = Vec::with_capacity(target.len() + 1);
    if !target.starts_with(b"/") {
        out.push(b'/');
    }
    out.extend(sendable(target));
    out
}

/// A part of a target with what cannot stand in a request line encoded.
pub(super) fn sendable(part: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(part.len());
    for byte in part {
        match byte {
            0..=0x20 | 0x7f.. | b'"' | b'<' | b'>' => {
                out.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
            other => out.push(*other),
        }
    }
    out
}

/// Parts of a multipart body end in CRLF (RFC 2046 section 5.1), templates in LF.
fn with_carriage_returns(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for byte in body {
        if *byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}
