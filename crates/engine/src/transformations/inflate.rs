//! `t:inflate`: messages of SAML in a URL are deflated, in Base64.

use flate2::{Decompress, FlushDecompress, Status};

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
    summary: "raw deflate, zlib and gzip decompressed, as far as they can be read; what is none of them stays, as does, on a line of its own, what is a text or broken",
    example: ("\u{b}I-.\u{1}\0", "Test"),
    touches: ByteSet::ALL,
    makes: ByteSet::ALL,
    apply,
};

/// As rules name it.
pub(crate) const NAME: &str = "inflate";

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    let mut whole = raw(input, output);
    // What can be read in two ways is read in one by some, in the other by others.
    if is_zlib(input) {
        whole |= raw(input.get(ZLIB_HEAD..).unwrap_or_default(), output);
    }
    if let Some(data) = gzip_data(input) {
        whole |= raw(data, output);
    }
    if output.is_empty() {
        return false;
    }
    // A text may begin as a stream does: both are looked at.
    if !whole || is_text(input) {
        output.push(b'\n');
        output.extend_from_slice(input);
    }
    super::differs(input, output)
}

/// Bytes before the stream within zlib's, and checksums and a length behind it.
const ZLIB_HEAD: usize = 2;
const TRAILER: usize = 8;

/// Up to its end, or to where it is broken: some readers take what came before, others do not
/// check sums. Whether it ended where the input does.
fn raw(input: &[u8], output: &mut Vec<u8>) -> bool {
    let mut stream = Decompress::new(false);
    // PERF: as long as the window of deflate, so that what comes before an error is given, too.
    let mut piece = vec![0; 32 * 1024];
    loop {
        let at = (stream.total_in(), stream.total_out());
        let rest = input.get(at.0 as usize..).unwrap_or_default();
        let status = stream.decompress(rest, &mut piece, FlushDecompress::None);
        let read = (stream.total_out() - at.1) as usize;
        let room = (INFLATED_BYTES + 1).saturating_sub(output.len());
        output.extend_from_slice(piece.get(..read.min(room)).unwrap_or_default());
        let moved = (stream.total_in(), stream.total_out()) != at;
        match status {
            Ok(Status::Ok | Status::BufError) if moved && read < room => {}
            Ok(Status::StreamEnd) => {
                let left = input.len().saturating_sub(stream.total_in() as usize);
                return left <= TRAILER;
            }
            _ => return false,
        }
    }
}

/// The stream of a gzip file's first member (RFC 1952, section 2.3).
fn gzip_data(input: &[u8]) -> Option<&[u8]> {
    const CHECKED: u8 = 2;
    const EXTRA: u8 = 4;
    const NAMED: u8 = 8;
    const COMMENTED: u8 = 16;
    let rest = input.strip_prefix(b"\x1f\x8b")?;
    let (head, mut rest) = rest.split_at_checked(8)?;
    let flags = *head.get(1)?;
    if flags & EXTRA != 0 {
        let (length, more) = rest.split_first_chunk::<2>()?;
        rest = more.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for _ in 0..(flags & (NAMED | COMMENTED)).count_ones() {
        let end = memchr::memchr(0, rest)?;
        rest = rest.get(end + 1..)?;
    }
    rest.get(if flags & CHECKED != 0 { 2 } else { 0 }..)
}

fn is_text(input: &[u8]) -> bool {
    let readable = |byte: &&u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    input.iter().filter(readable).count() * 10 >= input.len() * 9
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
        let half = &whole[..whole.len() / 2];
        let read = inflated(half).unwrap();
        let read = read
            .strip_suffix(half)
            .unwrap()
            .strip_suffix(b"\n")
            .unwrap();
        assert!(
            read.len() > 4096 && text.starts_with(read),
            "{}",
            read.len()
        );
    }

    /// A reader that takes what comes may have understood it before it finds that the sum is wrong.
    #[test]
    fn what_is_broken_is_read_up_to_there_whatever_the_sum_says() {
        let text = [b"<!DOCTYPE a>".as_slice(), &noise(20_000)].concat();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&text).unwrap();
        let mut wrong_sum = zlib.finish().unwrap();
        *wrong_sum.last_mut().unwrap() ^= 1;
        assert!(inflated(&wrong_sum).unwrap().starts_with(&text));
        let mut broken = deflated(&text);
        let middle = broken.len() / 2;
        broken[middle..].fill(0xff);
        let read = inflated(&broken).unwrap();
        assert!(read.starts_with(&text[..1000]), "{}", read.len());
    }

    #[test]
    fn a_text_that_begins_as_a_stream_does_stays_beside_what_is_read() {
        let text = b"\n<!--v'fj<`0FY2 ^eq--><!DOCTYPE a [<!ENTITY x SYSTEM 'http://a'>]>";
        let read = inflated(text).unwrap();
        assert!(read.ends_with(text) && read.len() > text.len());
    }

    /// Bytes that do not repeat, in letters.
    fn noise(count: u32) -> Vec<u8> {
        let mut state = 1_u32;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'a' + (state >> 24) as u8 % 16
        };
        (0..count).map(next).collect()
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
        let cut = inflated(&bomb).unwrap();
        assert_eq!(cut.len(), INFLATED_BYTES + 1 + 1 + bomb.len());
        let large = deflated(&vec![b' '; INFLATED_BYTES]);
        assert_eq!(inflated(&large).unwrap().len(), INFLATED_BYTES);
    }

    #[test]
    fn what_reads_as_raw_deflate_and_as_zlib_is_read_as_both() {
        // Raw: a stored block of 257 bytes. Zlib: a header of two bytes, then one of 65,278.
        let text = [b"<!DOCTYPE a>".as_slice(), &[b' '; 243]].concat();
        let input = [b"\x78\x01\x01\xfe\xfe\x01\x01".as_slice(), &text].concat();
        let read = inflated(&input).unwrap();
        let both = [b"\x01\x01".as_slice(), &text, &text].concat();
        assert!(read.starts_with(&both), "{read:?}");
    }
}
