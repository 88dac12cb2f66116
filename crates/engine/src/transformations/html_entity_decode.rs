//! `t:htmlEntityDecode`

use super::Spec;

/// `t:htmlEntityDecode`
pub(super) const SPEC: Spec = Spec {
    name: "htmlEntityDecode",
    aliases: &[],
    summary: "`&#60;`, `&#x3c;`, `&lt;`, `&gt;`, `&quot;`, `&amp;`, `&nbsp;`; the semicolon may be missing",
    example: ("&lt;b&#62;&#x22", "<b>\""),
    apply,
};

/// Names that ModSecurity knows. HTML 5 has more; these are the ones that matter to markup.
const NAMES: &[(&[u8], u8)] = &[
    (b"quot", b'"'),
    (b"amp", b'&'),
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"nbsp", 0xa0),
];

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    if memchr::memchr(b'&', input).is_none() {
        return false;
    }
    let mut rest = input;
    while let Some((&byte, after)) = rest.split_first() {
        match (byte == b'&').then(|| entity(after)).flatten() {
            Some((decoded, length)) => {
                output.push(decoded);
                rest = after.get(length..).unwrap_or_default();
                rest = rest.strip_prefix(b";").unwrap_or(rest);
            }
            None => {
                output.push(byte);
                rest = after;
            }
        }
    }
    if output == input {
        output.clear();
        return false;
    }
    true
}

/// The byte that the entity after `&` stands for, and the entity's length.
fn entity(text: &[u8]) -> Option<(u8, usize)> {
    let Some(number) = text.strip_prefix(b"#") else {
        return NAMES.iter().find_map(|(name, byte)| {
            let head = text.get(..name.len())?;
            head.eq_ignore_ascii_case(name)
                .then_some((*byte, name.len()))
        });
    };
    let (digits, radix, start) = match number.split_first() {
        Some((b'x' | b'X', hexadecimal)) => (hexadecimal, 16, 2),
        _ => (number, 10, 1),
    };
    let length = digits
        .iter()
        .take_while(|&&digit| char::from(digit).is_digit(radix))
        .count();
    if length == 0 {
        return None;
    }
    let value = digits.iter().take(length).fold(0_u32, |value, &digit| {
        let digit = char::from(digit).to_digit(radix).unwrap_or(0);
        value.wrapping_mul(radix).wrapping_add(digit)
    });
    // The low byte, as ModSecurity has it.
    Some((value as u8, start + length))
}
