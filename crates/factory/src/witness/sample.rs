//! A text that a regular expression matches.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::inverse::Choice;

/// Bytes of a sample at most; expressions with larger counts have none.
const SAMPLE_BYTES: usize = 4096;
/// Members of a class that are tried at most.
const MEMBERS: usize = 8;
/// What is taken of a class, most wanted first.
const WANTED: &[u8] = b"a1A'\"<;/.x0-_ ";

/// One of the texts that match; another for another choice. None where the expression is not
/// regular or asks for too much.
pub(super) fn of(pattern: &str, choice: &mut Choice) -> Option<Vec<u8>> {
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).build();
    let hir = parser.parse(pattern).ok()?;
    let mut text = Vec::new();
    write(&hir, choice, &mut text).then_some(text)
}

/// Whether there was room.
fn write(hir: &Hir, choice: &mut Choice, text: &mut Vec<u8>) -> bool {
    if text.len() > SAMPLE_BYTES {
        return false;
    }
    match hir.kind() {
        HirKind::Empty => true,
        // Words end at a space, or at what is in the expression next.
        HirKind::Look(Look::WordAscii | Look::WordStartAscii | Look::WordEndAscii) => {
            let within = text.last().is_some_and(u8::is_ascii_alphanumeric);
            if within && choice.below(2) == 1 {
                text.push(b' ');
            }
            true
        }
        HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            text.extend_from_slice(&literal.0);
            true
        }
        HirKind::Class(class) => match member(class, choice) {
            Some(byte) => {
                text.push(byte);
                true
            }
            None => false,
        },
        HirKind::Repetition(repetition) => {
            let optional = repetition.min == 0 && repetition.max != Some(0);
            let times = repetition.min + u32::from(optional && choice.below(3) == 1);
            (0..times).all(|_| write(&repetition.sub, choice, text))
        }
        HirKind::Capture(capture) => write(&capture.sub, choice, text),
        HirKind::Concat(parts) => parts.iter().all(|part| write(part, choice, text)),
        HirKind::Alternation(ways) => {
            let at = choice.below(ways.len());
            ways.get(at).is_some_and(|way| write(way, choice, text))
        }
    }
}

fn member(class: &Class, choice: &mut Choice) -> Option<u8> {
    let Class::Bytes(class) = class else {
        return None;
    };
    let holds = |byte: u8| {
        class
            .ranges()
            .iter()
            .any(|range| (range.start()..=range.end()).contains(&byte))
    };
    let letters = b'a'..=b'z';
    let liked = WANTED.iter().copied().chain(letters).chain(b' '..=b'~');
    let mut members: Vec<u8> = liked.filter(|byte| holds(*byte)).collect();
    members.dedup();
    let first = members
        .get(choice.below(members.len().min(MEMBERS)))
        .copied();
    first.or_else(|| class.ranges().first().map(|range| range.start()))
}
