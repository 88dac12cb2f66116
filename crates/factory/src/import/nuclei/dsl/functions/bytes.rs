//! Encodings and compression.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::{Function, VALUE_BYTES, Value, at, bytes, function};
use crate::Origin;

/// Padding may be missing, as templates that cut texts have it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) const ALL: &[Function] = &[
    function("base64", "in Base64", 1..=1, |a, _| {
        bytes(BASE64_STANDARD.encode(at(a, 0)))
    }),
    function(
        "base64_py",
        "in Base64, with a line break behind it",
        1..=1,
        |a, _| bytes(format!("{}\n", BASE64_STANDARD.encode(at(a, 0)))),
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
        bytes(crate::synthesis::percent_decoded(at(a, 0)))
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
        "each byte xor the key's, again and again",
        2..=2,
        |a, _| {
            let key = at(a, 1).iter().cycle();
            bytes(
                at(a, 0)
                    .iter()
                    .zip(key)
                    .map(|(byte, key)| byte ^ key)
                    .collect::<Vec<_>>(),
            )
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
