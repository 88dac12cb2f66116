//! `@pm`, `@pmFromFile`, `@pmFromDataset`

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

use super::{Arguments, Build, Hit, Operator, Spec};
use crate::need::{Need, Strings};

/// `@pm`
pub(super) const SPEC: Spec = Spec {
    name: "pm",
    summary: "the value contains one of the words, ASCII case ignored",
    argument: "words, separated by spaces; bytes in hexadecimal between bars, as in `a|0d 0a|b`",
    example: "@pm sqlmap nikto",
    build: Build::Compiled(from_argument),
};

/// `@pmFromFile`
pub(super) const FROM_FILE: Spec = Spec {
    name: "pmFromFile",
    summary: "as @pm, the words from files",
    argument: "files with one word a line, spaces included; lines that begin with `#` are comments",
    example: "@pmFromFile scanners.data",
    build: Build::Compiled(from_file),
};

/// `@pmf`
pub(super) const FROM_FILE_SHORT: Spec = Spec {
    name: "pmf",
    ..FROM_FILE
};

/// `@pmFromDataset`
pub(super) const FROM_DATASET: Spec = Spec {
    name: "pmFromDataset",
    summary: "as @pm, the words from a list of SecDataset",
    argument: "the list's name",
    example: "@pmFromDataset scanners",
    build: Build::Compiled(|arguments| {
        let lines = arguments.dataset()?.iter();
        build(lines.map(|line| line.clone().into_bytes()).collect())
    }),
};

/// Its automaton is made when it is first asked: most values lack what it needs.
#[derive(Debug)]
struct Pm {
    words: Strings,
    automaton: OnceLock<Option<AhoCorasick>>,
}

fn from_argument(arguments: &Arguments<'_>) -> Result<Box<dyn Operator>, String> {
    let words = words(arguments.text).unwrap_or_else(|| {
        let words = arguments.text.split_ascii_whitespace();
        words.map(|word| word.as_bytes().to_vec()).collect()
    });
    build(words)
}

fn from_file(arguments: &Arguments<'_>) -> Result<Box<dyn Operator>, String> {
    build(arguments.lines()?)
}

fn build(words: Vec<Vec<u8>>) -> Result<Box<dyn Operator>, String> {
    if words.is_empty() {
        return Err("at least one word is needed".to_owned());
    }
    if words.iter().map(Vec::len).sum::<usize>() > BYTES {
        return Err(format!("the words have more than {BYTES} bytes together"));
    }
    Ok(Box::new(Pm {
        words: words.iter().map(Vec::as_slice).collect(),
        automaton: OnceLock::new(),
    }))
}

/// Bytes of all words at most, far below what an automaton can hold.
const BYTES: usize = 16 * 1024 * 1024;

/// Words with Snort's `|hex|` and the escapes `\:`, `\;`, `\\`, `\"`.
///
/// `None` where the text is no such notation: then its bars and backslashes
/// are meant as they stand, as in ModSecurity.
fn words(text: &str) -> Option<Vec<Vec<u8>>> {
    let text = text.trim_start();
    let text = text
        .strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'))
        .unwrap_or(text);
    let mut words = vec![Vec::new()];
    let mut rest = text.as_bytes();
    let mut in_hex = false;
    loop {
        let word = words.last_mut()?;
        rest = match rest {
            [] => break,
            [b'|', tail @ ..] => {
                in_hex = !in_hex;
                tail
            }
            [space, tail @ ..] if space.is_ascii_whitespace() => {
                if !in_hex {
                    words.push(Vec::new());
                }
                tail
            }
            [high, low, tail @ ..] if in_hex => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                word.push((digit(high)? * 16 + digit(low)?) as u8);
                tail
            }
            [_] if in_hex => return None,
            [b'\\', escaped @ (b':' | b';' | b'\\' | b'"'), tail @ ..] => {
                word.push(*escaped);
                tail
            }
            [b'\\', ..] => return None,
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
        };
    }
    words.retain(|word| !word.is_empty());
    (!in_hex).then_some(words)
}

impl Operator for Pm {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let make = || {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(self.words.iter())
                .ok()
        };
        // Without an automaton nothing may pass unseen.
        let Some(automaton) = self.automaton.get_or_init(make) else {
            return true;
        };
        hit.span = automaton.find(input).map(|found| found.range());
        hit.span.is_some()
    }

    fn need(&self) -> Need {
        Need::text(self.words.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{error, operator};

    #[test]
    fn the_first_word_is_found_whatever_its_case() {
        for (argument, input, span) in [
            ("abc DEF", "xxdefabc", Some(2..5)),
            ("a|0d 0a|b |2F|x", "a\r\nb", Some(0..4)),
            ("a|0d 0a|b |2F|x", "-/X-", Some(1..3)),
            ("x|20|y", "ax y", Some(1..4)),
            ("a|b", "xa|b", Some(1..4)),
            (r"\d", r"1\d", Some(1..3)),
            (r#"\" \;"#, ";", Some(0..1)),
            (r#""abc def""#, "def", Some(0..3)),
            ("abc", "ab c", None),
        ] {
            let (found, hit) = operator("pm", argument, input.as_bytes());
            assert_eq!((found, hit.span), (span.is_some(), span), "{argument}");
        }
        assert!(error("pm", "  ").contains("word"));
    }

    #[test]
    fn a_file_has_a_word_a_line() {
        // The test's resources hold these files.
        for (argument, input, expected) in [
            ("words.data", "in a line of its own", true),
            ("words.data", "a line", false),
            ("words.data", "# comment", false),
            ("words.data", "SECOND", true),
            ("words.data more.data", "third", true),
            ("words.data", "third", false),
        ] {
            assert_eq!(
                operator("pmFromFile", argument, input.as_bytes()).0,
                expected,
                "{input}"
            );
            assert_eq!(
                operator("pmf", argument, input.as_bytes()).0,
                expected,
                "{input}"
            );
        }
        assert!(error("pmFromFile", "none.data").contains("none.data"));
        assert!(error("pmFromFile", "empty.data").contains("word"));
    }
}
