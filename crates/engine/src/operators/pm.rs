//! `@pm`

use aho_corasick::AhoCorasick;

use super::{Arguments, Build, Hit, Operator, Requirement, Spec};

/// `@pm`
pub(super) const SPEC: Spec = Spec {
    name: "pm",
    summary: "the value contains one of the words, ASCII case ignored",
    argument: "words, separated by spaces",
    example: "@pm sqlmap nikto",
    build: Build::Compiled(build),
};

#[derive(Debug)]
struct Pm {
    words: Vec<Vec<u8>>,
    automaton: AhoCorasick,
}

fn build(arguments: &Arguments<'_>) -> Result<Box<dyn Operator>, String> {
    let words: Vec<Vec<u8>> = arguments
        .text
        .split_ascii_whitespace()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    if words.is_empty() {
        return Err("at least one word is needed".to_owned());
    }
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(&words)
        .map_err(|error| error.to_string())?;
    Ok(Box::new(Pm { words, automaton }))
}

impl Operator for Pm {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        hit.span = self.automaton.find(input).map(|found| found.range());
        hit.span.is_some()
    }

    fn requires(&self) -> Requirement {
        Requirement::AnyOf(self.words.clone())
    }
}
