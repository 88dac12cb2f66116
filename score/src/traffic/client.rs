//! Who sends a request: browsers, mobile apps, scripts; their headers and cookies.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use patch::Request;

use super::HOST;
use super::kind::{self, Kind};
use super::pools::Pools;
use super::random::Random;

/// Bytes with their media type.
pub(crate) type Body = Option<(String, Vec<u8>)>;

/// Of those that follow links or look whether a site is there.
const READERS: [&str; 5] = ["bot/", "bingbot", "Monit", "Prometheus", "kube-probe"];

/// A request to [`HOST`] with the headers of some client.
pub(crate) fn request(
    method: &str,
    target: &str,
    body: Body,
    pools: &Pools,
    random: &mut Random,
) -> Request {
    let mut headers: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, value: &str| headers.push((name.into(), value.into()));
    add("Host", HOST);
    let agent = match random.pick(&pools.agents) {
        // Who only reads sends nothing.
        agent if method != "GET" && READERS.iter().any(|reader| agent.contains(reader)) => {
            "axios/1.7.2"
        }
        agent => agent,
    };
    add("User-Agent", agent);
    if agent.starts_with("Mozilla") {
        add(
            "Accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        );
        add(
            "Accept-Language",
            random.pick(&[
                "en-GB,en;q=0.5",
                "de,en-US;q=0.7,en;q=0.3",
                "ja",
                "pl-PL,pl;q=0.9",
                "*",
            ]),
        );
        add("Accept-Encoding", "gzip, deflate, br, zstd");
        if random.chance(1, 2) {
            let page = random.pick(&pools.urls_same).trim_start_matches('/');
            let page = page
                .replace("https://HOST/", "")
                .replace("http://HOST/", "");
            add("Referer", &format!("https://{HOST}/{page}"));
        }
        if method != "GET" {
            add("Origin", &format!("https://{HOST}"));
            if random.chance(1, 3) {
                add("X-Requested-With", "XMLHttpRequest");
            }
        }
        // Who comes for the first time has none.
        if random.chance(2, 3) {
            add("Cookie", &cookies(pools, random));
        }
    } else {
        add("Accept", "*/*");
        match random.below(4) {
            0 => add(
                "Authorization",
                &format!("Bearer {}", kind::jwt(pools, random)),
            ),
            1 => add("Authorization", &basic(pools, random)),
            2 => add("X-Api-Key", &kind::token(random)),
            _ => {}
        }
    }
    if random.chance(1, 6) {
        add(
            "X-Forwarded-For",
            random.pick(&["203.0.113.7", "203.0.113.7, 198.51.100.2", "2001:db8::7"]),
        );
        add("X-Forwarded-Proto", "https");
    }
    if let Some((media_type, _)) = &body {
        add("Content-Type", media_type);
    }
    Request {
        method: method.into(),
        target: target.into(),
        version: b"HTTP/1.1".to_vec(),
        headers,
        body: body.map(|(_, bytes)| bytes).unwrap_or_default(),
        chunked: false,
    }
}

pub(crate) fn basic(pools: &Pools, random: &mut Random) -> String {
    let user = random.pick(&pools.usernames);
    let password = random.pick(&pools.passwords);
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

/// A session, what analytics and consent banners keep, sometimes kilobytes of it.
fn cookies(pools: &Pools, random: &mut Random) -> String {
    let mut pairs = vec![format!("PHPSESSID={}", kind::token(random))];
    let mut add = |chance: bool, name: &str, value: String| {
        if chance {
            pairs.push(format!("{name}={value}"));
        }
    };
    add(
        random.chance(1, 2),
        "_ga",
        format!(
            "GA1.2.{}.{}",
            random.below(2_000_000_000),
            random.below(2_000_000_000)
        ),
    );
    add(
        random.chance(1, 3),
        "OptanonConsent",
        "isGpcEnabled=0&datestamp=Fri+May+17+2024+10%3A15%3A30+GMT%2B0200+(Central+European+Summer+Time)&version=202403.1.0&groups=C0001%3A1%2CC0002%3A0&hosts=&landingPath=NotLandingPage".to_owned(),
    );
    add(
        random.chance(1, 3),
        "last_search",
        encoded(random.pick(&pools.search), false),
    );
    add(
        random.chance(1, 4),
        "prefs",
        encoded(&kind::document(pools, random).to_string(), false),
    );
    add(
        random.chance(1, 4),
        "wordpress_logged_in_5f4dcc3b",
        format!("ann%7C{}%7C{}", kind::integer(random), kind::token(random)),
    );
    add(random.chance(1, 5), "id_token", kind::jwt(pools, random));
    add(
        random.chance(1, 5),
        "name",
        encoded(random.pick(&pools.names), false),
    );
    add(random.chance(1, 6), "csrftoken", kind::token(random));
    add(
        random.chance(1, 6),
        "cart",
        Kind::Base64.value(pools, random),
    );
    add(
        random.chance(1, 20),
        "state",
        random.letters(b"abcdef0123456789", 3_500),
    );
    add(random.chance(1, 3), "theme", "dark".to_owned());
    pairs.join("; ")
}

/// As forms do (`+` for a space), or as scripts do (`%20`).
pub(crate) fn encoded(text: &str, form: bool) -> String {
    let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    match form {
        true => text,
        false => text.replace('+', "%20"),
    }
}

/// `name=value&…`
pub(crate) fn pairs(fields: &[(String, String)], form: bool) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name, form), encoded(value, form)))
        .collect();
    pairs.join("&")
}

/// A form with files, as browsers send it. Fields whose value is a file have its type.
pub(crate) fn multipart(
    fields: &[(String, String)],
    files: &[(String, File)],
    random: &mut Random,
) -> (String, Vec<u8>) {
    let boundary = format!(
        "----WebKitFormBoundary{}",
        random.letters(b"ABCDEFGHabcdefgh01234567", 16)
    );
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend_from_slice(
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
            .as_bytes(),
        );
    }
    for (name, file) in files {
        // Browsers write a quote in a file's name as %22.
        let shown = file.name.replace('"', "%22");
        body.extend_from_slice(
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{shown}\"\r\nContent-Type: {}\r\n\r\n",
                file.media_type
            )
            .as_bytes(),
        );
        body.extend_from_slice(&file.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// What is uploaded.
pub(crate) struct File {
    name: String,
    media_type: &'static str,
    content: Vec<u8>,
}

impl File {
    /// A picture, a document or a table.
    pub(crate) fn any(pools: &Pools, random: &mut Random) -> Self {
        let stem = random.pick(&pools.files);
        let stem = stem.rsplit('/').next().unwrap_or(stem);
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
        let noise: Vec<u8> = (0..random.below(2_000))
            .map(|_| random.next() as u8)
            .collect();
        let (suffix, media_type, content) = match random.below(5) {
            0 => (
                "png",
                "image/png",
                [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &noise].concat(),
            ),
            1 => (
                "JPG",
                "image/jpeg",
                [b"\xff\xd8\xff\xe0\0\x10JFIF\0".as_slice(), &noise].concat(),
            ),
            2 => (
                "pdf",
                "application/pdf",
                [
                    b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n".as_slice(),
                    &noise,
                ]
                .concat(),
            ),
            3 => {
                let rows: Vec<String> = (0..20)
                    .map(|row| {
                        format!(
                            "{row};\"{}\";{}\r\n",
                            random.pick(&pools.names).replace('"', "\"\""),
                            random.pick(&pools.addresses)
                        )
                    })
                    .collect();
                ("csv", "text/csv", rows.concat().into_bytes())
            }
            _ => (
                "docx",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                [b"PK\x03\x04\x14\0\x06\0".as_slice(), &noise].concat(),
            ),
        };
        Self {
            name: format!("{stem}.{suffix}"),
            media_type,
            content,
        }
    }
}
