//! Text with `{{expressions}}` to bytes, and what of them is chance.

use std::collections::HashMap;

use super::dsl::{self, Random, Scope, Value};
use crate::{Origin, Unknown};

/// Expressions of one text at most.
const EXPRESSIONS: usize = 512;
/// Variables that name variables at most.
const VARIABLE_DEPTH: usize = 16;

/// What names mean while one exploit is rendered.
pub(super) struct Context<'t> {
    /// The template's variables as they are written.
    written: &'t [(String, String)],
    /// What is known: the target, payloads, variables that were asked for.
    known: HashMap<String, Value>,
    random: Random,
    unknowns: Vec<Unknown>,
    /// The variables that are being asked for, each by the one before.
    asked: Vec<String>,
    /// Whether what cannot be evaluated is sent as it stands.
    lenient: bool,
}

impl<'t> Context<'t> {
    /// `seed` chooses everything that is chance.
    pub(super) fn new(id: &str, seed: u64, written: &'t [(String, String)], lenient: bool) -> Self {
        let mut context = Self {
            written,
            known: HashMap::new(),
            random: Random::of(id, seed),
            unknowns: Vec::new(),
            asked: Vec::new(),
            lenient,
        };
        context.target();
        context
    }

    /// What the scanner knows of its target.
    fn target(&mut self) {
        let name =
            String::from_utf8_lossy(&self.random.letters(10, b"bcdfghjklmnpqrstvwxz")).into_owned();
        let host = format!("{name}.example");
        for (variable, value) in [
            ("BaseURL", format!("http://{host}")),
            ("RootURL", format!("http://{host}")),
            ("Hostname", host.clone()),
            ("Host", host.clone()),
            ("FQDN", host.clone()),
            ("RDN", host.clone()),
            ("DN", name),
            ("Port", "80".to_owned()),
            ("Scheme", "http".to_owned()),
            ("Path", String::new()),
            ("File", String::new()),
            ("TLD", "example".to_owned()),
            ("SD", String::new()),
        ] {
            let value = Value::bytes(value).from(Some(Origin::Target));
            self.known.insert(variable.to_owned(), value);
        }
        self.note(&Value::bytes(host).from(Some(Origin::Target)));
    }

    /// Gives a payload its value.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.known.insert(name.to_owned(), value);
    }

    /// The unknown parts of what was rendered so far.
    pub(super) fn unknowns(&self) -> &[Unknown] {
        &self.unknowns
    }

    /// Renders a text.
    ///
    /// # Errors
    /// An expression that cannot be evaluated.
    pub(super) fn render(&mut self, text: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.rendered(text)?.bytes)
    }

    fn rendered(&mut self, text: &[u8]) -> Result<Value, String> {
        let mut text = self.marked(text);
        let mut origin = None;
        let mut from = 0;
        for _ in 0..EXPRESSIONS {
            let Some((start, end)) = innermost(&text, from) else {
                return Ok(Value::bytes(text).from(origin));
            };
            let inner = text.get(start + 2..end).unwrap_or_default().to_vec();
            match self.evaluated(&inner) {
                Ok(value) => {
                    self.note(&value);
                    origin = origin.or(value.origin);
                    text.splice(start..end + 2, value.bytes);
                    // What encloses it is looked at again, what it gave is not.
                    if !opens_before(&text, start) {
                        from = start;
                    }
                }
                Err(_) if self.lenient || !is_expression(&inner) => from = end + 2,
                Err(why) => return Err(why),
            }
        }
        Err(format!("more than {EXPRESSIONS} expressions in one text"))
    }

    /// `§name§` is an older way to write `{{name}}`.
    fn marked(&self, text: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(text) else {
            return text.to_vec();
        };
        if !text.contains('§') {
            return text.as_bytes().to_vec();
        }
        let mut out = String::new();
        for (number, piece) in text.split('§').enumerate() {
            match number % 2 == 1 && self.known.contains_key(piece) {
                true => out.push_str(&format!("{{{{{piece}}}}}")),
                false => out.push_str(piece),
            }
        }
        out.into_bytes()
    }

    fn evaluated(&mut self, inner: &[u8]) -> Result<Value, String> {
        dsl::evaluate(inner, self)
    }

    fn note(&mut self, value: &Value) {
        let Some(origin) = value.origin else {
            return;
        };
        let text = String::from_utf8_lossy(&value.bytes).into_owned();
        let known = |unknown: &Unknown| text.contains(&unknown.text);
        if !text.is_empty() && !self.unknowns.iter().any(known) {
            self.unknowns.push(Unknown { text, origin });
        }
    }

    /// What is known under a name with other capitals.
    fn alike(&self, name: &str) -> Option<Value> {
        let mut known = self.known.iter();
        let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    }

    /// A name that nobody has defined: the scanner makes it, a user gives it, or an
    /// earlier answer.
    fn made(&mut self, name: &str) -> Option<Value> {
        let lower = name.to_ascii_lowercase();
        let word = |random: &mut Random| random.letters(9, b"bcdfghjklmnpqrstvwxz");
        let (bytes, origin) = if lower.starts_with("interactsh") {
            let host = word(&mut self.random);
            ([&host[..], b".oast.example"].concat(), Origin::Callback)
        } else if lower.starts_with("randstr") || lower.starts_with("rand") {
            (word(&mut self.random), Origin::Random)
        } else if self.lenient {
            return None;
        } else if ["user", "pass", "email", "mail", "key", "token"]
            .iter()
            .any(|part| lower.contains(part))
        {
            (word(&mut self.random), Origin::Given)
        } else {
            (word(&mut self.random), Origin::Extracted)
        };
        Some(Value::bytes(bytes).from(Some(origin)))
    }
}

impl Scope for Context<'_> {
    fn variable(&mut self, name: &str) -> Option<Value> {
        if let Some(value) = self.known.get(name) {
            return Some(value.clone());
        }
        // `name: "{{name}}"` is what the scanner is given under that name.
        let asks_itself = self.asked.iter().any(|asked| asked == name);
        let mut written = self.written.iter().filter(|_| !asks_itself);
        let value = match written.find(|(known, _)| known == name) {
            Some((_, text)) if self.asked.len() < VARIABLE_DEPTH => {
                self.asked.push(name.to_owned());
                let value = self.rendered(text.as_bytes());
                self.asked.pop();
                value.ok()?
            }
            Some(_) => return None,
            None => match self.alike(name) {
                Some(value) => return Some(value),
                None => self.made(name)?,
            },
        };
        self.note(&value);
        self.known.insert(name.to_owned(), value.clone());
        Some(value)
    }

    fn random(&mut self) -> &mut Random {
        &mut self.random
    }
}

/// The first `}}` from a place on, and the last `{{` before it.
fn innermost(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut from = from;
    loop {
        let rest = text.get(from..)?;
        let end = from + rest.windows(2).position(|two| two == b"}}")?;
        let before = text.get(..end)?;
        let start = before.windows(2).rposition(|two| two == b"{{");
        match start.filter(|start| *start >= from) {
            Some(start) => return Some((start, end)),
            None => from = end + 1,
        }
    }
}

fn opens_before(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let count = |mark: &[u8]| before.windows(2).filter(|two| *two == mark).count();
    count(b"{{") > count(b"}}")
}

/// Whether someone meant an expression: names, calls and literals, not braces of a
/// payload such as `{{7*7}}` or of JSON.
fn is_expression(inner: &[u8]) -> bool {
    let text = String::from_utf8_lossy(inner);
    let text = text.trim();
    let name = text
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || "_-".contains(*letter))
        .count();
    let rest = text.get(name..).unwrap_or_default().trim_start();
    name > 0 && !text.starts_with(|first: char| first.is_ascii_digit()) && rest.starts_with('(')
}
