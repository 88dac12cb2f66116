//! `t:utf8toUnicode`

use super::Spec;
use crate::need::ByteSet;

/// `t:utf8toUnicode`
pub(super) const SPEC: Spec = Spec {
    name: "utf8toUnicode",
    aliases: &[],
    summary: "UTF-8 sequences to `%uXXXX`, overlong ones too; what is no sequence stays",
    example: ("a\u{d0}\u{10348}", "a%u00d0%u10348"),
    touches: ByteSet::range(0x80, 0xff),
    makes: ByteSet::of(b"%u0123456789abcdef"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    if input.is_ascii() {
        return false;
    }
    let mut rest = input;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let Some((code, length)) = sequence(byte, after) else {
            output.push(byte);
            continue;
        };
        output.extend_from_slice(b"%u");
        output.extend_from_slice(format!("{code:04x}").as_bytes());
        rest = after.get(length..).unwrap_or_default();
    }
    super::differs(input, output)
}

/// The code point of a sequence, and how many bytes follow its first.
///
/// Overlong forms decode: a lenient application reads them too.
fn sequence(first: u8, after: &[u8]) -> Option<(u32, usize)> {
    let (start, length) = match first {
        0xc0..=0xdf => (first & 0x1f, 1),
        0xe0..=0xef => (first & 0x0f, 2),
        0xf0..=0xf4 => (first & 0x07, 3),
        _ => return None,
    };
    let code = after
        .get(..length)?
        .iter()
        .try_fold(u32::from(start), |code, &byte| {
            (byte & 0xc0 == 0x80).then(|| (code << 6) | u32::from(byte & 0x3f))
        })?;
    Some((code, length))
}
