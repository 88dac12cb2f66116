//! Percent-encoding (RFC 3986 section 2.1), once, and nothing else.

/// Appends the text with each `%XX` decoded; a `%` that two digits do not follow stays.
pub(crate) fn decode(text: &[u8], decoded: &mut Vec<u8>) {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if let (b'%', [high, low, tail @ ..]) = (byte, after)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            decoded.push((high * 16 + low) as u8);
            rest = tail;
        } else {
            decoded.push(byte);
        }
    }
}

/// The same of forms, where a `+` is a space.
pub(crate) fn decode_form(text: &[u8], decoded: &mut Vec<u8>) {
    for (at, part) in text.split(|&byte| byte == b'+').enumerate() {
        if at > 0 {
            decoded.push(b' ');
        }
        decode(part, decoded);
    }
}

/// A text with each `%XX` decoded.
pub fn decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    decode(text, &mut decoded);
    decoded
}

/// The same of forms, where a `+` is a space.
pub fn form_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    decode_form(text, &mut decoded);
    decoded
}
