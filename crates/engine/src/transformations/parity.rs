//! `t:parityEven7bit`, `t:parityOdd7bit`, `t:parityZero7bit`

use super::Spec;
use crate::need::ByteSet;

/// `t:parityEven7bit`
pub(super) const EVEN: Spec = Spec {
    name: "parityEven7bit",
    aliases: &[],
    summary: "the high bit of each byte set where its bits are an odd number, else cleared",
    example: ("abc", r"\xe1\xe2c"),
    touches: ByteSet::ALL,
    makes: ByteSet::ALL,
    apply: |input, output| apply(input, output, |byte| byte.count_ones() % 2 == 1),
};

/// `t:parityOdd7bit`
pub(super) const ODD: Spec = Spec {
    name: "parityOdd7bit",
    aliases: &[],
    summary: "the high bit of each byte set where its bits are an even number, else cleared",
    example: ("abc", r"ab\xe3"),
    touches: ByteSet::ALL,
    makes: ByteSet::ALL,
    apply: |input, output| apply(input, output, |byte| byte.count_ones() % 2 == 0),
};

/// `t:parityZero7bit`
pub(super) const ZERO: Spec = Spec {
    name: "parityZero7bit",
    aliases: &[],
    summary: "the high bit of each byte cleared",
    example: ("\u{e1}", "C!"),
    touches: ByteSet::range(0x80, 0xff),
    makes: ByteSet::ALL,
    apply: |input, output| apply(input, output, |_| false),
};

/// All eight bits are counted, as ModSecurity does.
fn apply(input: &[u8], output: &mut Vec<u8>, high: fn(u8) -> bool) -> bool {
    output.extend(input.iter().map(|&byte| match high(byte) {
        true => byte | 0x80,
        false => byte & 0x7f,
    }));
    super::differs(input, output)
}
