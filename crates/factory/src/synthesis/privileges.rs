//! Accounts that give themselves more than they are meant to have, by a field that no form of
//! theirs has (CWE-915, CWE-269).

use patch::document::{Condition, PlaceKind};

use super::endpoint;
use super::parts::Part;
use super::structure::{self, Found};
use crate::Step;

/// Names of fields that say what an account may do, without `_` and `-`.
const FIELDS: &[&str] = &[
    "role",
    "roles",
    "roleid",
    "userrole",
    "isadmin",
    "admin",
    "isstaff",
    "issuperuser",
    "superuser",
    "isroot",
    "privilege",
    "privileges",
    "permission",
    "permissions",
    "usertype",
    "accounttype",
    "accesslevel",
    "authority",
    "authorities",
    "wpcapabilities",
];

/// Values that say it may do everything.
const MOST: &str = r"(?i)\A\s*\W*(?:role_)?(?:super_?)?(?:admin|administrator|adminuser|sysadmin|root|superuser|owner|true|yes|on|1)\W*\s*\z";

/// A field of a request that makes an account of its sender, or changes it.
pub(super) fn of(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    const OWN: &[&str] = &[
        "register",
        "registration",
        "signup",
        "sign-up",
        "sign_up",
        "join",
        "profile",
        "me",
        "account",
        "settings",
        "self",
    ];
    let path = String::from_utf8_lossy(super::parts::path(&step.request.target)).to_lowercase();
    // Where accounts of others are kept, who keeps them may give what they like.
    if !path.split(['/', '.']).any(|segment| OWN.contains(&segment)) {
        return;
    }
    let gives = |part: &&Part| {
        let name = part.name().unwrap_or_default();
        let last = name.trim_end_matches([']', '.', '*', '[']);
        let last = last.rsplit(['.', '[']).next().unwrap_or_default();
        let plain = last.to_ascii_lowercase().replace(['_', '-'], "");
        let body = matches!(part.place.kind, PlaceKind::Form | PlaceKind::Json);
        let value = String::from_utf8_lossy(&part.value);
        body && FIELDS.contains(&plain.as_str())
            && super::candidates::matches(MOST, &part.value)
            && !endpoint::is_unknown(&value, &step.unknowns)
    };
    let Some(part) = parts.iter().find(gives) else {
        return;
    };
    let place = structure::widely(part);
    let condition = Condition::Regex(MOST.to_owned());
    found.push(Found {
        candidate: structure::candidate(step, parts, vec![place], condition),
        effect: None,
        twins: vec![super::twins::replaced(&step.request, part, None, b"user")],
        tier: 0,
        why: "who asks for the rights of an administrator there is stopped".to_owned(),
    });
}
