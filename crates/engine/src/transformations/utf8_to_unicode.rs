//! `t:utf8toUnicode`

use super::Spec;

/// `t:utf8toUnicode`
pub(super) const SPEC: Spec = Spec {
    name: "utf8toUnicode",
    aliases: &[],
    summary: "each UTF-8 character beyond ASCII becomes `%uXXXX`",
    example: ("aé", "a%u00e9"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    if input.is_ascii() {
        return false;
    }
    for chunk in input.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_ascii() {
                output.push(letter as u8);
            } else {
                output.extend_from_slice(format!("%u{:04x}", u32::from(letter)).as_bytes());
            }
        }
        output.extend_from_slice(chunk.invalid());
    }
    true
}
