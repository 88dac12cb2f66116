//! `t:trim`, `t:trimLeft`, `t:trimRight`

use super::Spec;
use crate::need::ByteSet;

/// `t:trim`
pub(super) const BOTH: Spec = Spec {
    name: "trim",
    aliases: &[],
    summary: "without white space at both ends",
    example: (" a ", "a"),
    touches: ByteSet::SPACE,
    makes: ByteSet::NONE,
    apply: |input, output| apply(input, output, left(right(input))),
};

/// `t:trimLeft`
pub(super) const LEFT: Spec = Spec {
    name: "trimLeft",
    aliases: &[],
    summary: "without white space at the start",
    example: (" a ", "a "),
    touches: ByteSet::SPACE,
    makes: ByteSet::NONE,
    apply: |input, output| apply(input, output, left(input)),
};

/// `t:trimRight`
pub(super) const RIGHT: Spec = Spec {
    name: "trimRight",
    aliases: &[],
    summary: "without white space at the end",
    example: (" a ", " a"),
    touches: ByteSet::SPACE,
    makes: ByteSet::NONE,
    apply: |input, output| apply(input, output, right(input)),
};

fn apply(input: &[u8], output: &mut Vec<u8>, trimmed: &[u8]) -> bool {
    if trimmed.len() == input.len() {
        return false;
    }
    output.extend_from_slice(trimmed);
    true
}

fn left(input: &[u8]) -> &[u8] {
    let start = input.iter().take_while(|&&byte| super::is_space(byte));
    input.get(start.count()..).unwrap_or_default()
}

fn right(input: &[u8]) -> &[u8] {
    let end = input
        .iter()
        .rev()
        .take_while(|&&byte| super::is_space(byte));
    input.get(..input.len() - end.count()).unwrap_or_default()
}
