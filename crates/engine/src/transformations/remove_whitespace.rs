//! `t:removeWhitespace`

use super::Spec;
use crate::need::ByteSet;

/// `t:removeWhitespace`
pub(super) const SPEC: Spec = Spec {
    name: "removeWhitespace",
    aliases: &[],
    summary: "without white space",
    example: ("a b", "ab"),
    touches: ByteSet::SPACE.with(0xa0),
    makes: ByteSet::NONE,
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0x0b | 0xa0);
    if !input.iter().any(is_space) {
        return false;
    }
    output.extend(input.iter().filter(|byte| !is_space(byte)));
    true
}
