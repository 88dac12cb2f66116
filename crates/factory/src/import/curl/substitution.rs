//! What a shell puts in the place of variables and of `$(…)`, as far as what programs print is
//! written in them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::pipeline;
use super::shell::{End, Reader};

impl Reader<'_> {
    /// Section 2.6.2: what has been set, what is given for it, or a stand-in.
    pub(super) fn variable(&mut self, word: &mut String) -> Result<(), String> {
        const REPLACED: &str = "write what it gives in place, or put it in '…'";
        let braced = self.peek() == Some('{');
        let text = match braced {
            true => self.rest.get(1..).unwrap_or_default(),
            false => self.rest,
        };
        let is_digit = |letter: char| letter.is_ascii_digit();
        let end = match text.starts_with(is_digit) {
            true => text.find(|letter: char| !is_digit(letter)),
            false => text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_'),
        };
        let name = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
        let behind = text.get(name.len()..).unwrap_or_default();
        if name.is_empty() {
            return match self.peek() {
                Some('(') if !self.rest.starts_with("((") && !self.is_powershell() => {
                    self.substituted(word)
                }
                Some('(' | '{') => Err(UNTOLD.to_owned()),
                // Not a name: the sign stands for itself.
                _ => {
                    word.push('$');
                    Ok(())
                }
            };
        }
        let set = self.variables.get(name).cloned();
        let default = behind
            .strip_prefix(":-")
            .or_else(|| behind.strip_prefix(":="))
            .and_then(|rest| rest.split_once('}'))
            .map(|(default, _)| default)
            .filter(|default| braced && !default.contains(['$', '`', '"', '\'', '\\']));
        if braced && default.is_none() && !behind.starts_with('}') {
            return Err(format!(
                "the shell would replace `${{{name}…}}`; {REPLACED}"
            ));
        }
        match (set, default) {
            (Some(value), _) => {
                self.spend(value.len())?;
                word.push_str(&value);
            }
            (None, Some(default)) => word.push_str(default),
            (None, None) => {
                let stand_in = format!("{}-of-caller", name.to_ascii_lowercase().replace('_', "-"));
                word.push_str(&stand_in);
                if !self.unset.contains(&stand_in) {
                    if self.unset.len() == UNSET {
                        return Err(format!(
                            "it names more than {UNSET} variables that nothing sets"
                        ));
                    }
                    self.unset.push(stand_in);
                }
            }
        }
        if word.len() > self.bound {
            let bound = self.bound;
            return Err(format!(
                "its variables make a word of more than {bound} bytes"
            ));
        }
        let operator = default.map_or(0, |default| 2 + default.len());
        let length = name.len() + operator + 2 * usize::from(braced);
        self.rest = self.rest.get(length..).unwrap_or_default();
        Ok(())
    }

    /// Section 2.6.3: what programs print whose output can be told.
    fn substituted(&mut self, word: &mut String) -> Result<(), String> {
        if self.within == SUBSTITUTIONS {
            return Err(UNTOLD.to_owned());
        }
        self.next();
        self.within += 1;
        let outer = (self.document.take(), self.input.take(), self.output.take());
        let printed = self.prints();
        (self.document, self.input, self.output) = outer;
        self.within -= 1;
        let printed = printed?;
        self.spend(printed.len())?;
        word.push_str(&printed);
        match word.len() > self.bound {
            true => Err(format!(
                "`$(…)` makes a word of more than {} bytes",
                self.bound
            )),
            false => Ok(()),
        }
    }

    /// What the programs up to the `)` print, without the ends of lines behind it.
    ///
    /// # Errors
    /// What cannot be told without running it.
    fn prints(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut piped = false;
        loop {
            let (words, end) = self.command()?;
            let input = self.input.take();
            match words.split_first() {
                None => {}
                Some((program, rest)) if piped => text = changed(program, rest, text)?,
                Some((program, [file])) if program == "cat" && !file.starts_with('-') => {
                    let known = self.written.get(file);
                    text.push_str(known.ok_or_else(|| UNTOLD.to_owned())?);
                }
                Some((program, rest)) if pipeline::prints(program) => {
                    let printed = pipeline::printed(program, rest)?;
                    let printed = printed.or(input).ok_or_else(|| UNTOLD.to_owned())?;
                    text.push_str(&printed);
                }
                Some(_) => return Err(UNTOLD.to_owned()),
            }
            if text.len() > self.bound {
                return Err(format!("`$(…)` prints more than {} bytes", self.bound));
            }
            piped = matches!(end, End::Pipe);
            if matches!(end, End::Text) {
                text.truncate(text.trim_end_matches('\n').len());
                return Ok(text);
            }
        }
    }
}

/// Variables that a text names and does not set.
const UNSET: usize = 100;

/// `$(…)` within each other.
const SUBSTITUTIONS: usize = 8;

const UNTOLD: &str =
    "the shell would replace `$(…)` or `${…}`; write what it gives in place, or put it in '…'";

/// What a program makes of what it is given.
fn changed(program: &str, words: &[String], text: String) -> Result<String, String> {
    const WRAPPED: usize = 76;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match (program, words.as_slice()) {
        ("base64", ["-w0" | "--wrap=0"] | ["-w", "0"]) => Ok(BASE64_STANDARD.encode(text)),
        ("base64", []) => {
            let encoded = BASE64_STANDARD.encode(text);
            let lines = encoded.as_bytes().chunks(WRAPPED);
            let lines = lines.map(|line| String::from_utf8_lossy(line).into_owned() + "\n");
            Ok(lines.collect())
        }
        ("tr", ["-d", ends]) if matches!(*ends, "\n" | "\\n" | "\\r\\n") => {
            Ok(text.replace(['\r', '\n'], ""))
        }
        ("jq", [options, "@uri"]) if options.contains('R') && options.contains('r') => {
            let whole = options.contains('s');
            let text = if whole {
                text
            } else {
                text.trim_end_matches('\n').to_owned()
            };
            Ok(patch::percent_encoded(text.as_bytes()) + "\n")
        }
        _ => Err(UNTOLD.to_owned()),
    }
}
