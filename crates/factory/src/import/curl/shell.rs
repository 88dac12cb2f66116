//! Words of the shell command language (POSIX.1-2024, section 2), as far as the value of a
//! word can be told without running anything.

use std::collections::BTreeMap;

/// A command and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Command {
    /// From 1.
    pub(super) line: usize,
    /// Without the name of the program.
    pub(super) words: Vec<String>,
    /// What stands for variables that nobody has set.
    pub(super) unset: Vec<String>,
}

/// The commands of curl in a text, in order.
///
/// # Errors
/// The line, and what there is no command of curl or has no value.
pub(super) fn commands(text: &str) -> Result<Vec<Command>, (usize, String)> {
    let mut reader = Reader {
        rest: text,
        line: 1,
        variables: BTreeMap::new(),
        unset: Vec::new(),
    };
    let mut commands = Vec::new();
    let mut piped = false;
    loop {
        let line = reader.line;
        let (words, end) = reader.command().map_err(|why| (reader.line, why))?;
        let unset = std::mem::take(&mut reader.unset);
        let begin = start(&words);
        let words = words.get(begin..).unwrap_or_default();
        match words.split_first() {
            None => {}
            // What reads an answer changes no request.
            Some((program, _)) if piped && !is_curl(program) => {}
            Some((program, rest)) if is_curl(program) => commands.push(Command {
                line,
                words: rest.to_vec(),
                unset,
            }),
            Some((program, rest)) => match program.split_once('=') {
                Some((name, value)) if rest.is_empty() && is_name(name) => {
                    reader.variables.insert(name.to_owned(), value.to_owned());
                }
                _ => {
                    let why = format!(
                        "`{program}` is no command of curl; begin lines that say something else with #"
                    );
                    return Err((line, why));
                }
            },
        }
        piped = match end {
            End::Text => return Ok(commands),
            End::Command => false,
            End::Pipe => true,
        };
    }
}

/// How a command ends.
enum End {
    Text,
    Command,
    Pipe,
}

fn is_curl(program: &str) -> bool {
    matches!(
        program.rsplit('/').next(),
        Some("curl" | "curl.exe" | "curl8")
    )
}

/// Behind a prompt.
fn start(words: &[String]) -> usize {
    let prompt = |word: &&String| matches!(word.as_str(), "$" | "%" | "sudo" | "time");
    words.iter().take_while(prompt).count()
}

fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

struct Reader<'t> {
    rest: &'t str,
    line: usize,
    variables: BTreeMap<String, String>,
    unset: Vec<String>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next()?;
        self.rest = letters.as_str();
        self.line += usize::from(letter == '\n');
        Some(letter)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// The words up to the end of a command; blank lines before it are passed over.
    fn command(&mut self) -> Result<(Vec<String>, End), String> {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        loop {
            let Some(letter) = self.next() else {
                words.extend(word);
                return Ok((words, End::Text));
            };
            match letter {
                ' ' | '\t' | '\r' => words.extend(word.take()),
                ';' | '&' if self.inside(word.as_deref()) => {
                    return Err(format!(
                        "`{letter}` ends the command in a shell; put the URL in '…'"
                    ));
                }
                '\n' | ';' | '&' => {
                    words.extend(word.take());
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
                    return Err(
                        "it reads from another file; write what it sends in place".to_owned()
                    );
                }
                '>' => {
                    // The number of a file descriptor is no word.
                    let word = word.take().filter(|word| word.parse::<u8>().is_err());
                    words.extend(word);
                    self.redirect();
                }
                '#' if word.is_none() => {
                    while self.peek().is_some_and(|letter| letter != '\n') {
                        self.next();
                    }
                }
                '\\' if self.continues() => {}
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

    fn next_if(&mut self, wanted: char) {
        if self.peek() == Some(wanted) {
            self.next();
        }
    }

    /// Where output goes is of no interest.
    fn redirect(&mut self) {
        while self
            .peek()
            .is_some_and(|letter| matches!(letter, '>' | '&' | ' ' | '\t'))
        {
            self.next();
        }
        while self.peek().is_some_and(|letter| {
            !letter.is_ascii_whitespace() && !matches!(letter, ';' | '|' | '&')
        }) {
            self.next();
        }
    }

    /// One letter of a word, or what is quoted together.
    fn piece(&mut self, letter: char, word: &mut String) -> Result<(), String> {
        match letter {
            '\'' => loop {
                match self.next().ok_or("a ' is not closed")? {
                    '\'' => return Ok(()),
                    other => word.push(other),
                }
            },
            '"' => self.double(word),
            '\\' => {
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
                '"' => return Ok(()),
                '\\' => match self.next().ok_or("a \" is not closed")? {
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

    /// Section 2.6.2, names alone: what has been set, or a stand-in.
    fn variable(&mut self, word: &mut String) -> Result<(), String> {
        let braced = self.peek() == Some('{');
        let text = match braced {
            true => self.rest.get(1..).unwrap_or_default(),
            false => self.rest,
        };
        let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let name = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
        let behind = text.get(name.len()..).unwrap_or_default();
        if !is_name(name) {
            return match self.peek() {
                Some('(' | '{') => Err(
                    "the shell would replace `$(…)` or `${…}`; write what it gives in place, or put it in '…'"
                        .to_owned(),
                ),
                // Not a name: the sign stands for itself.
                _ => {
                    word.push('$');
                    Ok(())
                }
            };
        }
        if braced && !behind.starts_with('}') {
            return Err(format!(
                "the shell would replace `${{{name}…}}`; write what it gives in place, or put it in '…'"
            ));
        }
        match self.variables.get(name) {
            Some(value) => word.push_str(value),
            None => {
                let stand_in = format!("{}-of-caller", name.to_ascii_lowercase().replace('_', "-"));
                word.push_str(&stand_in);
                self.unset.push(stand_in);
            }
        }
        let length = name.len() + 2 * usize::from(braced);
        self.rest = self.rest.get(length..).unwrap_or_default();
        Ok(())
    }
}
