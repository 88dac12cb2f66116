//! `t:length`

use super::Spec;
use crate::need::ByteSet;

/// `t:length`
pub(super) const SPEC: Spec = Spec {
    name: "length",
    aliases: &[],
    summary: "the number of bytes",
    example: ("abc", "3"),
    touches: ByteSet::ALL,
    makes: ByteSet::range(b'0', b'9'),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    output.extend_from_slice(input.len().to_string().as_bytes());
    true
}
