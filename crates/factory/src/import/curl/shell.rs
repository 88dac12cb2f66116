//! Words of the shell command language (POSIX.1-2024, section 2), as far as the value of a
//! word can be told without running anything; and the quoting of PowerShell, where lines end
//! in its escape character.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::files::Written;
use super::{pipeline, prompt};
use crate::Limits;

/// A command and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Command {
    /// From 1.
    pub(super) line: usize,
    /// Without the name of the program.
    pub(super) words: Vec<String>,
    /// What stands for variables that nobody has set.
    pub(super) unset: Vec<String>,
    /// What it reads from its standard input, where that is written beside it.
    pub(super) input: Option<String>,
    /// Files that it may name and that commands before it have written.
    pub(super) files: Vec<(String, Rc<str>)>,
}

/// Words that stand in front of a command: what lets it run, and a prompt.
const BEFORE: &[&str] = &[
    "$", "%", "sudo", "time", "if", "elif", "while", "until", "then", "else", "do", "!", "{",
];

/// What scripts do besides; none of it sends a request.
const ASIDE: &[&str] = &[
    "[", "[[", "test", "for", "fi", "done", "}", "echo", "printf", "set", "exit", "sleep", "cd",
    "read", "shift", "true", "false", "local", "declare", "readonly", "unset", "export", "return",
    "rm", "mkdir", "chmod", "clear", "wait", "function",
];
/// Words behind which variables are set.
const SETTING: &[&str] = &["export", "local", "declare", "readonly"];

/// The commands of curl in a text, in order. Variables make words of `request_bytes` at most, and
/// of `source_bytes` all together.
///
/// # Errors
/// The line, and what there is no command of curl or has no value.
pub(super) fn commands(text: &str, limits: &Limits) -> Result<Vec<Command>, (usize, String)> {
    let powershell = text
        .lines()
        .any(|line| line.trim_end().ends_with(" `") || line.starts_with("PS "));
    let shown = prompt::without(text);
    let mut reader = Reader {
        rest: &shown,
        line: 1,
        bound: limits.request_bytes,
        room: limits.source_bytes,
        escape: if powershell { '`' } else { '\\' },
        variables: BTreeMap::new(),
        unset: Vec::new(),
        document: None,
        input: None,
        output: None,
        written: Written::default(),
        within: 0,
    };
    let mut functions = BTreeSet::new();
    let mut commands = Vec::new();
    // What the command before a pipe prints.
    let mut printed = None;
    let mut piped = false;
    loop {
        let line = reader.line;
        let (words, end) = reader.command().map_err(|why| (reader.line, why))?;
        let begin = begins(&words, &mut functions);
        let words = words.get(begin..).unwrap_or_default();
        let input = reader.input.take();
        let output = reader.output.take();
        let ends_in_pipe = matches!(end, End::Pipe);
        match words.split_first() {
            None => {}
            Some((program, rest)) if is_curl(program) => {
                commands.push(Command {
                    line,
                    words: rest.to_vec(),
                    unset: reader.stand_ins(rest),
                    input: input.or(printed.take()),
                    files: reader.written.named(rest),
                });
            }
            // What reads an answer changes no request.
            Some(_) if piped => {}
            Some((program, rest)) if ends_in_pipe && pipeline::prints(program) => {
                printed = pipeline::printed(program, rest).map_err(|why| (line, why))?;
            }
            // What cannot be told is missed where it is read.
            Some((program, rest)) if pipeline::prints(program) && output.is_some() => {
                let text = pipeline::printed(program, rest).ok();
                let text = text.and_then(|printed| printed.or(input));
                if let (Some(file), Some(text)) = (output, text) {
                    reader.write(file, &text).map_err(|why| (line, why))?;
                }
            }
            Some((program, rest)) if SETTING.contains(&program.as_str()) => {
                rest.iter().for_each(|word| reader.assign(word));
            }
            // What it would do stands where it is defined.
            Some((program, _)) if functions.contains(program) => {}
            Some((program, _)) if ASIDE.contains(&program.as_str()) => {}
            Some((program, rest)) if rest.is_empty() && is_assignment(program) => {
                reader.assign(program);
            }
            Some((program, _)) => {
                let why = format!(
                    "`{program}` is no command of curl; begin lines that say something else with #"
                );
                return Err((line, why));
            }
        }
        if !ends_in_pipe {
            printed = None;
        }
        piped = ends_in_pipe && !words.first().is_some_and(|word| pipeline::prints(word));
        if matches!(end, End::Text) {
            return Ok(commands);
        }
    }
}

/// Where a command begins behind words that let it run, and the names of functions that are
/// defined there.
fn begins(words: &[String], functions: &mut BTreeSet<String>) -> usize {
    let mut named = false;
    let before = |word: &&String| {
        let function = word.strip_suffix("()").filter(|name| is_name(name));
        let function = function.or(named.then_some(word.as_str()).filter(|name| is_name(name)));
        named = word.as_str() == "function";
        functions.extend(function.map(str::to_owned));
        function.is_some() || named || BEFORE.contains(&word.as_str())
    };
    words.iter().take_while(before).count()
}

/// How a command ends.
pub(super) enum End {
    Text,
    Command,
    Pipe,
}

pub(super) fn is_curl(program: &str) -> bool {
    matches!(
        program.rsplit(['/', '\\']).next(),
        Some("curl" | "curl.exe" | "curl8")
    )
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| is_name(name.trim_start_matches('$')))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

pub(super) struct Reader<'t> {
    pub(super) rest: &'t str,
    line: usize,
    /// Bytes that a word may become by its variables.
    pub(super) bound: usize,
    /// Bytes that may still be put in the place of something.
    room: usize,
    /// What takes the next letter as it stands.
    escape: char,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) unset: Vec<String>,
    /// A here-document that begins in the next line.
    pub(super) document: Option<Document>,
    /// What the command reads.
    pub(super) input: Option<String>,
    /// Where what it prints goes.
    pub(super) output: Option<Output>,
    pub(super) written: Written,
    /// How many `$(…)` this is within.
    pub(super) within: usize,
}

/// A file that a command prints to.
pub(super) struct Output {
    name: String,
    /// Behind what is in it.
    appends: bool,
}

/// Section 2.7.4
pub(super) struct Document {
    delimiter: String,
    /// Whether variables in it are replaced.
    expands: bool,
    /// Whether tabs at the start of its lines go.
    indented: bool,
}

impl Reader<'_> {
    pub(super) fn next(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next()?;
        self.rest = letters.as_str();
        self.line += usize::from(letter == '\n');
        Some(letter)
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn write(&mut self, output: Output, text: &str) -> Result<(), String> {
        let before = self.written.get(&output.name).filter(|_| output.appends);
        let text = before.unwrap_or_default().to_owned() + text;
        self.spend(text.len())?;
        if text.len() <= self.bound {
            self.written.write(output.name, text);
        }
        Ok(())
    }

    /// A short text can stand for one without end.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), String> {
        self.room = self.room.checked_sub(bytes).ok_or(
            "what its variables, `$(…)` and written files hold comes to more than a source may have",
        )?;
        Ok(())
    }

    fn assign(&mut self, word: &str) {
        if let Some((name, value)) = word.split_once('=') {
            self.variables.insert(name.to_owned(), value.to_owned());
        }
    }

    /// What in these words stands for what nobody has set.
    fn stand_ins(&self, words: &[String]) -> Vec<String> {
        let held = |text: &&String| words.iter().any(|word| word.contains(text.as_str()));
        self.unset.iter().filter(held).cloned().collect()
    }

    /// The words up to the end of a command; blank lines before it are passed over.
    pub(super) fn command(&mut self) -> Result<(Vec<String>, End), String> {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        loop {
            let Some(letter) = self.next() else {
                words.extend(word);
                return match self.within {
                    0 => Ok((words, End::Text)),
                    _ => Err("a $( is not closed".to_owned()),
                };
            };
            match letter {
                ')' if self.within > 0 => {
                    words.extend(word);
                    return Ok((words, End::Text));
                }
                ' ' | '\t' | '\r' => words.extend(word.take()),
                ';' | '&' if self.inside(word.as_deref()) => {
                    return Err(format!(
                        "`{letter}` ends the command in a shell; put the URL in '…'"
                    ));
                }
                '\n' | ';' | '&' => {
                    words.extend(word.take());
                    if letter == '\n'
                        && let Some(document) = self.document.take()
                    {
                        self.input = Some(self.lines(&document)?);
                    }
                    return Ok((words, End::Command));
                }
                '|' => {
                    words.extend(word.take());
                    let end = match self.peek() {
                        Some('|') => End::Command,
                        _ => End::Pipe,
                    };
                    self.next_if('|');
                    return Ok((words, end));
                }
                '<' => {
                    words.extend(word.take());
                    self.reads()?;
                }
                '>' => {
                    // The number of a file descriptor is no word.
                    let word = word.take();
                    let number = word.as_ref().and_then(|word| word.parse::<u8>().ok());
                    words.extend(word.filter(|_| number.is_none()));
                    let output = self.redirect()?;
                    if number.is_none_or(|number| number == 1) {
                        self.output = output;
                    }
                }
                '#' if word.is_none() => {
                    while self.peek().is_some_and(|letter| letter != '\n') {
                        self.next();
                    }
                }
                letter if letter == self.escape && self.continues() => {}
                other => self.piece(other, word.get_or_insert_default())?,
            }
        }
    }

    /// Whether a URL goes on.
    fn inside(&self, word: Option<&str>) -> bool {
        word.is_some_and(|word| word.contains("://"))
            && self
                .peek()
                .is_some_and(|letter| !letter.is_ascii_whitespace() && letter != '&')
    }

    /// Whether the line ends here, and so goes on in the next one.
    fn continues(&mut self) -> bool {
        let end = ["\r\n", "\n"]
            .into_iter()
            .find(|end| self.rest.starts_with(end));
        for _ in end.unwrap_or_default().chars() {
            self.next();
        }
        end.is_some()
    }

    pub(super) fn is_powershell(&self) -> bool {
        self.escape == '`'
    }

    /// Behind `<`: a here-document, or a text of bash's.
    fn reads(&mut self) -> Result<(), String> {
        const FILE: &str = "it reads from another file; write what it sends in place";
        let Some(rest) = self.rest.strip_prefix('<') else {
            return Err(FILE.to_owned());
        };
        self.rest = rest;
        let text = self.peek() == Some('<');
        self.next_if('<');
        let indented = !text && self.peek() == Some('-');
        if indented {
            self.next();
        }
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.next();
        }
        let expands = !matches!(self.peek(), Some('\'' | '"' | '\\'));
        let mut word = String::new();
        while let Some(letter) = self
            .peek()
            .filter(|letter| !letter.is_ascii_whitespace() && !";|&<>".contains(*letter))
        {
            self.next();
            self.piece(letter, &mut word)?;
        }
        match text {
            true => self.input = Some(word + "\n"),
            false if word.is_empty() => return Err(FILE.to_owned()),
            false => {
                self.document = Some(Document {
                    delimiter: word,
                    expands,
                    indented,
                });
            }
        }
        Ok(())
    }

    /// The lines of a here-document.
    fn lines(&mut self, document: &Document) -> Result<String, String> {
        let mut text = String::new();
        loop {
            if self.rest.is_empty() {
                return Err(format!("the line `{}` is missing", document.delimiter));
            }
            let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
            let (line, rest) = self.rest.split_at(end);
            let plain = match document.indented {
                true => line.trim_start_matches('\t'),
                false => line,
            };
            if plain.trim_end_matches(['\r', '\n']) == document.delimiter {
                self.rest = rest;
                self.line += 1;
                return Ok(text);
            }
            if document.expands && plain.contains(['$', '`', '\\']) {
                self.expanded(line.len() - plain.len(), end, &mut text)?;
            } else {
                text.push_str(plain);
                self.rest = rest;
                self.line += 1;
            }
        }
    }

    /// A line of a here-document, as between double quotes, where `"` stands for itself.
    fn expanded(&mut self, skip: usize, end: usize, text: &mut String) -> Result<(), String> {
        let left = self.rest.len() - end;
        self.rest = self.rest.get(skip..).unwrap_or_default();
        while self.rest.len() > left {
            match self.next() {
                Some('$') => self.variable(text)?,
                Some('`') => {
                    return Err("`…` runs a program; write what it prints in place".to_owned());
                }
                Some('\\') => match self.peek() {
                    Some('\n') => drop(self.next()),
                    Some('$' | '`' | '\\') => text.extend(self.next()),
                    _ => text.push('\\'),
                },
                Some(other) => text.push(other),
                None => break,
            }
        }
        Ok(())
    }

    fn next_if(&mut self, wanted: char) {
        if self.peek() == Some(wanted) {
            self.next();
        }
    }

    /// Behind `>`: a file, or another output.
    fn redirect(&mut self) -> Result<Option<Output>, String> {
        let appends = self.peek() == Some('>');
        let mut other = false;
        while let Some(letter) = self
            .peek()
            .filter(|letter| matches!(letter, '>' | '&' | ' ' | '\t'))
        {
            other |= letter == '&';
            self.next();
        }
        let mut name = String::new();
        while let Some(letter) = self
            .peek()
            .filter(|letter| !letter.is_ascii_whitespace() && !";|&)".contains(*letter))
        {
            self.next();
            self.piece(letter, &mut name)?;
        }
        Ok((!other).then_some(Output { name, appends }))
    }

    /// One letter of a word, or what is quoted together.
    fn piece(&mut self, letter: char, word: &mut String) -> Result<(), String> {
        match letter {
            '\'' => loop {
                match self.next().ok_or("a ' is not closed")? {
                    '\'' if self.is_powershell() && self.peek() == Some('\'') => {
                        word.extend(self.next());
                    }
                    '\'' => return Ok(()),
                    '\\' if self.is_powershell() && self.peek() == Some('"') => {}
                    other => word.push(other),
                }
            },
            '"' => self.double(word),
            letter if letter == self.escape => {
                word.extend(self.next());
                Ok(())
            }
            '$' if self.peek() == Some('\'') => {
                self.next();
                self.escapes(word)
            }
            '$' => self.variable(word),
            '`' => Err("`…` runs a program; write what it prints in place".to_owned()),
            other => {
                word.push(other);
                Ok(())
            }
        }
    }

    /// Section 2.2.3
    fn double(&mut self, word: &mut String) -> Result<(), String> {
        loop {
            match self.next().ok_or("a \" is not closed")? {
                '"' if self.is_powershell() && self.peek() == Some('"') => {
                    word.extend(self.next());
                }
                '"' => return Ok(()),
                // Before version 7.3 programs are given quotes that a backslash keeps.
                '\\' if self.is_powershell() && self.rest.starts_with("`\"") => {}
                '`' if self.is_powershell() => match self.next().ok_or("a \" is not closed")? {
                    'n' => word.push('\n'),
                    'r' => word.push('\r'),
                    't' => word.push('\t'),
                    other => word.push(other),
                },
                '\\' if !self.is_powershell() => match self.next().ok_or("a \" is not closed")? {
                    '\n' => {}
                    escaped @ ('$' | '`' | '"' | '\\') => word.push(escaped),
                    other => word.extend(['\\', other]),
                },
                '$' => self.variable(word)?,
                '`' => return Err("`…` runs a program; write what it prints in place".to_owned()),
                other => word.push(other),
            }
        }
    }

    /// Section 2.2.4: `$'…'`, as browsers copy requests.
    fn escapes(&mut self, word: &mut String) -> Result<(), String> {
        const OPEN: &str = "a $' is not closed";
        loop {
            match self.next().ok_or(OPEN)? {
                '\'' => return Ok(()),
                '\\' => match self.next().ok_or(OPEN)? {
                    'n' => word.push('\n'),
                    'r' => word.push('\r'),
                    't' => word.push('\t'),
                    'a' => word.push('\x07'),
                    'b' => word.push('\x08'),
                    'e' => word.push('\x1b'),
                    'f' => word.push('\x0c'),
                    'v' => word.push('\x0b'),
                    'x' => self.code("", 2, 16, word)?,
                    'u' => self.code("", 4, 16, word)?,
                    'U' => self.code("", 8, 16, word)?,
                    digit @ '0'..='7' => self.code(digit.encode_utf8(&mut [0; 4]), 2, 8, word)?,
                    other => word.push(other),
                },
                other => word.push(other),
            }
        }
    }

    fn code(
        &mut self,
        first: &str,
        most: usize,
        radix: u32,
        word: &mut String,
    ) -> Result<(), String> {
        let mut digits = first.to_owned();
        for _ in 0..most {
            match self.peek() {
                Some(digit) if digit.is_digit(radix) => digits.push(digit),
                _ => break,
            }
            self.next();
        }
        let code = u32::from_str_radix(&digits, radix)
            .ok()
            .and_then(char::from_u32)
            .ok_or_else(|| format!("`{digits}` in $'…' is no character"))?;
        word.push(code);
        Ok(())
    }
}
