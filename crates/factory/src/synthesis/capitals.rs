//! Paths that mean the same in capitals to the application, and not to what guards it (CWE-178).

use patch::document::{Condition, Decode, Place, PlaceKind, Rule};

use super::classes::Hints;
use super::endpoint::is_unknown;
use super::parts::{self, Part};
use super::structure::{self, Found};
use crate::Step;

/// Improper handling of case sensitivity.
const CASE: u32 = 178;

/// Longer segments are no names; the expression grows with the square of it.
const LETTERS: usize = 64;

/// Stops capitals in what is known of the path. Folders in front of it and parameters are of
/// others, and may have some.
pub(super) fn of(step: &Step, hints: &Hints, parts: &[Part], found: &mut Vec<Found>) {
    let path = parts::path(&step.request.target);
    let path_text = String::from_utf8_lossy(path);
    let names = path_text
        .split('/')
        .map(|segment| segment.split(';').next().unwrap_or_default())
        .filter(|name| !name.is_empty());
    let capital = |name: &&str| name.bytes().any(|byte| byte.is_ascii_uppercase());
    // Of several nobody could tell which is always written so.
    let [written] = names.clone().filter(capital).collect::<Vec<_>>()[..] else {
        return;
    };
    let is_name =
        |name: &&str| name.is_ascii() && name.len() <= LETTERS && !is_unknown(name, &step.unknowns);
    if path.contains(&b'%') || !hints.any(&[CASE], &[]) || !is_name(&written) {
        return;
    }
    let otherwise: Vec<String> = names.filter(is_name).flat_map(otherwise).collect();
    let place = Place {
        kind: PlaceKind::Path,
        member: None,
    };
    let condition = Condition::Regex(format!(
        r"[/\\](?:{})(?:[^A-Za-z0-9_-]|\z)",
        otherwise.join("|")
    ));
    let mut made = structure::candidate(step, parts, vec![place], condition);
    if let Rule::Deny(deny) = &mut made.rule {
        deny.decode = Some(vec![Decode::Url, Decode::Url]);
    }
    let mut twin = step.request.clone();
    if let Some(written) = twin.target.get_mut(..path.len()) {
        written.make_ascii_lowercase();
    }
    found.push(Found {
        candidate: made,
        effect: None,
        twins: vec![twin],
        tier: 0,
        why: "the path passes in small letters alone".to_owned(),
    });
}

/// All spellings of a name with a capital, by where the first is.
fn otherwise(name: &str) -> Vec<String> {
    let small = name.to_ascii_lowercase();
    small
        .char_indices()
        .filter(|(_, letter)| letter.is_ascii_lowercase())
        .filter_map(|(at, letter)| {
            let (before, behind) = (small.get(..at)?, small.get(at + 1..)?);
            let behind = match behind {
                "" => String::new(),
                behind => format!("(?i:{})", regex::escape(behind)),
            };
            let first = letter.to_ascii_uppercase();
            Some(format!("{}{first}{behind}", regex::escape(before)))
        })
        .collect()
}
