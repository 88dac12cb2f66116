//! `t:hexDecode`

use super::Spec;

/// `t:hexDecode`
pub(super) const SPEC: Spec = Spec {
    name: "hexDecode",
    aliases: &[],
    summary: "pairs of hexadecimal digits to bytes; ends at the first that is none",
    example: ("3c62", "<b"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    for pair in input.chunks_exact(2) {
        let [high, low] = pair else { break };
        match (super::hex(*high), super::hex(*low)) {
            (Some(high), Some(low)) => output.push(high * 16 + low),
            _ => break,
        }
    }
    true
}
