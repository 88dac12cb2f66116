//! What is sent in the body: joined data, or the parts of a form.

use patch::percent_encoded;

/// Stands for the content of a file that only the caller has.
pub(super) const CONTENT: &str = "content-of-file";

/// `-d` and its kin, in order.
#[derive(Debug, Default)]
pub(super) struct Data {
    text: String,
    given: bool,
}

impl Data {
    pub(super) fn given(&self) -> bool {
        self.given
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Joined by `&`, as `-d` is.
    pub(super) fn add(&mut self, text: &str) {
        if self.given {
            self.text.push('&');
        }
        self.append(text);
    }

    /// Joined by nothing, as `--json` is.
    pub(super) fn append(&mut self, text: &str) {
        self.text.push_str(text);
        self.given = true;
    }
}

/// How a file is read.
pub(super) type Read<'r> = dyn FnMut(&str) -> Result<String, String> + 'r;

/// What stands in place, or in the file that is named.
///
/// # Errors
/// The file cannot be read.
pub(super) fn held(text: &str, read: &mut Read<'_>) -> Result<String, String> {
    match text.strip_prefix('@') {
        Some(file) => read(file).map_err(|why| {
            format!(
                "what it sends is in the file `{file}`, which cannot be read: {why}; write it in place, with --data-raw, or put it beside the source"
            )
        }),
        None => Ok(text.to_owned()),
    }
}

/// `content`, `=content`, `name=content`, `@file` or `name@file`.
///
/// # Errors
/// The file cannot be read.
pub(super) fn encoded(text: &str, read: &mut Read<'_>) -> Result<String, String> {
    let Some(at) = text.find(['=', '@']) else {
        return Ok(form(text));
    };
    let (name, content) = text.split_at(at);
    let content = match content.strip_prefix('=') {
        Some(content) => form(content),
        None => form(&held(content, read)?),
    };
    Ok(match name.is_empty() {
        true => content,
        false => format!("{name}={content}"),
    })
}

/// As forms are encoded: a space is a plus.
fn form(text: &str) -> String {
    percent_encoded(text.as_bytes()).replace("%20", "+")
}

/// A part of a form.
#[derive(Debug)]
pub(super) struct Part {
    name: String,
    content: String,
    file: Option<String>,
    kind: Option<String>,
    /// Whether the content is not known.
    pub(super) stands_in: bool,
}

impl Part {
    /// `name=content`, taken as it is.
    ///
    /// # Errors
    /// There is no `=`.
    pub(super) fn plain(text: &str) -> Result<Self, String> {
        let (name, content) = halves(text)?;
        Ok(Self {
            name,
            content: content.to_owned(),
            file: None,
            kind: None,
            stands_in: false,
        })
    }

    /// `name=content`, `name=@file` or `name=<file`, with `;type=` and `;filename=`.
    ///
    /// # Errors
    /// There is no `=`, or something that curl would leave out.
    pub(super) fn of(text: &str, read: &mut Read<'_>) -> Result<Self, String> {
        let (name, rest) = halves(text)?;
        let (content, options) = content(rest);
        let from_file = content.strip_prefix(['@', '<']);
        let held = from_file.and_then(|file| read(file).ok());
        let mut part = Self {
            name,
            file: from_file
                .filter(|_| content.starts_with('@'))
                .map(|path| path.rsplit('/').next().unwrap_or(path).to_owned()),
            stands_in: from_file.is_some() && held.is_none(),
            content: match from_file {
                Some(_) => held.unwrap_or_else(|| CONTENT.to_owned()),
                None => content.clone(),
            },
            kind: None,
        };
        for option in options {
            match option.trim().split_once('=') {
                Some(("type", kind)) => part.kind = Some(kind.to_owned()),
                Some(("filename", file)) => part.file = Some(file.trim_matches('"').to_owned()),
                None if option.trim().is_empty() => {}
                _ => {
                    return Err(format!(
                        "curl does not send `;{option}` of `-F {text}`; write NAME=\"CONTENT\" or --form-string"
                    ));
                }
            }
        }
        Ok(part)
    }
}

fn halves(text: &str) -> Result<(String, &str), String> {
    let (name, content) = text
        .split_once('=')
        .ok_or_else(|| format!("`-F {text}` has no `=`; write NAME=CONTENT"))?;
    Ok((name.to_owned(), content))
}

/// The content, unquoted, and the options behind it.
fn content(text: &str) -> (String, Vec<&str>) {
    if let Some(quoted) = text.strip_prefix('"')
        && let Some(end) = quoted.rfind('"')
    {
        let (inside, behind) = quoted.split_at(end);
        let behind = behind.get(1..).unwrap_or_default();
        let content = inside.replace("\\\"", "\"").replace("\\\\", "\\");
        return (content, behind.split(';').collect());
    }
    let mut pieces = text.split(';');
    let content = pieces.next().unwrap_or_default().to_owned();
    (content, pieces.collect())
}

/// The parts as a multipart body (RFC 7578): its media type and its text.
pub(super) fn multipart(parts: &[Part]) -> (String, String) {
    const BOUNDARY: &str = "------------------------4f1c9a2e7d3b6058";
    let mut body = String::new();
    for part in parts {
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"",
            part.name
        ));
        if let Some(file) = &part.file {
            body.push_str(&format!("; filename=\"{file}\""));
        }
        body.push_str("\r\n");
        let kind = match (&part.kind, &part.file) {
            (Some(kind), _) => Some(kind.as_str()),
            (None, Some(_)) => Some("application/octet-stream"),
            (None, None) => None,
        };
        if let Some(kind) = kind {
            body.push_str(&format!("Content-Type: {kind}\r\n"));
        }
        body.push_str(&format!("\r\n{}\r\n", part.content));
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}
