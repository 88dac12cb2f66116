//! Serialised objects (CWE-502), by the bytes with which they begin.

use super::{Check, Detector, rx};
use crate::document::Decode;

/// `deserialization`
pub(super) const DETECTOR: Detector = Detector {
    name: "deserialization",
    summary: "a serialised Java, PHP, Python, .NET, Ruby or node object",
    decode: &[Decode::Url, Decode::Url],
    checks: &[
        // Java; .NET's BinaryFormatter.
        rx(r"\xac\xed\x00\x05|(?i:\baced0005)|AAEAAAD/////"),
        // In base64, where it begins: Java; gzip of it; Ruby's Marshal; pickles of protocol 2
        // and 3 and, with the length of their frame, of 4 and 5; pickles that name a module.
        rx(concat!(
            r#"(?:\A|[\x22'<>=:,;|({\[ \t])"#,
            r"(?:rO0AB|H4sIA[A-Za-z0-9+/_-]{12}|BAh[17DJTVblv][A-Za-z0-9+/_-]{4}",
            r"|gA(?:[JN][jd9]|[IM]o)|gA[SW]V[A-Za-z0-9+/_-]{4}AAAA",
            r"|Y(?:29zCn|3Bvc2l4C|19fYnVpbHRpbl9fC|2J1aWx0aW5zC|3N1YnByb2Nlc3MK))",
        )),
        Check {
            operator: "detectPickle",
            argument: "",
            spaced: None,
        },
        // YAML: tags of classes and of languages' objects, in full, by a handle, in UTF-16.
        rx(concat!(
            r"(?:\A|[\s\[{,:?(-]|\xef\xbb\xbf)!!(?:(?:[a-z_][\w$]{0,80}\.){1,20}[A-Z]",
            r"|(?:javax?|com|org|net|io|sun|jdk)\.|(?:python|ruby|perl|php|js)/)",
            r"|!<tag:|%TAG\s+!|!ruby/|\A(?:\xfe\xff|\xff\xfe)[\s\S]*?(?:!\x00[!<]\x00?|%\x00T\x00A\x00G)",
        )),
        // PHP; type hints in JSON; node-serialize; XMLDecoder and XStream.
        rx(
            r#"(?:\A|[;{}:"'=\s])[OC]:\+?\d{1,20}:"|\ba:\d{1,20}:\{[sibdaO]:|"[$@]type"\s*:|_\$\$ND_FUNC\$\$_|<(?:java|object)\b[^>]*\bclass\s*=|\bserialization\s*=\s*["']custom|<(?:sorted-set|tree-map|linked-hash-set|dynamic-proxy|java\.(?:util|beans|lang|io|net)\.\w+|javax\.\w+\.\w+|jdk\.\w+\.\w+|com\.sun\.\w+|sun\.\w+\.\w+)[\s.>$_]"#,
        ),
    ],
};
