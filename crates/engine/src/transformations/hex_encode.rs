//! `t:hexEncode`

use super::Spec;
use crate::need::ByteSet;

/// `t:hexEncode`
pub(super) const SPEC: Spec = Spec {
    name: "hexEncode",
    aliases: &[],
    summary: "each byte as two hexadecimal digits, lower case",
    example: ("Test", "54657374"),
    touches: ByteSet::ALL,
    makes: ByteSet::of(b"0123456789abcdef"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    for &byte in input {
        output.extend(super::hex_digits(byte));
    }
    super::differs(input, output)
}
