//! Semantic Versioning 2.0, section 11. Ecosystems that write fewer or more than three numbers,
//! or a `v` before them, mean the same order by it.

use std::cmp::Ordering;

use semver::Prerelease;

use super::numbers;

pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (Parts::of(left)?, Parts::of(right)?);
    for place in 0..left.release.len().max(right.release.len()) {
        let left = left.release.get(place).copied().unwrap_or("0");
        let order = numbers(left, right.release.get(place).copied().unwrap_or("0"));
        if order.is_ne() {
            return Some(order);
        }
    }
    Some(left.before.cmp(&right.before))
}

struct Parts<'a> {
    release: Vec<&'a str>,
    before: Prerelease,
}

impl<'a> Parts<'a> {
    fn of(version: &'a str) -> Option<Self> {
        let version = version.strip_prefix(['v', 'V', '=']).unwrap_or(version);
        let (version, _build) = version.split_once('+').unwrap_or((version, ""));
        let (release, before) = match version.split_once('-') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (version, ""),
        };
        let release: Vec<&str> = release.split('.').collect();
        let number = |it: &&str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
        release.iter().all(number).then_some(Self {
            release,
            before: Prerelease::new(before).ok()?,
        })
    }
}
