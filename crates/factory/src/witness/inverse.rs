//! What a value is before transformations.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Numbers that differ from attempt to attempt; all zero in the first (SplitMix64).
#[derive(Debug)]
pub(super) struct Choice {
    state: u64,
    plain: bool,
}

impl Choice {
    pub(super) fn of(attempt: u64) -> Self {
        Self {
            state: attempt,
            plain: attempt == 0,
        }
    }

    /// Less than `bound`; 0 if that is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        if self.plain || bound == 0 {
            return 0;
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// A value that the transformations, in order, make `value`; none where that cannot be found.
pub(super) fn of(value: &[u8], transformations: &[String]) -> Option<Vec<u8>> {
    let mut value = value.to_vec();
    for name in transformations.iter().rev() {
        value = match name.to_ascii_lowercase().as_str() {
            "base64decode" | "base64decodeext" => BASE64_STANDARD.encode(&value).into_bytes(),
            "hexdecode" => value
                .iter()
                .flat_map(|byte| format!("{byte:02x}").into_bytes())
                .collect(),
            "urldecode" | "urldecodeuni" => percent(&value, b"%+"),
            "htmlentitydecode" => replaced(&value, b'&', b"&amp;"),
            "jsdecode" | "cssdecode" | "escapeseqdecode" => replaced(&value, b'\\', b"\\\\"),
            "base64encode" => BASE64_STANDARD.decode(&value).ok()?,
            "md5" | "sha1" | "hexencode" | "urlencode" => return None,
            // What they change is not there, or the attempt shows that it is.
            _ => value,
        };
    }
    Some(value)
}

/// The transformations that read an encoding, so that what they read is no text by itself.
pub(super) fn encodings(transformations: &[String]) -> Vec<&str> {
    let read = ["base64decode", "base64decodeext", "hexdecode"];
    let names = transformations.iter().map(String::as_str);
    names
        .filter(|name| read.contains(&name.to_ascii_lowercase().as_str()))
        .collect()
}

/// Whether transformations end in a number: the bytes of a value.
pub(super) fn counts_bytes(transformations: &[String]) -> bool {
    transformations
        .iter()
        .any(|name| name.eq_ignore_ascii_case("length"))
}

/// These bytes as `%XX`.
pub(super) fn percent(value: &[u8], which: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for &byte in value {
        match which.contains(&byte) || !(b' '..=b'~').contains(&byte) {
            true => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            false => out.push(byte),
        }
    }
    out
}

fn replaced(value: &[u8], byte: u8, with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for &each in value {
        match each == byte {
            true => out.extend_from_slice(with),
            false => out.push(each),
        }
    }
    out
}
