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
        ("printf", [format, text]) if format == "%s" => Ok(Some(text.clone())),
        ("printf", [text]) if !text.contains(['%', '\\']) => Ok(Some(text.clone())),
        _ => Err(format!(
            "what `{program}` prints cannot be told; write what curl sends in place"
        )),
    }
}
