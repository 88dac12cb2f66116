//! `t:uppercase`

use super::Spec;
use crate::need::ByteSet;

/// `t:uppercase`
pub(super) const SPEC: Spec = Spec {
    name: "uppercase",
    aliases: &[],
    summary: "ASCII letters to upper case",
    example: ("AbC", "ABC"),
    touches: ByteSet::range(b'a', b'z'),
    makes: ByteSet::NONE,
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    if !input.iter().any(u8::is_ascii_lowercase) {
        return false;
    }
    output.extend(input.iter().map(u8::to_ascii_uppercase));
    true
}
