//! Rule files on disk: their includes, and the data files that they name.

use std::path::{Path, PathBuf};

/// Files of one pattern, or folders that are looked into for it, at most.
const FOUND: usize = 10_000;
/// Bytes of one file at most.
const BYTES: u64 = 64 * 1024 * 1024;

/// The file system, for rules.
pub(crate) struct RuleFiles;

/// Reads a rule file and all that it includes.
pub(crate) fn load(path: &Path) -> anyhow::Result<seclang::Ruleset> {
    let name = path.display().to_string();
    Ok(seclang::load(
        &name,
        &RuleFiles,
        &seclang::Limits::default(),
    )?)
}

/// The one name of a file, so that an include of itself is seen: without `..`.
fn name_of(path: &Path) -> String {
    let climbs = path
        .components()
        .any(|part| part == std::path::Component::ParentDir);
    let canonical = climbs.then(|| path.canonicalize().ok()).flatten();
    canonical.as_deref().unwrap_or(path).display().to_string()
}

/// A name as the file in `from` may mean it: beside that file, or, as ModSecurity
/// has it too, in the folder in which the program was started.
fn meanings(name: &str, from: &str) -> [PathBuf; 2] {
    let beside = Path::new(from).parent().unwrap_or(Path::new("")).join(name);
    [beside, PathBuf::from(name)]
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let fault = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(fault)?;
    let mut bytes = Vec::new();
    file.take(BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(fault)?;
    if bytes.len() as u64 > BYTES {
        return Err(format!(
            "{} is larger than the {BYTES} bytes allowed",
            path.display()
        ));
    }
    Ok(bytes)
}

impl engine::Resources for RuleFiles {
    fn read(&self, name: &str, source: &str) -> Result<Vec<u8>, String> {
        let [beside, below] = meanings(name, source);
        match !beside.exists() && below.exists() {
            true => read(&below),
            false => read(&beside),
        }
    }
}

impl seclang::Files for RuleFiles {
    fn find(&self, pattern: &str, from: &str) -> Result<Vec<String>, String> {
        for path in meanings(pattern, from) {
            let found = found(pattern, &path)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
    fn read(&self, name: &str) -> Result<String, String> {
        String::from_utf8(read(Path::new(name))?).map_err(|error| {
            format!(
                "{name} is no UTF-8: byte {}",
                error.utf8_error().valid_up_to()
            )
        })
    }
}

/// The files that a pattern, put together to a path, means.
fn found(pattern: &str, path: &Path) -> Result<Vec<String>, String> {
    if !pattern.contains(['*', '?', '[']) {
        let found = path.exists().then(|| name_of(path));
        return Ok(found.into_iter().collect());
    }
    let mut found = vec![PathBuf::new()];
    for part in path.components() {
        let name = part.as_os_str().to_string_lossy();
        if !name.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|folder| folder.push(part));
            continue;
        }
        let mut next = Vec::new();
        for folder in &found {
            matching(folder, &name, &mut next)?;
        }
        found = next;
    }
    found.retain(|path| path.is_file());
    found.sort();
    Ok(found.iter().map(|path| name_of(path)).collect())
}

/// The entries of a folder whose names the pattern means.
fn matching(folder: &Path, pattern: &str, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let listed = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let Ok(entries) = std::fs::read_dir(listed) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        // As in a shell, `*` does not mean hidden files.
        let hidden = name.to_string_lossy().starts_with('.') && !pattern.starts_with('.');
        if hidden || !glob(pattern.as_bytes(), name.to_string_lossy().as_bytes()) {
            continue;
        }
        if found.len() == FOUND {
            return Err(format!("the pattern means more than {FOUND} files"));
        }
        found.push(folder.join(name));
    }
    Ok(())
}

/// `*`, `?` and `[a-z]`; linear in the product of both lengths.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_name < name.len() {
        let step = match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, in_name));
                at += 1;
                continue;
            }
            Some(b'?') => Some(1),
            Some(b'[') => class(pattern.get(at..).unwrap_or_default(), name.get(in_name)),
            Some(byte) => (Some(byte) == name.get(in_name)).then_some(1),
            None => None,
        };
        match (step, &mut star) {
            (Some(length), _) => {
                at += length;
                in_name += 1;
            }
            (None, Some((after, begun))) => {
                *begun += 1;
                (at, in_name) = (*after, *begun);
            }
            (None, None) => return false,
        }
    }
    pattern
        .get(at..)
        .unwrap_or_default()
        .iter()
        .all(|&byte| byte == b'*')
}

/// The length of a class that holds the byte.
fn class(pattern: &[u8], byte: Option<&u8>) -> Option<usize> {
    let end = pattern.iter().skip(1).position(|&byte| byte == b']')? + 1;
    let members = pattern.get(1..end)?;
    let (negated, members) = match members.split_first() {
        Some((b'!' | b'^', rest)) => (true, rest),
        _ => (false, members),
    };
    let byte = *byte?;
    let mut rest = members;
    let mut holds = false;
    while let [first, tail @ ..] = rest {
        rest = match tail {
            [b'-', last, tail @ ..] => {
                holds |= (*first..=*last).contains(&byte);
                tail
            }
            _ => {
                holds |= *first == byte;
                tail
            }
        };
    }
    (holds != negated).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seclang::Files;

    #[test]
    fn a_pattern_means_the_names_that_a_shell_would_give() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.example", false),
            ("REQUEST-9[01]?-*.conf", "REQUEST-901-INIT.conf", true),
            ("REQUEST-9[01]?-*.conf", "REQUEST-921-A.conf", false),
            ("[!a]b", "cb", true),
            ("[!a]b", "ab", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("**", "", true),
        ] {
            assert_eq!(
                glob(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn includes_are_relative_to_their_file_and_come_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "main.conf",
            "Include rules/*.conf\nIncludeOptional none/*.conf\n",
        );
        write("rules/b.conf", "SecMarker b\n");
        write("rules/a.conf", "SecMarker a\nInclude ../more.conf\n");
        write("rules/c.txt", "SecMarker c\n");
        write("more.conf", "SecMarker more\n");
        let rules = load(&folder.path().join("main.conf")).unwrap();
        let printed = seclang::print(&rules.directives);
        assert_eq!(
            printed,
            "SecMarker \"a\"\nSecMarker \"more\"\nSecMarker \"b\"\n"
        );
        write("more.conf", "Include rules/a.conf\n");
        let error = load(&folder.path().join("main.conf")).unwrap_err();
        assert!(error.to_string().contains("includes itself"), "{error}");
        let none = RuleFiles.find(
            "none.conf",
            &folder.path().join("main.conf").display().to_string(),
        );
        assert_eq!(none, Ok(Vec::new()));
    }
}
