//! `t:cmdLine`

use super::Spec;

/// `t:cmdLine`
pub(super) const SPEC: Spec = Spec {
    name: "cmdLine",
    aliases: &[],
    summary: "what shells ignore goes: quotes, `\\`, `^`; `,` and `;` and white space become one space, none before `/` and `(`; small letters",
    example: ("C^at  '/etc' ;X", "cat/etc x"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    let mut space = false;
    for &byte in input {
        match byte {
            b'"' | b'\'' | b'\\' | b'^' => {}
            b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' => {
                if !space {
                    output.push(b' ');
                    space = true;
                }
            }
            b'/' | b'(' => {
                if space {
                    output.pop();
                }
                space = false;
                output.push(byte);
            }
            other => {
                space = false;
                output.push(other.to_ascii_lowercase());
            }
        }
    }
    if output == input {
        output.clear();
        return false;
    }
    true
}
