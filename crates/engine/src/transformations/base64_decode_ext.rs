//! `t:base64DecodeExt`

use super::Spec;

/// `t:base64DecodeExt`
pub(super) const SPEC: Spec = Spec {
    name: "base64DecodeExt",
    aliases: &[],
    summary: "base64, what is not of its alphabet ignored",
    example: ("P.HN_jcm\nlwdD4=", "<script>"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    let mut bits = 0_u32;
    let mut count = 0_u8;
    for &byte in input {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            output.push((bits >> count) as u8);
        }
    }
    true
}
