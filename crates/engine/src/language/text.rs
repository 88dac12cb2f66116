//! Macros: `%{TX.score}` in texts.

use super::variables;
use crate::plan::ir::{Piece, Text};

/// Splits a text into literals and macros.
///
/// # Errors
/// An unknown variable. A `%{` that nothing closes is text.
pub(crate) fn parse(text: &str) -> Result<Text, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("%{") {
        let (before, after) = rest.split_at(start);
        let Some(end) = after.find('}') else {
            break;
        };
        if !before.is_empty() {
            pieces.push(Piece::Literal(before.to_owned()));
        }
        pieces.push(parse_macro(after.get(2..end).unwrap_or_default())?);
        rest = after.get(end + 1..).unwrap_or_default();
        // ModSecurity's old notation ends a macro with a percent sign too.
        if let Some(tail) = rest.strip_prefix('%')
            && !tail.starts_with('{')
        {
            rest = tail;
        }
    }
    if pieces.is_empty() {
        return Ok(Text::Plain(text.to_owned()));
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Ok(Text::Template(text.to_owned(), pieces))
}

fn parse_macro(body: &str) -> Result<Piece, String> {
    let (name, member) = match body.split_once(['.', ':']) {
        Some((name, member)) => (name, Some(member.to_ascii_lowercase())),
        None => (body, None),
    };
    match variables::find(name) {
        Some(spec) => Ok(Piece::Variable(spec.variable, member)),
        None => Err(variables::missing(name)),
    }
}
