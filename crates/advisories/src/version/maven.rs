//! Maven's version order, as the POM reference specifies it.

use std::cmp::Ordering;

use super::{numbers, span};

pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.to_ascii_lowercase(), right.to_ascii_lowercase());
    let (left, right) = (tokens(&left), tokens(&right));
    for place in 0..left.len().max(right.len()) {
        let order = match (left.get(place), right.get(place)) {
            (Some(left), Some(right)) => left.compare(right),
            (Some(left), None) => left.compare(&left.nothing()),
            (None, Some(right)) => right.nothing().compare(right),
            (None, None) => Ordering::Equal,
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

#[derive(Clone, Copy)]
struct Token<'a> {
    /// Whether a hyphen, or a change between digits and letters, is before it.
    hyphen: bool,
    text: &'a str,
}

impl<'a> Token<'a> {
    fn is_number(&self) -> bool {
        self.text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_digit())
    }

    fn is_null(&self) -> bool {
        matches!(self.text, "" | "final" | "ga" | "release")
            || self.is_number() && self.text.bytes().all(|byte| byte == b'0')
    }

    /// What a version that ends earlier has in this token's place.
    fn nothing(&self) -> Token<'static> {
        Token {
            hyphen: self.hyphen,
            text: if self.hyphen { "" } else { "0" },
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        // Words before numbers; of numbers, those after a hyphen first.
        let rank = |it: &Self| match (it.is_number(), it.hyphen) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => 2,
        };
        rank(self)
            .cmp(&rank(other))
            .then_with(|| match self.is_number() {
                true => numbers(self.text, other.text),
                false => qualifier(self.text).cmp(&qualifier(other.text)),
            })
    }
}

fn qualifier(text: &str) -> (u8, &str) {
    match text {
        "alpha" => (0, ""),
        "beta" => (1, ""),
        "milestone" => (2, ""),
        "rc" | "cr" => (3, ""),
        "snapshot" => (4, ""),
        "" | "final" | "ga" | "release" => (5, ""),
        "sp" => (6, ""),
        other => (7, other),
    }
}

fn tokens(version: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut rest, mut hyphen) = (version, false);
    loop {
        let digits = rest
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_digit());
        let (text, after) = span(rest, |byte| {
            !matches!(byte, b'.' | b'-' | b'_') && byte.is_ascii_digit() == digits
        });
        let number_follows = after
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_digit());
        let text = match text {
            "" => "0",
            "a" if number_follows => "alpha",
            "b" if number_follows => "beta",
            "m" if number_follows => "milestone",
            text => text,
        };
        if hyphen {
            trim(&mut tokens);
        }
        tokens.push(Token { hyphen, text });
        let Some(separator) = after.bytes().next() else {
            break;
        };
        hyphen = separator != b'.';
        rest = match separator {
            b'.' | b'-' | b'_' => after.get(1..).unwrap_or_default(),
            _ => after,
        };
    }
    trim(&mut tokens);
    tokens
}

/// What is null at the end says nothing.
fn trim(tokens: &mut Vec<Token<'_>>) {
    while tokens.len() > 1 && tokens.last().is_some_and(Token::is_null) {
        tokens.pop();
    }
}
