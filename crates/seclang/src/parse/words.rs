//! Directives to words: line continuation, quotes, comments, lists between backticks.

use crate::span::Span;

/// An argument of a directive, quotes and continuations removed.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) span: Span,
    pub(crate) text: String,
    /// Where pieces of the text begin: in the text, and in the source.
    pieces: Vec<(usize, usize)>,
}

impl Word {
    /// A word that was read before, and stands in one piece.
    pub(crate) fn again(text: &crate::ast::Text) -> Self {
        Self {
            span: text.span,
            text: text.value.clone(),
            pieces: vec![(0, text.span.start as usize)],
        }
    }

    /// Where a part of the text stands: `part` is a slice of it.
    pub(crate) fn part(&self, part: &str) -> Span {
        let start = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let end = start + part.len();
        Span {
            source: self.span.source,
            start: self.place(start),
            // The end of what precedes it, so that a continuation is left out.
            end: self.place(end.saturating_sub(1)) + u32::from(end > start),
        }
    }

    fn place(&self, at: usize) -> u32 {
        let piece = self.pieces.iter().rev().find(|(begins, _)| *begins <= at);
        let (begins, source) = piece.copied().unwrap_or((0, self.span.start as usize));
        // Sources of more than 4 GiB are not read.
        (source + (at - begins)).min(self.span.end as usize) as u32
    }
}

/// What is wrong with a directive's words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnclosedQuote {
    pub(crate) span: Span,
}

/// Reads the words of the next directive and moves `at` behind it; empty at the end of the text.
pub(crate) fn next(text: &str, source: u32, at: &mut usize) -> Result<Vec<Word>, UnclosedQuote> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    loop {
        match bytes.get(*at) {
            None => return Ok(words),
            Some(b'\n') => {
                *at += 1;
                if !words.is_empty() {
                    return Ok(words);
                }
            }
            Some(b' ' | b'\t' | b'\r') => *at += 1,
            Some(b'\\') if continuation(bytes, *at) > 0 => *at += continuation(bytes, *at),
            Some(b'#') if words.is_empty() => {
                while bytes.get(*at).is_some_and(|&byte| byte != b'\n') {
                    *at += 1;
                }
            }
            Some(b'`') if !words.is_empty() && line_end(bytes, *at + 1).is_some() => {
                words.push(list(text, source, at)?);
            }
            Some(_) => words.push(word(text, source, at)?),
        }
    }
}

/// The length of a backslash and the line end that follows it; 0 if none does.
fn continuation(bytes: &[u8], at: usize) -> usize {
    match (bytes.get(at + 1), bytes.get(at + 2)) {
        (Some(b'\n'), _) => 2,
        (Some(b'\r'), Some(b'\n')) => 3,
        (None, _) => 1,
        _ => 0,
    }
}

/// Where the next line begins, if nothing but white space precedes it.
fn line_end(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let blank = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
        .count();
    (rest.get(blank) == Some(&b'\n')).then_some(from + blank + 1)
}

/// The lines between a backtick that ends a line and one that begins a line, as Coraza writes
/// lists; nothing in them is escaped.
fn list(text: &str, source: u32, at: &mut usize) -> Result<Word, UnclosedQuote> {
    let opening = *at;
    let start = line_end(text.as_bytes(), opening + 1).unwrap_or(text.len());
    let mut line = start;
    loop {
        let rest = text.get(line..).unwrap_or_default();
        if rest.trim_start_matches([' ', '\t']).starts_with('`') {
            break;
        }
        let Some(length) = rest.find('\n') else {
            let span = Span {
                source,
                start: opening as u32,
                end: opening as u32 + 1,
            };
            return Err(UnclosedQuote { span });
        };
        line += length + 1;
    }
    let closing = text.get(line..).and_then(|rest| rest.find('`'));
    *at = line + closing.unwrap_or_default() + 1;
    let end = line.saturating_sub(1).max(start);
    Ok(Word {
        span: Span {
            source,
            start: start as u32,
            end: end as u32,
        },
        text: text.get(start..end).unwrap_or_default().to_owned(),
        pieces: vec![(0, start)],
    })
}

fn word(text: &str, source: u32, at: &mut usize) -> Result<Word, UnclosedQuote> {
    let bytes = text.as_bytes();
    let quote = bytes
        .get(*at)
        .copied()
        .filter(|byte| matches!(byte, b'"' | b'\''));
    let opening = *at;
    if quote.is_some() {
        *at += 1;
    }
    let start = *at;
    let mut words = Vec::new();
    let mut copied = start;
    let mut pieces = vec![(0, start)];
    let end = loop {
        let Some(&byte) = bytes.get(*at) else {
            if quote.is_some() {
                let span = Span {
                    source,
                    start: opening as u32,
                    end: *at as u32,
                };
                return Err(UnclosedQuote { span });
            }
            break *at;
        };
        if byte == b'\\' {
            let skipped = match continuation(bytes, *at) {
                0 if quote.is_some() && bytes.get(*at + 1).copied() == quote => 1,
                length => length,
            };
            if skipped > 0 {
                words.extend_from_slice(bytes.get(copied..*at).unwrap_or_default());
                *at += skipped;
                copied = *at;
                pieces.push((words.len(), copied));
                // An escaped quote is copied, not looked at.
                *at += usize::from(skipped == 1 && *at < bytes.len());
                continue;
            }
        }
        match quote {
            Some(quote) if byte == quote => break *at,
            None if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') => break *at,
            _ => *at += 1,
        }
    };
    words.extend_from_slice(bytes.get(copied..end).unwrap_or_default());
    if quote.is_some() {
        *at += 1;
    }
    // Only whole ASCII bytes were left out, so what is left is UTF-8 as before.
    let text = String::from_utf8_lossy(&words).into_owned();
    Ok(Word {
        span: Span {
            source,
            start: start as u32,
            end: end as u32,
        },
        text,
        pieces,
    })
}
