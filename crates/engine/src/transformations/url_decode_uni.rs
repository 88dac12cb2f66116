//! `t:urlDecodeUni`

use super::Spec;
use super::unicode_map::UnicodeMap;
use crate::need::ByteSet;

/// `t:urlDecodeUni`
pub(super) const SPEC: Spec = Spec {
    name: "urlDecodeUni",
    aliases: &[],
    summary: "as urlDecode, and IIS `%uXXXX` to its low byte, full-width forms to ASCII",
    example: ("%u003cb", "<b"),
    touches: ByteSet::of(b"%+"),
    makes: ByteSet::ALL,
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    decode(input, output, &UnicodeMap::default())
}

/// With the bytes that a code page has for code points.
pub(crate) fn decode(input: &[u8], output: &mut Vec<u8>, map: &UnicodeMap) -> bool {
    let next = |rest: &[u8]| memchr::memchr2(b'%', b'+', rest);
    let mut rest = input;
    if next(rest).is_none() {
        return false;
    }
    // PERF: what stands between two escapes is copied at once.
    loop {
        let (plain, from) = rest.split_at(next(rest).unwrap_or(rest.len()));
        output.extend_from_slice(plain);
        let Some((&byte, after)) = from.split_first() else {
            break;
        };
        rest = after;
        match (byte, after) {
            (b'+', _) => output.push(b' '),
            (b'%', [b'u' | b'U', a, b, c, d, tail @ ..]) => {
                match (
                    super::hex(*a),
                    super::hex(*b),
                    super::hex(*c),
                    super::hex(*d),
                ) {
                    (Some(a), Some(b), Some(c), Some(d)) => {
                        let low = c * 16 + d;
                        // U+FF01 to U+FF5E are the full-width forms of ! to ~.
                        let wide = a == 0xf && b == 0xf && (0x01..0x5f).contains(&low);
                        let code = u32::from(a * 16 + b) << 8 | u32::from(low);
                        let plain = if wide { low + 0x20 } else { low };
                        output.push(map.get(code).unwrap_or(plain));
                        rest = tail;
                    }
                    _ => output.push(b'%'),
                }
            }
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
