//! `t:inflate`: messages of SAML in a URL are deflated, in Base64.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::Spec;
use crate::body::content_coding::is_zlib;
use crate::need::ByteSet;

/// Bytes that a value may grow to. One that would be larger is cut behind one byte more, which
/// tells.
pub const INFLATED_BYTES: usize = 1024 * 1024;

/// `t:inflate`
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    aliases: &[],
    summary: "raw deflate, zlib and gzip decompressed, as far as they can be read; what is none of them stays",
    example: ("\u{b}I-.\u{1}\0", "Test"),
    touches: ByteSet::ALL,
    makes: ByteSet::ALL,
    apply,
};

/// As rules name it.
pub(crate) const NAME: &str = "inflate";

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    read(DeflateDecoder::new(input), output);
    // What can be read in two ways is read in one by some, in the other by others.
    if is_zlib(input) {
        read(ZlibDecoder::new(input), output);
    }
    if input.starts_with(b"\x1f\x8b") {
        read(MultiGzDecoder::new(input), output);
    }
    !output.is_empty() && super::differs(input, output)
}

/// Up to its end, or to where it is broken: some readers take what came before.
fn read(decoder: impl Read, output: &mut Vec<u8>) {
    let room = (INFLATED_BYTES + 1).saturating_sub(output.len());
    let mut decoder = decoder.take(room as u64);
    let mut piece = [0; 4096];
    while let Ok(length) = decoder.read(&mut piece)
        && let Some(read) = piece.get(..length).filter(|read| !read.is_empty())
    {
        output.extend_from_slice(read);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn deflated(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn inflated(input: &[u8]) -> Option<Vec<u8>> {
        let mut output = Vec::new();
        apply(input, &mut output).then_some(output)
    }

    #[test]
    fn raw_deflate_zlib_and_gzip_are_read() {
        let text = b"<samlp:AuthnRequest/>";
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(text).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text).unwrap();
        for input in [
            deflated(text),
            zlib.finish().unwrap(),
            gzip.finish().unwrap(),
        ] {
            assert_eq!(inflated(&input).as_deref(), Some(&text[..]), "{input:?}");
        }
    }

    #[test]
    fn what_is_cut_is_read_up_to_there() {
        let text: Vec<u8> = (0..9000_u32).flat_map(u32::to_be_bytes).collect();
        let whole = deflated(&text);
        let read = inflated(&whole[..whole.len() / 2]).unwrap();
        assert!(
            read.len() > 4096 && text.starts_with(&read),
            "{}",
            read.len()
        );
    }

    #[test]
    fn messages_that_are_not_deflated_stay() {
        for text in [
            "<samlp:Response ID='a'/>",
            "<?xml version='1.0'?><a/>",
            "<!DOCTYPE a>",
        ] {
            assert_eq!(inflated(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_bomb_stops_one_byte_behind_the_bound() {
        let bomb = deflated(&vec![b' '; 8 * INFLATED_BYTES]);
        assert!(bomb.len() < 16 * 1024);
        assert_eq!(inflated(&bomb).unwrap().len(), INFLATED_BYTES + 1);
        let large = deflated(&vec![b' '; INFLATED_BYTES]);
        assert_eq!(inflated(&large).unwrap().len(), INFLATED_BYTES);
    }

    #[test]
    fn what_reads_as_raw_deflate_and_as_zlib_is_read_as_both() {
        // Raw: a stored block of 257 bytes. Zlib: a header of two bytes, then one of 65,278.
        let text = [b"<!DOCTYPE a>".as_slice(), &[b' '; 243]].concat();
        let input = [b"\x78\x01\x01\xfe\xfe\x01\x01".as_slice(), &text].concat();
        let read = inflated(&input).unwrap();
        assert_eq!(read, [b"\x01\x01".as_slice(), &text, &text].concat());
    }
}
