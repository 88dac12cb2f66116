//! Places to SecLang targets.

use seclang::{Selector, Target};

use super::link::{Link, Located, target};
use crate::document::{Member, Place, PlaceKind};

/// The targets of several places.
pub(crate) fn of_all(places: &[Place]) -> Vec<Target> {
    places.iter().flat_map(|place| of(place).0).collect()
}

/// The targets of one place.
pub(crate) fn of(place: &Place) -> Located {
    use PlaceKind as P;
    let member = place.member.as_ref();
    let one =
        |variable: &str, selector: Option<Selector>| Located(vec![target(variable, selector)]);
    match place.kind {
        P::Path => one("REQUEST_FILENAME", None),
        P::Uri => one("REQUEST_URI_RAW", None),
        P::Method => one("REQUEST_METHOD", None),
        P::Host => one("SERVER_NAME", None),
        P::QueryString => one("QUERY_STRING", None),
        P::Query => one("ARGS_GET", member.map(parameter)),
        P::QueryNames => one("ARGS_GET_NAMES", None),
        P::Form => match member {
            Some(member) => one("ARGS_POST", Some(parameter(member))),
            None => {
                let mut json = target("ARGS_POST", Some(Selector::Regex("^json".to_owned())));
                json.excluded = true;
                Located(vec![target("ARGS_POST", None), json])
            }
        },
        P::Json => one("ARGS_POST", Some(json(member))),
        P::Args => one("ARGS", member.map(anywhere)),
        P::ArgsNames => one("ARGS_NAMES", None),
        P::Header => one("REQUEST_HEADERS", member.map(literal)),
        // As `opened` leaves them.
        P::Credentials => Located(
            ["1", "2", "3"]
                .map(|number| target("TX", Some(Selector::Literal(number.to_owned()))))
                .to_vec(),
        ),
        P::HeaderNames => one("REQUEST_HEADERS_NAMES", None),
        P::Cookie => one("REQUEST_COOKIES", member.map(literal)),
        P::CookieNames => one("REQUEST_COOKIES_NAMES", None),
        P::FileNames => one("FILES", None),
        P::FileContents => one("FILES_TMP_CONTENT", None),
        P::PartHeaders => one("MULTIPART_PART_HEADERS", None),
        P::Xml => one("XML", Some(Selector::Literal("/*".to_owned()))),
        P::XmlAttributes => one("XML", Some(Selector::Literal("//@*".to_owned()))),
        P::XmlExternal => one("XML", Some(Selector::Literal("external".to_owned()))),
        P::Body => one("REQUEST_BODY", None),
    }
}

/// A variable without members.
pub(crate) fn plain(variable: &str) -> Target {
    target(variable, None)
}

/// A header by name.
pub(crate) fn header(name: &str) -> Located {
    let name = Some(Selector::Literal(name.to_owned()));
    Located(vec![target("REQUEST_HEADERS", name)])
}

/// Leaves what `Authorization` holds in base64 to the rest of its chain. A token that is
/// none of RFC 7519 is only noise when it is decoded.
pub(crate) fn opened() -> Link {
    let mut link = Link::new(
        header("Authorization").0,
        "rx",
        r"(?i)\A\s*(?:basic\s+([\w+/=\x2d]+)|bearer\s+(eyJ[\w\x2d]+)\.([\w\x2d]+))",
    );
    link.captures = true;
    link
}

/// A cookie by name.
pub(crate) fn cookie(name: &str) -> Located {
    let name = Some(Selector::Literal(name.to_owned()));
    Located(vec![target("REQUEST_COOKIES", name)])
}

/// A query parameter by exactly this name.
pub(crate) fn query(name: &str) -> Located {
    let name = Some(Selector::Literal(name.to_owned()));
    Located(vec![target("ARGS_GET", name)])
}

fn literal(member: &Member) -> Selector {
    match member {
        Member::Name(name) => Selector::Literal(name.clone()),
        Member::Pattern(pattern) => Selector::Regex(pattern.clone()),
    }
}

/// A parameter as frameworks name it: PHP and qs take `name[]` and `name[key]`
/// for `name`, and some drop white space in front of it.
fn parameter(member: &Member) -> Selector {
    match member {
        Member::Name(name) => Selector::Regex(format!("(?i)^\\s*{}(?:\\[|\\x00|$)", escaped(name))),
        Member::Pattern(pattern) => Selector::Regex(pattern.clone()),
    }
}

/// A parameter wherever it comes: also as a top-level key of a JSON body.
fn anywhere(member: &Member) -> Selector {
    match member {
        Member::Name(name) => Selector::Regex(format!(
            "(?i)^\\s*(?:json\\.(?:[0-9]+\\.)?)?{}(?:[.\\[]|\\x00|$)",
            escaped(name)
        )),
        Member::Pattern(pattern) => Selector::Regex(pattern.clone()),
    }
}

/// A JSON value by path; what is below it belongs to it.
fn json(member: Option<&Member>) -> Selector {
    match member {
        None => Selector::Regex("^json".to_owned()),
        Some(Member::Pattern(pattern)) => Selector::Regex(pattern.clone()),
        Some(Member::Name(path)) => {
            let steps: Vec<String> = path
                .split('.')
                .map(|step| match step {
                    "*" => "[^.]*".to_owned(),
                    step => escaped(step),
                })
                .collect();
            Selector::Regex(format!("(?i)^json\\.{}(?:\\.|$)", steps.join("\\.")))
        }
    }
}

/// Text as a regular expression that matches it, in a form that every engine
/// reads alike: no macros, no quotes, no control characters.
pub(crate) fn escaped(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '%' | '"' | '\'' | '/' | '|' | ',' | '#' | '&' | '~' | '-' | ' ' => {
                format!("\\x{:02x}", u32::from(letter))
            }
            letter if letter.is_ascii_control() => format!("\\x{:02x}", u32::from(letter)),
            letter => regex_syntax::escape(letter.encode_utf8(&mut [0; 4])),
        })
        .collect()
}
