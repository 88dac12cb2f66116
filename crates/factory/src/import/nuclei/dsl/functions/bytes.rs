//! Encodings and compression.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::{Function, MANY, VALUE_BYTES, Value, at, bytes, function};
use crate::Origin;

/// Padding may be missing, as templates that cut texts have it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes that a ciphertext may hold.
const CIPHER: [u8; 256] = {
    let mut all = [0; 256];
    let mut byte = 0;
    while byte < all.len() {
        all[byte] = byte as u8;
        byte += 1;
    }
    all
};

pub(super) const ALL: &[Function] = &[
    function("base64", "in Base64", 1..=1, |a, _| {
        bytes(BASE64_STANDARD.encode(at(a, 0)))
    }),
    function(
        "base64_py",
        "in Base64, with a line break behind every 76 characters and at its end",
        1..=1,
        |a, _| {
            let encoded = BASE64_STANDARD.encode(at(a, 0));
            let lines = encoded.as_bytes().chunks(76);
            bytes(
                lines
                    .flat_map(|line| [line, b"\n"].concat())
                    .collect::<Vec<_>>(),
            )
        },
    ),
    function("base64_decode", "out of Base64", 1..=1, |a, _| {
        bytes(
            LENIENT
                .decode(at(a, 0).trim_ascii())
                .map_err(|error| error.to_string())?,
        )
    }),
    function("hex_encode", "in hexadecimal digits", 1..=1, |a, _| {
        bytes(hex(at(a, 0)))
    }),
    function("hex_decode", "out of hexadecimal digits", 1..=1, |a, _| {
        unhex(at(a, 0))
    }),
    function("url_encode", "percent-encoded", 1..=2, |a, _| {
        bytes(patch::percent_encoded(at(a, 0)))
    }),
    function("url_decode", "without percent-encoding", 1..=1, |a, _| {
        bytes(engine::body::percent::form_decoded(at(a, 0)))
    }),
    function(
        "html_escape",
        "with entities for < > & and quotes",
        1..=1,
        |a, _| bytes(escaped(at(a, 0))),
    ),
    function(
        "html_unescape",
        "without entities for < > & and quotes",
        1..=1,
        |a, _| {
            let mut text = String::from_utf8_lossy(at(a, 0)).into_owned();
            for (from, to) in [
                ("&lt;", "<"),
                ("&gt;", ">"),
                ("&#34;", "\""),
                ("&quot;", "\""),
                ("&#39;", "'"),
                ("&amp;", "&"),
            ] {
                text = text.replace(from, to);
            }
            bytes(text)
        },
    ),
    function("gzip", "compressed, gzip", 1..=1, |a, _| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(at(a, 0))
            .and_then(|()| encoder.finish())
            .map(Value::bytes)
            .map_err(told)
    }),
    function("zlib", "compressed, zlib", 1..=1, |a, _| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(at(a, 0))
            .and_then(|()| encoder.finish())
            .map(Value::bytes)
            .map_err(told)
    }),
    function("deflate", "compressed, deflate", 1..=1, |a, _| {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(at(a, 0))
            .and_then(|()| encoder.finish())
            .map(Value::bytes)
            .map_err(told)
    }),
    function("gzip_decode", "out of gzip", 1..=1, |a, _| {
        read(GzDecoder::new(at(a, 0)))
    }),
    function("zlib_decode", "out of zlib", 1..=1, |a, _| {
        read(ZlibDecoder::new(at(a, 0)))
    }),
    function("inflate", "out of deflate", 1..=1, |a, _| {
        read(DeflateDecoder::new(at(a, 0)))
    }),
    function(
        "xor",
        "each byte xor those of the others, again and again where they are shorter",
        2..=MANY,
        |a, _| {
            let mut mixed = at(a, 0).to_vec();
            for other in a.iter().skip(1) {
                for (byte, with) in mixed.iter_mut().zip(other.bytes.iter().cycle()) {
                    *byte ^= with;
                }
            }
            bytes(mixed)
        },
    ),
    function(
        "zip",
        "an archive of files: a name and what it holds, again and again",
        2..=MANY,
        |a, _| archive(a),
    ),
    function(
        "unpack",
        "the number that bytes hold, in a format such as >I of Python's struct",
        2..=2,
        |a, _| unpacked(at(a, 0), at(a, 1)),
    ),
    function(
        "aes_cbc",
        "so many bytes as the ciphertext has; what they hold only the application can read",
        3..=3,
        |a, random| {
            const BLOCK: usize = 16;
            let length = (at(a, 0).len() / BLOCK + 1) * BLOCK;
            let cipher = random.letters(length, &CIPHER);
            Ok(Value::bytes(cipher).from(Some(Origin::Random)))
        },
    ),
    function(
        "aes_gcm",
        "the same, of the other mode: nonce, ciphertext and tag",
        2..=2,
        |a, random| {
            const NONCE_AND_TAG: usize = 12 + 16;
            let cipher = random.letters(at(a, 1).len() + NONCE_AND_TAG, &CIPHER);
            Ok(Value::bytes(cipher).from(Some(Origin::Random)))
        },
    ),
    function(
        "generate_java_gadget",
        "the head of a serialised Java object, in the encoding asked for; gadgets themselves are not made here",
        2..=3,
        |a, _| {
            let mut stream = b"\xac\xed\x00\x05sr\x00\x11java.util.HashSet".to_vec();
            stream.extend_from_slice(b"\xbaD\x85\x95\x96\xb8\xb74\x03\x00\x00xpw\x0c");
            let zipped = || {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder
                    .write_all(&stream)
                    .and_then(|()| encoder.finish())
                    .map_err(told)
            };
            let encoded = match at(a, 2) {
                b"raw" => stream,
                b"hex" => hex(&stream).into_bytes(),
                b"gzip" => zipped()?,
                b"gzip-base64" => BASE64_STANDARD.encode(zipped()?).into_bytes(),
                _ => BASE64_STANDARD.encode(&stream).into_bytes(),
            };
            bytes(encoded)
        },
    ),
    function(
        "generate_jwt",
        "a JSON web token of these claims; its signature verifies nowhere",
        2..=4,
        |a, random| {
            let head = format!(
                r#"{{"alg":"{}","typ":"JWT"}}"#,
                String::from_utf8_lossy(at(a, 1))
            );
            let parts = [
                head.as_bytes(),
                at(a, 0),
                &random.letters(32, b"0123456789abcdef"),
            ];
            let parts = parts.map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
            Ok(Value::bytes(parts.join(".")).from(Some(Origin::Random)))
        },
    ),
];

fn told(error: std::io::Error) -> String {
    error.to_string()
}

/// Decompresses no more than a value may hold.
fn read(source: impl Read) -> Result<Value, String> {
    let mut out = Vec::new();
    source
        .take(VALUE_BYTES as u64 + 1)
        .read_to_end(&mut out)
        .map_err(told)?;
    bytes(out)
}

pub(super) fn hex(text: &[u8]) -> String {
    text.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &[u8]) -> Result<Value, String> {
    let digits: Vec<u8> = text
        .iter()
        .map(|byte| char::from(*byte).to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()
        .ok_or("these are no hexadecimal digits")?;
    bytes(
        digits
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |sum, digit| sum * 16 + digit))
            .collect::<Vec<u8>>(),
    )
}

fn escaped(text: &[u8]) -> Vec<u8> {
    text.iter()
        .flat_map(|byte| match byte {
            b'<' => b"&lt;".to_vec(),
            b'>' => b"&gt;".to_vec(),
            b'&' => b"&amp;".to_vec(),
            b'"' => b"&#34;".to_vec(),
            b'\'' => b"&#39;".to_vec(),
            other => vec![*other],
        })
        .collect()
}

/// A ZIP archive (APPNOTE 6.3) whose files are stored as they are.
fn archive(entries: &[Value]) -> Result<Value, String> {
    if !entries.len().is_multiple_of(2) {
        return Err("each name is followed by what the file holds".to_owned());
    }
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u16);
    let short = |length: usize| u16::try_from(length).map_err(|_| "a name is too long");
    let long = |length: usize| u32::try_from(length).map_err(|_| "a file is too long");
    for entry in entries.chunks(2) {
        let (name, content) = (at(entry, 0), at(entry, 1));
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let size = long(content.len())?.to_le_bytes();
        // Version 2.0, no flags, stored, 1 January 1980.
        let mut about = b"\x14\0\0\0\0\0\0\0\x21\0".to_vec();
        about.extend(crc.sum().to_le_bytes());
        about.extend([size, size].concat());
        about.extend(short(name.len())?.to_le_bytes());
        about.extend(b"\0\0");
        let offset = long(out.len())?.to_le_bytes();
        out.extend([b"PK\x03\x04", &about[..], name, content].concat());
        directory.extend([b"PK\x01\x02\x14\0", &about[..]].concat());
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset);
        directory.extend(name);
        count += 1;
    }
    let start = long(out.len())?.to_le_bytes();
    let size = long(directory.len())?.to_le_bytes();
    let counts = [count.to_le_bytes(), count.to_le_bytes()].concat();
    out.extend(
        [
            &directory[..],
            b"PK\x05\x06\0\0\0\0",
            &counts,
            &size,
            &start,
            b"\0\0",
        ]
        .concat(),
    );
    bytes(out)
}

/// One number of Python's `struct`; little-endian where nothing else is said.
fn unpacked(format: &[u8], data: &[u8]) -> Result<Value, String> {
    let (big, kind) = match format {
        [b'>' | b'!', kind] => (true, *kind),
        [b'<' | b'=' | b'@', kind] | [kind] => (false, *kind),
        _ => return Err("one number is unpacked at a time, such as >I".to_owned()),
    };
    let length = match kind.to_ascii_lowercase() {
        b'b' => 1,
        b'h' => 2,
        b'i' | b'l' => 4,
        b'q' => 8,
        other => return Err(format!("the format `{}` is not known", char::from(other))),
    };
    let held = data.get(..length).ok_or("the bytes are too few")?;
    let digits: Vec<u8> = match big {
        true => held.to_vec(),
        false => held.iter().rev().copied().collect(),
    };
    let number = digits
        .iter()
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let bits = 8 * length as u32;
    let signed = kind.is_ascii_lowercase() && number >> (bits - 1) == 1;
    let number = match signed {
        true => i128::from(number) - (1_i128 << bits),
        false => i128::from(number),
    };
    let mut value = Value::of_number(number as f64);
    value.bytes = number.to_string().into_bytes();
    Ok(value)
}
