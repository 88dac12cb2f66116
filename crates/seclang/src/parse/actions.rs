//! `id:1,phase:2,msg:'it''s',setvar:'tx.a=+1'`

use super::words::Word;
use crate::ast::Action;
use crate::span::Span;

/// Splits a list of actions; single quotes keep commas.
///
/// # Errors
/// Where it is wrong, and what was expected there.
pub(crate) fn parse(word: &Word) -> Result<Vec<Action>, (Span, String)> {
    let mut actions = Vec::new();
    let mut rest = word.text.trim();
    while !rest.is_empty() {
        let (mut action, after) = one(rest).map_err(|why| (word.part(rest), why))?;
        let length = rest.len() - after.len();
        action.span = word.part(rest.get(..length).unwrap_or(rest).trim_end());
        actions.push(action);
        rest = match after.trim_start().strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if after.trim().is_empty() => "",
            None => {
                let message = format!("`,` is expected before `{}`", after.trim());
                return Err((word.part(after.trim_start()), message));
            }
        };
    }
    Ok(actions)
}

fn one(text: &str) -> Result<(Action, &str), String> {
    let end = text.find([':', ',']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let name = name.trim();
    if name.is_empty() {
        return Err("an action's name is expected, such as deny or id:1".to_owned());
    }
    let Some(rest) = rest.strip_prefix(':') else {
        return Ok((
            Action {
                span: Span::default(),
                name: name.to_owned(),
                argument: None,
            },
            rest,
        ));
    };
    let rest = rest.trim_start();
    let (argument, after) = match rest.strip_prefix('\'') {
        Some(quoted) => self::quoted(quoted)?,
        None => {
            let (argument, after) = rest.split_at(bare(rest));
            (argument.trim_end().to_owned(), after)
        }
    };
    Ok((
        Action {
            span: Span::default(),
            name: name.to_owned(),
            argument: Some(argument),
        },
        after,
    ))
}

/// Up to the next comma that stands outside `'…'`, as in `setvar:tx.a='b,c'`.
fn bare(text: &str) -> usize {
    let mut quoted = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            ',' if !quoted => return at,
            _ => {}
        }
    }
    if quoted {
        text.find(',').unwrap_or(text.len())
    } else {
        text.len()
    }
}

fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut argument = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' => return Ok((argument, text.get(at + 1..).unwrap_or_default())),
            '\\' if text
                .get(at + 1..)
                .is_some_and(|after| after.starts_with('\'')) =>
            {
                argument.push('\'');
                letters.next();
            }
            letter => argument.push(letter),
        }
    }
    Err(format!(
        "the quote before `{}` is not closed",
        text.chars().take(40).collect::<String>()
    ))
}
