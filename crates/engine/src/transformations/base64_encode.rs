//! `t:base64Encode`

use super::Spec;
use crate::need::ByteSet;

/// `t:base64Encode`
pub(super) const SPEC: Spec = Spec {
    name: "base64Encode",
    aliases: &[],
    summary: "as Base64, padded",
    example: ("Test", "VGVzdA=="),
    touches: ByteSet::ALL,
    makes: ByteSet::ALPHANUMERIC.or(ByteSet::of(b"+/=")),
    apply,
};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    for chunk in input.chunks(3) {
        let bytes: [u8; 3] = std::array::from_fn(|at| chunk.get(at).copied().unwrap_or(0));
        let bits = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        for (at, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = ALPHABET.get((bits >> shift) as usize & 63).copied();
            output.push(digit.filter(|_| at <= chunk.len()).unwrap_or(b'='));
        }
    }
    super::differs(input, output)
}
