//! Shells: other separators, words and spaces.

use super::super::catalogue::{Evasion, Group};
use super::super::fields::replaced;
use super::{has, texts};

const POSIX: &str = "POSIX shells";
const BASH: &str = "bash, zsh";
const CMD: &str = "cmd.exe";

pub(in super::super) const ALL: &[Evasion] = &[
    of("line feeds for separators", POSIX, |value| {
        separated(value, "\n")
    }),
    of("&& for separators", "POSIX shells, cmd.exe", |value| {
        separated(value, "&&")
    }),
    of("& for separators", "POSIX shells, cmd.exe", |value| {
        separated(value, "&")
    }),
    of("| for separators", "POSIX shells, cmd.exe", |value| {
        separated(value, "|")
    }),
    of("|| for separators", "POSIX shells, cmd.exe", |value| {
        separated(value, "||")
    }),
    of("semicolons for separators", POSIX, |value| {
        separated(value, ";")
    }),
    of("no space after separators", POSIX, |value| {
        texts(value, &[("; ", ";"), ("| ", "|"), ("& ", "&")])
    }),
    of("$() for backquotes", POSIX, |value| {
        let mut open = true;
        let mut result = Vec::new();
        for &byte in value {
            match byte {
                b'`' if open => result.extend_from_slice(b"$("),
                b'`' => result.push(b')'),
                other => result.push(other),
            }
            open ^= byte == b'`';
        }
        result
    }),
    of("backquotes for $()", POSIX, |value| {
        texts(value, &[("$(", "`"), (")", "`")])
    }),
    of("$IFS for spaces", POSIX, |value| {
        replaced(value, " ", "$IFS$9")
    }),
    of("${IFS} for spaces", POSIX, |value| {
        replaced(value, " ", "${IFS}")
    }),
    of("braces for spaces", BASH, |value| {
        commands(value, |command| match command.contains(&b' ') {
            true => [b"{", &*replaced(command, " ", ","), b"}"].concat(),
            false => command.to_vec(),
        })
    }),
    of("input for spaces", POSIX, |value| {
        replaced(value, " /", "</")
    }),
    of("single quotes within words", POSIX, |value| {
        named(value, |first, rest| [first, b"''", rest].concat())
    }),
    of(
        "double quotes within words",
        "POSIX shells, cmd.exe",
        |value| named(value, |first, rest| [first, b"\"\"", rest].concat()),
    ),
    of("backslashes within words", POSIX, |value| {
        named(value, |first, rest| [first, b"\\", rest].concat())
    }),
    of("empty variables within words", BASH, |value| {
        named(value, |first, rest| [first, b"$@", rest].concat())
    }),
    of("carets within words", CMD, |value| {
        named(value, |first, rest| [first, b"^", rest].concat())
    }),
    of("words in quotes", POSIX, |value| {
        named(value, |first, rest| [b"'", first, rest, b"'"].concat())
    }),
    of("words as hexadecimal escapes", BASH, |value| {
        named(value, |first, rest| {
            let word = [first, rest].concat();
            let escaped: String = word.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            format!("$'{escaped}'").into_bytes()
        })
    }),
    of("commands by their path", "systems with /usr/bin", |value| {
        named(value, |first, rest| [b"/usr/bin/", first, rest].concat())
    }),
    of("commands by a pattern", "systems with /usr/bin", |value| {
        named(value, |first, rest| {
            let hidden = vec![b'?'; rest.len()];
            [b"/usr/b?n/", first, &hidden].concat()
        })
    }),
    of("an assignment before commands", POSIX, |value| {
        named(value, |first, rest| [b"a=b ", first, rest].concat())
    }),
    of("a name that runs commands", "systems with env", |value| {
        named(value, |first, rest| [b"env ", first, rest].concat())
    }),
    of("patterns in file names", POSIX, |value| {
        texts(value, &[("/etc/passwd", "/e?c/p?ss*"), ("/etc/", "/e*c/")])
    }),
    of("quotes in file names", POSIX, |value| {
        replaced(value, "/etc/", "/e'tc'/")
    }),
    of("a comment at the end", POSIX, |value| {
        [value, b" #"].concat()
    }),
];

const fn of(name: &'static str, reader: &'static str, change: fn(&[u8]) -> Vec<u8>) -> Evasion {
    Evasion::value(Group::Shell, name, reader, concerns, change)
}

/// A separator with a command after it.
fn concerns(value: &[u8]) -> bool {
    let starts = starts(value);
    starts.iter().any(|&at| at > 0) || has(value, &["/bin/", "cmd.exe", "powershell"])
}

/// Where commands begin: at the start, and after what separates them.
fn starts(value: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut open = true;
    for (at, &byte) in value.iter().enumerate() {
        match byte {
            b';' | b'|' | b'&' | b'\n' | b'`' => open = true,
            b'(' if value.get(..at).is_some_and(|before| before.ends_with(b"$")) => open = true,
            b' ' | b'\t' => {}
            _ if open && (byte.is_ascii_alphabetic() || byte == b'/') => {
                starts.push(at);
                open = false;
            }
            _ => open = false,
        }
    }
    starts
}

/// The first separator before a command becomes another.
fn separated(value: &[u8], separator: &str) -> Vec<u8> {
    let Some(&start) = starts(value).iter().find(|&&at| at > 0) else {
        return value.to_vec();
    };
    let (before, command) = value.split_at(start);
    let blank = |byte: &u8| !b";|& \n".contains(byte);
    match before.iter().rposition(blank).map(|at| at + 1).unwrap_or(0) {
        // Backquotes and $( are no separators.
        end if end == before.len() => value.to_vec(),
        end => [
            before.get(..end).unwrap_or_default(),
            separator.as_bytes(),
            command,
        ]
        .concat(),
    }
}

/// Every command, up to the next separator, written otherwise.
fn commands(value: &[u8], write: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut result = Vec::new();
    let mut done = 0;
    for start in starts(value).into_iter().filter(|&at| at > 0) {
        let rest = value.get(start..).unwrap_or_default();
        let ends = |byte: &u8| b";|&\n`)\"'".contains(byte);
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        result.extend_from_slice(value.get(done..start).unwrap_or_default());
        result.extend(write(rest.get(..length).unwrap_or_default()));
        done = start + length;
    }
    result.extend_from_slice(value.get(done..).unwrap_or_default());
    result
}

/// The name of every command written otherwise: its first letter and the others.
fn named(value: &[u8], write: impl Fn(&[u8], &[u8]) -> Vec<u8>) -> Vec<u8> {
    commands(value, |command| {
        let length = command
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let (name, rest) = command.split_at(length);
        match name.split_at_checked(1) {
            Some((first, others)) if !others.is_empty() => {
                [write(first, others), rest.to_vec()].concat()
            }
            _ => command.to_vec(),
        }
    })
}
