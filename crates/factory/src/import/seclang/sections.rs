//! Sections of Apache's configuration around rules: `<Location /shop>`.

use patch::document::{Paths, Scope};

/// Where rules stand between the lines of a section.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) paths: Paths,
}

/// The text with the lines of sections blanked, so that places stay, and the sections that
/// say which paths are meant.
///
/// # Errors
/// A section whose meaning for a patch is not known, with the line.
pub(super) fn taken_out(text: &str, name: &str) -> Result<(String, Vec<Section>), String> {
    let mut plain = String::with_capacity(text.len());
    let mut open: Vec<(u32, Option<Paths>)> = Vec::new();
    let mut sections = Vec::new();
    for (line, written) in (1..).zip(text.split_inclusive('\n')) {
        let trimmed = written.trim();
        let Some(inner) = trimmed
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'))
        else {
            plain.push_str(written);
            continue;
        };
        plain.extend(
            written
                .chars()
                .map(|letter| if letter == '\n' { '\n' } else { ' ' }),
        );
        if inner.starts_with('/') {
            if let Some((first, Some(paths))) = open.pop() {
                sections.push(Section {
                    first,
                    last: line,
                    paths,
                });
            }
            continue;
        }
        let (kind, argument) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        open.push((
            line,
            paths(kind, argument.trim()).map_err(|why| format!("{name}:{line}: {why}"))?,
        ));
    }
    match open.last() {
        Some((line, _)) => Err(format!("{name}:{line}: the section is not closed")),
        None => Ok((plain, sections)),
    }
}

/// None for sections that say nothing of paths.
fn paths(kind: &str, argument: &str) -> Result<Option<Paths>, String> {
    let (pattern, text) = match argument.strip_prefix('~') {
        Some(rest) => (true, rest.trim()),
        None => (false, argument),
    };
    let text = text.trim_matches(['"', '\'']).to_owned();
    let mut paths = Paths::default();
    match (kind.to_ascii_lowercase().as_str(), pattern) {
        ("ifmodule" | "ifdefine" | "ifversion" | "if" | "virtualhost", _) => return Ok(None),
        ("location", false) => paths.prefix.push(text),
        ("location", true) | ("locationmatch", _) => paths.regex.push(text),
        ("files", false) => paths.suffix.push(format!("/{text}")),
        ("files", true) | ("filesmatch", _) => paths.regex.push(text),
        _ => {
            return Err(format!(
                "what `<{kind}>` means for a request is not known; take the rules out of it"
            ));
        }
    }
    Ok(Some(paths))
}

/// The narrowest section around a line.
pub(super) fn around(sections: &[Section], line: u32) -> Option<&Section> {
    let around = sections
        .iter()
        .filter(|section| (section.first..section.last).contains(&line));
    around.min_by_key(|section| section.last - section.first)
}

/// What every one of these lines is within; the scope as it is where one is within nothing.
pub(super) fn narrow(scope: &mut Scope, sections: &[Section], lines: impl Iterator<Item = u32>) {
    let mut all = Paths::default();
    for line in lines {
        let Some(section) = around(sections, line) else {
            return;
        };
        for (into, more) in [
            (&mut all.prefix, &section.paths.prefix),
            (&mut all.suffix, &section.paths.suffix),
            (&mut all.regex, &section.paths.regex),
        ] {
            for text in more {
                if !into.contains(text) {
                    into.push(text.clone());
                }
            }
        }
    }
    scope.path = all.into();
}
