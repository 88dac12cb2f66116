//! What of a flow is code: no comments, and no texts that look like code.

/// Templates within each other, as in `` `${`a`}` ``, that are taken apart.
const TEMPLATE_DEPTH: usize = 8;
/// Bytes of a regular expression; a longer one is not told from a division.
const EXPRESSION_BYTES: usize = 1024;

/// A text without its comments, and without what no reader of it could tell from code: regular
/// expressions become `RegExp()`, and `` `a${b}` ``, which calls what it holds, `String(b)`.
pub(super) fn code(text: &str) -> String {
    plain(text, TEMPLATE_DEPTH)
}

fn plain(text: &str, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['"', '\'', '`', '/']).unwrap_or(rest.len());
        let (kept, from) = rest.split_at(end);
        out.push_str(kept);
        let end = if from.starts_with("//") {
            from.find('\n').unwrap_or(from.len())
        } else if from.starts_with("/*") {
            from.find("*/").map_or(from.len(), |at| at + 2)
        } else if from.starts_with('/')
            && begins_value(&out)
            && let Some(end) = expression(from)
        {
            out.push_str("RegExp()");
            end
        } else if from.starts_with('`')
            && let Some(depth) = depth.checked_sub(1)
        {
            let (end, held) = template(from);
            match held.is_empty() {
                true => out.push_str(from.get(..end).unwrap_or_default()),
                false => {
                    let held: Vec<String> = held.iter().map(|held| plain(held, depth)).collect();
                    out.push_str(&format!("String({})", held.join(",")));
                }
            }
            end
        } else {
            let end = quoted(from);
            out.push_str(from.get(..end).unwrap_or_default());
            end
        };
        rest = from.get(end..).unwrap_or_default();
    }
    out
}

/// Whether a slash behind this begins a regular expression, and divides nothing.
fn begins_value(before: &str) -> bool {
    let before = before.trim_end();
    let word = before.trim_end_matches(is_word);
    match before.get(word.len()..) {
        Some("") | None => !before.ends_with([')', ']', '}', '"', '\'', '`', '.']),
        Some(word) => ["return", "typeof", "case", "in", "of"].contains(&word),
    }
}

/// The length of a regular expression with its flags, if it ends within its line.
fn expression(text: &str) -> Option<usize> {
    let (mut escaped, mut class) = (false, false);
    for (at, byte) in text.bytes().enumerate().take(EXPRESSION_BYTES).skip(1) {
        match byte {
            b'\n' => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => {
                let behind = text.get(at + 1..)?;
                return Some(text.len() - behind.trim_start_matches(is_word).len());
            }
            _ => {}
        }
    }
    None
}

/// The length of a template with its backquotes, and what its `${}` hold.
fn template(text: &str) -> (usize, Vec<&str>) {
    let (mut at, mut held) = (1, Vec::new());
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        at += match rest.chars().next() {
            Some('\\') => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            Some('`') => return (at + 1, held),
            Some('$') if rest.starts_with("${") => {
                let inner = interpolated(rest.get(2..).unwrap_or_default());
                held.push(inner);
                inner.len() + 3
            }
            Some(other) => other.len_utf8(),
            None => 1,
        };
    }
    (text.len(), held)
}

/// Up to the brace that closes it, which stands in no text.
fn interpolated(text: &str) -> &str {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..)
        && let Some(letter) = rest.chars().next()
    {
        at += match letter {
            '"' | '\'' | '`' => quoted(rest),
            '}' if depth == 0 => return text.get(..at).unwrap_or(text),
            '{' => {
                depth += 1;
                1
            }
            '}' => {
                depth = depth.saturating_sub(1);
                1
            }
            other => other.len_utf8(),
        };
    }
    text
}

/// Where a word stands in code that is in no quotes and part of no longer word.
pub(super) fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let mut next = 0;
    std::iter::from_fn(move || {
        loop {
            let at = next;
            let rest = text.get(at..)?;
            next += match rest.chars().next()? {
                '"' | '\'' | '`' => quoted(rest),
                other => other.len_utf8(),
            };
            let Some(behind) = rest.strip_prefix(word) else {
                continue;
            };
            let goes_on = word.ends_with(is_word) && behind.starts_with(is_word);
            if !goes_on && !text.get(..at)?.ends_with(is_word) {
                return Some(at);
            }
        }
    })
}

/// The length of a quoted text with its quotes, or of a slash. What is not closed ends with
/// its line, if such a quote may not hold lines, or goes on to the end.
pub(super) fn quoted(text: &str) -> usize {
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

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_$".contains(letter)
}
