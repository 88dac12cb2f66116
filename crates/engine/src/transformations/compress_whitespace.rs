//! `t:compressWhitespace`

use super::Spec;
use crate::need::ByteSet;

/// `t:compressWhitespace`
pub(super) const SPEC: Spec = Spec {
    name: "compressWhitespace",
    aliases: &[],
    summary: "runs of white space to one space",
    example: ("a \t b", "a b"),
    touches: ByteSet::SPACE.with(0xa0),
    makes: ByteSet::of(b" "),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    let is_space = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, 0x0b | 0xa0);
    let mut spaced = false;
    for &byte in input {
        if !is_space(byte) {
            output.push(byte);
        } else if !spaced {
            output.push(b' ');
        }
        spaced = is_space(byte);
    }
    super::differs(input, output)
}
