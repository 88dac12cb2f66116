//! Operators that read lists from files: a patch is one document, so the lists become part of it.

use std::net::IpAddr;

use ::seclang::{DirectiveKind, Ruleset};

use crate::import::Beside;

/// Bytes of the lists of one file of rules.
const LISTS: usize = 64 * 1024;

/// The rules with each list in the place of its file's name.
///
/// # Errors
/// A list that cannot be read or is beyond the limit, with the line of its rule.
pub(super) fn inlined(
    ruleset: &Ruleset,
    text: &str,
    name: &str,
    beside: &Beside,
) -> Result<Option<String>, String> {
    let mut whole = None;
    let mut bytes = 0;
    // From the last on, so that places before stay where they are.
    for directive in ruleset.directives.iter().rev() {
        let DirectiveKind::Rule(rule) = &directive.kind else {
            continue;
        };
        let operator = &rule.operator;
        let addresses = match operator.name.to_ascii_lowercase().as_str() {
            "pmfromfile" | "pmf" => false,
            "ipmatchfromfile" | "ipmatchf" => true,
            _ => continue,
        };
        let line = ruleset.sources.locate(operator.span).line;
        let at = |why| format!("{name}:{line}: {why}");
        let mut entries = Vec::new();
        for file in operator.argument.split_whitespace() {
            let list = beside.text(file, name).map_err(at)?;
            bytes += list.len();
            if bytes > LISTS {
                return Err(at(format!(
                    "its lists are larger than the {LISTS} bytes that a patch may hold"
                )));
            }
            for (number, line) in list.lines().enumerate() {
                let entry = match addresses {
                    true => line.split('#').next().unwrap_or_default().trim(),
                    false => line.trim(),
                };
                if entry.is_empty() || entry.starts_with('#') {
                    continue;
                }
                if addresses && !is_network(entry) {
                    return Err(at(format!(
                        "{file}:{}: `{entry}` is no address or network; write one a line, such as 192.0.2.0/24",
                        number + 1
                    )));
                }
                entries.push(entry.to_owned());
            }
        }
        if entries.is_empty() {
            return Err(at(format!("its list `{}` is empty", operator.argument)));
        }
        let negated = if operator.negated { "!" } else { "" };
        let written = match addresses {
            true => format!("{negated}@ipMatch {}", entries.join(",")),
            false => format!("{negated}{}", phrases(&entries)),
        };
        let whole = whole.get_or_insert_with(|| text.to_owned());
        let place = operator.span.start as usize..operator.span.end as usize;
        if whole.get(place.clone()).is_some() {
            whole.replace_range(place, &written);
        }
    }
    Ok(whole)
}

fn is_network(entry: &str) -> bool {
    let (address, prefix) = entry.split_once('/').unwrap_or((entry, "0"));
    let bits = address.parse().map(|address| match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    });
    bits.is_ok_and(|bits| prefix.parse::<u8>().is_ok_and(|prefix| prefix <= bits))
}

/// `@pm` parts phrases at spaces and reads `|` as bytes in hexadecimal digits; what it cannot
/// hold is an expression that means the same.
fn phrases(entries: &[String]) -> String {
    let plain = |entry: &String| {
        let odd = |byte: u8| !byte.is_ascii_graphic() || b"|\"\\'%".contains(&byte);
        !entry.bytes().any(odd)
    };
    if entries.iter().all(plain) {
        return format!("@pm {}", entries.join(" "));
    }
    let escaped = |entry: &String| -> String {
        let bytes = entry
            .bytes()
            .map(|byte| match byte.is_ascii_alphanumeric() {
                true => char::from(byte).to_string(),
                false => format!("\\x{byte:02x}"),
            });
        bytes.collect()
    };
    let all: Vec<String> = entries.iter().map(escaped).collect();
    format!("@rx (?i)(?:{})", all.join("|"))
}
