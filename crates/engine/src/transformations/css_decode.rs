//! `t:cssDecode`

use super::Spec;
use crate::need::ByteSet;

/// `t:cssDecode`
pub(super) const SPEC: Spec = Spec {
    name: "cssDecode",
    aliases: &[],
    summary: "CSS escapes to their low byte, full-width forms to ASCII",
    example: ("ja\\76 a\\s", "javas"),
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
        if byte != b'\\' {
            output.push(byte);
            continue;
        }
        let digits = after.iter().take(6).map_while(|&byte| super::hex(byte));
        let (mut code, mut count) = (0_u32, 0);
        for digit in digits {
            code = (code << 4) | u32::from(digit);
            count += 1;
        }
        if count > 0 {
            output.push(super::low_byte(code, count));
            rest = after.get(count..).unwrap_or_default();
            if let Some((space, tail)) = rest.split_first()
                && super::is_space(*space)
            {
                rest = tail;
            }
        } else if let Some((&literal, tail)) = after.split_first() {
            // A line end that is escaped is nothing.
            if literal != b'\n' {
                output.push(literal);
            }
            rest = tail;
        }
    }
    super::differs(input, output)
}
