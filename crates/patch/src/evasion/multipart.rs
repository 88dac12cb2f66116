//! Multipart bodies.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::catalogue::Evasion;
use super::fields::{replaced, with_body};
use crate::request::Request;

/// A multipart body taken apart.
pub(super) struct Parts {
    boundary: String,
    pub(super) parts: Vec<Part>,
}

/// One part of it.
#[derive(Clone)]
pub(super) struct Part {
    /// Its header lines, each with its end.
    head: Vec<u8>,
    pub(super) body: Vec<u8>,
}

const LENIENT: &str = "lenient readers of multipart, such as those of PHP and Python";
const ALL_READ: &str = "all readers of multipart (RFC 7578)";
const EXTENDED: &str = "readers of RFC 5987 parameters, such as Django's and pyLoad's";

pub(super) const ALL: &[Evasion] = &[
    Evasion::multipart(
        "multipart names without quotes",
        LENIENT,
        |request, parts| heads(request, parts, |head| unquoted(&head)),
    ),
    Evasion::multipart(
        "multipart names in single quotes",
        "PHP",
        |request, parts| heads(request, parts, |head| requoted(&head, "'")),
    ),
    Evasion::multipart(
        "multipart names in extended form",
        EXTENDED,
        |request, parts| {
            heads(request, parts, |head| {
                replaced(&unquoted(&head), " name=", " name*=utf-8''")
            })
        },
    ),
    Evasion::multipart(
        "multipart header names in capitals",
        ALL_READ,
        |request, parts| {
            heads(request, parts, |head| {
                replaced(&head, "Content-Disposition:", "CONTENT-DISPOSITION:")
            })
        },
    ),
    Evasion::multipart("multipart NAME in capitals", ALL_READ, |request, parts| {
        heads(request, parts, |head| replaced(&head, " name=", " NAME="))
    }),
    Evasion::multipart(
        "no space before multipart names",
        ALL_READ,
        |request, parts| heads(request, parts, |head| replaced(&head, "; name=", ";name=")),
    ),
    Evasion::multipart(
        "spaces around the sign of multipart names",
        LENIENT,
        |request, parts| heads(request, parts, |head| replaced(&head, " name=", " name = ")),
    ),
    Evasion::multipart("folded multipart headers", LENIENT, |request, parts| {
        heads(request, parts, |head| {
            replaced(&head, "; name=", ";\r\n name=")
        })
    }),
    Evasion::multipart(
        "an empty file name for multipart fields",
        "readers that take it for no file",
        |request, parts| {
            heads(request, parts, |head| match find(&head, b"filename") {
                Some(_) => head,
                None => replaced(&head, "form-data;", "form-data; filename=\"\";"),
            })
        },
    ),
    Evasion::multipart(
        "multipart fields as files",
        "applications that read fields and files alike",
        |request, parts| {
            heads(request, parts, |head| match find(&head, b"filename") {
                Some(_) => head,
                None => replaced(&head, "form-data;", "form-data; filename=\"a\";"),
            })
        },
    ),
    Evasion::multipart(
        "multipart parts in base64",
        EXTENDED,
        |request, mut parts| {
            for part in &mut parts.parts {
                part.head
                    .extend_from_slice(b"Content-Transfer-Encoding: base64\r\n");
                part.body = BASE64_STANDARD.encode(&part.body).into_bytes();
            }
            Some(with_body(request, parts.write()))
        },
    ),
    Evasion::multipart(
        "multipart parts in quoted-printable",
        EXTENDED,
        |request, mut parts| {
            for part in &mut parts.parts {
                let line = b"Content-Transfer-Encoding: quoted-printable\r\n";
                part.head.extend_from_slice(line);
                part.body = super::fields::every(&part.body, |byte| format!("={byte:02X}"));
            }
            Some(with_body(request, parts.write()))
        },
    ),
    Evasion::multipart(
        "multipart parts in UTF-16",
        "readers that heed a part's charset",
        |request, mut parts| {
            for part in &mut parts.parts {
                let line = b"Content-Type: text/plain; charset=utf-16be\r\n";
                part.head.extend_from_slice(line);
                part.body = super::charset::utf16(&part.body);
            }
            Some(with_body(request, parts.write()))
        },
    ),
    Evasion::multipart(
        "text before the first multipart part",
        ALL_READ,
        |request, parts| {
            let body = [b"junk\r\n", &*parts.write()].concat();
            Some(with_body(request, body))
        },
    ),
    Evasion::multipart(
        "text after the last multipart part",
        ALL_READ,
        |request, parts| Some(with_body(request, [&*parts.write(), b"junk"].concat())),
    ),
    Evasion::multipart("no end of multipart", LENIENT, |request, parts| {
        let end = format!("--{}--\r\n", parts.boundary);
        let body = parts.write();
        Some(with_body(
            request,
            body.strip_suffix(end.as_bytes())?.to_vec(),
        ))
    }),
    Evasion::multipart(
        "multipart lines that end in LF",
        LENIENT,
        |request, parts| Some(with_body(request, replaced(&parts.write(), "\r\n", "\n"))),
    ),
    Evasion::multipart(
        "multipart fields twice, the first harmless",
        "applications that take the last one",
        |request, mut parts| {
            let harmless = parts.harmless();
            parts.parts.splice(0..0, harmless);
            Some(with_body(request, parts.write()))
        },
    ),
    Evasion::multipart(
        "multipart fields twice, the last harmless",
        "applications that take the first one",
        |request, mut parts| {
            let harmless = parts.harmless();
            parts.parts.extend(harmless);
            Some(with_body(request, parts.write()))
        },
    ),
    Evasion::multipart(
        "64 kB of another multipart part first",
        ALL_READ,
        |request, mut parts| {
            let pad = Part {
                head: b"Content-Disposition: form-data; name=\"pad\"\r\n".to_vec(),
                body: vec![b'a'; 65536],
            };
            parts.parts.insert(0, pad);
            Some(with_body(request, parts.write()))
        },
    ),
    Evasion::multipart(
        "the multipart boundary quoted",
        ALL_READ,
        |request, parts| typed(request, &format!("boundary=\"{}\"", parts.boundary)),
    ),
    Evasion::multipart(
        "the multipart boundary named twice",
        LENIENT,
        |request, parts| typed(request, &format!("boundary={}; boundary=x", parts.boundary)),
    ),
    Evasion::multipart(
        "the multipart BOUNDARY in capitals",
        ALL_READ,
        |request, parts| typed(request, &format!("BOUNDARY={}", parts.boundary)),
    ),
    Evasion::multipart(
        "multipart of another kind",
        "readers that look at the first word alone",
        |request, parts| {
            let mut request = request.clone();
            let kind = format!("multipart/mixed; boundary={}", parts.boundary);
            request.set_header("Content-Type", &kind);
            Some(request)
        },
    ),
];

impl Parts {
    /// Reads a well-formed body.
    pub(super) fn read(request: &Request) -> Option<Self> {
        if !request.media_type().starts_with("multipart/") {
            return None;
        }
        let (_, kind) = request
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))?;
        let kind = String::from_utf8_lossy(kind);
        let boundary = kind.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("boundary")
                .then(|| value.trim().trim_matches('"').to_owned())
        })?;
        let line = format!("--{boundary}").into_bytes();
        let mut rest = request
            .body
            .get(find(&request.body, &line)? + line.len()..)?;
        let mut parts = Vec::new();
        while let Some(tail) = rest.strip_prefix(b"\r\n") {
            let end = find(tail, &[b"\r\n", &*line].concat())?;
            let part = tail.get(..end)?;
            let blank = find(part, b"\r\n\r\n")?;
            parts.push(Part {
                head: part.get(..blank + 2)?.to_vec(),
                body: part.get(blank + 4..)?.to_vec(),
            });
            rest = tail.get(end + 2 + line.len()..)?;
        }
        Some(Self { boundary, parts })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for part in &self.parts {
            body.extend_from_slice(format!("--{}\r\n", self.boundary).as_bytes());
            for piece in [&*part.head, b"\r\n", &part.body, b"\r\n"] {
                body.extend_from_slice(piece);
            }
        }
        body.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        body
    }

    fn harmless(&self) -> Vec<Part> {
        let mut harmless = self.parts.clone();
        for part in &mut harmless {
            part.body = b"1".to_vec();
        }
        harmless
    }
}

impl Part {
    /// A field's name; none for a file.
    pub(super) fn name(&self) -> Option<String> {
        let head = String::from_utf8_lossy(&self.head);
        let (_, rest) = head.split_once(" name=\"")?;
        let (name, _) = rest.split_once('"')?;
        (!head.contains("filename")).then(|| name.to_owned())
    }
}

fn heads(
    request: &Request,
    mut parts: Parts,
    change: impl Fn(Vec<u8>) -> Vec<u8>,
) -> Option<Request> {
    for part in &mut parts.parts {
        part.head = change(std::mem::take(&mut part.head));
    }
    Some(with_body(request, parts.write()))
}

fn unquoted(head: &[u8]) -> Vec<u8> {
    requoted(head, "")
}

/// The quotes around the name, if there are any, become others.
fn requoted(head: &[u8], quote: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(head);
    let Some((before, rest)) = text.split_once(" name=\"") else {
        return head.to_vec();
    };
    match rest.split_once('"') {
        Some((name, after)) if !name.contains([' ', ';', '\'']) => {
            format!("{before} name={quote}{name}{quote}{after}").into_bytes()
        }
        _ => head.to_vec(),
    }
}

fn typed(request: &Request, parameters: &str) -> Option<Request> {
    let mut request = request.clone();
    request.set_header(
        "Content-Type",
        &format!("multipart/form-data; {parameters}"),
    );
    Some(request)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
