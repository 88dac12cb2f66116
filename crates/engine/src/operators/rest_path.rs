//! `@restpath`

use regex_automata::PatternID;

use super::{Arguments, Build, Hit, Operator, Spec, regex, rx};
use crate::need::Need;

/// `@restpath`
pub(super) const SPEC: Spec = Spec {
    name: "restpath",
    summary: "the value has a path like this, anywhere; ARGS_PATH tells its parts afterwards",
    argument: "a path with names in braces, each for any text; the rest is a regular expression",
    example: "@restpath /users/{user}/orders/{order}",
    build: Build::Compiled(|arguments| Ok(Box::new(RestPath::new(arguments)?))),
};

/// A path whose parts have names.
#[derive(Debug)]
pub(crate) struct RestPath(regex::Regex);

impl RestPath {
    /// Reads an operator's argument.
    ///
    /// # Errors
    /// The path is no regular expression, or a name stands in it twice.
    pub(crate) fn new(arguments: &Arguments<'_>) -> Result<Self, String> {
        let text = expression(arguments.text);
        let arguments = Arguments {
            text: &text,
            ..*arguments
        };
        regex::Regex::new(&arguments).map(Self)
    }

    /// The parts of a value that matches, by name.
    pub(crate) fn parts(&self, input: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut parts = Vec::new();
        self.0.ask(&mut Hit::unasked(), |regex, _| {
            let mut captures = regex.create_captures();
            regex.captures(input, &mut captures);
            let names = regex.group_info().pattern_names(PatternID::ZERO);
            for (group, name) in names.enumerate() {
                let part = captures.get_group(group);
                let part = part.and_then(|span| input.get(span.range()));
                if let (Some(name), Some(part)) = (name, part) {
                    parts.push((name.as_bytes().to_vec(), part.to_vec()));
                }
            }
            true
        });
        parts
    }
}

/// The path with a named group for each name in braces. Other braces count repetitions.
fn expression(path: &str) -> String {
    let mut expression = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        expression.push_str(before);
        match after.split_once('}').filter(|(name, _)| is_name(name)) {
            Some((name, tail)) => {
                expression.push_str(&format!("(?P<{name}>.*)"));
                rest = tail;
            }
            None => {
                expression.push('{');
                rest = after;
            }
        }
    }
    expression + rest
}

fn is_name(text: &str) -> bool {
    let begins = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    text.starts_with(begins)
        && text
            .chars()
            .all(|letter| begins(letter) || letter.is_ascii_digit())
}

impl Operator for RestPath {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        self.0.ask(hit, |regex, hit| rx::matches(regex, input, hit))
    }

    fn start(&self) -> Option<(&[u8], bool)> {
        self.0.start()
    }

    fn need(&self) -> Need {
        self.0.need()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{error, operator};

    #[test]
    fn a_path_matches_with_any_text_for_its_names() {
        for (path, input, expected) in [
            ("/users/{user}", "/users/42", true),
            ("/users/{user}", "/v1/users/", true),
            ("/users/{user}", "/user/42", false),
            ("^/a/{one}/b/{two}$", "/a/1/b/2", true),
            ("^/a/{one}/b/{two}$", "/a/1/c/2", false),
            (r"^/\d{2}/{id}$", "/42/x", true),
            (r"^/\d{2}/{id}$", "/4/x", false),
        ] {
            let (found, _) = operator("restpath", path, input.as_bytes());
            assert_eq!(found, expected, "{path} {input}");
        }
        assert!(error("restpath", "/{id}/{id}").contains("does not compile"));
        assert!(error("restpath", "/({id}").contains("does not compile"));
    }
}
