//! `ARGS|!ARGS:a|&REQUEST_HEADERS:/x|y/`

use super::words::Word;
use crate::ast::{Selector, Target};
use crate::span::Span;

/// Splits a rule's first argument into its targets.
///
/// # Errors
/// Where it is wrong, and what was expected there.
pub(crate) fn parse(word: &Word) -> Result<Vec<Target>, (Span, String)> {
    let mut targets = Vec::new();
    let mut rest = word.text.trim();
    loop {
        let (mut target, after) = one(rest).map_err(|why| (word.part(rest), why))?;
        let length = rest.len() - after.len();
        target.span = word.part(rest.get(..length).unwrap_or(rest));
        targets.push(target);
        match after.trim_start().strip_prefix(['|', ',']) {
            Some(more) => rest = more.trim_start(),
            None if after.trim().is_empty() => return Ok(targets),
            None => {
                let message = format!("`|` is expected before `{}`", after.trim());
                return Err((word.part(after.trim_start()), message));
            }
        }
    }
}

fn one(text: &str) -> Result<(Target, &str), String> {
    let mut rest = text;
    let (mut excluded, mut counted) = (false, false);
    loop {
        if let Some(after) = rest.strip_prefix('!') {
            (excluded, rest) = (true, after);
        } else if let Some(after) = rest.strip_prefix('&') {
            (counted, rest) = (true, after);
        } else {
            break;
        }
    }
    let end = rest
        .find(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')))
        .unwrap_or(rest.len());
    let (variable, mut rest) = rest.split_at(end);
    if variable.is_empty() {
        return Err("a target's name is expected, such as ARGS or REQUEST_HEADERS:Host".to_owned());
    }
    let mut selector = None;
    // ModSecurity takes a dot for the colon too.
    if let Some(after) = rest.strip_prefix([':', '.']) {
        let xpath =
            variable.eq_ignore_ascii_case("XML") || variable.eq_ignore_ascii_case("REQUEST_XML");
        let (found, after) = self::selector(after, xpath)?;
        selector = Some(found);
        rest = after;
    }
    let target = Target {
        span: Span::default(),
        excluded,
        counted,
        variable: variable.to_owned(),
        selector,
    };
    Ok((target, rest))
}

fn selector(text: &str, xpath: bool) -> Result<(Selector, &str), String> {
    if let Some(quoted) = text.strip_prefix('\'') {
        let end = quoted
            .find('\'')
            .ok_or("this selector's quote is not closed")?;
        let (inner, after) = quoted.split_at(end);
        let after = after.get(1..).unwrap_or_default();
        let regex = inner
            .strip_prefix('/')
            .and_then(|inner| inner.strip_suffix('/'));
        return Ok(match regex {
            Some(regex) if !xpath => (Selector::Regex(regex.replace("\\/", "/")), after),
            _ => (Selector::Literal(inner.to_owned()), after),
        });
    }
    if let (Some(pattern), false) = (text.strip_prefix('/'), xpath) {
        let mut escaped = false;
        for (at, letter) in pattern.char_indices() {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '/' => {
                    let (inner, after) = pattern.split_at(at);
                    let inner = inner.replace("\\/", "/");
                    return Ok((Selector::Regex(inner), after.get(1..).unwrap_or_default()));
                }
                _ => {}
            }
        }
        return Err("this selector's regular expression is not closed by `/`".to_owned());
    }
    let end = if xpath {
        end_of_xpath(text)
    } else {
        text.find(['|', ',']).unwrap_or(text.len())
    };
    let (name, after) = text.split_at(end);
    if name.trim().is_empty() {
        return Err("a member's name is expected after `:`".to_owned());
    }
    Ok((Selector::Literal(name.trim_end().to_owned()), after))
}

/// Up to the next bar or comma that stands outside brackets and quotes.
fn end_of_xpath(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (None, '|' | ',') if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}
