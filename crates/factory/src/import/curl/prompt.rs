//! Prompts, and what terminals show between them.

use std::borrow::Cow;

use super::shell;

/// A text without the prompts of PowerShell, and without those of shells that name user and host.
/// Where the first command stands behind a prompt, lines without one are what commands have
/// printed, unless a line goes on in them or they call curl; they become blank.
pub(super) fn without(text: &str) -> Cow<'_, str> {
    let first = text.lines().map(str::trim).find(|line| is_command(line));
    if first.and_then(behind).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut goes_on = false;
    for line in text.split_inclusive('\n') {
        let kept = match (behind(line), line.strip_prefix("> ")) {
            (Some(command), _) | (None, Some(command)) => command,
            _ if goes_on || !is_command(line.trim()) || is_of_curl(line) => line,
            _ => line
                .get(line.trim_end_matches(['\r', '\n']).len()..)
                .unwrap_or_default(),
        };
        goes_on = kept.trim_end().ends_with(['\\', '`']);
        out.push_str(kept);
    }
    Cow::Owned(out)
}

fn is_command(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

fn is_of_curl(line: &str) -> bool {
    line.split_whitespace().next().is_some_and(shell::is_curl)
}

/// What stands behind a prompt.
fn behind(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix("$ ").or_else(|| line.strip_prefix("% ")) {
        return Some(rest);
    }
    // `PS C:\Users\me> `
    if let Some(rest) = line.strip_prefix("PS ") {
        let (place, command) = rest.split_once("> ")?;
        return place.contains([':', '/']).then_some(command);
    }
    // `root@kali:~# `, `[me@host folder]$ `
    let (place, command) = line
        .split_once("# ")
        .into_iter()
        .chain(line.split_once("$ "))
        .min_by_key(|(place, _)| place.len())?;
    let bare = place.trim_start_matches(['[', '(']);
    let user = bare.split('@').next().unwrap_or_default();
    let named = place.contains('@')
        && !user.is_empty()
        && user
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(letter));
    let short = !place.contains(['"', '\'', '=', '{']) && place.split_whitespace().count() <= 2;
    (named && short).then_some(command)
}
