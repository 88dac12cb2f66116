//! Files that must not be written or read by name (CWE-434, CWE-552).

use super::{Detector, rx};
use crate::document::Decode;

/// `executable-file`
pub(super) const EXECUTABLE: Detector = Detector {
    name: "executable-file",
    summary: "the name of a file that web servers execute or that configures them",
    decode: &[Decode::Url, Decode::Url],
    checks: &[rx(
        r"(?i)\.(?:php[\d]?|php[st]|pht|phtml|phar|inc|jspx?|jspf|jsw|jsv|jhtml|aspx?|asa|asax|ascx|ashx|asmx|cer|cdx|cfml?|cfc|cgi|fcgi|pl|py|rb|sh|bat|cmd|ps1|exe|dll|war|ear|jar|class|shtml?|stm|vbs?|vm|ftl|xhtml|so|elf|hta|htaccess|htpasswd|user\.ini|web\.config)(?:[.:;%\x00\s/\\\x22'#?]|\z)|(?:\A|[/\\])(?:\.ht\w+|\.user\.ini|web\.config)\z",
    )],
};

/// `sensitive-file`
pub(super) const SENSITIVE: Detector = Detector {
    name: "sensitive-file",
    summary: "a file of the system or of an application that nobody fetches by name",
    decode: &[Decode::Url, Decode::Url],
    checks: &[rx(
        r"(?i)(?:WEB|META|BOOT)-INF\b|[/\\]?\b(?:etc|proc|sys)[/\\]+(?:\.[/\\]+)*(?:(?:passwd|shadow|group|hosts?|issue|self|version|environ|cmdline|\w+\.conf)\b|(?:ssh|ssl|nginx|apache2?|httpd|mysql|php\d?|pam\.d|cron\.\w+|default|init\.d|security|sysconfig|network|openvpn|ppp|\d+|net|kernel|devices)[/\\])|\bwin(?:dows|nt)[/\\]+(?:\.[/\\]+)*(?:win\.ini|system(?:32|\.ini))|\bwin\.ini\b|\bboot\.ini\b|[/\\]\.(?:git|svn|hg|env|aws|ssh|docker|bash_history|htpasswd|htaccess)\b|\bwp-config\.php|\b(?:web|applicationhost)\.config\b|\bid_[rd]sa\b",
    )],
};
