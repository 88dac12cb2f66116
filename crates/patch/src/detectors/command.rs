//! A command line as a whole value (CWE-78), where no other command needs to be closed first.

use super::{Detector, rx};
use crate::document::Decode;

/// `command`
pub(super) const DETECTOR: Detector = Detector {
    name: "command",
    summary: "a value that is itself a command line",
    decode: &[Decode::Url, Decode::Url],
    checks: &[rx(
        r"(?i)(?:\A|[\s'\x22(=;|&`\n])(?:/[\w./-]*/)?(?:cat|curl|wget|ping|nslookup|dig|whoami|uname|ifconfig|ipconfig|netstat|bash|/bin/\w+|zsh|ncat|telnet|chmod|chown|base64|python[\d.]*|perl|ruby|node|powershell|cmd(?:\.exe)?|certutil|bitsadmin|sleep|printf|expr|touch|hostname|systeminfo|tasklist|id|ls|dir|ps|pwd|env|echo|type|rm|nc|sh)(?:\s+(?:-{1,2}\w|/|\\|[\w.-]*[/.:@\d$]|[|;&>]|\*|['\x22$])|\s*[|;&>`])|\A\s*(?:whoami|uname|ifconfig|ipconfig|netstat|systeminfo|tasklist)\s*\z",
    )],
};
