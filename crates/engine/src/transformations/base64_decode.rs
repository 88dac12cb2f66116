//! `t:base64Decode`, `t:base64DecodeExt`

use super::Spec;
use crate::need::ByteSet;

/// `t:base64Decode`
pub(super) const STRICT: Spec = Spec {
    name: "base64Decode",
    aliases: &[],
    summary: "Base64-decoded up to the first byte that is none; line ends are skipped",
    example: ("VGVzdA==", "Test"),
    touches: ByteSet::ALL,
    makes: ByteSet::ALL,
    apply: strict,
};

/// `t:base64DecodeExt`
pub(super) const FORGIVING: Spec = Spec {
    name: "base64DecodeExt",
    aliases: &[],
    summary: "Base64-decoded, both alphabets; bytes that are none are skipped",
    example: ("V.GVzdA==", "Test"),
    touches: ByteSet::ALL,
    makes: ByteSet::ALL,
    apply: forgiving,
};

fn strict(input: &[u8], output: &mut Vec<u8>) -> bool {
    let text = input
        .iter()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .map_while(|&byte| sextet(byte));
    decode(text, output);
    super::differs(input, output)
}

fn forgiving(input: &[u8], output: &mut Vec<u8>) -> bool {
    let text = input.iter().filter_map(|&byte| match byte {
        b'-' => Some(62),
        b'_' => Some(63),
        _ => sextet(byte),
    });
    decode(text, output);
    super::differs(input, output)
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// A byte is given as soon as its eight bits are there; padding is not needed.
fn decode(sextets: impl Iterator<Item = u8>, output: &mut Vec<u8>) {
    let mut bits = 0_u32;
    let mut count = 0_u32;
    for sextet in sextets {
        bits = (bits << 6) | u32::from(sextet);
        count += 6;
        if count >= 8 {
            count -= 8;
            output.push((bits >> count) as u8);
        }
    }
}
