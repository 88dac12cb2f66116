//! `t:replaceComments`

use super::Spec;

/// `t:replaceComments`
pub(super) const SPEC: Spec = Spec {
    name: "replaceComments",
    aliases: &[],
    summary: "each `/* … */` becomes one space; an unclosed one reaches to the end",
    example: ("union/**/select", "union select"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    let mut rest = input;
    let mut changed = false;
    while let Some(start) = memchr::memmem::find(rest, b"/*") {
        changed = true;
        output.extend_from_slice(rest.get(..start).unwrap_or_default());
        output.push(b' ');
        let inside = rest.get(start + 2..).unwrap_or_default();
        rest = match memchr::memmem::find(inside, b"*/") {
            Some(end) => inside.get(end + 2..).unwrap_or_default(),
            None => b"",
        };
    }
    if changed {
        output.extend_from_slice(rest);
    }
    changed
}
