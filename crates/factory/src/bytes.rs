//! Bytes, changed.

/// With every occurrence of some replaced; nothing is no occurrence.
pub(crate) fn replaced(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match rest.strip_prefix(old).filter(|_| !old.is_empty()) {
            Some(behind) => {
                out.extend_from_slice(new);
                rest = behind;
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// How many would be replaced.
pub(crate) fn occurrences(text: &[u8], old: &[u8]) -> usize {
    let (mut found, mut rest) = (0, text);
    while let Some((_, after)) = rest.split_first() {
        rest = match rest.strip_prefix(old).filter(|_| !old.is_empty()) {
            Some(behind) => {
                found += 1;
                behind
            }
            None => after,
        };
    }
    found
}
