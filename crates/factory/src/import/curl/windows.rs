//! Command lines of Windows: `cmd.exe` takes `^` out, then the program's start-up code cuts
//! the line into arguments ("Parsing C command-line arguments" of Microsoft's C manual).

use super::shell::{Command, is_curl};

/// Whether a text is written for `cmd.exe`.
pub(super) fn is(text: &str) -> bool {
    let goes_on = |line: &str| line.trim_end().ends_with(" ^");
    text.contains("^\"") || text.lines().any(goes_on)
}

/// The commands of curl in a text, in order.
///
/// # Errors
/// The line, and what there is no command of curl.
pub(super) fn commands(text: &str) -> Result<Vec<Command>, (usize, String)> {
    let mut commands = Vec::new();
    for (line, text) in lines(text) {
        let words = arguments(&text);
        match words.split_first() {
            None => {}
            Some((program, rest)) if is_curl(program) => commands.push(Command {
                line,
                words: rest.to_vec(),
                unset: Vec::new(),
                input: None,
                files: Vec::new(),
            }),
            Some((program, _)) if program.eq_ignore_ascii_case("rem") || program == "@echo" => {}
            Some((program, _)) if program.starts_with("::") || program.starts_with('#') => {}
            Some((program, _)) => {
                let why = format!(
                    "`{program}` is no command of curl; begin lines that say something else with #"
                );
                return Err((line, why));
            }
        }
    }
    Ok(commands)
}

/// Each command with the line in which it begins, without `^`. What another program gets of
/// it, behind `|` or `>`, is left out.
fn lines(text: &str) -> Vec<(usize, String)> {
    let text = text.replace("\r\n", "\n");
    let mut lines = Vec::new();
    let (mut begun, mut at) = (1, 1);
    let mut command = String::new();
    let mut quoted = false;
    let mut aside = false;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        at += usize::from(letter == '\n');
        match letter {
            '^' if !quoted => {
                // A line that goes on; its first letter is then taken as it stands.
                let mut next = letters.next();
                if next == Some('\n') {
                    at += 1;
                    next = letters.next();
                }
                at += usize::from(next == Some('\n'));
                if !aside {
                    command.extend(next);
                }
            }
            '\n' => {
                lines.push((begun, std::mem::take(&mut command)));
                (begun, quoted, aside) = (at, false, false);
            }
            '&' if !quoted => {
                lines.push((begun, std::mem::take(&mut command)));
                aside = false;
            }
            '>' if is_prompt(&command) => command.clear(),
            '|' | '>' if !quoted => aside = true,
            other => {
                quoted ^= other == '"';
                if !aside {
                    command.push(other);
                }
            }
        }
    }
    lines.push((begun, command));
    lines
}

/// `C:\Users\me`, before its `>`.
fn is_prompt(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|drive| drive.is_ascii_alphabetic())
        && letters.as_str().starts_with(":\\")
        && !text.contains(' ')
}

fn arguments(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut slashes = 0;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            slashes += 1;
            continue;
        }
        let halved = letter == '"';
        let kept = if halved { slashes / 2 } else { slashes };
        let literal = halved && slashes % 2 == 1;
        slashes = 0;
        if kept > 0 {
            word.get_or_insert_default()
                .extend(std::iter::repeat_n('\\', kept));
        }
        match letter {
            '"' if literal => word.get_or_insert_default().push('"'),
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                word.get_or_insert_default().push('"');
            }
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    if slashes > 0 {
        word.get_or_insert_default()
            .extend(std::iter::repeat_n('\\', slashes));
    }
    words.extend(word);
    words
}
