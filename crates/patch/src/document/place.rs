//! Where in a request a rule looks: `query.q`, `header.Host`, `json.user.name`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};

/// A place in a request, as written in `where`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What kind of place.
    pub kind: PlaceKind,
    /// A member's name, or a pattern for names.
    pub member: Option<Member>,
}

/// Which member of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// This one, case ignored.
    Name(String),
    /// All whose name matches: `query./^id_/`.
    Pattern(String),
}

/// One line a kind: its name, whether it takes a member, what it is.
macro_rules! places {
    ($($variant:ident $name:literal $member:literal $summary:literal;)*) => {
        /// The kinds of places.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum PlaceKind {
            $(#[doc = $summary] $variant,)*
        }

        const ALL: &[(PlaceKind, &str, bool, &str)] =
            &[$((PlaceKind::$variant, $name, $member, $summary),)*];
    };
}

places! {
    Path "path" false "the path, percent-decoded once";
    Uri "uri" false "path and query as received";
    Method "method" false "the method";
    Host "host" false "the host that the request names, without port";
    QueryString "query-string" false "the query as received";
    Query "query" true "query parameters, decoded";
    QueryNames "query-names" false "names of query parameters, decoded";
    Form "form" true "body parameters, decoded: urlencoded and multipart fields";
    Json "json" true "JSON values by path, such as json.user.name; `*` stands for any key or index";
    Args "args" true "parameters wherever they come: query, form, top-level JSON";
    ArgsNames "args-names" false "names of all parameters; JSON paths begin with json.";
    Header "header" true "header values";
    Credentials "credentials" false "what Authorization holds in base64: name and password of Basic, head and claims of a token; for `deny`";
    HeaderNames "header-names" false "header names";
    Cookie "cookie" true "cookie values";
    CookieNames "cookie-names" false "cookie names";
    FileNames "file-names" false "names that clients give uploaded files";
    FileContents "file-contents" false "contents of uploaded files";
    PartHeaders "part-headers" false "header lines of multipart parts, such as Content-Disposition";
    Xml "xml" false "texts of XML elements";
    XmlAttributes "xml-attributes" false "values of XML attributes";
    XmlExternal "xml-external" false "system and public identifiers of XML doctypes and entities";
    Body "body" false "the raw body, after content decoding";
}

impl PlaceKind {
    /// As written.
    pub fn name(self) -> &'static str {
        self.line().1
    }

    /// What it is, for people.
    pub fn summary(self) -> &'static str {
        self.line().3
    }

    /// Every kind, in the order of the reference page.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|line| line.0)
    }

    /// Whether it can only be seen once the body was read.
    pub fn needs_body(self) -> bool {
        use PlaceKind as P;
        matches!(
            self,
            P::Form
                | P::Json
                | P::Args
                | P::ArgsNames
                | P::FileNames
                | P::FileContents
                | P::PartHeaders
                | P::Xml
                | P::XmlAttributes
                | P::XmlExternal
                | P::Body
        )
    }

    fn line(self) -> &'static (Self, &'static str, bool, &'static str) {
        const NONE: &(PlaceKind, &str, bool, &str) = &(PlaceKind::Path, "path", false, "");
        ALL.iter().find(|line| line.0 == self).unwrap_or(NONE)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind.name())?;
        match &self.member {
            None => Ok(()),
            Some(Member::Name(name)) => write!(f, ".{name}"),
            Some(Member::Pattern(pattern)) => write!(f, "./{pattern}/"),
        }
    }
}

impl std::str::FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, member) = match text.split_once('.') {
            Some((name, member)) => (name, Some(member)),
            None => (text, None),
        };
        let Some(&(kind, _, takes_member, _)) = ALL.iter().find(|line| line.1 == name) else {
            let near = crate::problem::nearest(name, ALL.iter().map(|line| line.1));
            return Err(format!("`{name}` is no place in a request{near}"));
        };
        let member = match member {
            None => None,
            Some(_) if !takes_member => {
                return Err(format!("`{name}` has no members; write `{name}` alone"));
            }
            Some("") => return Err(format!("a name is missing after `{name}.`")),
            Some(member) => Some(
                match member
                    .strip_prefix('/')
                    .and_then(|inner| inner.strip_suffix('/'))
                {
                    Some(pattern) => {
                        regex_syntax::Parser::new()
                            .parse(pattern)
                            .map_err(|error| format!("the pattern of `{text}`: {error}"))?;
                        Member::Pattern(pattern.to_owned())
                    }
                    None => Member::Name(member.to_owned()),
                },
            ),
        };
        Ok(Self { kind, member })
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Place {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Place".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = |members: bool| {
            let names: Vec<&str> = ALL
                .iter()
                .filter(|line| !members || line.2)
                .map(|line| line.1)
                .collect();
            names.join("|")
        };
        let described: Vec<String> = ALL
            .iter()
            .map(|(_, name, member, summary)| {
                let member = if *member { "[.NAME or ./PATTERN/]" } else { "" };
                format!("{name}{member}: {summary}")
            })
            .collect();
        json_schema!({
            "type": "string",
            "pattern": format!("^(?:(?:{})|(?:{})\\..+)$", names(false), names(true)),
            "description": format!("Where in a request. {}", described.join("; ")),
        })
    }
}
