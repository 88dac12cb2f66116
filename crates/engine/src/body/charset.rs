//! Bodies in other charsets than UTF-8, read as their applications would read them.
//!
//! UTF-8, ISO 8859-1, windows-1252 and ASCII stay as they are: in all of them
//! an ASCII character is its own byte. A charset that is not known (UTF-7,
//! UTF-32, EBCDIC, …) is an anomaly, and the body is read as it stands.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::multipart::parameters::Parameters;
use super::{Anomaly, Kind, Sink};

/// What is said of a charset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    Nothing,
    /// ASCII is ASCII; nothing needs to be decoded.
    Plain,
    Other(&'static Encoding),
    Unknown,
}

/// A JSON or XML document as UTF-8.
///
/// What its bytes say (a byte order mark, the zeros of UTF-16 beside the ASCII
/// with which such documents begin, the XML declaration) goes before what the
/// content type says: most parsers do so. A contradiction is an anomaly.
pub(crate) fn document<'b>(
    content_type: &[u8],
    body: &'b [u8],
    sink: &mut dyn Sink,
) -> Cow<'b, [u8]> {
    let declared = match declared(content_type, sink) {
        Declared::Nothing => xml_declaration(body),
        declared => declared,
    };
    let marked = Encoding::for_bom(body).filter(|(encoding, _)| *encoding != UTF_8);
    let wide = match (marked, body) {
        (Some((encoding, mark)), _) => Some((encoding, mark)),
        (None, [0, 0, ..] | [_, 0, 0, 0, ..]) => {
            sink.anomaly(Anomaly::InvalidCharset);
            return Cow::Borrowed(body);
        }
        (None, [0, _, ..]) => Some((UTF_16BE, 0)),
        (None, [_, 0, ..]) => Some((UTF_16LE, 0)),
        _ => None,
    };
    match (wide, declared) {
        (Some((encoding, mark)), _) => {
            let agrees = match declared {
                Declared::Nothing => mark > 0,
                Declared::Other(other) => !other.is_ascii_compatible(),
                _ => false,
            };
            if !agrees {
                sink.anomaly(Anomaly::InvalidCharset);
            }
            let text = body.get(mark..).unwrap_or_default();
            Cow::Owned(decode(encoding, text, sink).into_owned())
        }
        (None, Declared::Other(encoding)) if encoding.is_ascii_compatible() => {
            decode(encoding, body, sink)
        }
        (None, Declared::Other(_) | Declared::Unknown) => {
            sink.anomaly(Anomaly::InvalidCharset);
            Cow::Borrowed(body)
        }
        (None, Declared::Nothing | Declared::Plain) => Cow::Borrowed(body),
    }
}

/// An urlencoded body: names and values are in the charset once they are
/// percent-decoded. Many servers know of no charset there (WHATWG URL, section 5.1), and some
/// read the whole in UTF-16, so a body that may be in it is read in each way.
pub(crate) fn form(
    content_type: &[u8],
    body: &[u8],
    sink: &mut dyn Sink,
    mut parse: impl FnMut(&[u8], &mut dyn Sink),
) {
    match declared(content_type, sink) {
        Declared::Nothing | Declared::Plain => parse(body, sink),
        Declared::Unknown => {
            sink.anomaly(Anomaly::InvalidCharset);
            parse(body, sink);
        }
        Declared::Other(encoding) => {
            if !encoding.is_ascii_compatible() && body.contains(&0) {
                let text = decode(encoding, body, sink);
                parse(&text, sink);
            }
            parse(body, &mut Decoding { encoding, sink });
        }
    }
}

/// A multipart body's own content type. Servers differ in whether a charset
/// there holds for the fields, so any that matters is an anomaly.
pub(crate) fn multipart(content_type: &[u8], sink: &mut dyn Sink) {
    if matches!(
        declared(content_type, sink),
        Declared::Other(_) | Declared::Unknown
    ) {
        sink.anomaly(Anomaly::InvalidCharset);
    }
}

/// The content of a multipart field whose header has this content type.
pub(crate) fn field<'b>(
    content_type: &[u8],
    content: &'b [u8],
    sink: &mut dyn Sink,
) -> Cow<'b, [u8]> {
    match declared(content_type, sink) {
        Declared::Nothing | Declared::Plain => Cow::Borrowed(content),
        Declared::Other(encoding) => decode(encoding, content, sink),
        Declared::Unknown => {
            sink.anomaly(Anomaly::InvalidCharset);
            Cow::Borrowed(content)
        }
    }
}

/// Gives all names and values as they stand, and in a charset where that is something else.
struct Decoding<'a> {
    encoding: &'static Encoding,
    sink: &'a mut dyn Sink,
}

impl Sink for Decoding<'_> {
    fn field(&mut self, kind: Kind, name: &[u8], value: &[u8]) {
        let plain = self.encoding.is_ascii_compatible();
        // In UTF-16 every letter of ASCII has a zero: what has none is no text of ASCII there.
        if plain || name.contains(&0) || value.contains(&0) {
            let decoded = decode(self.encoding, name, self.sink);
            let text = decode(self.encoding, value, self.sink);
            if *decoded != *name || *text != *value {
                self.sink.field(kind, &decoded, &text);
            }
        }
        self.sink.field(kind, name, value);
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        self.sink.anomaly(anomaly);
    }
}

fn decode<'b>(encoding: &'static Encoding, bytes: &'b [u8], sink: &mut dyn Sink) -> Cow<'b, [u8]> {
    let (text, faulty) = encoding.decode_without_bom_handling(bytes);
    if faulty {
        sink.anomaly(Anomaly::InvalidCharset);
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// The charset of a content type; a second one that differs is an anomaly.
fn declared(content_type: &[u8], sink: &mut dyn Sink) -> Declared {
    let parameters = Parameters::read(content_type);
    let mut found = parameters
        .all("charset")
        .map(|parameter| charset(&parameter.value));
    let first = found.next().unwrap_or(Declared::Nothing);
    if found.any(|other| other != first) {
        sink.anomaly(Anomaly::InvalidCharset);
    }
    first
}

fn charset(label: &[u8]) -> Declared {
    let label = label.trim_ascii();
    let label = label.strip_prefix(b"'").unwrap_or(label);
    let label = label.strip_suffix(b"'").unwrap_or(label);
    match Encoding::for_label(label) {
        Some(encoding) if encoding == UTF_8 || encoding == WINDOWS_1252 => Declared::Plain,
        Some(encoding) if encoding == REPLACEMENT => Declared::Unknown,
        Some(encoding) => Declared::Other(encoding),
        None => Declared::Unknown,
    }
}

/// `encoding="…"` of `<?xml …?>`, where the document begins with that in ASCII.
fn xml_declaration(body: &[u8]) -> Declared {
    const LONGEST: usize = 256;
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let head = body.get(..LONGEST).unwrap_or(body);
    let encoding = (|| {
        let inside = head.strip_prefix(b"<?xml")?;
        let inside = inside.get(..memchr::memmem::find(inside, b"?>")?)?;
        let after = inside.get(memchr::memmem::find(inside, b"encoding")? + 8..)?;
        let after = after.trim_ascii_start().strip_prefix(b"=")?;
        let (quote, text) = after.trim_ascii_start().split_first()?;
        text.get(..memchr::memchr(*quote, text)?)
    })();
    encoding.map_or(Declared::Nothing, charset)
}
