//! What programs print that stand before `| curl`.

/// Whether a program prints what is written in its command.
pub(super) fn prints(program: &str) -> bool {
    matches!(program, "echo" | "printf" | "cat")
}

/// What it prints; nothing for `cat`, whose here-document curl gets as it stands.
///
/// # Errors
/// What cannot be told without running it.
pub(super) fn printed(program: &str, words: &[String]) -> Result<Option<String>, String> {
    match (program, words) {
        ("cat", []) => Ok(None),
        ("echo", [option, rest @ ..]) if option == "-n" => Ok(Some(rest.join(" "))),
        ("echo", [option, ..]) if option.starts_with('-') && option.len() == 2 => Err(format!(
            "`echo {option}` changes what it prints; write what curl sends in place"
        )),
        ("echo", words) => Ok(Some(words.join(" ") + "\n")),
        ("printf", [format, texts @ ..]) => formatted(format, texts),
        _ => Err(format!(
            "what `{program}` prints cannot be told; write what curl sends in place"
        )),
    }
}

/// `printf`, as far as it puts texts together (POSIX.1-2024, "printf").
fn formatted(format: &str, texts: &[String]) -> Result<Option<String>, String> {
    const UNTOLD: &str = "what `printf` prints cannot be told; write what curl sends in place";
    let mut out = String::new();
    let mut texts = texts.iter();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => match letters.next() {
                Some('%') => out.push('%'),
                Some('s') => out.push_str(texts.next().map_or("", String::as_str)),
                _ => return Err(UNTOLD.to_owned()),
            },
            '\\' => match letters.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('\\') => out.push('\\'),
                Some(quote @ ('"' | '\'')) => out.push(quote),
                _ => return Err(UNTOLD.to_owned()),
            },
            other => out.push(other),
        }
    }
    // It would begin again.
    match texts.next() {
        None => Ok(Some(out)),
        Some(_) => Err(UNTOLD.to_owned()),
    }
}
