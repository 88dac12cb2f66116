//! What a rule asks of a value. One file an operator, one line in [`ALL`].

mod begins_with;
mod compare;
mod contains;
mod contains_word;
mod detect_pickle;
mod detect_sqli;
mod detect_xss;
mod ends_with;
mod geo_lookup;
mod ip_match;
mod no_match;
pub(crate) mod pcre;
mod pm;
mod refused;
mod regex;
mod rest_path;
mod rx;
mod rx_backtracking;
mod rx_global;
mod sqli_fold;
mod sqli_words;
mod streq;
mod strmatch;
mod unconditional_match;
mod validate_byte_range;
mod validate_encoding;
mod validate_nid;
mod verify;
mod within;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::need::Need;
pub use crate::places::Places;
pub(crate) use regex::{Apart, Expressions};
pub(crate) use rest_path::RestPath;

/// An operator as rules name it.
pub struct Spec {
    /// Without the `@`; names compare without regard to case.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What the argument is; empty if it takes none.
    pub argument: &'static str,
    /// An argument or a whole operator expression that shows its use.
    pub example: &'static str,
    /// How it is made.
    pub build: Build,
}

impl Spec {
    /// Whether the argument names files, relative to that of the rule.
    pub(crate) fn reads_files(&self) -> bool {
        matches!(
            self.name,
            "pmFromFile" | "pmf" | "ipMatchFromFile" | "ipMatchF"
        )
    }

    /// Whether the argument names a list of `SecDataset`.
    pub(crate) fn reads_datasets(&self) -> bool {
        matches!(self.name, "pmFromDataset" | "ipMatchFromDataset")
    }

    /// Whether `ARGS_PATH` tells the parts of what it matches.
    pub(crate) fn names_path_parts(&self) -> bool {
        self.name == rest_path::SPEC.name
    }

    /// Whether it asks the database of places, and `GEO` tells the answer.
    pub(crate) fn asks_places(&self) -> bool {
        self.name == geo_lookup::SPEC.name
    }
}

/// How an operator comes from its argument.
pub enum Build {
    /// A plain function of (argument, input). The argument may hold macros,
    /// which are expanded before the call.
    Plain(fn(&[u8], &[u8], &mut Hit) -> bool),
    /// As `Plain`; a value that matches contains the argument, ASCII case ignored.
    Containing(fn(&[u8], &[u8], &mut Hit) -> bool),
    /// Made once, when the plan is compiled, from an argument without macros.
    Compiled(fn(&Arguments<'_>) -> Result<Box<dyn Operator>, String>),
    /// Known, and not for this place; the text says why and what to use instead.
    Refused(&'static str),
}

/// What a compiled operator is made from.
pub struct Arguments<'a> {
    /// As written in the rule.
    pub text: &'a str,
    /// Bounds for regular expressions.
    pub limits: &'a crate::Limits,
    /// Reads the files that `@pmFromFile` and the like name.
    pub resources: &'a dyn Resources,
    /// The file in which the rule stands, for relative names.
    pub source: &'a str,
    /// The database that `SecGeoLookupDb` names.
    pub places: Option<&'a Arc<Places>>,
    /// The lists of `SecDataset`.
    pub datasets: Option<&'a Datasets>,
}

/// The lists of `SecDataset`, by name.
pub type Datasets = BTreeMap<String, Vec<String>>;

/// Reads the data files that rules name. The engine itself opens no file.
pub trait Resources {
    /// The bytes of the file that the rule in `source` names `name`; the error is for people.
    fn read(&self, name: &str, source: &str) -> Result<Vec<u8>, String>;
}

/// For rules that name no files.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoResources;

impl Resources for NoResources {
    fn read(&self, name: &str, _: &str) -> Result<Vec<u8>, String> {
        Err(format!(
            "no data files are at hand here, so {name:?} cannot be read"
        ))
    }
}

impl Arguments<'_> {
    /// The lines of the list that the argument names.
    fn dataset(&self) -> Result<&[String], String> {
        let name = self.text.trim();
        let lines = self
            .datasets
            .and_then(|lists| lists.get(name))
            .ok_or_else(|| {
                format!("there is no list `{name}`; write it with SecDataset before this rule")
            })?;
        Ok(lines)
    }

    /// The lines of the files that the argument names, as they stand, without
    /// line ends, empty lines and comments (`#`).
    fn lines(&self) -> Result<Vec<Vec<u8>>, String> {
        let mut lines = Vec::new();
        for name in self.text.split_ascii_whitespace() {
            let bytes = self.resources.read(name, self.source)?;
            lines.extend(
                bytes
                    .split(|&byte| byte == b'\n')
                    .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
                    .filter(|line| !matches!(line.trim_ascii_start(), [] | [b'#', ..]))
                    .map(<[u8]>::to_vec),
            );
        }
        Ok(lines)
    }
}

/// A compiled operator. It keeps no state between calls.
pub trait Operator: Send + Sync + std::fmt::Debug {
    /// Does the value match? Fills `hit` when it does.
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool;
    /// Whether the time it takes grows no faster than the value.
    fn is_linear(&self) -> bool {
        true
    }
    /// What values that match begin with, in lower case, if they hold no line end;
    /// and whether all that begin so match. None if that is not known.
    fn start(&self) -> Option<(&[u8], bool)> {
        None
    }
    /// Whether it may tell of groups besides the whole match.
    fn has_groups(&self) -> bool {
        true
    }
    /// What every matching value must hold; the planner skips the operator where it does not.
    fn need(&self) -> Need {
        Need::nothing()
    }
}

/// Where and how an operator matched; reused between calls.
#[derive(Debug, Clone)]
pub struct Hit {
    /// Whether groups are asked for; to find them takes longer.
    pub wants_groups: bool,
    /// Whether the span is asked for; if not, the answer alone counts.
    pub wants_span: bool,
    /// The bytes of the input that matched, where the operator can say.
    pub span: Option<Range<usize>>,
    /// Groups 0 to 9 as ranges of the input.
    pub captures: [Option<Range<usize>>; 10],
    /// What to capture where that is no part of the input, such as a fingerprint.
    pub text: Vec<u8>,
    /// The operator gave up at a limit, so that its answer proves nothing.
    pub exceeded: bool,
    pub(crate) apart: Apart,
}

impl Default for Hit {
    fn default() -> Self {
        Self {
            wants_groups: true,
            wants_span: true,
            span: None,
            captures: Default::default(),
            text: Vec::new(),
            exceeded: false,
            apart: None,
        }
    }
}

impl Hit {
    /// For a caller that asks whether, not where.
    pub(crate) fn unasked() -> Self {
        Self {
            wants_groups: false,
            wants_span: false,
            ..Self::default()
        }
    }

    /// Forgets the last match.
    pub fn clear(&mut self) {
        self.span = None;
        self.captures = Default::default();
        self.text.clear();
        self.exceeded = false;
    }
}

/// Every operator.
pub static ALL: &[Spec] = &[
    begins_with::SPEC,
    contains::SPEC,
    contains_word::SPEC,
    detect_pickle::SPEC,
    detect_sqli::SPEC,
    detect_xss::SPEC,
    ends_with::SPEC,
    compare::EQ,
    compare::GE,
    compare::GT,
    compare::LE,
    compare::LT,
    geo_lookup::SPEC,
    ip_match::SPEC,
    ip_match::FROM_FILE,
    ip_match::FROM_FILE_SHORT,
    ip_match::FROM_DATASET,
    no_match::SPEC,
    pm::SPEC,
    pm::FROM_FILE,
    pm::FROM_FILE_SHORT,
    pm::FROM_DATASET,
    rest_path::SPEC,
    rx::SPEC,
    rx_global::SPEC,
    streq::SPEC,
    strmatch::SPEC,
    unconditional_match::SPEC,
    validate_byte_range::SPEC,
    validate_encoding::URL,
    validate_encoding::UTF8,
    validate_nid::SPEC,
    verify::CC,
    verify::CPF,
    verify::SSN,
    verify::SVNR,
    within::SPEC,
    refused::VALIDATE_DTD,
    refused::VALIDATE_SCHEMA,
    refused::INSPECT_FILE,
    refused::FUZZY_HASH,
    refused::RBL,
    refused::GSB_LOOKUP,
    refused::RSUB,
    refused::VALIDATE_HASH,
];

/// The operator of that name, case ignored.
pub fn find(name: &str) -> Option<&'static Spec> {
    ALL.iter().find(|spec| spec.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Files;

    impl Resources for Files {
        fn read(&self, name: &str, _: &str) -> Result<Vec<u8>, String> {
            let text = match name {
                "words.data" => "# comment\n\n of its own\r\nsecond\n",
                "more.data" => "third",
                "empty.data" => "\n  # nothing\n",
                "networks.data" => "# ours\n192.0.2.0/24 # test\n\n2001:db8::1\r\n",
                _ => return Err(format!("{name} is not there")),
            };
            Ok(text.as_bytes().to_vec())
        }
    }

    fn build(name: &str, argument: &str) -> Result<Box<dyn Operator>, String> {
        let Build::Compiled(build) = &find(name).unwrap().build else {
            panic!("{name} is not compiled");
        };
        build(&Arguments {
            text: argument,
            limits: &crate::Limits::default(),
            resources: &Files,
            source: "test.conf",
            places: None,
            datasets: Some(&Datasets::from([
                (
                    "words".to_owned(),
                    vec!["of its own".to_owned(), "second".to_owned()],
                ),
                (
                    "networks".to_owned(),
                    vec!["192.0.2.0/24".to_owned(), "2001:db8::1".to_owned()],
                ),
            ])),
        })
    }

    /// What an operator says of an input.
    pub(super) fn operator(name: &str, argument: &str, input: &[u8]) -> (bool, Hit) {
        let mut hit = Hit::default();
        let found = match &find(name).unwrap().build {
            Build::Plain(function) | Build::Containing(function) => {
                function(argument.as_bytes(), input, &mut hit)
            }
            _ => build(name, argument).unwrap().matches(input, &mut hit),
        };
        (found, hit)
    }

    /// Why an argument is refused.
    pub(super) fn error(name: &str, argument: &str) -> String {
        build(name, argument).unwrap_err()
    }

    #[test]
    fn an_operator_is_listed_once_and_told_with_an_example() {
        for (at, spec) in ALL.iter().enumerate() {
            let known = ALL
                .iter()
                .position(|other| other.name.eq_ignore_ascii_case(spec.name));
            assert_eq!(known, Some(at), "{}", spec.name);
            if let Build::Refused(why) = spec.build {
                assert!(why.contains(';'), "{} says what to do instead", spec.name);
            } else {
                assert!(!spec.example.is_empty(), "{}", spec.name);
            }
        }
    }
}
