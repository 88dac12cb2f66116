//! The rules of a document: allow, deny, strip, seclang.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Located, Place};

/// One rule.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Positive: what is there must be like this; anything else is stopped.
    Allow(Allow),
    /// Negative: a request in which this is found is stopped.
    Deny(Deny),
    /// This is taken out of the request before it is forwarded.
    Strip(Strip),
    /// Rules in SecLang.
    Seclang(Located<String>),
}

/// What values must be like. Every condition that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Allow {
    /// Where to look. Values that are absent are not asked, unless `required`.
    #[serde(rename = "where", default, skip_serializing_if = "super::is_default")]
    pub places: Vec<Place>,
    /// The values' form.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Bytes at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<usize>,
    /// Bytes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// The inside of a regular expression's character class, such as `A-Za-z0-9_-`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<Located<String>>,
    /// A regular expression that the whole value must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Located<String>>,
    /// One of these, byte by byte.
    #[serde(rename = "enum", default, skip_serializing_if = "super::is_default")]
    pub values: Vec<String>,
    /// How often each place may be given at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_count: Option<usize>,
    /// Whether the place must be there.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub required: bool,
    /// The names that may be given at these places; any other name is stopped.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub only: Vec<Place>,
    /// Media types that a request with a body may have, such as `application/json`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub content_types: Vec<String>,
    /// How values are decoded before they are looked at.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub decode: Vec<Decode>,
    /// The status of the block page; 403 if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Located<u16>>,
}

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Digits, perhaps with a sign, 19 at most.
    Integer,
    /// A decimal number, perhaps with sign, fraction and exponent.
    Number,
    /// `true` or `false`.
    Boolean,
    /// RFC 9562, with or without capitals.
    Uuid,
    /// A letter or `_`, then letters, digits, `_`.
    Identifier,
    /// Letters, digits, `_`, `-`.
    Slug,
    /// `YYYY-MM-DD`.
    Date,
    /// What most people take for an address; no quoted local parts.
    Email,
    /// One path segment: no slash, no backslash, no dot at the start.
    FileName,
    /// An absolute http or https URL without user information.
    WebUrl,
}

/// What must not be found.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Deny {
    /// Where to look.
    #[serde(rename = "where")]
    pub places: Vec<Place>,
    /// How values are decoded first; every stage is looked at. A detector has
    /// its own decoding where this is left out. Base64 in a cookie is looked at both
    /// percent-decoded and as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Option<Vec<Decode>>,
    /// What is looked for.
    #[serde(rename = "when")]
    pub condition: Condition,
    /// More that must be found in the same request.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub and: Vec<When>,
    /// The status of the block page; 403 if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Located<u16>>,
}

/// One more condition.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Where to look.
    #[serde(rename = "where")]
    pub places: Vec<Place>,
    /// As above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Option<Vec<Decode>>,
    /// What is looked for.
    #[serde(rename = "when")]
    pub condition: Condition,
}

/// What is looked for in a value.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Detector: a path that leads out of where it should stay.
    Traversal(Traversal),
    /// Detector: SQL injection.
    SqlInjection,
    /// Detector: SQL injection, in a field where people write.
    SqlSyntax,
    /// Detector: cross-site scripting.
    Xss,
    /// Detector: operating system commands.
    CommandInjection,
    /// Detector: server-side template expressions.
    TemplateInjection,
    /// Detector: OGNL, SpEL, EL and other Java expressions.
    ExpressionInjection,
    /// Detector: filters of directories (LDAP).
    LdapInjection,
    /// Detector: JNDI look-ups, as in Log4Shell.
    Jndi,
    /// Detector: URLs that lead a server to where it should not go.
    Ssrf(UrlShape),
    /// Detector: document types and entities in XML.
    Xxe,
    /// Detector: serialised objects of Java, PHP, Python, .NET and Ruby.
    Deserialization,
    /// Detector: program code that servers evaluate.
    CodeInjection,
    /// Detector: a value that is itself a command line.
    Command,
    /// Detector: script in markup, where other markup is welcome.
    ActiveMarkup,
    /// Detector: line breaks that begin another header.
    HeaderInjection,
    /// Detector: paths that servers read differently. For `uri`.
    PathConfusion,
    /// Detector: names of files that web servers execute. For `file-names`.
    ExecutableFile,
    /// Detector: files that nobody fetches by name, such as `WEB-INF/web.xml`.
    SensitiveFile,
    /// Detector: operators of document databases. For names and JSON texts.
    NosqlOperators,
    /// Detector: names that reach prototypes or class loaders. For names.
    PrototypePollution,
    /// A regular expression is found. `(?i)` at its start ignores case.
    Regex(String),
    /// The whole value does not match the regular expression.
    NotLike(String),
    /// The value contains this, ASCII case ignored.
    Contains(String),
    /// The value contains one of these, ASCII case ignored.
    ContainsAny(Vec<String>),
    /// The value is this.
    Equals(String),
    /// The value begins with this.
    StartsWith(String),
    /// The value ends with this.
    EndsWith(String),
    /// The place is there at all.
    Present,
    /// The place is not there.
    Absent,
    /// The value has more bytes.
    LongerThan(usize),
    /// The place is given more often.
    MoreThan(usize),
}

/// What of a path is dangerous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Traversal {
    /// A `..` segment.
    DotSegments,
    /// A path that, once normalised, is not below `scope.path.prefix` any more. Only for `path`.
    OutsidePrefix,
    /// A `..` segment, an absolute path, a drive, a `file:` URL or a zero byte.
    Absolute,
}

/// What of a URL is dangerous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UrlShape {
    /// Schemes other than http and https, addresses of private networks, of this
    /// host and of metadata services in every notation, user information.
    Internal,
    /// Any absolute or scheme-relative URL.
    Any,
    /// Any absolute or scheme-relative URL that does not lead to the request's own host.
    OtherHost,
    /// Any absolute URL, an address, or a bare host name such as `example.org`.
    Host,
}

/// One step of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decode {
    /// `%41`, `%u0041`, `+`.
    Url,
    /// `&lt;`, `&#60;`, `&#x3c;`.
    Html,
    /// `\x41`, `\u0041`, `\101`.
    Js,
    /// `\41` as in style sheets.
    Css,
    /// Base64, what is not of it ignored.
    Base64,
    /// Deflate, as messages of SAML are in a URL, within base64; zlib and gzip, too. What is
    /// none of these stays.
    Inflate,
    /// Hexadecimal digits.
    Hex,
    /// Everything that is not ASCII becomes `%uXXXX`.
    Utf8,
    /// `\` counts as `/`.
    Backslash,
    /// Dot segments resolved, slashes merged.
    NormalizePath,
    /// Small letters.
    Lowercase,
    /// Runs of white space become one space.
    Whitespace,
    /// White space goes.
    NoWhitespace,
    /// Zero bytes go.
    Nulls,
    /// `/* */` becomes a space.
    Comments,
    /// What shells ignore in a command goes.
    Shell,
}

/// What is taken out of the request.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strip {
    /// Every header of this name.
    Header(String),
    /// Every cookie of this name.
    Cookie(String),
    /// Every query parameter of this name.
    Query(String),
}
