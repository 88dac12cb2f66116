//! `t:cssDecode`

use super::Spec;

/// `t:cssDecode`
pub(super) const SPEC: Spec = Spec {
    name: "cssDecode",
    aliases: &[],
    summary: "CSS 2 escapes: a backslash and one to six hexadecimal digits, or any other character",
    example: ("\\3c b\\:c", "<b:c"),
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
        let length = after
            .iter()
            .take(6)
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        if length > 0 {
            let value = after.iter().take(length).fold(0_u32, |value, &digit| {
                value << 4 | u32::from(super::hex(digit).unwrap_or(0))
            });
            let wide = (0xff01..0xff5f).contains(&value);
            output.push(if wide {
                value as u8 + 0x20
            } else {
                value as u8
            });
            rest = after.get(length..).unwrap_or_default();
            // One white space after the digits belongs to the escape.
            if let [b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c, tail @ ..] = rest {
                rest = tail;
            }
        } else if let Some((&next, tail)) = after.split_first() {
            if next != b'\n' {
                output.push(next);
            }
            rest = tail;
        }
    }
    true
}
