//! One value for everything that is wanted of a place.

use super::inverse::{self, Choice};
use super::sample;
use super::want::{OTHERS, Want};

/// A wish and the transformations that stand between the place and it.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) want: Want,
    pub(super) transformations: Vec<String>,
}

/// What stands between pieces.
const BETWEEN: &[&str] = &["", " ", "/", "x", ";", "&"];

/// A value that should satisfy all; the patch itself tells whether it does.
pub(super) fn value(wishes: &[Wish], choice: &mut Choice) -> Option<Vec<u8>> {
    let between = BETWEEN.get(choice.below(BETWEEN.len()))?.as_bytes();
    let mut values: Vec<Vec<u8>> = Vec::new();
    let mut rest: Vec<&Wish> = wishes.iter().collect();
    // What is encoded alike is encoded as one text.
    while let Some(first) = rest.first() {
        let encodings = inverse::encodings(&first.transformations);
        let alike = |wish: &&Wish| inverse::encodings(&wish.transformations) == encodings;
        let (group, others): (Vec<&Wish>, Vec<&Wish>) = rest.into_iter().partition(alike);
        values.push(text(&group, between, choice)?);
        rest = others;
    }
    Some(values.join(between))
}

/// Pieces that are decoded by the same transformations, joined and encoded.
fn text(wishes: &[&Wish], between: &[u8], choice: &mut Choice) -> Option<Vec<u8>> {
    let mut pieces = Pieces::default();
    let mut transformations: &[String] = &[];
    for wish in wishes {
        if wish.transformations.len() > transformations.len() {
            transformations = &wish.transformations;
        }
        let sample = piece(&wish.want, choice)?;
        match &wish.want {
            // Made of as many bytes as are left.
            Want::Bytes(bytes) => pieces.least = pieces.least.max(*bytes),
            Want::Equals(_) | Want::Number(_) => pieces.whole = Some(sample),
            Want::StartsWith(_) => pieces.first = sample,
            Want::EndsWith(_) => pieces.last = sample,
            Want::Matches(pattern) => pieces.add_match(pattern, sample),
            _ => pieces.middle.push(sample),
        }
    }
    inverse::of(&pieces.joined(between), transformations)
}

fn piece(want: &Want, choice: &mut Choice) -> Option<Vec<u8>> {
    Some(match want {
        Want::Equals(text)
        | Want::StartsWith(text)
        | Want::EndsWith(text)
        | Want::Contains(text) => text.clone().into_bytes(),
        Want::Matches(pattern) => sample::of(pattern, choice)?,
        Want::OneOf(texts) => texts.get(choice.below(texts.len()))?.clone().into_bytes(),
        Want::Number(number) => number.to_string().into_bytes(),
        Want::Other => OTHERS.get(choice.below(OTHERS.len()))?.as_bytes().to_vec(),
        Want::Bytes(_) | Want::Count(_) => b"1".to_vec(),
    })
}

/// A value that is being put together.
#[derive(Default)]
struct Pieces {
    whole: Option<Vec<u8>>,
    first: Vec<u8>,
    middle: Vec<Vec<u8>>,
    last: Vec<u8>,
    /// Bytes at least.
    least: usize,
}

impl Pieces {
    /// An expression that is tied to an end gives that end.
    fn add_match(&mut self, pattern: &str, text: Vec<u8>) {
        let bare = pattern
            .trim_start_matches("(?i)")
            .trim_start_matches("(?s)");
        let starts = bare.starts_with('^') || bare.starts_with("\\A");
        let ends = bare.ends_with('$') || bare.ends_with("\\z");
        match (starts, ends) {
            (true, true) => self.whole = Some(text),
            (true, false) if self.first.is_empty() => self.first = text,
            (false, true) if self.last.is_empty() => self.last = text,
            _ => self.middle.push(text),
        }
    }

    fn joined(self, between: &[u8]) -> Vec<u8> {
        let mut value = match self.whole {
            Some(whole) => whole,
            None => {
                let mut value = self.first;
                for piece in self.middle {
                    // A piece that is there already is there.
                    if piece.is_empty() || value.windows(piece.len()).any(|part| part == piece) {
                        continue;
                    }
                    if !value.is_empty() {
                        value.extend_from_slice(between);
                    }
                    value.extend_from_slice(&piece);
                }
                if !value.ends_with(&self.last) {
                    value.extend_from_slice(&self.last);
                }
                value
            }
        };
        while value.len() < self.least {
            value.push(b'a');
        }
        value
    }
}
