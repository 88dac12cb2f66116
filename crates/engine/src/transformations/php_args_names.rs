//! `t:phpArgsNames`

use super::Spec;
use crate::need::ByteSet;

/// `t:phpArgsNames`
pub(super) const SPEC: Spec = Spec {
    name: "phpArgsNames",
    aliases: &[],
    summary: "a parameter's name as PHP registers it",
    example: (" a.b[ ]c", "a_b[]"),
    touches: ByteSet::of(b"[= ."),
    makes: ByteSet::of(b"_"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    if let [b'[' | b'=', ..] = input {
        return true;
    }
    let spaces = input.iter().take_while(|&&byte| byte == b' ').count();
    let mut rest = input.get(spaces..).unwrap_or_default();
    // The first bracket that does not close becomes `_`; then all is literal.
    let mut literal = false;
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'[' && !literal {
            if memchr::memchr(b']', after).is_some() {
                indexes(rest, output);
                break;
            }
            literal = true;
            output.push(b'_');
        } else if !literal && matches!(byte, b' ' | b'.') {
            output.push(b'_');
        } else {
            output.push(byte);
        }
        rest = after;
    }
    super::differs(input, output)
}

/// `[a][b]…`; what follows the last index is dropped.
fn indexes(mut rest: &[u8], output: &mut Vec<u8>) {
    while let Some(close) = memchr::memchr(b']', rest)
        && rest.first() == Some(&b'[')
    {
        let (index, tail) = rest.split_at(close + 1);
        output.extend_from_slice(if index == b"[ ]" { b"[]" } else { index });
        rest = tail;
    }
}
