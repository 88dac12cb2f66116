//! `t:inflate`: messages of SAML in a URL are deflated, in Base64.

use flate2::{Decompress, FlushDecompress, Status};

use super::Spec;
use crate::body::content_coding::is_zlib;
use crate::need::ByteSet;

/// Bytes that a value may inflate to. One that would be larger is cut behind one byte more, and
/// is refused.
pub const INFLATED_BYTES: usize = 1024 * 1024;

/// Bytes of work that each byte of a value counts for: blocks of ten bits that hold nothing take
/// as long as this.
pub(crate) const INFLATE_WORK: usize = 256;

/// `t:inflate`
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    aliases: &[],
    summary: "raw deflate, zlib and gzip decompressed, as far as they can be read, and behind it, on a line of its own, the value as it came; what is none of them stays",
    example: ("\u{b}I-.\u{1}\0", "Test\\n\\x0bI-.\\x01\\x00"),
    touches: ByteSet::ALL,
    makes: ByteSet::ALL,
    apply,
};

/// As rules name it.
pub(crate) const NAME: &str = "inflate";

fn apply(input: &[u8], output: &mut Vec<u8>) -> bool {
    let read = inflated(input, INFLATED_BYTES);
    if read.is_empty() {
        return false;
    }
    output.extend_from_slice(&read);
    // Who does not inflate sees the value as it came, whatever else it can be read as.
    output.push(b'\n');
    output.extend_from_slice(input);
    true
}

/// Whether what [`apply`] made of so many bytes is more than a value may inflate to.
pub(crate) fn is_cut(input: usize, output: usize) -> bool {
    output > INFLATED_BYTES + 1 + input
}

/// What a value inflates to, in each way that it can be read, one behind the other, up to where it
/// is broken; nothing where it is no stream. What is larger than so many bytes is cut behind one
/// byte more.
pub fn inflated(input: &[u8], bound: usize) -> Vec<u8> {
    let mut reader = Reader {
        stream: Decompress::new(false),
        piece: vec![0; PIECE_BYTES],
        most: bound.saturating_add(1),
        output: Vec::new(),
    };
    // What can be read in two ways is read in one by some, in the other by others.
    reader.raw(input);
    if is_zlib(input) {
        reader.raw(input.get(ZLIB_HEAD..).unwrap_or_default());
    }
    reader.members(input);
    reader.output
}

/// Bytes before the stream within zlib's, and checksum and length behind one of gzip's.
const ZLIB_HEAD: usize = 2;
const TRAILER: usize = 8;
/// PERF: as long as the window of deflate, so that what comes before an error is given, too.
const PIECE_BYTES: usize = 32 * 1024;

/// One for all ways of reading, for what it needs is large.
struct Reader {
    stream: Decompress,
    piece: Vec<u8>,
    /// Bytes of the output.
    most: usize,
    output: Vec<u8>,
}

impl Reader {
    /// Up to its end, or to where it is broken: some readers take what came before, others do not
    /// check sums. What is behind its end, if it has one.
    fn raw<'i>(&mut self, input: &'i [u8]) -> Option<&'i [u8]> {
        self.stream.reset(false);
        loop {
            let at = (self.stream.total_in(), self.stream.total_out());
            let rest = input.get(at.0 as usize..).unwrap_or_default();
            let flush = FlushDecompress::None;
            let status = self.stream.decompress(rest, &mut self.piece, flush);
            let read = (self.stream.total_out() - at.1) as usize;
            let room = self.most.saturating_sub(self.output.len());
            let piece = self.piece.get(..read.min(room)).unwrap_or_default();
            self.output.extend_from_slice(piece);
            let now = (self.stream.total_in(), self.stream.total_out());
            match status {
                Ok(Status::Ok | Status::BufError) if now != at && read < room => {}
                Ok(Status::StreamEnd) => return input.get(now.0 as usize..),
                _ => return None,
            }
        }
    }

    /// The members of a gzip file (RFC 1952), with or without zeros between them, as Python reads
    /// them.
    fn members(&mut self, mut input: &[u8]) {
        while let Some(data) = gzip_data(input)
            && self.output.len() < self.most
        {
            let Some(behind) = self.raw(data) else {
                return;
            };
            let next = behind.get(TRAILER..).unwrap_or_default();
            let zeros = next.iter().take_while(|byte| **byte == 0).count();
            input = next.get(zeros..).unwrap_or_default();
        }
    }
}

/// The stream of the member that a gzip file begins with (RFC 1952, section 2.3).
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

    fn gzipped(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// What it reads of a value, which stays behind that.
    fn read(input: &[u8]) -> Option<Vec<u8>> {
        let mut output = Vec::new();
        apply(input, &mut output).then(|| {
            let before = output.strip_suffix(input).unwrap();
            before.strip_suffix(b"\n").unwrap().to_vec()
        })
    }

    #[test]
    fn raw_deflate_zlib_and_gzip_are_read() {
        let text = b"<samlp:AuthnRequest/>";
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(text).unwrap();
        for input in [deflated(text), zlib.finish().unwrap(), gzipped(text)] {
            assert_eq!(read(&input).as_deref(), Some(&text[..]), "{input:?}");
        }
    }

    #[test]
    fn every_member_of_a_gzip_file_is_read_and_all_within_one_bound() {
        let (first, second) = (gzipped(b"<!DOC"), gzipped(b"TYPE a>"));
        for between in [&b""[..], &[0; 512]] {
            let file = [&first, between, &second].concat();
            assert_eq!(read(&file).as_deref(), Some(&b"<!DOCTYPE a>"[..]));
        }
        let large = gzipped(&vec![b' '; INFLATED_BYTES / 2]);
        let file = [&large[..], &large, &second].concat();
        assert_eq!(read(&file).map(|read| read.len()), Some(INFLATED_BYTES + 1));
        let broken = [&first[..], b"\x1f\x8b\x08", &second].concat();
        assert_eq!(read(&broken).as_deref(), Some(&b"<!DOC"[..]));
    }

    #[test]
    fn what_is_cut_is_read_up_to_there() {
        let text: Vec<u8> = (0..9000_u32).flat_map(u32::to_be_bytes).collect();
        let whole = deflated(&text);
        let half = &whole[..whole.len() / 2];
        let read = read(half).unwrap();
        assert!(
            read.len() > 4096 && text.starts_with(&read),
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
        assert!(read(&wrong_sum).unwrap().starts_with(&text));
        let mut broken = deflated(&text);
        let middle = broken.len() / 2;
        broken[middle..].fill(0xff);
        let read = read(&broken).unwrap();
        assert!(read.starts_with(&text[..1000]), "{}", read.len());
    }

    /// Also where most of it is none of a text's letters, as in UTF-16.
    #[test]
    fn a_value_that_is_a_stream_stays_beside_what_is_read_for_who_does_not_inflate() {
        let text = b"\n<!--v'fj<`0FY2 ^eq--><!DOCTYPE a [<!ENTITY x SYSTEM 'http://a'>]>";
        let extra: Vec<u8> = b"<!DOCTYPE a>".iter().flat_map(|byte| [*byte, 0]).collect();
        let mut whole = gzipped(b"harmless");
        whole[3] |= 4;
        whole.splice(10..10, [&[extra.len() as u8, 0], &extra[..]].concat());
        for input in [&text[..], &whole] {
            let mut output = Vec::new();
            assert!(apply(input, &mut output));
            assert!(output.ends_with(input) && output.len() > input.len() + 1);
        }
        assert_eq!(read(&whole).as_deref(), Some(&b"harmless"[..]));
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
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_bomb_stops_one_byte_behind_the_bound() {
        let bomb = deflated(&vec![b' '; 8 * INFLATED_BYTES]);
        assert!(bomb.len() < 16 * 1024);
        let large = deflated(&vec![b' '; INFLATED_BYTES]);
        for (input, cut) in [(bomb, true), (large, false)] {
            let read = read(&input).unwrap();
            assert_eq!(read.len(), INFLATED_BYTES + usize::from(cut));
            assert_eq!(is_cut(input.len(), read.len() + 1 + input.len()), cut);
        }
    }

    #[test]
    fn what_reads_as_raw_deflate_and_as_zlib_is_read_as_both() {
        // Raw: a stored block of 257 bytes. Zlib: a header of two bytes, then one of 65,278.
        let text = [b"<!DOCTYPE a>".as_slice(), &[b' '; 243]].concat();
        let input = [b"\x78\x01\x01\xfe\xfe\x01\x01".as_slice(), &text].concat();
        let read = read(&input).unwrap();
        let both = [b"\x01\x01".as_slice(), &text, &text].concat();
        assert!(read.starts_with(&both), "{read:?}");
    }
}
