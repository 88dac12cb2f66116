//! What a parameter plausibly holds, by its name, and values of that kind.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::HOST;
use super::pools::Pools;
use super::random::Random;

/// One line a kind: its name in `data/kinds.txt`.
macro_rules! kinds {
    ($($variant:ident $name:literal)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($variant,)*
            /// The name says nothing.
            Unknown,
        }

        impl Kind {
            const NAMES: &[(&str, Kind)] = &[$(($name, Kind::$variant),)*];
        }
    };
}

kinds! {
    Uuid "uuid" Integer "integer" Token "token" Jwt "jwt" Email "email" Phone "phone"
    Username "username" Password "password" Date "date" Boolean "boolean" Lang "lang" Sort "sort"
    File "file" Folder "folder" Redirect "redirect" Url "url" Host "host" Search "search"
    Name "name" Title "title" Html "html" Prose "prose" Markdown "markdown" Code "code"
    Graphql "graphql" Json "json" Base64 "base64" Color "color" Version "version" Slug "slug"
    Address "address" Command "command" Path "path" Identifier "identifier"
}

impl Kind {
    /// By the name, and where an identifier is a word there, by the beginning of the value
    /// that is known.
    pub(crate) fn of(name: &str, known: &str) -> Self {
        let found = by_name(name);
        let first = known.trim_start_matches('-').chars().next();
        let digits = first.is_some_and(|letter| letter.is_ascii_digit());
        let letters = first.is_some_and(|letter| letter.is_ascii_alphabetic());
        match found {
            Self::Integer if letters => Self::Identifier,
            Self::Unknown if digits => Self::Integer,
            Self::Unknown if letters => Self::Slug,
            found => found,
        }
    }

    /// Whether it says which operation is asked for rather than what with.
    pub(crate) fn selects(self) -> bool {
        matches!(
            self,
            Self::Slug
                | Self::Identifier
                | Self::Unknown
                | Self::Boolean
                | Self::Lang
                | Self::Version
                | Self::Sort
        )
    }

    /// A plausible value.
    pub(crate) fn value(self, pools: &Pools, random: &mut Random) -> String {
        match self {
            Self::Uuid => uuid(random),
            Self::Integer => integer(random),
            Self::Token => token(random),
            Self::Jwt => jwt(pools, random),
            Self::Email => email(pools, random),
            Self::Phone => phone(random),
            Self::Username => random.pick(&pools.usernames).to_owned(),
            Self::Password => random.pick(&pools.passwords).to_owned(),
            Self::Date => date(random),
            Self::Boolean => random
                .pick(&["1", "0", "true", "false", "on", "yes", "no"])
                .to_owned(),
            Self::Lang => random
                .pick(&[
                    "en", "de", "fr_FR", "pt-BR", "zh_CN", "en-US", "uk", "sr-Latn",
                ])
                .to_owned(),
            Self::Sort => random
                .pick(&[
                    "name",
                    "-created_at",
                    "price",
                    "asc",
                    "DESC",
                    "date_desc",
                    "title,asc",
                    "id",
                ])
                .to_owned(),
            Self::File => random.pick(&pools.files).to_owned(),
            Self::Folder => random.pick(&pools.folders).to_owned(),
            Self::Redirect => random.pick(&pools.urls_same).replace("HOST", HOST),
            Self::Url => match random.chance(2, 3) {
                true => random.pick(&pools.urls_same).replace("HOST", HOST),
                false => random.pick(&pools.urls_other).to_owned(),
            },
            Self::Host => random
                .pick(&[
                    "www.example.org",
                    "192.0.2.17",
                    "198.51.100.4",
                    "db-1.example.net",
                    "2001:db8::17",
                    "mail.example.com",
                    "printer-3",
                    "example.org:8443",
                    "203.0.113.200",
                ])
                .to_owned(),
            Self::Search => Pools::joined(&pools.search, " ", random),
            Self::Name => random.pick(&pools.names).to_owned(),
            Self::Title => Pools::joined(&pools.titles, " – ", random),
            Self::Html => Pools::joined(&pools.html, "\n", random),
            Self::Prose => match random.below(8) {
                0 => random.pick(&pools.markdown).to_owned(),
                1 => random.pick(&pools.search).to_owned(),
                _ => Pools::joined(&pools.prose, "\n\n", random),
            },
            Self::Markdown => Pools::joined(&pools.markdown, "\n\n", random),
            Self::Code => Pools::joined(&pools.code, "\n", random),
            Self::Graphql => random.pick(&pools.graphql).to_owned(),
            Self::Json => document(pools, random).to_string(),
            Self::Base64 => BASE64_STANDARD.encode(random.pick(&pools.prose)),
            Self::Color => random
                .pick(&["#336699", "#fff", "red", "rgb(10, 20, 30)", "00ff00"])
                .to_owned(),
            Self::Version => random
                .pick(&["1", "2.0", "v3", "1.10.2", "2024-05-01", "5.6.1-beta.2"])
                .to_owned(),
            Self::Slug => random.pick(&pools.words).to_owned(),
            Self::Identifier => random.pick(&pools.words).replace(' ', "-"),
            // What a device or a console is asked to do.
            Self::Command => random
                .pick(&[
                    "status",
                    "getInfo",
                    "list",
                    "restart",
                    "show version",
                    "15",
                    "save",
                ])
                .to_owned(),
            Self::Path => match random.pick(&pools.folders) {
                folder if folder.starts_with('/') => random.pick(&pools.files).to_owned(),
                folder => folder.to_owned(),
            },
            Self::Address => random.pick(&pools.addresses).to_owned(),
            Self::Unknown => {
                let kinds = [Self::Integer, Self::Slug, Self::Name, Self::Token];
                let at = random.below(kinds.len() as u64) as usize;
                match kinds.get(at) {
                    Some(kind) => kind.value(pools, random),
                    None => String::new(),
                }
            }
        }
    }
}

fn by_name(name: &str) -> Kind {
    let name = plain_name(name);
    for line in include_str!("../../data/kinds.txt").lines() {
        let Some((kind, patterns)) = line.split_once(": ") else {
            continue;
        };
        let joined = name.replace('_', "");
        if patterns
            .split(' ')
            .any(|pattern| fits(pattern, &name) || fits(pattern, &joined))
        {
            let known = Kind::NAMES.iter().find(|(known, _)| *known == kind);
            return known.map_or(Kind::Unknown, |(_, kind)| *kind);
        }
    }
    Kind::Unknown
}

/// `user[Name]`, `json.user.Name` and `jform[name][]` are about a `name`.
fn plain_name(name: &str) -> String {
    let last = name
        .split(['.', '[', ']'])
        .rfind(|part| !part.is_empty() && !part.bytes().all(|byte| byte.is_ascii_digit()));
    snake(last.unwrap_or(name))
}

/// `accountId` and `AccountID` are written `account_id`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut small = false;
    for letter in name.chars() {
        if small && letter.is_ascii_uppercase() {
            out.push('_');
        }
        small = letter.is_ascii_lowercase();
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(inner), Some(_)) => name.contains(inner.trim_end_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}

const HEX: &[u8] = b"0123456789abcdef";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

pub(crate) fn integer(random: &mut Random) -> String {
    match random.below(6) {
        0 => random.below(10),
        1 | 2 => random.below(1_000),
        3 | 4 => random.below(10_000_000),
        _ => 1_700_000_000 + random.below(90_000_000),
    }
    .to_string()
}

pub(crate) fn token(random: &mut Random) -> String {
    match random.below(3) {
        0 => random.letters(HEX, 10),
        1 => random.letters(HEX, 32),
        _ => random.letters(LETTERS, 40),
    }
}

fn uuid(random: &mut Random) -> String {
    let parts: Vec<String> = [8, 4, 4, 4, 12]
        .map(|length| random.letters(HEX, length))
        .into();
    parts.join("-")
}

pub(crate) fn jwt(pools: &Pools, random: &mut Random) -> String {
    let head = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT","kid":"2024-05"}"#);
    let claims = json!({
        "iss": "https://login.example.org/", "sub": uuid(random), "name": random.pick(&pools.names),
        "exp": 1_700_000_000 + random.below(90_000_000), "scope": "openid profile email",
    });
    let claims = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("{head}.{claims}.{}", random.letters(LETTERS, 342))
}

fn email(pools: &Pools, random: &mut Random) -> String {
    let user: String = random
        .pick(&pools.usernames)
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || "._+'-".contains(*letter))
        .collect();
    let domain = random.pick(&[
        "example.org",
        "example.com",
        "mail.example.net",
        "example.co.uk",
    ]);
    format!("{user}@{domain}")
}

fn phone(random: &mut Random) -> String {
    let digits = random.letters(b"0123456789", 7);
    match random.below(4) {
        0 => format!("+49 30 {digits}"),
        1 => format!("(555) {digits}"),
        2 => format!("+1-555-{digits};ext=12"),
        _ => format!("0171/{digits}"),
    }
}

fn date(random: &mut Random) -> String {
    let (year, month, day) = (
        2015 + random.below(12),
        1 + random.below(12),
        1 + random.below(28),
    );
    match random.below(5) {
        0 => format!("{day:02}.{month:02}.{year}"),
        1 => format!("{month}/{day}/{year}"),
        2 => format!("{year}-{month:02}-{day:02}T10:15:30+02:00"),
        3 => format!("{year}-{month:02}-{day:02} 10:15:30"),
        _ => format!("{year}-{month:02}-{day:02}"),
    }
}

/// What a web application's script sends.
pub(crate) fn document(pools: &Pools, random: &mut Random) -> serde_json::Value {
    match random.below(4) {
        0 => json!({
            "customer": { "name": random.pick(&pools.names), "email": email(pools, random),
                "address": random.pick(&pools.addresses) },
            "items": [{ "sku": token(random), "quantity": random.below(9), "note": random.pick(&pools.titles) }],
            "total": 19.9, "gift": false, "coupon": null,
        }),
        1 => json!({
            "title": random.pick(&pools.titles), "body": random.pick(&pools.html),
            "tags": [random.pick(&pools.words), random.pick(&pools.words)], "published": true,
        }),
        2 => json!({
            "filter": { "name": { "contains": random.pick(&pools.search) }, "price": { "lt": random.below(500) } },
            "sort": [{ "field": "name", "dir": "asc" }], "page": { "size": 20, "number": 1 },
        }),
        _ => json!([{ "event": "click", "at": 1_717_000_000_000_u64 + random.below(1_000_000),
            "element": "div.card > a[href]", "text": random.pick(&pools.search) }]),
    }
}
