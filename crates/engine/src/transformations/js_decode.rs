//! `t:jsDecode`

use super::Spec;

/// `t:jsDecode`
pub(super) const SPEC: Spec = Spec {
    name: "jsDecode",
    aliases: &[],
    summary: "`\\uXXXX` to its low byte (full-width forms to ASCII), `\\xXX`, octal and C escapes",
    example: ("\\u003cb\\x3e\\101\\n", "<b>A\n"),
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
        match after {
            [b'u', a, b, c, d, tail @ ..]
                if [a, b, c, d].iter().all(|byte| byte.is_ascii_hexdigit()) =>
            {
                let digit = |byte: &u8| super::hex(*byte).unwrap_or(0);
                let low = digit(c) * 16 + digit(d);
                let wide = digit(a) == 0xf && digit(b) == 0xf && (0x01..0x5f).contains(&low);
                output.push(if wide { low + 0x20 } else { low });
                rest = tail;
            }
            [b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: &u8| super::hex(*byte).unwrap_or(0);
                output.push(digit(high) * 16 + digit(low));
                rest = tail;
            }
            [b'0'..=b'7', ..] => {
                let octal = |byte: &&u8| matches!(byte, b'0'..=b'7');
                let mut length = after.iter().take(3).take_while(octal).count();
                // Three digits above 377 do not fit a byte.
                if length == 3 && after.first().is_some_and(|&first| first > b'3') {
                    length = 2;
                }
                let value = after
                    .iter()
                    .take(length)
                    .fold(0_u32, |value, &digit| value * 8 + u32::from(digit - b'0'));
                output.push(value as u8);
                rest = after.get(length..).unwrap_or_default();
            }
            [escape, tail @ ..] => {
                output.push(match escape {
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 11,
                    other => *other,
                });
                rest = tail;
            }
            [] => output.push(b'\\'),
        }
    }
    true
}
