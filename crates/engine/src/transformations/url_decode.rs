//! `t:urlDecode`

use super::Spec;
use crate::need::ByteSet;

/// `t:urlDecode`
pub(super) const SPEC: Spec = Spec {
    name: "urlDecode",
    aliases: &[],
    summary: "percent-decoded once, `+` to space; what is no valid escape stays",
    example: ("a%20b+c", "a b c"),
    touches: ByteSet::of(b"%+"),
    makes: ByteSet::ALL,
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    if memchr::memchr2(b'%', b'+', input).is_none() {
        return false;
    }
    let mut rest = input;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'+', _) => output.push(b' '),
            (b'%', [high, low, tail @ ..]) => match (super::hex(*high), super::hex(*low)) {
                (Some(high), Some(low)) => {
                    output.push(high * 16 + low);
                    rest = tail;
                }
                _ => output.push(b'%'),
            },
            _ => output.push(byte),
        }
    }
    super::differs(input, output)
}
