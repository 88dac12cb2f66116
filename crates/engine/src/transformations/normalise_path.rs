//! `t:normalisePath`, `t:normalisePathWin`

use super::Spec;
use crate::need::ByteSet;

/// `t:normalisePath`
pub(super) const UNIX: Spec = Spec {
    name: "normalisePath",
    aliases: &["normalizePath"],
    summary: "a path without empty, `.` and `..` segments, as far as they resolve",
    example: ("/a//b/./../c", "/a/c"),
    touches: ByteSet::of(b"/.\\"),
    makes: ByteSet::of(b"/"),
    apply: |input, output| apply(input, output, |byte| byte == b'/'),
};

/// `t:normalisePathWin`
pub(super) const WINDOWS: Spec = Spec {
    name: "normalisePathWin",
    aliases: &["normalizePathWin"],
    summary: "as normalisePath, and backslashes to slashes",
    example: ("\\a\\..\\b", "/b"),
    touches: ByteSet::of(b"/.\\"),
    makes: ByteSet::of(b"/"),
    apply: |input, output| apply(input, output, |byte| matches!(byte, b'/' | b'\\')),
};

/// `..` stays where nothing is left that it could undo, except at the root.
fn apply(input: &[u8], output: &mut Vec<u8>, separates: fn(u8) -> bool) -> bool {
    let absolute = input.first().is_some_and(|&byte| separates(byte));
    if absolute {
        output.push(b'/');
    }
    // What `..` may not undo.
    let mut floor = output.len();
    for segment in input.split(|&byte| separates(byte)) {
        match segment {
            b"" | b"." => {}
            b".." if output.len() > floor => {
                let kept = output.get(floor..).unwrap_or_default();
                let kept = memchr::memrchr(b'/', kept).unwrap_or(0);
                output.truncate(floor + kept);
            }
            b".." if absolute => {}
            b".." => {
                join(segment, output);
                floor = output.len();
            }
            _ => join(segment, output),
        }
    }
    let trailing = input.last().is_some_and(|&byte| separates(byte));
    if trailing && output.last().is_some_and(|&byte| byte != b'/') {
        output.push(b'/');
    }
    super::differs(input, output)
}

fn join(segment: &[u8], output: &mut Vec<u8>) {
    if output.last().is_some_and(|&byte| byte != b'/') {
        output.push(b'/');
    }
    output.extend_from_slice(segment);
}
