//! Readers of what is published about vulnerabilities: one file a format, one line in [`KINDS`].

mod csaf;
mod cve;
mod epss;
mod kev;
mod osv;

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ledger::{Advisory, Severity};
use packageurl::PackageUrl;
use serde_json::Value;

use crate::{Limits, News};

/// Reads one format.
#[derive(Debug)]
pub struct Kind {
    /// As typed: `stopgap advisory import KIND`.
    pub name: &'static str,
    /// What it reads, and of which version of the format.
    pub summary: &'static str,
    read: fn(&str, &Limits) -> Result<Told, Fault>,
}

/// What a source tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// In the order of the source.
    pub news: Vec<News>,
    /// What could not be used, for people.
    pub notes: Vec<String>,
}

/// Why a source cannot be read, and at which line, if that is known.
pub(crate) struct Fault {
    line: Option<usize>,
    why: String,
}

/// Every format.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "osv",
        summary: "OSV schema 1.x: a record, a list of records, or a record a line",
        read: osv::read,
    },
    Kind {
        name: "csaf",
        summary: "CSAF 2.0: an advisory document",
        read: csaf::read,
    },
    Kind {
        name: "cve",
        summary: "CVE JSON record format 5.x: a record, a list of records, or a record a line",
        read: cve::read,
    },
    Kind {
        name: "kev",
        summary: "CISA's catalogue of known exploited vulnerabilities, JSON",
        read: kev::read,
    },
    Kind {
        name: "epss",
        summary: "EPSS scores, CSV",
        read: epss::read,
    },
];

impl Kind {
    /// What a source tells.
    ///
    /// # Errors
    /// It is too large or not of this format; the text names the source, the line where it is
    /// known, and what to do.
    pub fn read(&self, text: &str, name: &str, limits: &Limits) -> Result<Told, String> {
        if text.len() > limits.source_bytes {
            let most = limits.source_bytes;
            return Err(format!(
                "{name}: larger than the {most} bytes allowed; import it in parts"
            ));
        }
        let told = (self.read)(text, limits).map_err(|fault| {
            let line = fault
                .line
                .map(|line| format!(":{line}"))
                .unwrap_or_default();
            format!("{name}{line}: {}; give {}", fault.why, self.summary)
        })?;
        if told.news.len() > limits.entries {
            return Err(format!(
                "{name}: tells of more than the {} allowed; import it in parts",
                limits.entries
            ));
        }
        Ok(told)
    }
}

impl Fault {
    fn new(why: impl Into<String>) -> Self {
        Self {
            line: None,
            why: why.into(),
        }
    }
}

/// JSON documents: one, a list of them, or one a line.
fn documents(text: &str, limits: &Limits) -> Result<Vec<Value>, Fault> {
    let mut documents = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let document = document.map_err(|error| Fault {
            line: Some(error.line()),
            why: format!("it is no JSON: {error}"),
        })?;
        match document {
            Value::Array(list) => documents.extend(list),
            document => documents.push(document),
        }
        if documents.len() > limits.entries {
            return Err(Fault::new(format!(
                "it has more than {} documents",
                limits.entries
            )));
        }
    }
    match documents.is_empty() {
        true => Err(Fault::new("it is empty")),
        false => Ok(documents),
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    let text = value.pointer(pointer)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.into_iter().flatten()
}

fn add(list: &mut Vec<String>, text: &str) {
    let text = text.trim();
    if !text.is_empty() && !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

/// The first line of what a source says, as a title.
fn title(text: &str) -> String {
    let first = text.lines().next().unwrap_or(text);
    first.chars().take(300).collect()
}

fn is_cve(text: &str) -> bool {
    text.strip_prefix("CVE-").is_some_and(|rest| {
        let (year, number) = rest.split_once('-').unwrap_or_default();
        let digits = |it: &str| it.len() >= 4 && it.bytes().all(|byte| byte.is_ascii_digit());
        digits(year) && digits(number)
    })
}

/// `CWE-22` in its usual form.
fn add_cwe(list: &mut Vec<String>, text: &str) {
    let text = text.trim().to_ascii_uppercase();
    let digits = text.strip_prefix("CWE-").unwrap_or_default();
    if digits.parse::<u32>().is_ok() {
        add(list, &text);
    }
}

/// A day, or a day and a time.
fn time_ms(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let day: Date = text.get(..10)?.parse().ok()?;
    let midnight = day.to_zoned(TimeZone::UTC).ok()?;
    Some(midnight.timestamp().as_millisecond())
}

/// CVSS 3.1 section 5 and 4.0 section 6.
fn of_score(score: f64) -> Severity {
    match score {
        9.0.. => Severity::Critical,
        7.0.. => Severity::High,
        4.0.. => Severity::Medium,
        _ => Severity::Low,
    }
}

fn of_word(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "high" | "important" => Severity::High,
        "medium" | "moderate" => Severity::Medium,
        "low" | "negligible" => Severity::Low,
        _ => return None,
    })
}

/// What a source says of how bad it is; the vector counts before the word.
#[derive(Default)]
struct Gravity {
    vector: Option<String>,
    word: Option<Severity>,
}

impl Gravity {
    fn add_vector(&mut self, vector: &str) {
        let newer = match &self.vector {
            Some(known) => !known.starts_with("CVSS:4") && vector.starts_with("CVSS:4"),
            None => true,
        };
        if newer && cvss::Cvss::from_str(vector).is_ok() {
            self.vector = Some(vector.to_owned());
        }
    }

    fn add_word(&mut self, word: &str) {
        self.word = self.word.or(of_word(word));
    }

    /// Medium, if the source says nothing.
    fn tell(self, advisory: &mut Advisory) {
        let parsed = self.vector.as_deref().map(cvss::Cvss::from_str);
        let scored = parsed
            .and_then(Result::ok)
            .map(|cvss| of_score(cvss.score()));
        advisory.severity = scored.or(self.word).unwrap_or(Severity::Medium);
        advisory.cvss = self.vector;
    }
}

/// The name by which others know it: its CVE, if it has exactly one.
fn first_name(id: &str, others: &[String]) -> String {
    let mut cves = others.iter().filter(|other| is_cve(other));
    match (is_cve(id), cves.next(), cves.next()) {
        (false, Some(cve), None) => cve.clone(),
        _ => id.to_owned(),
    }
}

/// Vendor and product as a CPE would write them.
fn cpe_of(vendor: &str, product: &str) -> String {
    let plain = |name: &str| {
        let letters = name.trim().to_lowercase().replace('\\', "");
        letters
            .replace(char::is_whitespace, "_")
            .replace(':', "\\:")
    };
    format!("cpe:2.3:*:{}:{}", plain(vendor), plain(product))
}

/// A package URL or a CPE without its version, and the version.
fn apart(what: &str) -> (String, Option<String>) {
    if what.starts_with("cpe:") {
        let new = what.starts_with("cpe:2.3:");
        let most = if new { 5 } else { 4 };
        let mut escaped = false;
        let ends = |letter: char| {
            let ends = letter == ':' && !escaped;
            escaped = new && letter == '\\' && !escaped;
            ends
        };
        let parts: Vec<&str> = what.split(ends).collect();
        let version = parts.get(most).filter(|it| !matches!(**it, "" | "*" | "-"));
        let version = version.map(|it| it.replace('\\', ""));
        return (parts.get(..most).unwrap_or(&parts).join(":"), version);
    }
    let Ok(mut purl) = PackageUrl::from_str(what) else {
        return (what.to_owned(), None);
    };
    let version = purl.version().map(str::to_owned);
    purl.without_version();
    (purl.to_string(), version)
}
