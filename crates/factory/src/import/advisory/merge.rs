//! What a record knows, written into a patch; everything else of the patch stays as it is,
//! comments included.

use patch::Source;
use patch::document::{Severity, Vulnerability};
use serde_json::Value;

use super::{Record, add, records};

/// The text of a patch with what the record of its vulnerability knows. `kev` is the name
/// and the text of CISA's catalogue of known exploited vulnerabilities.
///
/// # Errors
/// A patch or a record that cannot be read, or a record of something else.
pub fn merge(
    (name, patch): (&str, &str),
    (record_name, record): (&str, &str),
    kev: Option<(&str, &str)>,
) -> Result<String, String> {
    let document = Source::parse(name, patch)
        .map_err(|problem| problem.to_string())?
        .document;
    let records = records(record, record_name)?;
    let known: Vec<&str> = std::iter::once(document.id.as_str())
        .chain(document.vulnerability.aliases.iter().map(String::as_str))
        .collect();
    let record = matching(records, &known, name, record_name)?;
    let mut about = document.vulnerability.clone();
    for id in record.ids.iter().filter(|id| **id != document.id.value) {
        add(&mut about.aliases, id);
    }
    for (known, more) in [
        (&mut about.cwe, &record.cwe),
        (&mut about.affects, &record.affects),
        (&mut about.references, &record.references),
    ] {
        more.iter().for_each(|text| add(known, text));
    }
    about.fixed_in = record.fixed_in.clone().or(about.fixed_in);
    let listed = match kev {
        Some(kev) => is_listed(kev, &record.ids)?,
        None => false,
    };
    about.known_exploited |= record.known_exploited || listed;
    let text = written(patch, &about, record.severity)?;
    let read = Source::parse(name, &text)
        .map_err(|problem| problem.to_string())?
        .document;
    let mut expected = document;
    expected.severity = record.severity.unwrap_or(expected.severity);
    expected.vulnerability = about;
    match read == expected {
        true => Ok(text),
        false => Err(format!(
            "{name}: `vulnerability` and `severity` cannot be replaced as it is written; write each field on a line of its own"
        )),
    }
}

/// The record of the patch's vulnerability. Where the patch has no number yet, the only one.
fn matching(
    mut records: Vec<Record>,
    known: &[&str],
    name: &str,
    record_name: &str,
) -> Result<Record, String> {
    let same = |record: &Record| record.ids.iter().any(|id| known.contains(&id.as_str()));
    if let Some(at) = records.iter().position(same) {
        return Ok(records.swap_remove(at));
    }
    let numbered = known
        .iter()
        .any(|id| id.starts_with("CVE-") || id.starts_with("GHSA-"));
    let ids: Vec<String> = records
        .iter()
        .flat_map(|record| record.ids.clone())
        .collect();
    match records.pop() {
        Some(only) if records.is_empty() && !numbered => Ok(only),
        _ => Err(format!(
            "{record_name}: it tells of {}, {name} of {}",
            ids.join(", "),
            known.join(", ")
        )),
    }
}

fn is_listed((name, text): (&str, &str), ids: &[String]) -> Result<bool, String> {
    let catalogue: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| format!("{name}:{}: this is no catalogue: {error}", error.line()))?;
    let listed = catalogue
        .get("vulnerabilities")
        .and_then(Value::as_array)
        .ok_or_else(|| format!("{name}: this is no catalogue: it has no `vulnerabilities`"))?;
    let mut numbers = listed
        .iter()
        .filter_map(|entry| entry.get("cveID")?.as_str());
    Ok(numbers.any(|number| ids.iter().any(|id| id == number)))
}

/// The two fields replaced, line by line.
fn written(
    patch: &str,
    about: &Vulnerability,
    severity: Option<Severity>,
) -> Result<String, String> {
    let yaml = serde_saphyr::to_string(about).map_err(|error| error.to_string())?;
    let mut block = "vulnerability:\n".to_owned();
    for line in yaml.lines() {
        block.push_str(&format!("  {line}\n"));
    }
    let mut text = String::new();
    let mut within = false;
    for line in patch.split_inclusive('\n') {
        let top = line
            .starts_with(|letter: char| !letter.is_whitespace() && letter != '#' && letter != '-');
        within &= !top;
        if line.starts_with("vulnerability:") {
            within = true;
        } else if let (true, Some(severity)) = (line.starts_with("severity:"), severity) {
            let word = serde_saphyr::to_string(&severity).map_err(|error| error.to_string())?;
            text.push_str(&format!("severity: {}\n{block}", word.trim()));
        } else if line.starts_with("severity:") {
            text.push_str(line);
            text.push_str(&block);
        } else if !within || line.starts_with('#') {
            text.push_str(line);
        }
    }
    Ok(text)
}
