//! `t:normalisePathWin`

use super::Spec;

/// `t:normalisePathWin`
pub(super) const SPEC: Spec = Spec {
    name: "normalisePathWin",
    aliases: &["normalizePathWin"],
    summary: "as normalisePath, backslashes taken for slashes",
    example: ("\\a\\..\\b", "/b"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    let slashed: Vec<u8> = input
        .iter()
        .map(|&byte| if byte == b'\\' { b'/' } else { byte })
        .collect();
    super::normalise_path::normalise(&slashed, output);
    if output == input {
        output.clear();
        return false;
    }
    true
}
