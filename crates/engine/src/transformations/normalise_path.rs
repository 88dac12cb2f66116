//! `t:normalisePath`

use super::Spec;

/// `t:normalisePath`
pub(super) const SPEC: Spec = Spec {
    name: "normalisePath",
    aliases: &["normalizePath"],
    summary: "resolves dot segments and merges slashes",
    example: ("/a//b/../c/./d", "/a/c/d"),
    apply,
};

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    normalise(input, output);
    if output == input {
        output.clear();
        return false;
    }
    true
}

/// As libmodsecurity does it: a path that begins with a slash cannot climb above
/// its root; one that does not keeps the `..` that lead out of it.
pub(super) fn normalise(input: &[u8], output: &mut Vec<u8>) {
    let absolute = input.first() == Some(&b'/');
    let trailing = input.last() == Some(&b'/')
        || matches!(
            input.rsplit(|&byte| byte == b'/').next(),
            Some(b"." | b"..")
        ) && input.len() > 2;
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in input.split(|&byte| byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(&last) if last != b".." => {
                    kept.pop();
                }
                _ if absolute => {}
                _ => kept.push(b".."),
            },
            _ => kept.push(segment),
        }
    }
    if absolute {
        output.push(b'/');
    }
    output.extend_from_slice(&kept.join(&b'/'));
    if trailing && !kept.is_empty() {
        output.push(b'/');
    }
}
