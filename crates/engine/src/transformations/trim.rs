//! `t:trim`

use super::Spec;

/// `t:trim`
pub(super) const SPEC: Spec = Spec {
    name: "trim",
    aliases: &[],
    summary: "without white space at both ends",
    example: (" a ", "a"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    let trimmed = input.trim_ascii();
    if trimmed.len() == input.len() {
        return false;
    }
    output.extend_from_slice(trimmed);
    true
}
