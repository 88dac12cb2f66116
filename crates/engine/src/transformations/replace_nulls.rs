//! `t:replaceNulls`

use super::Spec;
use crate::need::ByteSet;

/// `t:replaceNulls`
pub(super) const SPEC: Spec = Spec {
    name: "replaceNulls",
    aliases: &[],
    summary: "NUL bytes to spaces",
    example: ("a\0b", "a b"),
    touches: ByteSet::of(b"\0"),
    makes: ByteSet::of(b" "),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    if memchr::memchr(0, input).is_none() {
        return false;
    }
    output.extend(
        input
            .iter()
            .map(|&byte| if byte == 0 { b' ' } else { byte }),
    );
    true
}
