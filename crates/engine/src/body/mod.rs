//! Bodies to named values.
//!
//! A parser is a plain function from bytes to a [`Sink`]. It is strict about
//! what it accepts and says what it saw: whatever does not parse, or what two
//! parsers could read differently, is an [`Anomaly`] on which rules can act.
//! It never sees less than an application would: after an anomaly it goes on
//! where it can.

pub(crate) mod charset;
pub(crate) mod content_coding;
pub(crate) mod cookies;
pub(crate) mod document;
pub(crate) mod json;
pub(crate) mod multipart;
pub mod percent;
pub(crate) mod urlencoded;
pub(crate) mod xml;
pub(crate) mod xpath;

pub use document::XmlEvent;

/// What parsers write to.
pub trait Sink {
    /// A named value. Both are decoded, and borrowed for the call only.
    fn field(&mut self, kind: Kind, name: &[u8], value: &[u8]);
    /// Something that a rule may want to act on.
    fn anomaly(&mut self, anomaly: Anomaly);
    /// Whether [`Anomaly::DuplicateKey`] is worth finding.
    fn wants_duplicates(&self) -> bool {
        true
    }
    /// A step through an XML document, besides its fields.
    fn xml(&mut self, _: XmlEvent<'_>) {}
}

/// Where in a body (or query, or cookie header) a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `name=value` of a query string or an urlencoded body, and a multipart field.
    Field,
    /// A cookie.
    Cookie,
    /// A leaf of a JSON document; the name is its path, `json.user.0.name`.
    Json,
    /// The content of an uploaded file; the name is the field's.
    FileContent,
    /// The file name of an upload; the name is the field's. `filename*` is decoded and given as a value of its own.
    FileName,
    /// A header line of a multipart part; the name is the field's, the value the whole line.
    PartHeader,
    /// The text of an XML element; the name is its path, `/order/item`.
    XmlText,
    /// An XML attribute's value; the name is its path, `/order/item/@id`.
    XmlAttribute,
    /// A system or public identifier that an XML document names. It is never fetched.
    XmlExternal,
}

/// What a parser noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Anomaly {
    /// `%` that two hex digits do not follow.
    InvalidPercentEncoding,
    /// A NUL byte, written or percent-encoded, in a name or value.
    NulByte,
    /// More values than [`Limits::arguments`](crate::Limits::arguments).
    TooManyArguments,
    /// Nested deeper than the limit.
    TooDeep,
    /// More bytes than the limit.
    TooLarge,
    /// Not the JSON of RFC 8259.
    InvalidJson,
    /// An object has one key twice: parsers differ in which they take.
    DuplicateKey,
    /// Not well-formed XML.
    InvalidXml,
    /// A document type declaration.
    XmlDoctype,
    /// An entity declaration or an external identifier.
    XmlEntity,
    /// Compressed data that does not decode.
    InvalidCompression,
    /// A `Content-Encoding` that is not known.
    UnknownContentCoding,
    /// A second content type, or one whose name has an underscore, for a body that a patch looks
    /// at: some servers take the first, some the last, CGI and WSGI also the latter.
    SeveralContentTypes,
    /// Text that is not in the charset that it claims.
    InvalidCharset,
    /// No boundary, or one that RFC 2046 does not allow.
    MultipartInvalidBoundary,
    /// The boundary stands in quotes.
    MultipartBoundaryQuoted,
    /// White space around the boundary.
    MultipartBoundaryWhitespace,
    /// Data before the first boundary.
    MultipartDataBefore,
    /// Data after the last boundary.
    MultipartDataAfter,
    /// A folded header line.
    MultipartHeaderFolding,
    /// A header line that folds with none before it.
    MultipartInvalidHeaderFolding,
    /// The boundary is longer than the 70 bytes of RFC 2046.
    MultipartLongBoundary,
    /// Lines end in LF alone.
    MultipartLfLine,
    /// Some lines end in LF, some in CRLF.
    MultipartMixedLineEnds,
    /// A parameter is not separated by a semicolon.
    MultipartMissingSemicolon,
    /// Quotes that do not close, or stand where they may not.
    MultipartInvalidQuoting,
    /// A part whose header has no usable `Content-Disposition`.
    MultipartInvalidPart,
    /// A header line that is none, or a name twice.
    MultipartInvalidHeader,
    /// More parts than the limit.
    MultipartTooManyParts,
    /// More files than `SecUploadFileLimit`.
    MultipartTooManyFiles,
    /// A line that begins like a boundary and is none.
    MultipartUnmatchedBoundary,
    /// The closing boundary is missing.
    MultipartIncomplete,
    /// `name`, `filename` or `filename*` more than once in a part: parsers differ in which they take.
    MultipartDuplicateParameter,
    /// A part has a `Content-Transfer-Encoding` other than 7bit, 8bit or binary.
    MultipartTransferEncoding,
    /// A part is itself multipart.
    MultipartNested,
}
