//! A header's parameters as PHP reads them (its `rfc1867.c`): quotes of both kinds, also within a
//! word, keep semicolons; white space ends a word; a parameter may have several equals signs.

/// Whether PHP may find other values than an RFC's grammar does in a header in which that finds no
/// fault.
///
/// PERF: to read each part of a body once more was an eighth of what its parser took.
pub(super) fn may_differ(header: &[u8]) -> bool {
    let odd = |byte: &u8| matches!(byte, 0 | b'\'' | b'\\') || is_space(*byte) && *byte != b' ';
    let kind = header.split(|byte| *byte == b';').next();
    header.iter().any(odd)
        || kind.is_some_and(|kind| kind.contains(&b'='))
        || memchr::memmem::find(header, b"==").is_some()
}

/// What parameters of that (lower-case) name are, as far as they are not empty.
pub(super) fn values(header: &[u8], name: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = header.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let mut pair = trimmed(word(&mut rest, b';'));
        // Its value, if it has one, is what is left of it.
        let key = word(&mut pair, b'=');
        if key.eq_ignore_ascii_case(name) {
            let value = unquoted(trimmed(pair));
            found.extend(Some(value).filter(|value| !value.is_empty()));
        }
    }
    found
}

/// Up to such a byte that stands in no quotes; of the line is left what follows all of them.
fn word<'h>(line: &mut &'h [u8], stop: u8) -> &'h [u8] {
    let all = *line;
    let mut at = 0;
    while let Some(&byte) = all.get(at).filter(|byte| **byte != stop) {
        at += 1;
        if !is_quote(byte) {
            continue;
        }
        while let Some(&inner) = all.get(at).filter(|inner| **inner != byte) {
            let escapes = inner == b'\\' && all.get(at + 1) == Some(&byte);
            at += if escapes { 2 } else { 1 };
        }
        at += usize::from(at < all.len());
    }
    let (word, behind) = all.split_at(at);
    let stops = behind.iter().take_while(|byte| **byte == stop).count();
    *line = behind.get(stops..).unwrap_or_default();
    word
}

/// What its quotes hold, or up to white space. A backslash escapes the quote and itself.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let (quote, inner) = match text.split_first() {
        Some((&quote, inner)) if is_quote(quote) => (Some(quote), inner),
        _ => (None, text),
    };
    let mut value = Vec::new();
    let mut bytes = inner.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek().copied()) {
            _ if Some(byte) == quote => break,
            _ if quote.is_none() && is_space(byte) => break,
            (b'\\', Some(next)) if next == b'\\' || Some(next) == quote => {
                value.push(next);
                bytes.next();
            }
            _ => value.push(byte),
        }
    }
    value
}

fn trimmed(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| is_space(**byte)).count();
    text.get(spaces..).unwrap_or_default()
}

/// What C's `isspace` takes for white space: also the vertical tab.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

#[cfg(test)]
mod tests {
    use super::super::parameters::Parameters;

    /// What `$_POST` of PHP 8.2 had as the name of a field with this disposition.
    #[test]
    fn names_are_those_that_php_gives() {
        for (disposition, expected) in [
            (r"name='a\'b'", Some("a'b")),
            (r"name='a\\b'", Some(r"a\b")),
            (r"name='a\\'b'", Some(r"a\")),
            ("name='a;b'", Some("a;b")),
            ("name='a", Some("a")),
            (r"name=a\'b", Some(r"a\'b")),
            (r"name=a\\b", Some(r"a\b")),
            ("name='a'b", Some("a")),
            (r#"name='a\"b'"#, Some(r#"a\"b"#)),
            (r#"name="a\'b""#, Some(r"a\'b")),
            ("name=a b", Some("a")),
            ("name=a'b;c'd", Some("a'b;c'd")),
            (r"NAME='q\'r'", Some("q'r")),
            ("name = 'a'", None),
            ("name=''", None),
            ("name", None),
            ("name==a", Some("a")),
            (r#"x'="'; name=id; y=""#, Some("id")),
            ("\x0bname=id", Some("id")),
            ("name=id\x0bx", Some("id")),
            ("name=\x0b\"id\"", Some("id")),
        ] {
            let header = format!("form-data; {disposition}");
            let found = super::values(header.as_bytes(), b"name");
            let found: Vec<&str> = found
                .iter()
                .filter_map(|v| str::from_utf8(v).ok())
                .collect();
            assert_eq!(found, Vec::from_iter(expected), "{disposition}");
            assert!(agree(header.as_bytes()), "{disposition}");
        }
    }

    /// Whether PHP is asked, or finds no other names than the grammar does.
    fn agree(header: &[u8]) -> bool {
        let read = Parameters::read(header);
        let mut names = super::values(header, b"name").into_iter();
        !read.anomalies.is_empty()
            || super::may_differ(header)
            || names.all(|name| read.all("name").any(|known| known.value == name))
    }

    proptest::proptest! {
        #[test]
        fn php_is_asked_where_it_may_differ(rest in "(name|x|[;=\"' \\\\\t\x0b\0ab]){0,16}") {
            proptest::prop_assert!(agree(format!("form-data;{rest}").as_bytes()), "{rest:?}");
            proptest::prop_assert!(agree(rest.as_bytes()), "{rest:?}");
        }
    }
}
