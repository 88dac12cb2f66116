//! A request as people read it: its parts by name, decoded, with what matched marked.

use std::fmt::{self, Display, Write};

use engine::Match;
use patch::Request;
use serde_json::Value;

/// Text in a page: nothing of it is markup. Bytes that cannot be seen get a picture of
/// their own (Unicode's Control Pictures).
pub(super) struct Escaped<'t>(pub(super) &'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' => f.write_str("<i>␊</i><wbr>")?,
                '\0'..='\x1f' => {
                    let shown = char::from_u32(0x2400 + u32::from(letter)).unwrap_or('␀');
                    write!(f, "<i>{shown}</i>")?;
                }
                '\x7f' | '\u{80}'..='\u{9f}' | '\u{fffd}' => f.write_str("<i>�</i>")?,
                // Marks of direction would turn the text around.
                '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    write!(f, "<i>U+{:04X}</i>", u32::from(letter))?;
                }
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// One named part of a request.
struct Part {
    /// As patches name it: `query.q`.
    place: String,
    value: String,
}

/// Characters of a value that are shown.
const SHOWN: usize = 2000;
/// Parts of a request that are shown.
const PARTS: usize = 60;

/// A request and what matched in it, as markup.
pub(super) struct Picture<'r> {
    pub(super) request: &'r Request,
    pub(super) cause: Option<&'r Match>,
}

impl Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = parts(self.request);
        let marked = self.cause.map(|cause| marked(&parts, cause));
        write!(f, "<table class=request>")?;
        for (at, part) in parts.iter().take(PARTS).enumerate() {
            let hit = marked.as_ref().is_some_and(|marked| marked.contains(&at));
            write!(
                f,
                "<tr{}><th>{}</th><td>",
                if hit { " class=hit" } else { "" },
                Escaped(&part.place)
            )?;
            match self.cause.filter(|_| hit) {
                Some(cause) => write_marked(f, &part.value, cause)?,
                None => write!(f, "{}", Escaped(&cut(&part.value)))?,
            }
            f.write_str("</td></tr>")?;
        }
        if parts.len() > PARTS {
            write!(
                f,
                "<tr><th>…</th><td>{} parts more</td></tr>",
                parts.len() - PARTS
            )?;
        }
        f.write_str("</table>")?;
        let Some(cause) = self.cause else {
            return Ok(());
        };
        write!(
            f,
            "<p class=why>Rule {} at <code>{}</code>: {}",
            cause.rule,
            Escaped(&cause.target),
            Escaped(&cause.message)
        )?;
        // What the rule saw is another text where it was decoded first.
        let value = String::from_utf8_lossy(&cause.value);
        if !value.is_empty() && !parts.iter().any(|part| part.value.contains(&*value)) {
            write!(f, "<br>It read: <code>{}</code>", Escaped(&cut(&value)))?;
        }
        f.write_str("</p>")
    }
}

/// The value with the bytes that matched marked, or the whole of it.
fn write_marked(f: &mut fmt::Formatter<'_>, value: &str, cause: &Match) -> fmt::Result {
    let found = cause
        .span
        .clone()
        .and_then(|span| cause.value.get(span))
        .map(String::from_utf8_lossy)
        .filter(|text| !text.is_empty())
        .and_then(|text| Some((value.find(&*text)?, text.len())));
    let (start, length) = found.unwrap_or((0, value.len()));
    let (before, rest) = value.split_at(start);
    let (text, after) = rest.split_at(length);
    write!(
        f,
        "{}<mark>{}</mark>{}",
        Escaped(&cut(before)),
        Escaped(&cut(text)),
        Escaped(&cut(after))
    )
}

/// Which parts a rule's target names.
fn marked(parts: &[Part], cause: &Match) -> Vec<usize> {
    let target = cause.target.trim_start_matches('&');
    let (collection, member) = target.split_once(':').unwrap_or((target, ""));
    let kinds: &[&str] = match collection {
        "ARGS" | "ARGS_NAMES" | "ARGS_COMBINED_SIZE" => &["query", "form", "json"],
        "ARGS_GET" | "ARGS_GET_NAMES" | "QUERY_STRING" => &["query"],
        "ARGS_POST" | "ARGS_POST_NAMES" | "FILES" | "FILES_NAMES" => &["form", "json"],
        "REQUEST_BODY" | "XML" | "JSON" => &["form", "json", "body"],
        "REQUEST_HEADERS" | "REQUEST_HEADERS_NAMES" => &["header", "cookie"],
        "REQUEST_COOKIES" | "REQUEST_COOKIES_NAMES" => &["cookie"],
        "REQUEST_METHOD" => &["method"],
        _ => &["path"],
    };
    let named = |part: &Part| {
        let (kind, name) = part.place.split_once('.').unwrap_or((&part.place, ""));
        let name_fits = member.is_empty()
            || name.eq_ignore_ascii_case(member)
            || part.place.eq_ignore_ascii_case(member)
            || kind == "cookie" && member.eq_ignore_ascii_case("cookie");
        kinds.contains(&kind) && (name_fits || kind == "path")
    };
    let fitting = parts.iter().enumerate().filter(|(_, part)| named(part));
    fitting.map(|(at, _)| at).collect()
}

/// Everything that a request says, in the order in which it says it.
fn parts(request: &Request) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut add = |place: String, value: String| parts.push(Part { place, value });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let target = text(&request.target);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    add("method".to_owned(), text(&request.method));
    add("path".to_owned(), path.to_owned());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        add(format!("query.{name}"), value.into_owned());
    }
    for (name, value) in &request.headers {
        match name.eq_ignore_ascii_case(b"cookie") {
            true => {
                for pair in text(value).split(';') {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    add(format!("cookie.{}", name.trim()), value.to_owned());
                }
            }
            false => add(format!("header.{}", text(name)), text(value)),
        }
    }
    let kind = request.media_type();
    let json = || serde_json::from_slice::<Value>(&request.body).ok();
    if request.body.is_empty() {
    } else if kind == "application/x-www-form-urlencoded" {
        for (name, value) in form_urlencoded::parse(&request.body) {
            add(format!("form.{name}"), value.into_owned());
        }
    } else if let Some(value) = json() {
        leaves(&value, "json", &mut add);
    } else {
        for piece in text(&request.body).split("\r\n--") {
            add("body".to_owned(), piece.to_owned());
        }
    }
    parts
}

fn leaves(value: &Value, place: &str, add: &mut impl FnMut(String, String)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                leaves(member, &format!("{place}.{name}"), add);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                leaves(item, &format!("{place}.{at}"), add);
            }
        }
        Value::String(text) => add(place.to_owned(), text.clone()),
        other => add(place.to_owned(), other.to_string()),
    }
}

fn cut(text: &str) -> String {
    let mut letters = text.chars();
    let start: String = letters.by_ref().take(SHOWN).collect();
    match letters.count() {
        0 => start,
        more => format!("{start} … {more} characters more"),
    }
}
