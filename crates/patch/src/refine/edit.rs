//! A changed document as an edit of its text: what is not changed stays as it is written.

use serde::Serialize;

use crate::document::{Document, Source};

/// The text with the changed rules and scope written anew. Where that does not read as the
/// document, the whole is written anew.
///
/// # Errors
/// What cannot be written, for people.
pub fn edited(text: &str, before: &Document, after: &Document) -> Result<String, String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // From the last one on, so that lines above keep their numbers.
    let rules = before.rules.iter().zip(&after.rules).enumerate();
    for (at, (old, new)) in rules.rev().filter(|(_, (old, new))| old != new) {
        let next = before.rules.get(at + 1).map(|rule| rule.line);
        replace_item(&mut lines, old.line, next, &yaml(&new.value)?);
    }
    if before.scope != after.scope {
        replace_key(&mut lines, "scope", &yaml(&after.scope)?);
    }
    let mut written = lines.join("\n");
    written.push('\n');
    match Source::parse("", &written) {
        Ok(source) if source.document == *after => Ok(written),
        _ => after.to_yaml(&[]),
    }
}

fn yaml(value: &impl Serialize) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|error| error.to_string())
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The item of a list that begins at a line, counted from 1.
fn replace_item(lines: &mut Vec<String>, line: u32, next: Option<u32>, text: &str) {
    let start = (line as usize).saturating_sub(1);
    let Some(first) = lines.get(start) else {
        return;
    };
    let depth = indent(first);
    let until = next.map_or(lines.len(), |next| (next as usize).saturating_sub(1));
    let own = lines
        .iter()
        .enumerate()
        .take(until)
        .skip(start + 1)
        .take_while(|(_, line)| !line.trim().is_empty() && indent(line) > depth);
    let end = own.last().map_or(start, |(at, _)| at) + 1;
    let pad = " ".repeat(depth);
    let written = text.lines().enumerate().map(|(at, line)| match at {
        0 => format!("{pad}- {line}"),
        _ => format!("{pad}  {line}"),
    });
    let written: Vec<String> = written.collect();
    lines.splice(start..end, written);
}

/// A key of the document and what belongs to it.
fn replace_key(lines: &mut Vec<String>, key: &str, text: &str) {
    let begins = |line: &String| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with(':'))
    };
    let Some(start) = lines.iter().position(begins) else {
        return;
    };
    let belongs = |line: &&String| line.starts_with(' ');
    let length = 1 + lines.iter().skip(start + 1).take_while(belongs).count();
    let written =
        std::iter::once(format!("{key}:")).chain(text.lines().map(|line| format!("  {line}")));
    let written: Vec<String> = written.collect();
    lines.splice(start..start + length, written);
}

/// What differs between two texts, as `diff -u` shows it, in one piece.
pub fn diff(before: &str, after: &str) -> String {
    const AROUND: usize = 2;
    let old: Vec<&str> = before.lines().collect();
    let new: Vec<&str> = after.lines().collect();
    let same = |(left, right): &(&&str, &&str)| left == right;
    let head = old.iter().zip(&new).take_while(same).count();
    let room = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(room)
        .take_while(same)
        .count();
    let first = head.saturating_sub(AROUND);
    let mut text = format!("@@ line {} @@\n", first + 1);
    let mut add = |mark: char, lines: &[&str]| {
        for line in lines {
            text.push(mark);
            text.push_str(line);
            text.push('\n');
        }
    };
    add(' ', old.get(first..head).unwrap_or_default());
    add('-', old.get(head..old.len() - tail).unwrap_or_default());
    add('+', new.get(head..new.len() - tail).unwrap_or_default());
    let end = old.len() - tail;
    let last = (end + AROUND).min(old.len());
    add(' ', old.get(end..last).unwrap_or_default());
    text
}
