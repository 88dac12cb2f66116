//! `t:sqlHexDecode`

use super::Spec;
use crate::need::ByteSet;

/// `t:sqlHexDecode`
pub(super) const SPEC: Spec = Spec {
    name: "sqlHexDecode",
    aliases: &[],
    summary: "SQL's hexadecimal literals (`0x414243`) to their bytes",
    example: ("=0x414243,0xz", "=ABC,0xz"),
    touches: ByteSet::of(b"xX"),
    makes: ByteSet::ALL,
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    let mut rest = input;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let literal = match (byte, after) {
            (b'0', [b'x' | b'X', digits @ ..]) => pair(digits).map(|_| digits),
            _ => None,
        };
        let Some(mut digits) = literal else {
            output.push(byte);
            continue;
        };
        while let Some((byte, tail)) = pair(digits) {
            output.push(byte);
            digits = tail;
        }
        rest = digits;
    }
    super::differs(input, output)
}

fn pair(digits: &[u8]) -> Option<(u8, &[u8])> {
    match digits {
        [high, low, tail @ ..] => Some((super::hex(*high)? * 16 + super::hex(*low)?, tail)),
        _ => None,
    }
}
