//! `t:md5`, `t:sha1`

use super::Spec;
use crate::need::ByteSet;
use sha1::Digest;

/// `t:md5`
pub(super) const MD5: Spec = Spec {
    name: "md5",
    aliases: &[],
    summary: "the MD5 digest, 16 bytes; mostly followed by hexEncode",
    example: ("abc", r"\x90\x01P\x98<\xd2O\xb0\xd6\x96?}(\xe1\x7fr"),
    touches: ByteSet::ALL,
    makes: ByteSet::ALL,
    apply: |input, output| {
        output.extend_from_slice(&md5::Md5::digest(input));
        true
    },
};

/// `t:sha1`
pub(super) const SHA1: Spec = Spec {
    name: "sha1",
    aliases: &[],
    summary: "the SHA-1 digest, 20 bytes; mostly followed by hexEncode",
    example: ("abc", r"\xa9\x99>6G\x06\x81j\xba>%qxP\xc2l\x9c\xd0\xd8\x9d"),
    touches: ByteSet::ALL,
    makes: ByteSet::ALL,
    apply: |input, output| {
        output.extend_from_slice(&sha1::Sha1::digest(input));
        true
    },
};
