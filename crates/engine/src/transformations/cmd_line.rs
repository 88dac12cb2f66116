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
    let stays = unchanged(input);
    let Some((kept, rest)) = input
        .split_at_checked(stays)
        .filter(|_| stays < input.len())
    else {
        return false;
    };
    output.extend_from_slice(kept);
    for &byte in rest {
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

/// How many bytes at the start stay whatever follows.
fn unchanged(input: &[u8]) -> usize {
    let mut before = 0;
    let mut stays = |&byte: &u8| {
        let spaced = std::mem::replace(&mut before, byte) == b' ';
        match byte {
            b'"' | b'\'' | b'\\' | b'^' | b',' | b';' | b'\t' | b'\r' | b'\n' => false,
            b' ' | b'/' | b'(' => !spaced,
            _ => !byte.is_ascii_uppercase(),
        }
    };
    input.iter().take_while(|byte| stays(byte)).count()
}
