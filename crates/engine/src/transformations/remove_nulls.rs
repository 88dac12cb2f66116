//! `t:removeNulls`

use super::Spec;
use crate::need::ByteSet;

/// `t:removeNulls`
pub(super) const SPEC: Spec = Spec {
    name: "removeNulls",
    aliases: &[],
    summary: "without NUL bytes",
    example: ("a\0b", "ab"),
    touches: ByteSet::of(b"\0"),
    makes: ByteSet::NONE,
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    if memchr::memchr(0, input).is_none() {
        return false;
    }
    output.extend(input.iter().filter(|&&byte| byte != 0));
    true
}
