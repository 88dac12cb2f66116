//! The tests' YAML, and how go-ftw makes a request of it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

/// One test and its name: the rule's id and the test's.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) test: Test,
}

/// The tests in order, and whether these are all: `STOPGAP_CRS` may choose some.
pub(crate) fn cases(corpora: &Path) -> (Vec<Case>, bool) {
    let mut cases = Vec::new();
    collect(&corpora.join("crs/tests"), &mut cases);
    assert!(cases.len() > 2000, "only {} tests were found", cases.len());
    let wanted = std::env::var("STOPGAP_CRS").ok();
    if let Some(wanted) = &wanted {
        let one_rule = format!("{wanted}-");
        cases.retain(|case| case.name == *wanted || case.name.starts_with(&one_rule));
    }
    (cases, wanted.is_none())
}

fn collect(folder: &Path, cases: &mut Vec<Case>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, cases);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // Some hold comments only.
        let says = |line: &str| !matches!(line.trim(), "" | "---") && !line.starts_with('#');
        if !text.lines().any(says) {
            continue;
        }
        let file: File =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        for test in file.tests {
            let name = format!("{}-{}", file.rule_id, test.test_id);
            cases.push(Case { name, test });
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct File {
    pub(crate) rule_id: u64,
    pub(crate) tests: Vec<Test>,
}

#[derive(Deserialize)]
pub(crate) struct Test {
    pub(crate) test_id: u64,
    pub(crate) stages: Vec<Stage>,
}

#[derive(Deserialize)]
pub(crate) struct Stage {
    pub(crate) input: Input,
    pub(crate) output: Output,
}

#[derive(Deserialize)]
pub(crate) struct Input {
    method: Option<String>,
    uri: Option<String>,
    version: Option<String>,
    #[serde(default, deserialize_with = "fields")]
    headers: Vec<(String, String)>,
    data: Option<String>,
    pub(crate) encoded_request: Option<String>,
    autocomplete_headers: Option<bool>,
    stop_magic: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct Output {
    pub(crate) status: Option<u16>,
    #[serde(default)]
    pub(crate) expect_error: bool,
    #[serde(default)]
    pub(crate) isolated: bool,
    #[serde(default)]
    pub(crate) log: Log,
    pub(crate) response_contains: Option<String>,
}

#[derive(Deserialize, Default)]
pub(crate) struct Log {
    #[serde(default)]
    pub(crate) expect_ids: Vec<u64>,
    #[serde(default)]
    pub(crate) no_expect_ids: Vec<u64>,
    pub(crate) match_regex: Option<String>,
    pub(crate) no_match_regex: Option<String>,
}

/// A scalar of any type as it is written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(u64),
    Switch(bool),
}

impl Scalar {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
            Self::Switch(switch) => switch.to_string(),
        }
    }
}

/// A map of headers in its order.
fn fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    struct Fields;
    impl<'de> serde::de::Visitor<'de> for Fields {
        type Value = Vec<(String, String)>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a map of header names and values")
        }
        fn visit_map<M: serde::de::MapAccess<'de>>(
            self,
            mut map: M,
        ) -> Result<Self::Value, M::Error> {
            let mut fields = Vec::new();
            while let Some((name, value)) = map.next_entry::<String, Scalar>()? {
                fields.push((name, value.text()));
            }
            Ok(fields)
        }
    }
    deserializer.deserialize_map(Fields)
}

/// A request as it goes over the wire, cut into its parts.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) version: Vec<u8>,
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value.as_slice())
    }

    /// A raw request, its chunks joined.
    pub(crate) fn read(raw: &[u8]) -> Self {
        let end = raw.windows(4).position(|window| window == b"\r\n\r\n");
        let (head, rest) = raw.split_at(end.map_or(raw.len(), |end| end + 4));
        let mut lines = head
            .split(|&byte| byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = lines.next().unwrap_or_default();
        let mut words = first.split(|&byte| byte == b' ');
        let method = words.next().unwrap_or_default().to_vec();
        let mut words: Vec<&[u8]> = words.collect();
        let version = words.pop().unwrap_or_default().to_vec();
        let mut request = Self {
            method,
            target: words.join(&b' '),
            version,
            headers: lines
                .filter_map(|line| {
                    let colon = line.iter().position(|&byte| byte == b':')?;
                    let (name, value) = line.split_at(colon);
                    Some((name.to_vec(), value[1..].trim_ascii().to_vec()))
                })
                .collect(),
            body: rest.to_vec(),
        };
        let chunked = request
            .header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
        if chunked {
            request.body = joined(rest);
        }
        request
    }
}

/// The contents of chunks.
fn joined(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
        let size = String::from_utf8_lossy(&rest[..end]).trim().to_owned();
        let size = usize::from_str_radix(&size, 16).unwrap_or(0);
        let from = (end + 1).min(rest.len());
        let to = (from + size).min(rest.len());
        body.extend_from_slice(&rest[from..to]);
        rest = rest[to..].strip_prefix(b"\r\n").unwrap_or(&rest[to..]);
        if size == 0 {
            break;
        }
    }
    body
}

impl Input {
    /// The request that go-ftw would send.
    pub(crate) fn request(&self) -> Request {
        if let Some(encoded) = &self.encoded_request {
            return Request::read(&decode_base64(encoded));
        }
        let text = |given: &Option<String>, default: &str| {
            given.as_deref().unwrap_or(default).as_bytes().to_vec()
        };
        let mut request = Request {
            method: text(&self.method, "GET"),
            target: text(&self.uri, "/"),
            version: text(&self.version, "HTTP/1.1"),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.clone().into_bytes(), value.trim().as_bytes().to_vec()))
                .collect(),
            body: expand(self.data.as_deref().unwrap_or_default()).into_bytes(),
        };
        let complete = self
            .autocomplete_headers
            .unwrap_or(!self.stop_magic.unwrap_or(false));
        if complete && !request.body.is_empty() {
            if request.header("content-type").is_none() {
                let form = b"application/x-www-form-urlencoded".to_vec();
                request.headers.push((b"Content-Type".to_vec(), form));
            }
            let form = request
                .header("content-type")
                .is_some_and(|kind| kind == b"application/x-www-form-urlencoded");
            if form {
                request.body = encode_form(&request.body);
            }
        }
        let multipart = request
            .header("content-type")
            .is_some_and(|kind| kind.starts_with(b"multipart/form-data;"));
        if multipart {
            let text = String::from_utf8_lossy(&request.body).replace('\n', "\r\n");
            request.body = text.into_bytes();
        }
        if complete {
            if request.header("connection").is_none() {
                let close = (b"Connection".to_vec(), b"close".to_vec());
                request.headers.push(close);
            }
            let method = request.method.as_slice();
            let has_body = [b"POST".as_slice(), b"PUT", b"PATCH", b"DELETE"].contains(&method);
            if request.header("content-length").is_none() && (has_body || !request.body.is_empty())
            {
                let length = request.body.len().to_string().into_bytes();
                request.headers.push((b"Content-Length".to_vec(), length));
            }
        }
        request
    }
}

/// `{{ "text" | repeat n }}`, the only template that the tests use.
fn expand(data: &str) -> String {
    let mut expanded = String::new();
    let mut rest = data;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else {
            break;
        };
        let inside = &rest[start + 2..start + length];
        let parsed = inside.split_once('|').and_then(|(text, call)| {
            let text = text.trim().strip_prefix('"')?.strip_suffix('"')?;
            let times: usize = call.trim().strip_prefix("repeat")?.trim().parse().ok()?;
            Some(text.repeat(times))
        });
        expanded.push_str(&rest[..start]);
        match parsed {
            Some(text) => expanded.push_str(&text),
            None => expanded.push_str(&rest[start..start + length + 2]),
        }
        rest = &rest[start + length + 2..];
    }
    expanded + rest
}

/// Names and values percent-encoded, unless decoding would change the text.
fn encode_form(data: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let encoded = data.iter().enumerate().any(|(at, &byte)| {
        byte == b'+' || byte == b'%' && digit(data.get(at + 1)) && digit(data.get(at + 2))
    });
    let broken = data
        .iter()
        .enumerate()
        .any(|(at, &byte)| byte == b'%' && !(digit(data.get(at + 1)) && digit(data.get(at + 2))));
    // go-ftw compares with the result of decoding, which is empty for what does not decode.
    if encoded || broken {
        return data.to_vec();
    }
    let pairs: Vec<Vec<u8>> = data
        .strip_suffix(b"&")
        .unwrap_or(data)
        .split(|&byte| byte == b'&')
        .map(|pair| {
            let mut parts = pair.splitn(2, |&byte| byte == b'=').map(escape);
            let name = parts.next().unwrap_or_default();
            match parts.next() {
                Some(value) => [name, value].join(&b'='),
                None => name,
            }
        })
        .collect();
    pairs.join(&b'&')
}

fn escape(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::new();
    for &byte in text {
        match byte {
            b' ' => escaped.push(b'+'),
            b'-' | b'_' | b'.' | b'~' => escaped.push(byte),
            _ if byte.is_ascii_alphanumeric() => escaped.push(byte),
            _ => escaped.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    escaped
}

pub(crate) fn decode_base64(text: &str) -> Vec<u8> {
    let digits = text.bytes().filter_map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
