//! Zones of DNS as master files (RFC 1035, section 5): which names lead to which addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::{Found, Limits, Problem, Source, address, at, hosts};

/// Aliases that lead to aliases.
const ALIASES: usize = 16;

/// What a name leads to.
#[derive(Default)]
struct Name {
    addresses: Vec<String>,
    alias: Option<String>,
}

pub(crate) fn read(sources: &[Source<'_>], limits: &Limits) -> Result<Found, Problem> {
    let mut names: BTreeMap<String, Name> = BTreeMap::new();
    let mut notes = Vec::new();
    for source in sources {
        zone(source, limits, &mut names, &mut notes)?;
    }
    let resolved = names.iter().map(|(host, name)| {
        let (mut name, mut last) = (name, host);
        for _ in 0..ALIASES {
            match &name.alias {
                Some(alias) => {
                    last = alias;
                    match names.get(alias) {
                        Some(next) => name = next,
                        // It leads out of these zones.
                        None => return (host.clone(), vec![last.clone()]),
                    }
                }
                None => return (host.clone(), name.addresses.clone()),
            }
        }
        notes.push(format!("{host}: its aliases lead in a circle, or too far"));
        (host.clone(), vec![last.clone()])
    });
    let mut found = hosts::of_names(resolved.collect());
    found.notes = notes;
    Ok(found)
}

fn zone(
    source: &Source<'_>,
    limits: &Limits,
    names: &mut BTreeMap<String, Name>,
    notes: &mut Vec<String>,
) -> Result<(), Problem> {
    let (mut origin, mut owner) = (String::new(), None);
    for entry in entries(source)? {
        let wrong = |why: String| Problem(at(source, entry.line, why));
        let mut words = entry.words.iter().map(String::as_str);
        let mut first = words.next();
        match first {
            Some("$ORIGIN") => {
                let name = words.next();
                let name = name.ok_or_else(|| wrong("$ORIGIN names no domain".to_owned()))?;
                origin = absolute(name, &origin);
                if !origin.is_empty() && !address::is_host(&origin) {
                    return Err(wrong("$ORIGIN is no domain".to_owned()));
                }
                continue;
            }
            Some("$TTL") => continue,
            Some(directive) if directive.starts_with('$') => {
                let why = format!("{directive} is not followed: name the file too");
                notes.push(at(source, entry.line, why));
                continue;
            }
            _ => {}
        }
        if !entry.begins_blank {
            owner = first.map(|name| absolute(name, &origin));
            first = words.next();
        }
        // Time to live and class, in either order.
        while let Some(word) = first {
            let is_time = word
                .bytes()
                .next()
                .is_some_and(|byte| byte.is_ascii_digit());
            if !is_time && !["IN", "CH", "HS"].contains(&word.to_ascii_uppercase().as_str()) {
                break;
            }
            first = words.next();
        }
        let kind = first.unwrap_or_default().to_ascii_uppercase();
        if kind.is_empty() {
            return Err(wrong("a record needs a type, such as A".to_owned()));
        }
        if !matches!(kind.as_str(), "A" | "AAAA" | "CNAME") {
            continue;
        }
        let owner = owner.clone().ok_or_else(|| {
            wrong("the first record names no owner: begin with a name or `@`".to_owned())
        })?;
        if !address::is_host(&owner) {
            return Err(wrong(format!("`{}` is no host", owner.escape_debug())));
        }
        let value = words
            .next()
            .ok_or_else(|| wrong(format!("{kind} says nothing: add where {owner} leads")))?;
        let name = names.entry(owner).or_default();
        if kind == "CNAME" {
            let alias = absolute(value, &origin);
            if !address::is_host(&alias) {
                return Err(wrong(format!("`{}` is no host", alias.escape_debug())));
            }
            name.alias = Some(alias);
        } else {
            let address: IpAddr = value
                .parse()
                .map_err(|_| wrong(format!("`{}` is no IP address", value.escape_debug())))?;
            name.addresses.push(address.to_string());
        }
        limits.within("hosts", names.len(), limits.paths)?;
    }
    Ok(())
}

/// A name as it is without a zone.
fn absolute(name: &str, origin: &str) -> String {
    let whole = match name {
        "@" => origin.to_owned(),
        _ if name.ends_with('.') || origin.is_empty() => name.to_owned(),
        _ => format!("{name}.{origin}"),
    };
    address::plain(&whole)
}

/// A record or directive: one line, or several in parentheses.
struct Entry {
    line: usize,
    begins_blank: bool,
    words: Vec<String>,
}

fn entries(source: &Source<'_>) -> Result<Vec<Entry>, Problem> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut open: Option<usize> = None;
    for (line, text) in (1..).zip(source.text.lines()) {
        if open.is_none() {
            entries.push(Entry {
                line,
                begins_blank: text.starts_with([' ', '\t']),
                words: Vec::new(),
            });
        }
        let Some(entry) = entries.last_mut() else {
            continue;
        };
        let (mut word, mut quoted) = (String::new(), false);
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => quoted = !quoted,
                '\\' => word.extend(letters.next()),
                _ if quoted => word.push(letter),
                ';' => break,
                '(' | ')' | ' ' | '\t' => {
                    if !word.is_empty() {
                        entry.words.push(std::mem::take(&mut word));
                    }
                    match letter {
                        '(' => open = Some(line),
                        ')' => open = None,
                        _ => {}
                    }
                }
                _ => word.push(letter),
            }
        }
        if !word.is_empty() {
            entry.words.push(word);
        }
    }
    if let Some(line) = open {
        return Err(Problem(at(source, line, "`(` is never closed")));
    }
    entries.retain(|entry| !entry.words.is_empty());
    Ok(entries)
}
