//! Classes of attacks: what detects them, and what descriptions call them.

use patch::document::{Condition, Traversal, UrlShape};

/// A class of attacks.
#[derive(Debug)]
pub(super) struct Class {
    /// What finds it.
    pub(super) condition: Condition,
    /// Numbers of the Common Weakness Enumeration.
    cwes: &'static [u32],
    /// Words by which descriptions hint at it.
    words: &'static [&'static str],
    /// Whether values of this class are harmless in most places, so that a hint is needed.
    pub(super) common: bool,
}

/// The most specific first.
pub(super) const ALL: &[Class] = &[
    class(Condition::Jndi, &[917, 502, 20], &["jndi", "log4j"], false),
    class(Condition::Xxe, &[611, 776], &["xxe"], false),
    class(
        Condition::Deserialization,
        &[502],
        &["deserialization"],
        false,
    ),
    class(
        Condition::PrototypePollution,
        &[1321, 913, 94],
        &["prototype-pollution"],
        false,
    ),
    class(
        Condition::NosqlOperators,
        &[943, 89, 75],
        &["nosql", "nosqli"],
        false,
    ),
    class(
        Condition::Traversal(Traversal::DotSegments),
        PATHS,
        FILES,
        false,
    ),
    class(Condition::HeaderInjection, &[93, 113], &["crlf"], false),
    class(Condition::Xss, &[79, 80, 116], &["xss"], false),
    class(Condition::SqlInjection, &[89], &["sqli"], false),
    class(
        Condition::CodeInjection,
        &[94, 95, 96, 434],
        &["rce", "code", "ssti", "fileupload"],
        false,
    ),
    class(
        Condition::CommandInjection,
        &[77, 78],
        &["rce", "cmdi", "injection"],
        false,
    ),
    class(
        Condition::ExpressionInjection,
        &[917, 94, 1336],
        &["ognl", "spel", "ssti"],
        false,
    ),
    class(
        Condition::TemplateInjection,
        &[1336, 94, 95],
        &["ssti"],
        false,
    ),
    class(
        Condition::LdapInjection,
        &[90, 943],
        &["ldap", "ldap-injection"],
        false,
    ),
    class(Condition::SensitiveFile, PATHS, FILES, false),
    class(
        Condition::Ssrf(UrlShape::Internal),
        &[918, 601, 22, 98],
        &["ssrf", "lfi"],
        false,
    ),
    class(
        Condition::Traversal(Traversal::Absolute),
        PATHS,
        FILES,
        true,
    ),
    class(
        Condition::Command,
        &[77, 78, 94, 20],
        &["rce", "cmdi"],
        true,
    ),
    class(Condition::Ssrf(UrlShape::OtherHost), URLS, LINKS, true),
    class(Condition::Ssrf(UrlShape::Host), URLS, LINKS, true),
];

/// Paths that servers read differently: where nothing else shows in an odd path.
pub(super) const CONFUSION: Class = class(
    Condition::PathConfusion,
    &[
        287, 288, 425, 22, 23, 601, 284, 285, 306, 178, 436, 552, 200, 918,
    ],
    &["auth-bypass", "redirect"],
    true,
);

const PATHS: &[u32] = &[22, 23, 24, 29, 35, 36, 73, 98, 200, 552, 538];
const FILES: &[&str] = &["lfi", "traversal", "lfr", "fileread"];
const URLS: &[u32] = &[918, 601, 98, 829, 441];
const LINKS: &[&str] = &["ssrf", "redirect", "rfi", "oast", "oob"];

const fn class(
    condition: Condition,
    cwes: &'static [u32],
    words: &'static [&'static str],
    common: bool,
) -> Class {
    Class {
        condition,
        cwes,
        words,
        common,
    }
}

impl Class {
    /// Whether values of this class are attacks wherever they stand.
    pub(super) fn is_unmistakable(&self) -> bool {
        matches!(
            self.condition,
            Condition::Jndi
                | Condition::Xxe
                | Condition::Deserialization
                | Condition::PrototypePollution
                | Condition::Traversal(Traversal::DotSegments)
        )
    }
}

/// What a description says of the class.
#[derive(Debug, Clone, Default)]
pub(super) struct Hints {
    cwes: Vec<u32>,
    words: Vec<String>,
}

impl Hints {
    pub(super) fn of(description: &crate::Description) -> Self {
        let numbers = description.vulnerability.cwe.iter();
        Self {
            cwes: numbers
                .filter_map(|cwe| cwe.trim_start_matches("CWE-").parse().ok())
                .collect(),
            words: description
                .hints
                .iter()
                .map(|word| word.to_ascii_lowercase())
                .collect(),
        }
    }

    /// Whether nothing is said.
    pub(super) fn silent(&self) -> bool {
        self.cwes.is_empty() && self.words.is_empty()
    }

    /// How strongly a class is meant: because it is nothing else, by its number, by a word, not
    /// at all.
    pub(super) fn weight(&self, class: &Class) -> u8 {
        let unmistakable = matches!(
            class.condition,
            Condition::Jndi | Condition::Xxe | Condition::Deserialization
        );
        if unmistakable {
            3
        } else if class.cwes.iter().any(|cwe| self.cwes.contains(cwe)) {
            2
        } else if class
            .words
            .iter()
            .any(|word| self.words.iter().any(|known| known == word))
        {
            1
        } else {
            0
        }
    }

    /// Whether one of these numbers or words is given.
    pub(super) fn any(&self, cwes: &[u32], words: &[&str]) -> bool {
        cwes.iter().any(|cwe| self.cwes.contains(cwe))
            || words
                .iter()
                .any(|word| self.words.iter().any(|known| known == word))
    }
}
