//! A command to the requests that it sends.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use patch::Request;

use super::data::{self, Data, Part, Read};
use super::files::{self, Files};
use super::options::{self, Effect};
use super::shell::Command;
use crate::import::target::{Target, sendable};
use crate::{Origin, Step, Unknown};

/// The requests of a command, one for each URL.
///
/// # Errors
/// What its options say cannot be told, or is nothing that curl would do.
pub(super) fn steps(command: &Command, files: &mut Files<'_>) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut call = Call {
        input: command.input.clone(),
        ..Call::default()
    };
    let words = configured(command, files)?;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = |attached: &str, name: &str| match attached.is_empty() {
            false => Ok(attached.to_owned()),
            true => words
                .next()
                .cloned()
                .ok_or_else(|| format!("`{name}` has no value")),
        };
        if let Some(name) = word.strip_prefix("--") {
            // The value may follow behind `=`.
            let (name, attached) = name.split_once('=').unwrap_or((name, ""));
            let meaning = options::long(name)
                .filter(|meaning| meaning.takes || attached.is_empty())
                .ok_or_else(|| unknown(word))?;
            let value = match meaning.takes {
                true => value(attached, word)?,
                false => String::new(),
            };
            match meaning.effect {
                Effect::Jar => files.keeps_cookies(&value),
                Effect::Cookie if files.is_jar(&value) => {}
                effect => {
                    let read = &mut |file: &str| files.read(command, file);
                    call.option(effect, word, &value, read, &mut steps)?;
                }
            }
        } else if word.len() > 1 && word.starts_with('-') {
            // Switches may stand together, the last with its value.
            let mut letters = word.chars();
            letters.next();
            while let Some(letter) = letters.next() {
                let name = format!("-{letter}");
                let meaning = options::short(letter).ok_or_else(|| unknown(&name))?;
                let value = match meaning.takes {
                    true => value(letters.as_str(), &name)?,
                    false => String::new(),
                };
                match meaning.effect {
                    Effect::Jar => files.keeps_cookies(&value),
                    Effect::Cookie if files.is_jar(&value) => {}
                    effect => {
                        let read = &mut |file: &str| files.read(command, file);
                        call.option(effect, &name, &value, read, &mut steps)?;
                    }
                }
                if meaning.takes {
                    break;
                }
            }
        } else {
            call.urls.push(word.clone());
        }
    }
    call.finish(&mut |file| files.read(command, file), &mut steps)?;
    let stand_ins = command.unset.iter().map(|text| Unknown {
        text: text.clone(),
        origin: Origin::Given,
    });
    let stand_ins: Vec<Unknown> = stand_ins.collect();
    for step in &mut steps {
        step.unknowns.extend(stand_ins.iter().cloned());
    }
    Ok(steps)
}

/// The words of a command with those of the files for `-K` in their places.
fn configured(command: &Command, files: &mut Files<'_>) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    let mut words = command.words.iter();
    while let Some(word) = words.next() {
        let attached = word
            .strip_prefix("--config=")
            .or_else(|| word.strip_prefix("-K").filter(|file| !file.is_empty()));
        let file = match (attached, word.as_str()) {
            (Some(file), _) => Some(file),
            (None, "-K" | "--config") => words.next().map(String::as_str),
            _ => {
                all.push(word.clone());
                continue;
            }
        };
        let file = file.ok_or_else(|| format!("`{word}` has no value"))?;
        let text = files.read(command, file).map_err(|why| {
            format!(
                "`{word}`: it reads options from the file `{file}`, which cannot be read: {why}; write out what it changes, or put it beside the source"
            )
        })?;
        all.extend(files::options(&text));
    }
    Ok(all)
}

fn unknown(name: &str) -> String {
    format!(
        "the option `{name}` is not known and may change the request; leave it out if it does not"
    )
}

/// The options of one request, or of several that differ in their URLs.
#[derive(Default)]
struct Call {
    /// What `@-` reads.
    input: Option<String>,
    urls: Vec<String>,
    method: Option<String>,
    target: Option<String>,
    /// As given, `Name: value`.
    headers: Vec<String>,
    data: Data,
    json: bool,
    form: Vec<Part>,
    upload: Option<String>,
    cookies: Vec<String>,
    user: Option<String>,
    bearer: Option<String>,
    agent: Option<String>,
    referer: Option<String>,
    range: Option<String>,
    query: Vec<String>,
    get: bool,
    head: bool,
    globoff: bool,
    compressed: bool,
    http10: bool,
}

impl Call {
    fn option(
        &mut self,
        effect: Effect,
        name: &str,
        value: &str,
        read: &mut Read<'_>,
        steps: &mut Vec<Step>,
    ) -> Result<(), String> {
        use Effect as E;
        let text = || value.to_owned();
        match effect {
            // Files of options have been read, and jars are known.
            E::None | E::Config | E::Jar => {}
            E::Unknown(why) => {
                return Err(format!("`{name}`: {why}; write out what it changes"));
            }
            E::Url => self.urls.push(text()),
            E::UrlQuery => self.query.push(match value.strip_prefix('+') {
                Some(raw) => raw.to_owned(),
                None => data::encoded(value, read)?,
            }),
            E::Method => self.method = Some(text()),
            E::RequestTarget => self.target = Some(text()),
            E::Header => {
                let text = data::held(value, read)?;
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                self.headers.extend(lines.map(str::to_owned));
            }
            E::Data | E::DataBinary if value == "@-" && self.input.is_some() => {
                let read = self.input.clone().unwrap_or_default();
                // Line ends of what is read are left out.
                self.data.add(&match effect {
                    E::Data => read.replace(['\r', '\n', '\0'], ""),
                    _ => read,
                });
            }
            E::Data if value.starts_with('@') => {
                self.data
                    .add(&data::held(value, read)?.replace(['\r', '\n', '\0'], ""));
            }
            E::Data | E::DataBinary => self.data.add(&data::held(value, read)?),
            E::DataRaw => self.data.add(value),
            E::DataUrlencode => self.data.add(&data::encoded(value, read)?),
            E::Json => {
                match &self.input {
                    Some(read) if value == "@-" => self.data.append(read),
                    _ => self.data.append(&data::held(value, read)?),
                }
                self.json = true;
            }
            E::Form => self.form.push(Part::of(value, read)?),
            E::FormString => self.form.push(Part::plain(value)?),
            E::Upload => self.upload = Some(text()),
            E::Cookie if value.contains('=') => self.cookies.push(text()),
            E::Cookie => {
                let text = read(value).map_err(|_| {
                    format!(
                        "`{name}` reads cookies from the file `{value}`; write NAME=VALUE in place, or put it beside the source"
                    )
                })?;
                self.cookies.extend(files::cookies(&text));
            }
            E::User => self.user = Some(text()),
            E::Bearer => self.bearer = Some(text()),
            E::Agent => self.agent = Some(text()),
            E::Referer => self.referer = Some(text()),
            E::Range => self.range = Some(text()),
            E::Get => self.get = true,
            E::Head => self.head = true,
            E::Globoff => self.globoff = true,
            E::Compressed => self.compressed = true,
            E::Http10 => self.http10 = true,
            E::Next => std::mem::take(self).finish(read, steps)?,
        }
        Ok(())
    }

    fn finish(mut self, read: &mut Read<'_>, steps: &mut Vec<Step>) -> Result<(), String> {
        if self.urls.is_empty() {
            return Err("it names no URL".to_owned());
        }
        let uploaded = self.upload.as_ref().and_then(|file| read(file).ok());
        let body = self.body(uploaded.as_deref())?;
        for url in &self.urls {
            if !self.globoff && is_pattern(url) {
                return Err(format!(
                    "curl makes several URLs of `{url}`; write them out, or give -g if it is one"
                ));
            }
            let request = self.request(url, &body)?;
            let stands_in = (self.upload.is_some() && uploaded.is_none())
                || self.form.iter().any(|part| part.stands_in);
            let mut step = Step::of(request);
            if stands_in {
                step.unknowns.push(Unknown {
                    text: data::CONTENT.to_owned(),
                    origin: Origin::Given,
                });
            }
            steps.push(step);
        }
        Ok(())
    }

    /// The body and its media type; with `-G`, data goes to the query.
    fn body(&mut self, uploaded: Option<&str>) -> Result<Option<(Option<String>, String)>, String> {
        let kinds = [
            self.data.given(),
            !self.form.is_empty(),
            self.upload.is_some(),
        ];
        if kinds.iter().filter(|given| **given).count() > 1 {
            return Err(
                "it gives two of data, a form and a file to upload; curl sends one".to_owned(),
            );
        }
        if self.data.given() {
            let text = std::mem::take(&mut self.data).into_text();
            if self.get {
                self.query.push(text);
                return Ok(None);
            }
            let kind = match self.json {
                true => "application/json",
                false => "application/x-www-form-urlencoded",
            };
            return Ok(Some((Some(kind.to_owned()), text)));
        }
        if !self.form.is_empty() {
            let (kind, text) = data::multipart(&self.form);
            return Ok(Some((Some(kind), text)));
        }
        Ok(self
            .upload
            .as_ref()
            .map(|_| (None, uploaded.unwrap_or(data::CONTENT).to_owned())))
    }

    fn request(
        &self,
        url: &str,
        body: &Option<(Option<String>, String)>,
    ) -> Result<Request, String> {
        let parsed = Target::of(url)?;
        let method = match (&self.method, &self.upload, body) {
            (Some(method), ..) => method.as_str(),
            _ if self.head => "HEAD",
            (None, Some(_), _) => "PUT",
            (None, None, Some(_)) => "POST",
            (None, None, None) => "GET",
        };
        Ok(Request {
            method: method.as_bytes().to_vec(),
            target: self.target_of(&parsed).into_bytes(),
            version: match self.http10 {
                true => b"HTTP/1.0".to_vec(),
                false => b"HTTP/1.1".to_vec(),
            },
            headers: self.headers_of(&parsed, body.as_ref().and_then(|(kind, _)| kind.as_deref())),
            body: body
                .as_ref()
                .map_or_else(Vec::new, |(_, text)| text.clone().into_bytes()),
            chunked: false,
        })
    }

    fn target_of(&self, parsed: &Target) -> String {
        if let Some(target) = &self.target {
            return match target.starts_with('/') {
                true => sendable(target),
                false => target.clone(),
            };
        }
        let mut target = parsed.target.clone();
        if let Some(file) = &self.upload
            && target.ends_with('/')
        {
            target.push_str(file.rsplit('/').next().unwrap_or(file));
        }
        for piece in &self.query {
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(sendable(piece).get(1..).unwrap_or_default());
        }
        target
    }

    /// What options set, then what `-H` says: it replaces, or takes away where nothing
    /// follows the colon.
    fn headers_of(&self, parsed: &Target, kind: Option<&str>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut headers: Vec<(&str, String)> = vec![("Host", parsed.host.clone())];
        let user = self.user.as_ref().or(parsed.user.as_ref());
        if let Some(token) = &self.bearer {
            headers.push(("Authorization", format!("Bearer {token}")));
        } else if let Some(user) = user {
            let user = match user.contains(':') {
                true => user.clone(),
                false => format!("{user}:"),
            };
            headers.push((
                "Authorization",
                format!("Basic {}", BASE64_STANDARD.encode(user)),
            ));
        }
        for (name, value) in [
            ("User-Agent", &self.agent),
            ("Referer", &self.referer),
            (
                "Range",
                &self.range.as_ref().map(|range| format!("bytes={range}")),
            ),
        ] {
            headers.extend(value.clone().map(|value| (name, value)));
        }
        if self.json {
            headers.push(("Accept", "application/json".to_owned()));
        }
        if self.compressed {
            headers.push(("Accept-Encoding", "deflate, gzip, br, zstd".to_owned()));
        }
        if !self.cookies.is_empty() {
            headers.push(("Cookie", self.cookies.join(";")));
        }
        headers.extend(kind.map(|kind| ("Content-Type", kind.to_owned())));
        let own = self.headers.iter().filter_map(|line| {
            let (name, value) = line
                .split_once(':')
                .or_else(|| Some((line.strip_suffix(';')?, "")))?;
            Some((name.trim(), value.trim(), line.ends_with(';')))
        });
        let own: Vec<(&str, &str, bool)> = own.collect();
        headers.retain(|(name, _)| {
            *name == "Cookie"
                || !own
                    .iter()
                    .any(|(other, ..)| other.eq_ignore_ascii_case(name))
        });
        let own = own
            .into_iter()
            .filter(|(_, value, empty)| *empty || !value.is_empty());
        headers
            .into_iter()
            .chain(own.map(|(name, value, _)| (name, value.to_owned())))
            .filter(|(name, _)| !frames(name))
            .map(|(name, value)| (name.as_bytes().to_vec(), value.into_bytes()))
            .collect()
    }
}

/// Headers that follow from the body.
fn frames(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
}

/// `{one,two}` and `[1-9]`.
fn is_pattern(url: &str) -> bool {
    let between = |open: char, close: char, mark: char| {
        url.split(open).skip(1).any(|rest| {
            rest.split_once(close)
                .is_some_and(|(inside, _)| inside.contains(mark))
        })
    };
    // An address of IPv6 stands in brackets too, but holds no dash.
    between('{', '}', ',') || between('[', ']', '-')
}
