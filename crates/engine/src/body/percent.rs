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
