//! Digests.

use md5::Digest;
use sha2::{Sha256, Sha512};

use super::bytes::hex;
use super::{Function, Value, at, bytes, function};
use crate::Origin;

pub(super) const ALL: &[Function] = &[
    function("md5", "MD5, in hexadecimal digits", 1..=1, |a, _| {
        bytes(hex(&md5::Md5::digest(at(a, 0))))
    }),
    function("sha1", "SHA-1, in hexadecimal digits", 1..=1, |a, _| {
        bytes(hex(&sha1::Sha1::digest(at(a, 0))))
    }),
    function("sha256", "SHA-256, in hexadecimal digits", 1..=1, |a, _| {
        bytes(hex(&Sha256::digest(at(a, 0))))
    }),
    function("sha512", "SHA-512, in hexadecimal digits", 1..=1, |a, _| {
        bytes(hex(&Sha512::digest(at(a, 0))))
    }),
    function(
        "hmac",
        "so many digits as the digest has; they verify nowhere",
        3..=3,
        |a, random| {
            let digits = match at(a, 0) {
                b"sha512" => 128,
                b"sha256" => 64,
                _ => 40,
            };
            let digits = random.letters(digits, b"0123456789abcdef");
            Ok(Value::bytes(digits).from(Some(Origin::Random)))
        },
    ),
    function(
        "mmh3",
        "a number as MurmurHash3 gives it; it verifies nowhere",
        1..=1,
        |_, random| {
            let number = random.between(1_000_000_000, 2_000_000_000);
            Ok(Value::bytes(number.to_string()).from(Some(Origin::Random)))
        },
    ),
];
