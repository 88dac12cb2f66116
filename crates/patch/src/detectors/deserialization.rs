//! Serialised objects (CWE-502), by the bytes with which they begin.

use super::{Detector, rx};
use crate::document::Decode;

/// `deserialization`
pub(super) const DETECTOR: Detector = Detector {
    name: "deserialization",
    summary: "a serialised Java, PHP, Python, .NET, Ruby or node object",
    decode: &[Decode::Url, Decode::Url],
    checks: &[
        // Java; gzip of it; .NET BinaryFormatter; Ruby Marshal; Python pickle 2 to 5.
        rx(
            r"\xac\xed\x00\x05|rO0AB|(?i:\baced0005)|\bH4sIA|AAEAAAD/////|\bBAh[bvsIT7]|\bgA[JNRS]|\x80[\x02-\x05](?:c|\x95|\})",
        ),
        // Pickles that name what they call in lines, or in counted texts.
        rx(
            r"[ci](?:os|posix|nt|pty|sys|subprocess|commands|builtins|__builtin__|importlib|runpy|codecs?|pickle|operator|functools|shutil|socket|types|marshal|ctypes|timeit|pdb|webbrowser|platform|numpy|torch)(?:\.\w{1,40})*\n\w|\x8c[\x01-\x40][\w.]{1,64}\x94?(?:q.)?\x8c[\x01-\x40][\w.]{1,64}\x94?(?:q.)?\x93",
        ),
        // PHP; YAML tags; type hints in JSON; node-serialize.
        rx(
            r#"(?:\A|[;{}:"'=\s])[OC]:\+?\d{1,20}:"|\ba:\d{1,20}:\{[sibdaO]:|!!(?:python|javax?|com|org|net|io|sun|jdk|ruby)[/.]|!<tag:|%TAG\s+!|!ruby/|"[$@]type"\s*:|_\$\$ND_FUNC\$\$_|<(?:java|object)\b[^>]*\bclass\s*=|\bserialization\s*=\s*["']custom|<(?:sorted-set|tree-map|linked-hash-set|dynamic-proxy|java\.(?:util|beans|lang|io|net)\.\w+|javax\.\w+\.\w+|jdk\.\w+\.\w+|com\.sun\.\w+|sun\.\w+\.\w+)[\s.>$_]"#,
        ),
    ],
};
