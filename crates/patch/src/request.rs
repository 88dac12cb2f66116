//! A case's request as bytes: for the engine and for the wire.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::Exchange;

use crate::document::{Query, RequestForm, Short};

/// A request, ready to be inspected or sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// Such as `GET`.
    pub method: Vec<u8>,
    /// The request target, as it is sent.
    pub target: Vec<u8>,
    /// `HTTP/1.1`
    pub version: Vec<u8>,
    /// All header lines but those that frame the body.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body, not chunked.
    pub body: Vec<u8>,
    /// Whether the body is sent in chunks.
    pub chunked: bool,
}

/// Bytes of a chunk where a body is sent in chunks: small, so that words are cut.
const CHUNK: usize = 3;

impl Request {
    /// Reads what a document says.
    ///
    /// # Errors
    /// What is no request, for people.
    pub fn of(form: &RequestForm) -> Result<Self, String> {
        match form {
            RequestForm::Raw(text) => Self::from_raw(text.as_bytes()),
            RequestForm::Short(short) => Self::from_short(short),
        }
    }

    /// Reads raw HTTP/1.1. Lines of the head may end in `\n` alone. A chunked
    /// body is decoded here and chunked again on the wire.
    ///
    /// # Errors
    /// What is no request, for people.
    pub fn from_raw(text: &[u8]) -> Result<Self, String> {
        let mut rest = text;
        let line = next_line(&mut rest).ok_or("the request is empty")?;
        let [method, target, version] = request_line(line)?;
        let mut headers: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut chunked = false;
        let mut length = None;
        while let Some(line) = next_line(&mut rest) {
            if line.is_empty() {
                break;
            }
            let Some(colon) = line.iter().position(|&byte| byte == b':') else {
                return Err(format!(
                    "the header line `{}` has no colon",
                    String::from_utf8_lossy(line)
                ));
            };
            let (name, value) = line.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            if name.eq_ignore_ascii_case(b"content-length") {
                length = std::str::from_utf8(value)
                    .ok()
                    .and_then(|number| number.parse::<usize>().ok());
            } else if name.eq_ignore_ascii_case(b"transfer-encoding")
                && value.eq_ignore_ascii_case(b"chunked")
            {
                chunked = true;
            } else {
                headers.push((name.to_vec(), value.to_vec()));
            }
        }
        let body = if chunked {
            dechunked(rest)?
        } else {
            // YAML block scalars end in a line break that is no part of the body.
            let length = length.unwrap_or(rest.len()).min(rest.len());
            rest.get(..length).unwrap_or_default().to_vec()
        };
        Ok(Self {
            method: method.to_vec(),
            target: target.to_vec(),
            version: version.to_vec(),
            headers,
            body,
            chunked,
        })
    }

    fn from_short(short: &Short) -> Result<Self, String> {
        let mut headers: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut add = |name: &str, value: &str| headers.push((name.into(), value.into()));
        add("Host", short.host.as_deref().unwrap_or("app"));
        let named = |wanted: &str| {
            short
                .headers
                .keys()
                .any(|name| name.eq_ignore_ascii_case(wanted))
        };
        let forms = [
            !short.form.is_empty(),
            short.json.is_some(),
            !short.multipart.is_empty(),
            short.body.is_some(),
            short.body_base64.is_some(),
        ];
        if forms.iter().filter(|given| **given).count() > 1 {
            return Err(
                "give one of form, json, multipart, body and body-base64, not several".to_owned(),
            );
        }
        let (kind, body) = if let Some(json) = &short.json {
            let text = serde_json::to_vec(&json.0).map_err(|error| error.to_string())?;
            (Some("application/json".to_owned()), text)
        } else if !short.form.is_empty() {
            let kind = "application/x-www-form-urlencoded".to_owned();
            (Some(kind), urlencoded(&short.form).into_bytes())
        } else if !short.multipart.is_empty() {
            let (kind, body) = multipart(&short.multipart);
            (Some(kind), body)
        } else if let Some(text) = &short.body_base64 {
            let body = BASE64_STANDARD
                .decode(text)
                .map_err(|error| format!("body-base64: {error}"))?;
            (None, body)
        } else {
            (None, short.body.clone().unwrap_or_default().into_bytes())
        };
        if let Some(kind) = kind
            && !named("content-type")
        {
            add("Content-Type", &kind);
        }
        for (name, value) in &short.headers {
            if !name.eq_ignore_ascii_case("host") || short.host.is_none() {
                add(name, value);
            }
        }
        if !short.cookies.is_empty() {
            let pairs: Vec<String> = short
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            add("Cookie", &pairs.join("; "));
        }
        let method = match (&short.method, body.is_empty()) {
            (Some(method), _) => method.as_str(),
            (None, true) => "GET",
            (None, false) => "POST",
        };
        let mut target = short.path.clone();
        if !short.query.is_empty() {
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(&urlencoded(&short.query));
        }
        if target.is_empty() || target.contains([' ', '\r', '\n']) {
            return Err(format!(
                "the path `{target}` cannot stand in a request line; percent-encode white space"
            ));
        }
        // `headers` may hold Host when `host` does not.
        if named("host")
            && short.host.is_none()
            && let Some(first) = headers.iter().position(|(name, _)| name == b"Host")
        {
            headers.remove(first);
        }
        Ok(Self {
            method: method.into(),
            target: target.into_bytes(),
            version: b"HTTP/1.1".to_vec(),
            headers,
            body,
            chunked: short.chunked,
        })
    }

    /// As the engine takes it.
    pub fn exchange(&self, application: &str) -> Exchange {
        Exchange {
            application: application.to_owned(),
            method: self.method.clone(),
            target: self.target.clone(),
            version: self.version.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            response: None,
        }
    }

    /// As it goes over the wire, with `Connection: close`.
    pub fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::with_capacity(256 + self.body.len());
        for (at, part) in [&self.method, &self.target, &self.version]
            .into_iter()
            .enumerate()
        {
            if at > 0 {
                wire.push(b' ');
            }
            wire.extend_from_slice(part);
        }
        wire.extend_from_slice(b"\r\n");
        let mut connection = false;
        for (name, value) in &self.headers {
            connection |= name.eq_ignore_ascii_case(b"connection");
            for part in [name.as_slice(), b": ", value, b"\r\n"] {
                wire.extend_from_slice(part);
            }
        }
        if !connection {
            wire.extend_from_slice(b"Connection: close\r\n");
        }
        if self.chunked {
            wire.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in self.body.chunks(CHUNK) {
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\n");
        } else {
            let bodyless = self.body.is_empty() && matches!(&*self.method, b"GET" | b"HEAD");
            if !bodyless {
                wire.extend_from_slice(
                    format!("Content-Length: {}\r\n", self.body.len()).as_bytes(),
                );
            }
            wire.extend_from_slice(b"\r\n");
            wire.extend_from_slice(&self.body);
        }
        wire
    }

    /// The media type of the body, in small letters; empty if there is none.
    pub fn media_type(&self) -> String {
        self.headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))
            .map_or_else(String::new, |(_, value)| {
                let value = String::from_utf8_lossy(value).to_ascii_lowercase();
                value
                    .split(';')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_owned()
            })
    }

    /// Replaces or adds a header.
    pub fn set_header(&mut self, name: &str, value: &str) {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name.as_bytes()));
        self.headers.push((name.into(), value.into()));
    }
}

impl From<Exchange> for Request {
    /// The request of an exchange, its body not chunked.
    fn from(exchange: Exchange) -> Self {
        Self {
            method: exchange.method,
            target: exchange.target,
            version: exchange.version,
            headers: exchange.headers,
            body: exchange.body,
            chunked: false,
        }
    }
}

/// The next line of a text, without its end.
pub fn next_line<'t>(rest: &mut &'t [u8]) -> Option<&'t [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(rest.len());
    let line = rest.get(..end).unwrap_or_default();
    *rest = rest.get(end + 1..).unwrap_or_default();
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Method, target, version.
fn request_line(line: &[u8]) -> Result<[&[u8]; 3], String> {
    let wrong = || {
        format!(
            "`{}` is no request line; write METHOD TARGET HTTP/1.1",
            String::from_utf8_lossy(line)
        )
    };
    let first = line
        .iter()
        .position(|&byte| byte == b' ')
        .ok_or_else(wrong)?;
    let last = line
        .iter()
        .rposition(|&byte| byte == b' ')
        .ok_or_else(wrong)?;
    let method = line.get(..first).unwrap_or_default();
    let target = line.get(first + 1..last).unwrap_or_default();
    let version = line.get(last + 1..).unwrap_or_default();
    if method.is_empty() || target.is_empty() || !version.starts_with(b"HTTP/") {
        return Err(wrong());
    }
    Ok([method, target, version])
}

fn dechunked(mut rest: &[u8]) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let line =
            next_line(&mut rest).ok_or("the chunked body has no last chunk; end it with 0")?;
        let size = line.split(|&byte| byte == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(size.trim_ascii())
            .ok()
            .and_then(|text| usize::from_str_radix(text, 16).ok())
            .ok_or_else(|| format!("`{}` is no chunk size", String::from_utf8_lossy(line)))?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = rest
            .get(..size)
            .ok_or("a chunk is shorter than its size says")?;
        body.extend_from_slice(chunk);
        rest = rest.get(size..).unwrap_or_default();
        next_line(&mut rest);
    }
}

/// Names and values, percent-encoded, joined by `&`.
pub(crate) fn urlencoded(pairs: &Query) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| {
            format!(
                "{}={}",
                percent_encoded(name.as_bytes()),
                percent_encoded(value.as_bytes())
            )
        })
        .collect();
    pairs.join("&")
}

/// Everything but unreserved characters (RFC 3986 section 2.3) becomes `%XX`.
pub fn percent_encoded(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Fields as a multipart body: its content type and its bytes.
pub(crate) fn multipart(fields: &Query) -> (String, Vec<u8>) {
    const BOUNDARY: &str = "stopgap-4f1c9a2e";
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    (
        format!("multipart/form-data; boundary={BOUNDARY}"),
        body.into_bytes(),
    )
}
