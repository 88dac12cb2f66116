//! What attacks of a class are dressed up as. Only values that look like the class are
//! changed: a shell's quotes in SQL would be no attack at all.

pub(super) mod expression;
pub(super) mod markup;
pub(super) mod serial;
pub(super) mod shell;
pub(super) mod sql;
pub(super) mod traversal;
pub(super) mod url;

use super::fields::replaced;

/// Whether one of the texts is in a value, ASCII case ignored.
fn has(value: &[u8], texts: &[&str]) -> bool {
    let small = value.to_ascii_lowercase();
    let has = |text: &&str| {
        let mut windows = small.windows(text.len());
        windows.any(|window| window == text.as_bytes())
    };
    texts.iter().any(has)
}

/// A word, ASCII case ignored, becomes something else wherever it stands alone.
fn word(value: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut result = Vec::with_capacity(value.len());
    let mut rest = value;
    let mut before = b' ';
    while let Some((&byte, after)) = rest.split_first() {
        let tail = rest.split_at_checked(from.len());
        match tail {
            Some((found, tail))
                if found.eq_ignore_ascii_case(from.as_bytes())
                    && !is_word(before)
                    && !tail.first().is_some_and(|&next| is_word(next)) =>
            {
                result.extend_from_slice(to.as_bytes());
                rest = tail;
                before = b' ';
            }
            _ => {
                result.push(byte);
                rest = after;
                before = byte;
            }
        }
    }
    result
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Several words at once.
fn words(value: &[u8], changes: &[(&str, &str)]) -> Vec<u8> {
    changes
        .iter()
        .fold(value.to_vec(), |value, (from, to)| word(&value, from, to))
}

/// Several texts at once.
fn texts(value: &[u8], changes: &[(&str, &str)]) -> Vec<u8> {
    changes.iter().fold(value.to_vec(), |value, (from, to)| {
        replaced(&value, from, to)
    })
}
