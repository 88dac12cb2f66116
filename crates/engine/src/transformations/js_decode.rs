//! `t:jsDecode`

use super::Spec;
use crate::need::ByteSet;

/// `t:jsDecode`
pub(super) const SPEC: Spec = Spec {
    name: "jsDecode",
    aliases: &[],
    summary: "JavaScript escapes to their low byte, full-width forms to ASCII",
    example: ("\\u003cb\\x3e\\'", "<b>'"),
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
            (b'\\', [b'u', digits @ ..]) if let Some(code) = number(digits, 4) => {
                output.push(super::low_byte(code, 4));
                rest = digits.get(4..).unwrap_or_default();
            }
            (b'\\', [b'x', digits @ ..]) if let Some(code) = number(digits, 2) => {
                output.push(code as u8);
                rest = digits.get(2..).unwrap_or_default();
            }
            (b'\\', [b'0'..=b'7', ..]) => {
                let (code, count) = super::octal(after);
                // Of three digits that make more than a byte, the last is text.
                let fits = code <= 0xff;
                output.push(if fits { code } else { code >> 3 } as u8);
                rest = after.get(count - usize::from(!fits)..).unwrap_or_default();
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

/// The first `count` bytes as a hexadecimal number.
fn number(digits: &[u8], count: usize) -> Option<u32> {
    digits.get(..count)?.iter().try_fold(0, |code, &digit| {
        Some((code << 4) | u32::from(super::hex(digit)?))
    })
}
