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
    decode_ext(input, output);
    super::differs(input, output)
}

/// Adds what the bytes hold, as `base64DecodeExt` reads them.
pub(crate) fn decode_ext(input: &[u8], output: &mut Vec<u8>) {
    let text = input.iter().filter_map(|&byte| sextet_of_either(byte));
    decode(text, output);
}

/// Of both alphabets.
pub(crate) fn sextet_of_either(byte: u8) -> Option<u8> {
    match byte {
        b'-' => Some(62),
        b'_' => Some(63),
        _ => sextet(byte),
    }
}

fn sextet(byte: u8) -> Option<u8> {
    /// No byte of the alphabet.
    const NONE: u8 = u8::MAX;
    const SEXTETS: [u8; 256] = {
        let mut sextets = [NONE; 256];
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut at = 0;
        while at < alphabet.len() {
            sextets[alphabet[at] as usize] = at as u8;
            at += 1;
        }
        sextets
    };
    let sextet = SEXTETS.get(usize::from(byte)).copied();
    sextet.filter(|sextet| *sextet != NONE)
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
