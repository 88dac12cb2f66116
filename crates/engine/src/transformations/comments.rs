//! `t:removeComments`, `t:removeCommentsChar`, `t:replaceComments`

use super::Spec;
use crate::need::ByteSet;

/// `t:removeComments`
pub(super) const REMOVE: Spec = Spec {
    name: "removeComments",
    aliases: &[],
    summary: "without `/* */` and `<!-- -->`, cut at `--` and `#`; an open comment to a space",
    example: ("sel/* x */ect -- y", "select "),
    touches: ByteSet::of(b"/*<-#"),
    makes: ByteSet::of(b" \0"),
    apply: remove,
};

/// `t:removeCommentsChar`
pub(super) const REMOVE_CHAR: Spec = Spec {
    name: "removeCommentsChar",
    aliases: &[],
    summary: "without the marks of comments; what they enclose stays",
    example: ("sel/*x*/ect--#", "selxect"),
    touches: ByteSet::of(b"/*<-#"),
    makes: ByteSet::of(b" \0"),
    apply: remove_char,
};

/// `t:replaceComments`
pub(super) const REPLACE: Spec = Spec {
    name: "replaceComments",
    aliases: &[],
    summary: "`/* */` to a space, also where it is not closed",
    example: ("union/**/select", "union select"),
    touches: ByteSet::of(b"/*<-#"),
    makes: ByteSet::of(b" \0"),
    apply: replace,
};

fn remove(input: &[u8], output: &mut Vec<u8>) -> bool {
    let mut rest = input;
    loop {
        rest = match rest {
            [] | [b'-', b'-', ..] | [b'#', ..] => break,
            [b'/', b'*', inside @ ..] | [b'<', b'!', b'-', b'-', inside @ ..] => {
                let Some(after) = end_of_comment(inside) else {
                    output.push(b' ');
                    break;
                };
                // ModSecurity and Coraza copy the byte after a comment unseen,
                // or a NUL at the end; rules are written against that.
                match after.split_first() {
                    Some((&byte, tail)) => {
                        output.push(byte);
                        tail
                    }
                    None => {
                        output.push(0);
                        break;
                    }
                }
            }
            [byte, tail @ ..] => {
                output.push(*byte);
                tail
            }
        };
    }
    super::differs(input, output)
}

/// What follows the first `*/` or `-->`.
fn end_of_comment(mut rest: &[u8]) -> Option<&[u8]> {
    while let Some(at) = memchr::memchr2(b'*', b'-', rest) {
        rest = match rest.get(at..)? {
            [b'*', b'/', after @ ..] | [b'-', b'-', b'>', after @ ..] => return Some(after),
            [_, tail @ ..] => tail,
            [] => return None,
        };
    }
    None
}

fn remove_char(input: &[u8], output: &mut Vec<u8>) -> bool {
    let mut rest = input;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match rest {
            [b'<', b'!', b'-', b'-', tail @ ..]
            | [b'-', b'-', b'>', tail @ ..]
            | [b'/', b'*', tail @ ..]
            | [b'*', b'/', tail @ ..]
            | [b'-', b'-', tail @ ..]
            | [b'#', tail @ ..] => tail,
            _ => {
                output.push(byte);
                after
            }
        };
    }
    super::differs(input, output)
}

fn replace(input: &[u8], output: &mut Vec<u8>) -> bool {
    let mut rest = input;
    while let Some(open) = memchr::memmem::find(rest, b"/*") {
        let (before, comment) = rest.split_at(open);
        output.extend_from_slice(before);
        output.push(b' ');
        let inside = comment.get(2..).unwrap_or_default();
        rest = match memchr::memmem::find(inside, b"*/") {
            Some(close) => inside.get(close + 2..).unwrap_or_default(),
            None => &[],
        };
    }
    output.extend_from_slice(rest);
    super::differs(input, output)
}
