//! The same request with a payload that harms nobody.

use std::sync::Arc;

use engine::Plan;
use patch::Request;

use super::slot::{Slot, Values};

/// What stands in a place ordinarily.
fn harmless(slot: &Slot, known: &[u8]) -> Vec<Vec<u8>> {
    let texts: &[&str] = match slot {
        Slot::Method => &["GET", "POST"],
        Slot::Path | Slot::Uri => return neighbours(known),
        Slot::FileName => &["report.pdf", "photo.jpg"],
        Slot::FileContent | Slot::Body => &["text", "a=1", "{}", "<item>text</item>"],
        Slot::Host | Slot::Protocol | Slot::BodyParser => &[],
        Slot::XmlExternal => &["item.dtd"],
        _ => &["1", "report", "example", "hello world", "true", "Ann"],
    };
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Something else in the same folder, then in those above.
fn neighbours(path: &[u8]) -> Vec<Vec<u8>> {
    let path = path.split(|&byte| byte == b'?').next().unwrap_or_default();
    let mut folders: Vec<&[u8]> = Vec::new();
    let mut rest = path;
    while let Some(at) = rest.iter().rposition(|&byte| byte == b'/') {
        folders.push(path.get(..=at).unwrap_or_default());
        rest = path.get(..at).unwrap_or_default();
    }
    let named = |folder: &[u8]| [folder, b"index.html"].concat();
    folders
        .iter()
        .map(|folder| named(folder))
        .chain([b"/index.html".to_vec()])
        .collect()
}

/// The nearest request that passes: with one value changed, or taken away, payloads before
/// paths and methods.
pub(super) fn of(values: &Values, plan: &Arc<Plan>) -> Option<Request> {
    let mut order: Vec<usize> = (0..values.given.len()).rev().collect();
    let last = |at: &usize| {
        let slot = values.given.get(*at).map(|(slot, _)| slot);
        u8::from(matches!(slot, Some(Slot::Path)))
            + 2 * u8::from(matches!(slot, Some(Slot::Method)))
    };
    order.sort_by_key(last);
    let passes = |values: &Values| {
        let request = values.request();
        let verdict = request.exchange("").inspect(plan);
        (verdict.decision.is_none() && verdict.matches.iter().all(|found| !found.disruptive))
            .then_some(request)
    };
    for at in order {
        let Some((slot, known)) = values.given.get(at) else {
            continue;
        };
        for value in harmless(slot, known) {
            let mut changed = values.clone();
            for (other, text) in &mut changed.given {
                if other == slot {
                    text.clone_from(&value);
                }
            }
            if let Some(request) = passes(&changed) {
                return Some(request);
            }
        }
        let mut without = values.clone();
        without.given.retain(|(other, _)| other != slot);
        if !matches!(slot, Slot::Path | Slot::Method)
            && let Some(request) = passes(&without)
        {
            return Some(request);
        }
    }
    // What is missed is given.
    for slot in &values.absent {
        let mut given = values.clone();
        given.absent.retain(|other| other != slot);
        given.given.push((slot.clone(), b"1".to_vec()));
        if let Some(request) = passes(&given) {
            return Some(request);
        }
    }
    // A page of the site that has nothing to do with it.
    let elsewhere = Values {
        given: vec![(Slot::Path, b"/index.html".to_vec())],
        absent: Vec::new(),
        kind: 0,
    };
    passes(&elsewhere)
}
