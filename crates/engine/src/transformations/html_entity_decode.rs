//! `t:htmlEntityDecode`

use super::Spec;
use crate::need::ByteSet;

/// `t:htmlEntityDecode`
pub(super) const SPEC: Spec = Spec {
    name: "htmlEntityDecode",
    aliases: &[],
    summary: "numeric HTML entities to their low byte; quot, amp, lt, gt and nbsp; the semicolon may be missing",
    example: ("&lt;b&#62;&foo;&#x41", "<b>&foo;A"),
    touches: ByteSet::of(b"&"),
    makes: ByteSet::ALL,
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    if memchr::memchr(b'&', input).is_none() {
        return false;
    }
    let mut rest = input;
    while let Some(at) = memchr::memchr(b'&', rest) {
        let (text, entity) = rest.split_at(at);
        output.extend_from_slice(text);
        match decode(entity) {
            Some((byte, tail)) => {
                output.push(byte);
                rest = tail.strip_prefix(b";").unwrap_or(tail);
            }
            None => {
                output.push(b'&');
                rest = entity.get(1..).unwrap_or_default();
            }
        }
    }
    output.extend_from_slice(rest);
    super::differs(input, output)
}

/// The entity at the start, and what follows it.
fn decode(entity: &[u8]) -> Option<(u8, &[u8])> {
    let (base, digits) = match entity {
        [b'&', b'#', b'x' | b'X', digits @ ..] => (16, digits),
        [b'&', b'#', digits @ ..] => (10, digits),
        [b'&', name @ ..] => return named(name),
        _ => return None,
    };
    let mut code = 0_i64;
    let mut count = 0;
    for digit in digits
        .iter()
        .map_while(|&byte| char::from(byte).to_digit(base))
    {
        code = code
            .saturating_mul(i64::from(base))
            .saturating_add(i64::from(digit));
        count += 1;
    }
    (count > 0).then(|| (code as u8, digits.get(count..).unwrap_or_default()))
}

fn named(text: &[u8]) -> Option<(u8, &[u8])> {
    let length = text
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .take(5)
        .count();
    let (name, tail) = text.split_at_checked(length)?;
    let byte = match name.to_ascii_lowercase().as_slice() {
        b"quot" => b'"',
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        b"nbsp" => 0xa0,
        _ => return None,
    };
    Some((byte, tail))
}
