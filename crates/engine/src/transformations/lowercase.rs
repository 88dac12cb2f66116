//! `t:lowercase`

use super::Spec;
use crate::need::ByteSet;

/// `t:lowercase`
pub(super) const SPEC: Spec = Spec {
    name: "lowercase",
    aliases: &[],
    summary: "ASCII letters to lower case",
    example: ("AbC", "abc"),
    touches: ByteSet::UPPER,
    makes: ByteSet::NONE,
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    if !input.iter().any(u8::is_ascii_uppercase) {
        return false;
    }
    output.extend(input.iter().map(u8::to_ascii_lowercase));
    true
}
