//! A flow, which is JavaScript: what it runs in which order, and what it sets. It is read, not
//! run: every block that it names is taken to run, whatever the conditions, for each may be
//! what exploits.

use std::rc::Rc;

use super::dsl;
use super::template::{Template, Texts};

/// Bytes of a flow.
const FLOW_BYTES: usize = 64 * 1024;
/// What a flow runs, and what it sets; each is looked at up to its end.
const FLOW_PARTS: usize = 256;

/// What a flow says.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Stages and numbers of blocks; what runs one instead of the other shares a stage.
    pub(super) blocks: Vec<(usize, usize)>,
    /// Names and expressions.
    pub(super) variables: Vec<(String, String)>,
    /// Names and values that are taken one after the other.
    pub(super) lists: Vec<(String, Rc<Texts>)>,
}

impl Flow {
    /// The flow of a template; all blocks in their order where it has none.
    ///
    /// # Errors
    /// A block that is not there, or more than a flow may hold.
    pub(super) fn of(template: &Template) -> Result<Self, String> {
        let mut flow = Self::default();
        let text = template.flow.as_deref().unwrap_or_default();
        if text.len() > FLOW_BYTES {
            return Err(format!("its flow has more than {FLOW_BYTES} bytes"));
        }
        let text = code(text);
        flow.settings(&text)?;
        flow.runs(&text, template)?;
        if flow.blocks.is_empty() {
            flow.blocks = (1..=template.http.len())
                .map(|number| (number, number))
                .collect();
        }
        Ok(flow)
    }

    fn runs(&mut self, text: &str, template: &Template) -> Result<(), String> {
        let (mut stage, mut negated) = (0, false);
        for (between, arguments) in calls(text, "http")? {
            // What runs where another did not match is another way.
            let other_way = between.contains("||") && !negated && !self.blocks.is_empty();
            stage += usize::from(!other_way);
            negated = between.trim_end().ends_with('!');
            let told: Vec<&str> = pieces(arguments);
            let all = told
                .iter()
                .all(|argument| argument.is_empty() || argument.starts_with('{'));
            let numbers: Vec<usize> = match all {
                true => (1..=template.http.len()).collect(),
                false => told
                    .iter()
                    .filter(|argument| !argument.starts_with('{'))
                    .filter_map(|argument| number(argument, template).transpose())
                    .collect::<Result<_, _>>()?,
            };
            for number in numbers {
                if !self.blocks.iter().any(|(_, known)| *known == number) {
                    self.blocks.push((stage, number));
                }
            }
        }
        Ok(())
    }

    /// `set("name", …)`, `let name = …` and `for (let name of …)`.
    fn settings(&mut self, text: &str) -> Result<(), String> {
        for (_, arguments) in calls(text, "set")? {
            if let [name, value] = pieces(arguments)[..]
                && let Some(name) = literal(name)
            {
                self.keep(&name, value);
            }
        }
        let mut places: Vec<usize> = ["let ", "var ", "const "]
            .into_iter()
            .flat_map(|word| text.match_indices(word).map(|(at, word)| at + word.len()))
            .collect();
        if places.len() > FLOW_PARTS {
            return Err(too_many());
        }
        places.sort_unstable();
        for at in places {
            let rest = text.get(at..).unwrap_or_default().trim_start();
            let end =
                rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !"_$".contains(letter));
            let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
            let rest = rest.trim_start();
            if let Some(value) = rest.strip_prefix("of ") {
                let value = until(value, &[]);
                let iterated = value.rsplit_once("iterate");
                let inner = iterated.and_then(|(_, behind)| behind.trim_start().strip_prefix('('));
                self.keep(name, inner.map_or(value, |inner| until(inner, &[])));
            } else if let Some(value) = rest.strip_prefix('=')
                && !value.starts_with('=')
            {
                self.keep(name, until(value, b";\n"));
            }
        }
        Ok(())
    }

    fn keep(&mut self, name: &str, value: &str) {
        let value = of_template(value.trim());
        if let Some(items) = value
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            let texts: Vec<String> = pieces(items).into_iter().filter_map(literal).collect();
            if !texts.is_empty() {
                let listed = true;
                let list = Rc::new(Texts { texts, listed });
                self.lists.push((name.to_owned(), list));
            }
        } else if let Some((_, list)) = self.lists.iter().find(|(known, _)| *known == value) {
            let list = Rc::clone(list);
            self.lists.push((name.to_owned(), list));
        } else if value != name && dsl::is_known(value.as_bytes()) {
            // A text alone is what it says.
            let value = match literal(&value) {
                Some(text) => text,
                None => format!("{{{{{value}}}}}"),
            };
            self.variables.push((name.to_owned(), value));
        }
    }
}

/// The number of a block by its number or id; none where only a run would tell.
fn number(argument: &str, template: &Template) -> Result<Option<usize>, String> {
    let quoted = literal(argument);
    let name = quoted.as_deref().unwrap_or(argument);
    let by_id = |name: &str| {
        let mut blocks = template.http.iter();
        blocks.position(|block| block.id.as_deref() == Some(name))
    };
    if let Some(at) = by_id(name) {
        return Ok(Some(at + 1));
    }
    match name.parse::<usize>() {
        Ok(number) if (1..=template.http.len()).contains(&number) => Ok(Some(number)),
        Err(_) if quoted.is_none() => Ok(None),
        _ => Err(format!(
            "its flow runs http({argument}), but there is no such block"
        )),
    }
}

/// `template["name"]` and `template.name` are the variable.
fn of_template(value: &str) -> String {
    let mut text = value.to_owned();
    for quote in ['"', '\''] {
        let (open, close) = (format!("template[{quote}"), format!("{quote}]"));
        let (mut named, mut rest) = (String::new(), text.as_str());
        while let Some((before, behind)) = rest.split_once(&open) {
            let Some((name, after)) = behind.split_once(&close) else {
                return value.to_owned();
            };
            named.push_str(before);
            named.push_str(name);
            rest = after;
        }
        named.push_str(rest);
        text = named;
    }
    text.replace("template.", "")
}

/// What stands in quotes, if the whole text does.
fn literal(text: &str) -> Option<String> {
    let text = text.trim();
    let quote = text
        .chars()
        .next()
        .filter(|first| "\"'`".contains(*first))?;
    let mut letters = text.strip_prefix(quote)?.strip_suffix(quote)?.chars();
    let mut out = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.push(match letters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            }),
            '$' if quote == '`' => return None,
            letter if letter == quote => return None,
            letter => out.push(letter),
        }
    }
    Some(out)
}

/// The calls of a function: what stands before each, from the last one on, and its arguments.
///
/// # Errors
/// There are more than a flow may hold.
fn calls<'t>(text: &'t str, name: &str) -> Result<Vec<(&'t str, &'t str)>, String> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices(name) {
        let rest = text.get(at + name.len()..).unwrap_or_default();
        let before = text.get(..at).unwrap_or_default();
        let within = |letter: char| letter.is_ascii_alphanumeric() || "_.$".contains(letter);
        let (Some(inner), false) = (
            rest.trim_start().strip_prefix('('),
            before.ends_with(within) || at < from,
        ) else {
            continue;
        };
        if found.len() == FLOW_PARTS {
            return Err(too_many());
        }
        found.push((text.get(from..at).unwrap_or_default(), until(inner, &[])));
        from = at + name.len();
    }
    Ok(found)
}

fn too_many() -> String {
    format!("its flow runs or sets more than {FLOW_PARTS} things")
}

/// A text up to one of these bytes, or to what closes around it; quotes and brackets within
/// are passed over.
fn until<'t>(text: &'t str, ends: &[u8]) -> &'t str {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'' | b'`') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') if depth == 0 => return text.get(..at).unwrap_or(text),
            (None, b')' | b']' | b'}') => depth -= 1,
            (None, _) if depth == 0 && ends.contains(&byte) => {
                return text.get(..at).unwrap_or(text);
            }
            _ => {}
        }
    }
    text
}

/// What commas part.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let piece = until(rest, b",");
        pieces.push(piece.trim());
        match rest.get(piece.len() + 1..) {
            Some(more) => rest = more,
            None => return pieces,
        }
    }
}

/// A text without its comments.
fn code(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        // A quote keeps what looks like a comment.
        let plain = rest.find(['"', '\'', '`', '/']).unwrap_or(rest.len());
        let (kept, from) = rest.split_at(plain);
        out.push_str(kept);
        let end = if from.starts_with("//") {
            from.find('\n').unwrap_or(from.len())
        } else if from.starts_with("/*") {
            from.find("*/").map_or(from.len(), |at| at + 2)
        } else {
            let end = quoted(from);
            out.push_str(from.get(..end).unwrap_or_default());
            end
        };
        rest = from.get(end..).unwrap_or_default();
    }
    out
}

/// The length of a quoted text with its quotes, or of a slash. What is not closed ends with
/// its line, if such a quote may not hold lines, or goes on to the end.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    let open = text.bytes().next();
    if open == Some(b'/') {
        return 1;
    }
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'\n' if open != Some(b'`') => return at,
            _ if Some(byte) == open => return at + 1,
            _ => {}
        }
    }
    text.len()
}
