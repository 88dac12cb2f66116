//! What curl's options mean for the request.

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    /// Whether a value follows.
    pub(super) takes: bool,
    pub(super) effect: Effect,
}

/// What an option changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing that the server sees of the request.
    None,
    /// Something that cannot be told from the command.
    Unknown(&'static str),
    Url,
    UrlQuery,
    Method,
    RequestTarget,
    Header,
    Data,
    DataRaw,
    DataBinary,
    DataUrlencode,
    Json,
    Form,
    FormString,
    Upload,
    Cookie,
    User,
    Bearer,
    Agent,
    Referer,
    Range,
    Get,
    Head,
    Globoff,
    Compressed,
    Http10,
    Next,
    /// Options in a file.
    Config,
    /// Where cookies of answers are kept.
    Jar,
}

use Effect as E;

/// Short name, long name, whether a value follows, what it changes.
const ALL: &[(char, &str, bool, Effect)] = &[
    (' ', "url", true, E::Url),
    (' ', "url-query", true, E::UrlQuery),
    ('X', "request", true, E::Method),
    (' ', "request-target", true, E::RequestTarget),
    ('H', "header", true, E::Header),
    ('d', "data", true, E::Data),
    (' ', "data-ascii", true, E::Data),
    (' ', "data-raw", true, E::DataRaw),
    (' ', "data-binary", true, E::DataBinary),
    (' ', "data-urlencode", true, E::DataUrlencode),
    (' ', "json", true, E::Json),
    ('F', "form", true, E::Form),
    (' ', "form-string", true, E::FormString),
    ('T', "upload-file", true, E::Upload),
    ('b', "cookie", true, E::Cookie),
    ('u', "user", true, E::User),
    (' ', "oauth2-bearer", true, E::Bearer),
    ('A', "user-agent", true, E::Agent),
    ('e', "referer", true, E::Referer),
    ('r', "range", true, E::Range),
    ('G', "get", false, E::Get),
    ('I', "head", false, E::Head),
    ('g', "globoff", false, E::Globoff),
    (' ', "compressed", false, E::Compressed),
    ('0', "http1.0", false, E::Http10),
    (':', "next", false, E::Next),
    ('K', "config", true, E::Config),
    ('c', "cookie-jar", true, E::Jar),
    (' ', "aws-sigv4", true, E::Unknown("it signs the request")),
    (
        ' ',
        "variable",
        true,
        E::Unknown("it sets variables that other options expand"),
    ),
    (
        'p',
        "proxytunnel",
        false,
        E::Unknown("it speaks to a proxy"),
    ),
    (
        ' ',
        "crlf",
        false,
        E::Unknown("it changes line ends of a file"),
    ),
];

/// Options that say how to connect, whom to trust and what to do with the answer.
const HARMLESS: &[(char, &str)] = &[
    ('k', "insecure"),
    ('s', "silent"),
    ('S', "show-error"),
    ('v', "verbose"),
    ('i', "include"),
    ('L', "location"),
    ('f', "fail"),
    ('O', "remote-name"),
    ('J', "remote-header-name"),
    ('R', "remote-time"),
    ('N', "no-buffer"),
    ('#', "progress-bar"),
    ('4', "ipv4"),
    ('6', "ipv6"),
    ('1', "tlsv1"),
    ('2', "sslv2"),
    ('3', "sslv3"),
    ('Z', "parallel"),
    ('q', "disable"),
    ('n', "netrc"),
    ('j', "junk-session-cookies"),
    ('a', "append"),
    ('B', "use-ascii"),
    (' ', "anyauth"),
    (' ', "basic"),
    (' ', "buffer"),
    (' ', "clobber"),
    (' ', "create-dirs"),
    (' ', "digest"),
    (' ', "fail-early"),
    (' ', "fail-with-body"),
    (' ', "form-escape"),
    (' ', "http0.9"),
    (' ', "http1.1"),
    (' ', "http2"),
    (' ', "http2-prior-knowledge"),
    (' ', "http3"),
    (' ', "http3-only"),
    (' ', "ignore-content-length"),
    (' ', "keepalive"),
    (' ', "location-trusted"),
    (' ', "negotiate"),
    (' ', "netrc-optional"),
    (' ', "ntlm"),
    (' ', "path-as-is"),
    (' ', "post301"),
    (' ', "post302"),
    (' ', "post303"),
    (' ', "progress-meter"),
    (' ', "proxy-insecure"),
    (' ', "raw"),
    (' ', "remote-name-all"),
    (' ', "remove-on-error"),
    (' ', "retry-all-errors"),
    (' ', "retry-connrefused"),
    (' ', "sessionid"),
    (' ', "ssl"),
    (' ', "ssl-no-revoke"),
    (' ', "ssl-reqd"),
    (' ', "styled-output"),
    (' ', "suppress-connect-headers"),
    (' ', "tcp-fastopen"),
    (' ', "tcp-nodelay"),
    (' ', "tlsv1.0"),
    (' ', "tlsv1.1"),
    (' ', "tlsv1.2"),
    (' ', "tlsv1.3"),
    (' ', "trace-time"),
    (' ', "xattr"),
];

/// Of the same kind, with a value.
const HARMLESS_WITH_VALUE: &[(char, &str)] = &[
    ('o', "output"),
    ('m', "max-time"),
    ('x', "proxy"),
    ('U', "proxy-user"),
    ('w', "write-out"),
    ('D', "dump-header"),
    ('E', "cert"),
    ('y', "speed-time"),
    ('Y', "speed-limit"),
    ('h', "help"),
    (' ', "alt-svc"),
    (' ', "cacert"),
    (' ', "capath"),
    (' ', "cert-type"),
    (' ', "ciphers"),
    (' ', "connect-timeout"),
    (' ', "connect-to"),
    (' ', "curves"),
    (' ', "dns-servers"),
    (' ', "doh-url"),
    (' ', "expect100-timeout"),
    (' ', "hsts"),
    (' ', "interface"),
    (' ', "keepalive-time"),
    (' ', "key"),
    (' ', "key-type"),
    (' ', "limit-rate"),
    (' ', "local-port"),
    (' ', "max-filesize"),
    (' ', "max-redirs"),
    (' ', "netrc-file"),
    (' ', "noproxy"),
    (' ', "output-dir"),
    (' ', "parallel-max"),
    (' ', "pass"),
    (' ', "pinnedpubkey"),
    (' ', "preproxy"),
    (' ', "proto"),
    (' ', "proto-default"),
    (' ', "proto-redir"),
    (' ', "proxy-header"),
    (' ', "rate"),
    (' ', "resolve"),
    (' ', "retry"),
    (' ', "retry-delay"),
    (' ', "retry-max-time"),
    (' ', "socks4"),
    (' ', "socks4a"),
    (' ', "socks5"),
    (' ', "socks5-hostname"),
    (' ', "stderr"),
    (' ', "tls-max"),
    (' ', "tls13-ciphers"),
    (' ', "trace"),
    (' ', "trace-ascii"),
    (' ', "unix-socket"),
];

/// What `--NAME` means.
pub(super) fn long(name: &str) -> Option<Meaning> {
    let found = find(|_, known| known == name);
    // A switch is turned off by `--no-`.
    found.or_else(|| {
        let switch = name.strip_prefix("no-")?;
        let meaning = find(|_, known| known == switch)?;
        (!meaning.takes).then_some(Meaning {
            effect: E::None,
            ..meaning
        })
    })
}

/// What `-LETTER` means.
pub(super) fn short(letter: char) -> Option<Meaning> {
    find(|known, _| known == letter && letter != ' ')
}

fn find(wanted: impl Fn(char, &str) -> bool) -> Option<Meaning> {
    let meaning = |takes, effect| Meaning { takes, effect };
    let known = ALL.iter().find(|line| wanted(line.0, line.1));
    let plain = |lines: &[(char, &str)]| lines.iter().any(|line| wanted(line.0, line.1));
    match known {
        Some(&(_, _, takes, effect)) => Some(meaning(takes, effect)),
        None if plain(HARMLESS) => Some(meaning(false, E::None)),
        None if plain(HARMLESS_WITH_VALUE) => Some(meaning(true, E::None)),
        None => None,
    }
}
