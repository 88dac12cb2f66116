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
    let changes = |(at, byte): (usize, &u8)| match byte {
        b' ' | b'/' | b'(' => {
            let before = at.checked_sub(1).and_then(|before| input.get(before));
            before == Some(&b' ')
        }
        byte => SPEC.touches.contains(*byte),
    };
    let mut bytes = input.iter().enumerate();
    bytes.position(changes).unwrap_or(input.len())
}
