//! What tells of assets and of vulnerabilities.

use std::cmp::Ordering;

use advisories::read::KINDS;
use advisories::version::SCHEMES;
use advisories::{Index, Limits};
use inventory::{Options, importers, merged};
use ledger::Software;

/// Assets that the ledger would keep, or why there are none, whichever kind it is taken for.
pub(crate) fn inventory(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let options = Options {
        limits: inventory::Limits {
            range_hosts: 100,
            ..inventory::Limits::default()
        },
        ..Options::default()
    };
    for importer in importers() {
        match importer.import(&text, "s", &options) {
            Ok(found) => {
                for one in found {
                    let asset = merged(None, &one, importer.kind, 0);
                    let kept = asset.check(&ledger::Limits::default());
                    assert!(kept.is_ok(), "the ledger would not keep it: {kept:?}");
                    let same = inventory::differences(
                        std::slice::from_ref(&asset),
                        std::slice::from_ref(&asset),
                    );
                    assert!(same.is_empty(), "an asset differs from itself: {same:?}");
                }
            }
            Err(why) => assert!(why.starts_with("s"), "a fault without its source: {why}"),
        }
    }
}

/// Advisories that can be looked up, or why there are none, whichever format it is taken for.
pub(crate) fn advisories(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let limits = Limits::default();
    for kind in KINDS {
        let Ok(told) = kind.read(&text, "s", &limits) else {
            continue;
        };
        let known: Vec<_> = told.news.iter().filter_map(|it| it.after(None)).collect();
        for (news, known) in told.news.iter().zip(&known) {
            assert!(news.after(Some(known)).is_some(), "what is known is lost");
        }
        let mut index = Index::new(&known, &limits);
        for affected in known.iter().flat_map(|advisory| &advisory.affected) {
            index.look_up(&Software {
                name: "s".to_owned(),
                version: "1.0".to_owned(),
                purl: Some(affected.what.clone()),
                ..Software::default()
            });
        }
    }
}

/// Of two versions, a line each: whichever is named first, the same is newer; each is as new as
/// itself.
pub(crate) fn versions(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (left, right) = text.split_once('\n').unwrap_or((&text, ""));
    let limits = Limits::default();
    for (name, scheme) in SCHEMES {
        let order = scheme.compare(left, right, &limits);
        let back = scheme.compare(right, left, &limits);
        assert_eq!(
            order,
            back.map(Ordering::reverse),
            "{name}: {left}, {right}"
        );
        if let Some(same) = scheme.compare(left, left, &limits) {
            assert_eq!(same, Ordering::Equal, "{name}: {left}");
        }
    }
}
