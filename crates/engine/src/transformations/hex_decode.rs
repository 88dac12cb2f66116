//! `t:hexDecode`

use super::Spec;
use crate::need::ByteSet;

/// `t:hexDecode`
pub(super) const SPEC: Spec = Spec {
    name: "hexDecode",
    aliases: &[],
    summary: "pairs of hexadecimal digits to bytes; an odd last digit is dropped",
    example: ("54657374", "Test"),
    touches: ByteSet::ALL,
    makes: ByteSet::ALL,
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    let (pairs, _) = input.as_chunks::<2>();
    output.extend(
        pairs
            .iter()
            .map(|&[high, low]| digit(high).wrapping_mul(16).wrapping_add(digit(low))),
    );
    super::differs(input, output)
}

/// What is no digit has the value that ModSecurity's arithmetic gives it, so
/// that rules written for it see the same.
fn digit(byte: u8) -> u8 {
    if byte >= b'A' {
        (byte & 0xdf).wrapping_sub(b'A').wrapping_add(10)
    } else {
        byte.wrapping_sub(b'0')
    }
}
