//! `Content-Encoding`: gzip and deflate (RFC 1950 to 1952) and br (RFC 7932), within a bound.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::Anomaly;
use crate::limits::Limits;

/// Decodes all codings of a header value, the last one first.
///
/// # Errors
/// What went wrong; `body` then holds what could be decoded.
pub(crate) fn decode(header: &[u8], body: &mut Vec<u8>, limits: &Limits) -> Result<(), Anomaly> {
    let codings: Vec<&[u8]> = header
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
        .collect();
    if codings.len() > limits.content_codings {
        return Err(Anomaly::TooDeep);
    }
    for coding in codings.iter().rev() {
        let allowed = body
            .len()
            .saturating_mul(limits.decompression_ratio)
            .min(limits.request_body_bytes);
        let (decoded, outcome) = match coding.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => read(MultiGzDecoder::new(body.as_slice()), allowed),
            // The standard says zlib; some clients send raw deflate, and some servers take it.
            b"deflate" if is_zlib(body) => read(ZlibDecoder::new(body.as_slice()), allowed),
            b"deflate" => read(DeflateDecoder::new(body.as_slice()), allowed),
            b"br" => read(brotli::Decompressor::new(body.as_slice(), 4096), allowed),
            _ => return Err(Anomaly::UnknownContentCoding),
        };
        *body = decoded;
        outcome?;
    }
    Ok(())
}

/// RFC 1950 section 2.2: method 8, and a check that 31 divides.
pub(crate) fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..]
        if method & 0x0f == 8 && (u16::from(*method) * 256 + u16::from(*flags)).is_multiple_of(31))
}

fn read(decoder: impl Read, allowed: usize) -> (Vec<u8>, Result<(), Anomaly>) {
    let mut decoded = Vec::new();
    let outcome = match decoder.take(allowed as u64 + 1).read_to_end(&mut decoded) {
        Ok(_) if decoded.len() > allowed => {
            decoded.truncate(allowed);
            Err(Anomaly::TooLarge)
        }
        Ok(_) => Ok(()),
        Err(_) => Err(Anomaly::InvalidCompression),
    };
    (decoded, outcome)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = b"q=union select";

    fn encoded(coding: &str, text: &[u8]) -> Vec<u8> {
        let level = Compression::default();
        match coding {
            "gzip" => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            "zlib" => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            "raw" => {
                let mut encoder = DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            _ => {
                let mut output = Vec::new();
                brotli::CompressorWriter::new(&mut output, 4096, 5, 22)
                    .write_all(text)
                    .unwrap();
                output
            }
        }
    }

    #[test]
    fn every_coding_gives_back_the_body() {
        for (coding, header) in [
            ("gzip", "gzip"),
            ("gzip", "X-GZIP"),
            ("zlib", "deflate"),
            ("raw", "deflate"),
            ("br", "br"),
        ] {
            let mut body = encoded(coding, TEXT);
            decode(header.as_bytes(), &mut body, &Limits::default()).unwrap();
            assert_eq!(body, TEXT, "{header}");
        }
        let mut twice = encoded("br", &encoded("gzip", TEXT));
        decode(b"gzip, br", &mut twice, &Limits::default()).unwrap();
        assert_eq!(twice, TEXT);
    }

    #[test]
    fn all_members_of_a_gzip_body_are_read() {
        let mut body = encoded("gzip", b"q=union ");
        body.extend(encoded("gzip", b"select"));
        decode(b"gzip", &mut body, &Limits::default()).unwrap();
        assert_eq!(body, TEXT);
    }

    #[test]
    fn a_bomb_stops_at_the_ratio_and_says_so() {
        let mut body = encoded("gzip", &vec![b'a'; 1 << 20]);
        let length = body.len();
        let outcome = decode(b"gzip", &mut body, &Limits::default());
        assert_eq!(outcome, Err(Anomaly::TooLarge));
        assert_eq!(body.len(), length * Limits::default().decompression_ratio);
    }

    #[test]
    fn what_cannot_be_decoded_is_told() {
        let mut cut = encoded("gzip", TEXT);
        cut.truncate(cut.len() - 4);
        assert_eq!(
            decode(b"gzip", &mut cut, &Limits::default()),
            Err(Anomaly::InvalidCompression)
        );
        let mut body = TEXT.to_vec();
        let outcome = decode(b"zstd", &mut body, &Limits::default());
        assert_eq!(outcome, Err(Anomaly::UnknownContentCoding));
        let outcome = decode(b"gzip, gzip, gzip", &mut body, &Limits::default());
        assert_eq!(outcome, Err(Anomaly::TooDeep));
    }
}
