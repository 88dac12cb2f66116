//! What hostile input costs for each byte, against ordinary text of the same size in the same
//! place, and against ordinary requests.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::mixes::{self, Request, Seed};
use super::{command, core_rule_set, settings_of, start};
use crate::Settings;
use crate::table::{Table, median};

/// Characters of one value.
const SIZE: usize = 16_000;
/// Requests of one kind.
const REQUESTS: usize = 6;
/// Requests that the others are compared with.
const ORDINARY: usize = 600;
/// Characters of one of many values.
const PART: usize = 32;
/// Texts that are told as they compare with words.
const DEAREST: usize = 8;
/// Random texts of which the worst is told.
const FUZZED: usize = 40;
/// How much dearer a byte may be than one of ordinary requests.
const REACH: f64 = 10.0;

/// A text whose middle is repeated until it is long enough.
struct Pumped {
    name: String,
    text: String,
}

/// Strings that rules of the core rule set were reported for, as expressions that take a
/// backtracking engine exponential or polynomial time: before, what is repeated, after.
const REPORTED: &[(&str, &str, &str, &str)] = &[
    ("932140, for …", "for", "/d/", " %x in(x) dx"),
    ("933160, set_error_handler#…", "set_error_handler", "#", ""),
    ("933161, next#…", "next", "#", ""),
    ("933180, $a#…", "$a", "#", ""),
    ("942200, ,'''…", ",", "'", "!"),
    ("942200, #select#…", "#select", "#", "!"),
    ("942260, tabs", "", "\t", "!"),
    ("942310, a'-=+|…", "a'", "-=+|@", "x"),
    ("942330, quotes and digits", "", "1\"'`", "!"),
    ("942330, quotes", "", "\"'`\\", "x"),
    ("942360, union and spaces", "union", " \t", "!"),
    ("942370, *-…", "'", "*-", "x"),
    ("941, <a …", "<", "a ", ""),
    ("941, on…=", "<a ", "on", "x"),
];

/// Marks that make parsers, transformations and detectors work.
const REPEATED: &[&str] = &[
    "a.`", "..", "(", "'", "/*", "<!--", "<a b=", "&#", "\\", "0x", "%u", "../", "-a", "[", "1 ",
    "é", "%25", "&amp;", "\\u0041", "+", "`", "${", "{{", "$(", "a=", "b;", "=;", "://", "\"",
    "<?", "]]>", "x,y;", "()", "@@", "||", "a\n",
];

/// Of which random texts are made: words and marks that gates ask for.
const PIECES: &[&str] = &[
    "select ",
    "union ",
    "from ",
    "where ",
    "sleep(",
    "exec ",
    "information_schema",
    "/etc/passwd",
    "<script",
    "javascript:",
    "onerror=",
    "alert(",
    "document.cookie",
    "eval(",
    "base64_decode(",
    "php://",
    "system(",
    "cmd.exe",
    "/bin/sh",
    "wget ",
    "curl ",
    "cat ",
    "${jndi:",
    "{{",
    "}}",
    "../",
    "..\\",
    "%00",
    "&lt;",
    "&#x3c;",
    "\\x3c",
    "%u003c",
    "' or ",
    "\" and ",
    "1=1",
    "--",
    "#",
    "/*",
    "*/",
    ";",
    "|",
    "&",
    "`",
    "$(",
    "<?php",
    "<!--",
    "-->",
    "<a href=",
    "http://",
    "file:///",
    "java.lang.",
    "Runtime",
    "class.",
    "__proto__",
    "constructor",
    "require(",
    "process.",
    "\r\nSet-Cookie:",
    "HTTP/1.1",
    "ldap",
    "(&(uid=",
    "x",
    "1",
    " ",
    "\t",
    "é",
    "=",
    ",",
];

/// Where a text is put: its name, and what makes the request.
type Place = (&'static str, fn(&mut Seed, &str) -> Request);

const PLACES: &[Place] = &[
    ("form", form),
    ("form of many", form_of_many),
    ("header", header),
    ("JSON", json),
];

pub(crate) fn bench(settings: &Settings) -> anyhow::Result<Table> {
    let rounds = if settings.quick { 3 } else { 9 };
    let mut table = Table::new(
        "adversarial",
        format!(
            "CPU for each byte of hostile requests of {SIZE} characters, the core rule set at paranoia level 1, \
             in turn, {rounds} rounds, medians: the dearest of {} places. Against each byte of ordinary mixed \
             requests; then against ordinary words of the same size in the same place.",
            PLACES.len()
        ),
    );
    let Some(rules) = core_rule_set() else {
        eprintln!(
            "bench: adversarial is skipped: set STOPGAP_CORPORA to a folder that holds crs/rules"
        );
        return Ok(table);
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rules.conf");
    std::fs::write(&file, settings_of(1, &rules, false)?)?;
    let mut mixes = vec![Costed::new(folder.path(), 0, &mixes::ordinary(ORDINARY))?];
    let texts = texts();
    for text in &texts {
        for (_, make) in PLACES {
            let mut seed = Seed::new(3);
            let requests: Vec<Request> = (0..REQUESTS)
                // No two are alike.
                .map(|number| make(&mut seed, &format!("{}{number}", text.text)))
                .collect();
            mixes.push(Costed::new(folder.path(), mixes.len(), &requests)?);
        }
    }
    let files: Vec<&Path> = mixes.iter().map(|mix| mix.file.as_path()).collect();
    let mut worker = start(&command(settings, 0, &file), &files)?;
    for round in 0..=rounds {
        for (at, mix) in mixes.iter_mut().enumerate() {
            let before = worker.cpu()?;
            worker.tell(&format!("{at} 1"))?;
            // The first round fills caches.
            if round > 0 {
                mix.costs.push((worker.cpu()? - before) * 1e9 / mix.bytes);
            }
        }
    }
    worker.end()?;
    let costs: Vec<f64> = mixes.iter().map(|mix| median(&mix.costs)).collect();
    let (ordinary, of_texts) = costs.split_first().context("nothing was measured")?;
    let mut of_texts = of_texts.chunks(PLACES.len());
    let words = of_texts.next().context("nothing was measured")?;
    table.number("ordinary requests", *ordinary, "ns a byte", None);
    for ((place, _), cost) in PLACES.iter().zip(words) {
        table.number(format!("ordinary words, {place}"), *cost, "ns a byte", None);
    }
    let mut told: Vec<(f64, f64, String)> = Vec::new();
    for (text, costs) in texts.iter().skip(1).zip(of_texts) {
        let against = |(at, (place, _)): (usize, &Place)| {
            (costs[at] / ordinary, costs[at] / words[at], *place)
        };
        let places = PLACES.iter().enumerate().map(against);
        let dearest = places.max_by(|a, b| a.0.total_cmp(&b.0));
        let (to_ordinary, to_words, place) = dearest.unwrap_or_default();
        told.push((to_ordinary, to_words, format!("{}, {place}", text.name)));
    }
    told.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (to_ordinary, _, what) in &told {
        let what = format!("{what} / ordinary requests");
        table.ratio(what, &[*to_ordinary], Some(REACH));
    }
    told.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (_, to_words, what) in told.iter().take(DEAREST) {
        table.ratio(format!("{what} / words"), &[*to_words], None);
    }
    Ok(table)
}

/// Requests in a file, and what each round cost.
struct Costed {
    file: PathBuf,
    bytes: f64,
    /// Nanoseconds a byte.
    costs: Vec<f64>,
}

impl Costed {
    fn new(folder: &Path, number: usize, requests: &[Request]) -> anyhow::Result<Self> {
        let file = folder.join(format!("mix-{number}"));
        std::fs::write(&file, mixes::written(requests))?;
        let bytes: usize = requests.iter().map(Request::len).sum();
        Ok(Self {
            file,
            bytes: bytes as f64,
            costs: Vec::new(),
        })
    }
}

/// Ordinary words, then the hostile ones.
fn texts() -> Vec<Pumped> {
    let pumped = |name: String, before: &str, middle: &str, after: &str| {
        let mut text = before.to_owned();
        text.extend(middle.chars().cycle().take(SIZE));
        text.push_str(after);
        Pumped { name, text }
    };
    let words = Pumped {
        name: "words".to_owned(),
        text: words_of(&mut Seed::new(7)),
    };
    let reported = REPORTED.iter().map(|&(name, before, middle, after)| {
        pumped(format!("reported for {name}"), before, middle, after)
    });
    let repeated = REPEATED
        .iter()
        .map(|mark| pumped(format!("repeated {mark:?}"), "", mark, ""));
    let mut seed = Seed::new(11);
    let random = (0..FUZZED).map(|number| random(&mut seed, number));
    std::iter::once(words)
        .chain(reported)
        .chain(repeated)
        .chain(random)
        .collect()
}

/// Of a few pieces, of all, or of any bytes.
fn random(seed: &mut Seed, number: usize) -> Pumped {
    let own: Vec<&str> = match number % 4 {
        3 => PIECES.to_vec(),
        _ => (0..3 + number % 6).map(|_| seed.one(PIECES)).collect(),
    };
    let mut text = String::new();
    while text.len() < SIZE {
        match number % 8 {
            7 => text.push(char::from(seed.below(256) as u8)),
            _ => text.push_str(seed.one(&own)),
        }
    }
    Pumped {
        name: format!("random {number}"),
        text,
    }
}

fn words_of(seed: &mut Seed) -> String {
    let mut text = String::new();
    while text.len() < SIZE {
        text += &seed.words(8, " ");
        text.push(' ');
    }
    text
}

fn form(seed: &mut Seed, text: &str) -> Request {
    let body = format!("note={}", encoded(text));
    let kind = "application/x-www-form-urlencoded";
    mixes::request(seed, "POST", "/checkout", Some((kind, &body)))
}

fn form_of_many(seed: &mut Seed, text: &str) -> Request {
    let letters: Vec<char> = text.chars().collect();
    let fields: Vec<String> = (0..)
        .zip(letters.chunks(PART))
        .map(|(at, part)| format!("f{at}={}", encoded(&part.iter().collect::<String>())))
        .collect();
    let kind = "application/x-www-form-urlencoded";
    mixes::request(seed, "POST", "/checkout", Some((kind, &fields.join("&"))))
}

fn header(seed: &mut Seed, text: &str) -> Request {
    let line: String = text
        .chars()
        .filter(|letter| !"\r\n\0".contains(*letter))
        .collect();
    let mut request = mixes::request(seed, "GET", "/", None);
    request.headers.push(("X-Note".to_owned(), line));
    request
}

fn json(seed: &mut Seed, text: &str) -> Request {
    let body = serde_json::json!({ "note": text }).to_string();
    mixes::request(seed, "POST", "/checkout", Some(("application/json", &body)))
}

/// As a form has it, no more than need be.
fn encoded(text: &str) -> String {
    let mut result = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' => result.push('+'),
            b'%' | b'&' | b'+' | b'\0'..=b'\x1f' | 0x7f.. => {
                // A string takes whatever is written.
                let _: std::fmt::Result = write!(result, "%{byte:02X}");
            }
            _ => result.push(char::from(byte)),
        }
    }
    result
}
