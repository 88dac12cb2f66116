//! Serialised objects (CWE-502), by the bytes with which they begin.

use super::{Check, Detector, rx};
use crate::document::Decode;

/// `deserialization`
pub(super) const DETECTOR: Detector = Detector {
    name: "deserialization",
    summary: "a serialised Java, PHP, Python, .NET, Ruby or node object",
    decode: &[Decode::Url, Decode::Url],
    checks: &[
        // Java, also in base64; .NET's BinaryFormatter.
        rx(r"\xac\xed\x00\x05|(?i:\baced0005)|rO0ABX|AAEAAAD/////"),
        // In base64, where it begins: what begins as Java does, gzip, Ruby's Marshal, the frame
        // of a pickle, pickles of known modules that say no protocol.
        rx(concat!(
            r"(?:\A\s*|[^A-Za-z0-9+/=_\s-]\s*|[ \t])",
            r"(?:rO0AB|H4sIA[A-Za-z0-9+/_-]{12}|BAh[179DJTVblv][A-Za-z0-9+/_-]{4}",
            r"|gA[SW]V[A-Za-z0-9+/_-]{4}AAAA",
            r"|Y(?:29zCn|3Bvc2l4C|19fYnVpbHRpbl9fC|2J1aWx0aW5zC|3N1YnByb2Nlc3MK))",
        )),
        Check {
            operator: "detectPickle",
            argument: "",
            spaced: None,
        },
        Check {
            operator: "detectPickle",
            argument: "base64",
            spaced: None,
        },
        // YAML: tags of classes and of languages' objects, in full, by a handle, in UTF-16 and
        // UTF-32. Lines end as YAML 1.1 has them.
        rx(concat!(
            r"!!(?:javax?|com|org|net|io|sun|jdk)\.|!!(?:python|ruby|perl|php|js)/|!<tag:|%TAG\s+!|!ruby/",
            r"|(?:\A|[\s\[{,:?(-]|\xef\xbb\xbf|\xc2\x85|\xe2\x80[\xa8\xa9])",
            r"!!(?:[a-z_][\w$]{0,80}\.){1,20}[A-Z]",
            r"|\A(?:\xfe\xff|\xff\xfe|\x00\x00\xfe\xff)[\s\S]*?",
            r"(?:!\x00{1,3}(?:[!<]|r\x00{1,3}u)|%\x00{1,3}T\x00{1,3}A)",
        )),
        // PHP, also behind a name as in sessions; type hints in JSON; node-serialize; XMLDecoder;
        // what Yii is told to construct; XStream.
        rx(
            r#"(?:\A|[;{}|:"'=\s])[OC]:\+?\d{1,20}:"|\ba:\d{1,20}:\{[sibdaO]:|"[$@]type"\s*:|_\$\$ND_FUNC\$\$_|<(?:java|object|void|array)\b[^>]*\bclass\s*=|<java\b[^>]*>\s*<(?:class|object|void)\b|"(?:as|on)\s[^"]{0,80}"\s*:\s*\{\s*"(?:__)?class"|(?:\A|["\[.])__construct\(\)|\bserialization\s*=\s*["']custom|<(?:sorted-set|tree-map|linked-hash-set|dynamic-proxy|java\.(?:util|beans|lang|io|net)\.\w+|javax\.\w+\.\w+|jdk\.\w+\.\w+|com\.sun\.\w+|sun\.\w+\.\w+)[\s.>$_]"#,
        ),
    ],
};
