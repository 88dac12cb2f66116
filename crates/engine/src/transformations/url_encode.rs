//! `t:urlEncode`

use super::Spec;
use crate::need::ByteSet;

/// `t:urlEncode`
pub(super) const SPEC: Spec = Spec {
    name: "urlEncode",
    aliases: &[],
    summary: "percent-encoded, lower case; spaces to `+`; letters, digits and `*` stay",
    example: ("a b/*", "a+b%2f*"),
    touches: ByteSet::ALPHANUMERIC.with(b'*').complement(),
    makes: ByteSet::of(b"%+0123456789abcdef"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    for &byte in input {
        match byte {
            b' ' => output.push(b'+'),
            b'*' => output.push(byte),
            _ if byte.is_ascii_alphanumeric() => output.push(byte),
            _ => {
                output.push(b'%');
                output.extend(super::hex_digits(byte));
            }
        }
    }
    super::differs(input, output)
}
