//! `allow`: what must be like this.

use super::deny::{regex, status};
use super::link::{Effect, Link, Made};
use super::targets::{self, escaped};
use crate::document::{Allow, Kind, Member, Place, PlaceKind};

/// One rule for each way in which a request can be other than allowed.
pub(super) fn compile(allow: &Allow) -> Result<Vec<Made>, String> {
    let asks = allow.kind.is_some()
        || allow.min_length.is_some()
        || allow.max_length.is_some()
        || allow.charset.is_some()
        || allow.pattern.is_some()
        || !allow.values.is_empty()
        || allow.max_count.is_some()
        || allow.required;
    if asks && allow.places.is_empty() {
        return Err("`where` is empty; name at least one place, such as query.id".to_owned());
    }
    let mut places = allow.places.iter().chain(&allow.only);
    if places.any(|place| place.kind == PlaceKind::Credentials) {
        return Err(
            "`credentials` is a place for `deny`; an `allow` takes header.Authorization".to_owned(),
        );
    }
    if !asks && allow.only.is_empty() && allow.content_types.is_empty() {
        return Err(
            "this `allow` asks nothing; give type, min-length, max-length, charset, pattern, enum, max-count, required, only or content-types"
                .to_owned(),
        );
    }
    let mut rules = Rules {
        made: Vec::new(),
        status: status(allow.status.as_ref())?,
        names: {
            let places: Vec<String> = allow.places.iter().map(ToString::to_string).collect();
            places.join(", ")
        },
    };
    rules.values(allow)?;
    rules.counts(allow);
    rules.only(&allow.only)?;
    rules.content_types(&allow.content_types);
    Ok(rules.made)
}

struct Rules {
    made: Vec<Made>,
    status: u16,
    names: String,
}

impl Rules {
    fn add(&mut self, message: String, links: Vec<Link>) {
        let effect = Effect::Deny {
            status: self.status,
        };
        self.made.push(Made::new(message, effect, links));
    }

    /// Each value, whole.
    fn values(&mut self, allow: &Allow) -> Result<(), String> {
        let link = |operator, argument: String| {
            Link::new(targets::of_all(&allow.places), operator, argument).decoded(&allow.decode)
        };
        let mut whole = Vec::new();
        if let Some(kind) = allow.kind {
            whole.push((form(kind).to_owned(), format!("is no {kind:?}")));
        }
        if let Some(charset) = &allow.charset {
            let pattern = format!("[{}]*", charset.value);
            regex(&pattern)?;
            whole.push((pattern, "has characters that are not allowed".to_owned()));
        }
        if let Some(pattern) = &allow.pattern {
            regex(pattern)?;
            whole.push((pattern.value.clone(), "has another form".to_owned()));
        }
        if !allow.values.is_empty() {
            let values: Vec<String> = allow.values.iter().map(|value| escaped(value)).collect();
            whole.push((values.join("|"), "is none of the values allowed".to_owned()));
        }
        for (pattern, what) in whole {
            let argument = format!("\\A(?:{pattern})\\z");
            let message = format!("{} {what}", self.names);
            self.add(message, vec![link("rx", argument).negated()]);
        }
        for (bytes, operator, what) in [
            (allow.min_length, "lt", "is shorter"),
            (allow.max_length, "gt", "is longer"),
        ] {
            if let Some(bytes) = bytes {
                let mut length = link(operator, bytes.to_string());
                length.transformations.push("length");
                let message = format!("{} {what} than {bytes} bytes", self.names);
                self.add(message, vec![length]);
            }
        }
        Ok(())
    }

    /// How often each place is there.
    fn counts(&mut self, allow: &Allow) {
        for place in &allow.places {
            if allow.required {
                let link = Link::counted(targets::of(place), "eq", 0);
                self.add(format!("{place} is missing"), vec![link]);
            }
            if let Some(count) = allow.max_count {
                let link = Link::counted(targets::of(place), "gt", count);
                self.add(
                    format!("{place} is given more than {count} times"),
                    vec![link],
                );
            }
        }
    }

    /// Only these names.
    fn only(&mut self, places: &[Place]) -> Result<(), String> {
        use PlaceKind as P;
        const NAMED: [(P, &str, &str); 6] = [
            (P::Query, "ARGS_GET_NAMES", ""),
            (P::Form, "ARGS_POST_NAMES", ""),
            (P::Json, "ARGS_POST_NAMES", "json\\."),
            (P::Args, "ARGS_NAMES", "(?:json\\.)?"),
            (P::Header, "REQUEST_HEADERS_NAMES", ""),
            (P::Cookie, "REQUEST_COOKIES_NAMES", ""),
        ];
        if let Some(odd) = places
            .iter()
            .find(|place| !NAMED.iter().any(|(kind, ..)| *kind == place.kind))
        {
            return Err(format!(
                "`only` takes names such as query.q, form.q, json.q, args.q, header.X or cookie.c, not `{odd}`"
            ));
        }
        for (kind, variable, prefix) in NAMED {
            let mut names = Vec::new();
            for place in places.iter().filter(|place| place.kind == kind) {
                match &place.member {
                    Some(Member::Name(name)) => names.push(match kind {
                        P::Json => escaped(name).replace("\\.\\*", "\\.[^.]*"),
                        _ => escaped(name),
                    }),
                    Some(Member::Pattern(pattern)) => names.push(pattern.clone()),
                    None => {
                        return Err(format!(
                            "`only` needs a name: `{kind}.NAME`",
                            kind = kind.name()
                        ));
                    }
                }
            }
            if names.is_empty() {
                continue;
            }
            let argument = format!("(?i)\\A{prefix}(?:{})(?:[.\\[].*)?\\z", names.join("|"));
            let link = Link::new(vec![targets::plain(variable)], "rx", argument).negated();
            self.add(
                format!("a {} that is not expected", kind.name()),
                vec![link],
            );
        }
        Ok(())
    }

    /// Only these media types, where there is a body.
    fn content_types(&mut self, types: &[String]) {
        if types.is_empty() {
            return;
        }
        let names: Vec<String> = types.iter().map(|name| escaped(name)).collect();
        let argument = format!("(?i)\\A\\s*(?:{})\\s*(?:;|\\z)", names.join("|"));
        let header = targets::header("Content-Type");
        let other = Link::new(header.0.clone(), "rx", argument).negated();
        let message = "the body's media type is not one of those allowed".to_owned();
        self.add(message.clone(), vec![other]);
        let body = Link::new(vec![targets::plain("REQUEST_BODY_LENGTH")], "gt", "0");
        let none = Link::counted(header, "eq", 0);
        self.add(message, vec![body, none]);
    }
}

/// A form as a regular expression for the whole value.
fn form(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "[-+]?[0-9]{1,19}",
        Kind::Number => {
            r"[-+]?(?:[0-9]{1,19}(?:\.[0-9]{0,19})?|\.[0-9]{1,19})(?:[eE][-+]?[0-9]{1,3})?"
        }
        Kind::Boolean => "true|false",
        Kind::Uuid => "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
        Kind::Identifier => "[A-Za-z_][A-Za-z0-9_]*",
        Kind::Slug => "[A-Za-z0-9_-]+",
        Kind::Date => "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])",
        Kind::Email => {
            r"[A-Za-z0-9.!#$%&*+=?^_{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.)*[A-Za-z0-9-]{1,63}"
        }
        Kind::FileName => r"[^./\\\x00-\x1f:][^/\\\x00-\x1f:]*",
        Kind::WebUrl => r"(?i)https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][^\s\\@\x00-\x1f]*)?",
    }
}
