//! What lies beside an application's files and is none of them, such as `.git/` and `.env`.

use patch::document::{Condition, Paths, Place, PlaceKind, Rule};

use super::parts::Part;
use super::structure::{self, Found};
use super::{endpoint, parts};
use crate::Step;

/// Folders that are meant to be fetched: of RFC 8615, and those in which Azure, Netlify, Ghost and
/// Discord serve what belongs to an application.
const SERVED: &[&str] = &["well-known", "auth", "netlify", "ghost", "proxy"];

/// A path that begins or ends with one.
pub(super) fn of(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    let path = String::from_utf8_lossy(parts::path(&step.request.target)).into_owned();
    let known = |segment: &str| !endpoint::is_unknown(segment, &step.unknowns);
    let (Some((segment, end)), b"GET" | b"HEAD") = (first(&path, known), &*step.request.method)
    else {
        return;
    };
    // A folder, with all in it, or a file.
    let paths = match path.get(..end) {
        Some(folder) => Paths {
            prefix: vec![folder.to_owned()],
            ..Paths::default()
        },
        None => Paths {
            suffix: vec![format!("/{segment}")],
            ..Paths::default()
        },
    };
    let place = Place {
        kind: PlaceKind::Path,
        member: None,
    };
    let mut made = structure::candidate(step, parts, vec![place], Condition::Present);
    made.paths = paths;
    if let Rule::Deny(deny) = &mut made.rule {
        deny.and.clear();
    }
    let mut twin = step.request.clone();
    twin.target = b"/git/index.html".to_vec();
    found.push(Found {
        candidate: made,
        effect: None,
        twins: vec![twin],
        tier: 0,
        why: format!("`{segment}` is no part of an application: nobody is meant to fetch it"),
    });
}

/// Whether an address leads to one.
pub(crate) fn is_hidden(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    first(path, |_| true).is_some()
}

/// The first segment of a path that is one, and where the next begins.
fn first(path: &str, fits: impl Fn(&str) -> bool) -> Option<(&str, usize)> {
    let mut end = 0;
    let segment = path.split('/').find(|segment| {
        end += segment.len() + 1;
        let name = segment.strip_prefix('.').unwrap_or_default();
        name.len() > 2
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && !SERVED.contains(&name)
            && fits(segment)
    })?;
    Some((segment, end))
}
