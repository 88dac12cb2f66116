//! `t:cmdLine`

use super::Spec;
use crate::need::ByteSet;

/// `t:cmdLine`
pub(super) const SPEC: Spec = Spec {
    name: "cmdLine",
    aliases: &["cmd_line"],
    summary: "a shell command without quotes, carets and backslashes; separators to one space, none before `/` and `(`; lower case",
    example: ("C^oMMaNd ; /c \"DiR\"", "command/c dir"),
    touches: ByteSet::of(b"\"'\\^ ,;\t\r\n/(").or(ByteSet::UPPER),
    makes: ByteSet::of(b" "),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    for &byte in input {
        let spaced = output.last() == Some(&b' ');
        match byte {
            b'"' | b'\'' | b'\\' | b'^' => {}
            b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' => {
                if !spaced {
                    output.push(b' ');
                }
            }
            b'/' | b'(' => {
                if spaced {
                    output.pop();
                }
                output.push(byte);
            }
            _ => output.push(byte.to_ascii_lowercase()),
        }
    }
    super::differs(input, output)
}
