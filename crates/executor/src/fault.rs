//! What kind of fault it was, told from what programs say.

use campaign::{Class, Failure};

/// The most bytes of an excerpt.
const MAX_EXCERPT: usize = 4096;

/// What package managers, SSH and Ansible say, and what kind of fault that is. The first that fits counts.
const SAYINGS: &[(&str, Class)] = &[
    ("UNREACHABLE!", Class::Unreachable),
    ("Connection timed out", Class::Unreachable),
    ("Connection refused", Class::Unreachable),
    ("No route to host", Class::Unreachable),
    ("Permission denied", Class::Refused),
    ("Host key verification failed", Class::Refused),
    ("Missing sudo password", Class::Refused),
    ("Could not get lock", Class::Busy),
    ("Failed to lock", Class::Busy),
    ("is another process using it", Class::Busy),
    ("Is another process using the image", Class::Busy),
    ("No space left on device", Class::Space),
    ("don't have enough free space", Class::Space),
    // What excludes something comes before what is not there: who says why often names both.
    ("unmet dependencies", Class::Conflict),
    ("held broken packages", Class::Conflict),
    ("trying to overwrite", Class::Conflict),
    ("nothing provides", Class::Conflict),
    ("none of the providers can be installed", Class::Conflict),
    ("conflicting requests", Class::Conflict),
    ("conflicts with", Class::Conflict),
    ("cannot install both", Class::Conflict),
    ("no available installation candidate", Class::Source),
    ("has no installation candidate", Class::Source),
    ("Unable to locate package", Class::Source),
    ("No package matching", Class::Source),
    ("' was not found", Class::Source),
    ("Failed to fetch", Class::Source),
    ("Failed to update apt cache", Class::Source),
    ("NO_PUBKEY", Class::Source),
    ("Hash Sum mismatch", Class::Source),
    // As dnf and its module of Ansible say it.
    (
        "Failed to install some of the specified packages",
        Class::Source,
    ),
    ("Unable to find a match", Class::Source),
    ("Failed to download metadata", Class::Source),
    ("GPG check FAILED", Class::Source),
];

/// A fault of a kind, with the end of what was said.
pub(crate) fn of(class: Class, said: impl AsRef<str>) -> Failure {
    Failure {
        class,
        excerpt: excerpt(said.as_ref()),
    }
}

/// A fault whose kind what was said tells.
pub(crate) fn told(said: &str) -> Failure {
    let class = SAYINGS
        .iter()
        .find(|(saying, _)| said.contains(saying))
        .map_or(Class::Command, |(_, class)| *class);
    of(class, said)
}

/// The end of a text, at most so long.
pub(crate) fn excerpt(text: &str) -> String {
    let text = text.trim();
    let from = text.len().saturating_sub(MAX_EXCERPT);
    let from = (from..=text.len()).find(|&at| text.is_char_boundary(at));
    text.get(from.unwrap_or(0)..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{Class, told};

    #[derive(Deserialize)]
    struct Cases {
        case: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        said: String,
        class: Class,
    }

    #[test]
    fn what_package_managers_say_tells_the_kind_of_fault() {
        let cases: Cases = toml::from_str(include_str!("../testdata/faults.toml")).unwrap();
        for case in cases.case {
            assert_eq!(told(&case.said).class, case.class, "{}", case.name);
        }
    }
}
