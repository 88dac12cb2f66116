//! Regular expressions as ModSecurity's rules are written, for PCRE on bytes,
//! in the syntax of the `regex` crates.
//!
//! The two share most of it. What would mean something else is rewritten here:
//! `\<`, `\v`, `[` and `&&` in a class, `\x{ff}` as a byte. What has no
//! equal (look-around, back-references) stays, and does not compile.

/// The same expression for a parser without Unicode.
pub(crate) fn translate(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    loop {
        let plain = rest.bytes().take_while(|&byte| means_the_same(byte));
        let (same, tail) = rest.split_at(plain.count());
        translated.push_str(same);
        let Some(letter) = tail.chars().next() else {
            return translated;
        };
        rest = after(tail, letter.len_utf8());
        match letter {
            '\\' => rest = escape(rest, in_class, &mut translated),
            '[' if !in_class => {
                in_class = true;
                rest = open_class(rest, &mut translated);
            }
            ']' if in_class => {
                in_class = false;
                translated.push(']');
            }
            '[' => {
                let named = rest
                    .strip_prefix(':')
                    .and_then(|name| name.split_once(":]"))
                    .filter(|(name, _)| name.chars().all(|c| c.is_ascii_alphabetic() || c == '^'));
                if let Some((name, tail)) = named {
                    translated.push_str(&format!("[:{name}:]"));
                    rest = tail;
                } else {
                    translated.push_str("\\[");
                }
            }
            '&' | '~' if in_class => translated.extend(['\\', letter]),
            '-' if in_class && rest.starts_with('-') => {
                // A range that ends at the hyphen, and no difference of classes.
                translated.push_str("-\\-");
                rest = after(rest, 1);
            }
            _ => literal(letter, in_class, &mut translated),
        }
    }
}

/// Whether a byte stands for the same in both, in a class and outside.
fn means_the_same(byte: u8) -> bool {
    byte.is_ascii() && !matches!(byte, b'\\' | b'[' | b']' | b'&' | b'~' | b'-')
}

fn after(text: &str, bytes: usize) -> &str {
    text.get(bytes..).unwrap_or_default()
}

/// What may only stand first in a class: `^`, then `]` or `-` for themselves.
fn open_class<'p>(mut rest: &'p str, translated: &mut String) -> &'p str {
    translated.push('[');
    for first in ['^', ']', '-'] {
        if let Some(tail) = rest.strip_prefix(first) {
            rest = tail;
            if first != '^' {
                translated.push('\\');
            }
            translated.push(first);
            if first == ']' {
                break;
            }
        }
    }
    rest
}

/// In a class, each byte of a character beyond ASCII stands for itself.
fn literal(letter: char, in_class: bool, translated: &mut String) {
    if letter.is_ascii() || !in_class {
        translated.push(letter);
        return;
    }
    for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
        hex(u32::from(byte), translated);
    }
}

fn hex(byte: u32, translated: &mut String) {
    let digit = |value: u32| char::from_digit(value % 16, 16).unwrap_or('0');
    translated.extend(['\\', 'x', digit(byte / 16), digit(byte)]);
}

/// What follows a backslash; gives what follows that.
fn escape<'p>(rest: &'p str, in_class: bool, translated: &mut String) -> &'p str {
    let Some(letter) = rest.chars().next() else {
        translated.push('\\');
        return rest;
    };
    let tail = after(rest, letter.len_utf8());
    match letter {
        'x' => {
            let braced = tail.strip_prefix('{').and_then(|tail| tail.split_once('}'));
            if let Some((digits, tail)) = braced
                && let Ok(byte @ ..=0xff) = u32::from_str_radix(digits, 16)
            {
                hex(byte, translated);
                return tail;
            }
            translated.push_str("\\x");
        }
        '0' => {
            let digits = tail
                .bytes()
                .take(2)
                .take_while(|byte| matches!(byte, b'0'..=b'7'));
            let (value, count) = digits.fold((0, 0), |(value, count), byte| {
                (value * 8 + u32::from(byte - b'0'), count + 1)
            });
            hex(value, translated);
            return after(tail, count);
        }
        'b' if in_class => hex(0x08, translated),
        'e' => hex(0x1b, translated),
        'h' => set("\\t\\x20\\xA0", in_class, translated),
        'v' => set("\\n\\x0B\\x0C\\r\\x85", in_class, translated),
        'R' if !in_class => translated.push_str("(?:\\r\\n|[\\n\\x0B\\x0C\\r\\x85])"),
        'Z' if !in_class => translated.push_str("(?:\\n?\\z)"),
        '<' | '>' | '\0'..=' ' => hex(u32::from(letter), translated),
        _ if letter.is_ascii() => translated.extend(['\\', letter]),
        _ => literal(letter, in_class, translated),
    }
    tail
}

fn set(members: &str, in_class: bool, translated: &mut String) {
    if in_class {
        translated.push_str(members);
    } else {
        translated.push_str(&format!("[{members}]"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{error, operator};

    #[test]
    fn an_expression_means_what_pcre_means_by_it() {
        for (pattern, matching, other) in [
            (r"\<a\>", b"<a>".as_slice(), b" a ".as_slice()),
            (r"^\x{bc}\x{41}$", b"\xbcA", "\u{bc}A".as_bytes()),
            (r"^[\x7f-\x{ff}]$", b"\xff", b"a"),
            (r"^['[{]]$", b"[]", b"']x"),
            (r"^[[]$", b"[", b"]"),
            (r"^[a&&b]$", b"&", b"-"),
            (r"^[^a&&b]$", b"c", b"&"),
            (r"^[+--]$", b",", b"."),
            (r"^[--/]$", b".", b"0"),
            (r"^[]a]$", b"]", b"b"),
            (r"^[^]a]$", b"b", b"]"),
            (r"^[^-a]$", b"b", b"-"),
            (r"^[[:digit:]x[]+$", b"1[x", b"a"),
            (r"^[a~~b]$", b"~", b"-"),
            (r"^[\b]$", b"\x08", b"b"),
            (r"^\v\h$", b"\r\t", b"v "),
            (r"^[\v\h]+$", b"\n \xa0", b"v"),
            (r"^\0\012\e$", b"\0\n\x1b", b"0"),
            (r"^a\Rb\Z", b"a\r\nb\n", b"ab"),
            (r"^\ \-\/\%\_$", b" -/%_", b"-"),
            ("^[é]+$", "é".as_bytes(), b"e"),
            ("^é$", "é".as_bytes(), b"\xe9"),
            (r"^\w{2}\.\d+?x*+$", b"ab.12xx", b"ab.x"),
        ] {
            assert!(operator("rx", pattern, matching).0, "{pattern}");
            assert!(!operator("rx", pattern, other).0, "{pattern}");
        }
    }

    #[test]
    fn what_has_no_equal_is_refused() {
        for pattern in [r"[a", r"a\", r"\Qa\E", r"(?=a", r"\1"] {
            assert!(
                error("rx", pattern).contains("does not compile"),
                "{pattern}"
            );
        }
    }
}
