//! `t:escapeSeqDecode`

use super::Spec;
use crate::need::ByteSet;

/// `t:escapeSeqDecode`
pub(super) const SPEC: Spec = Spec {
    name: "escapeSeqDecode",
    aliases: &[],
    summary: "escapes of ANSI C (`\\n`, `\\xHH`, `\\OOO`) decoded; of others the backslash is dropped",
    example: ("a\\x3cb\\101\\8", "a<bA8"),
    touches: ByteSet::of(b"\\"),
    makes: ByteSet::ALL,
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    if memchr::memchr(b'\\', input).is_none() {
        return false;
    }
    let mut rest = input;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'\\', [b'x' | b'X', high, low, tail @ ..])
                if let (Some(high), Some(low)) = (super::hex(*high), super::hex(*low)) =>
            {
                output.push(high * 16 + low);
                rest = tail;
            }
            (b'\\', [b'0'..=b'7', ..]) => {
                let (code, count) = super::octal(after);
                output.push(code as u8);
                rest = after.get(count..).unwrap_or_default();
            }
            (b'\\', [escape, tail @ ..]) => {
                output.push(super::control(*escape).unwrap_or(*escape));
                rest = tail;
            }
            _ => output.push(byte),
        }
    }
    super::differs(input, output)
}
