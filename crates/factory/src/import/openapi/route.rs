//! Paths with parameters in them.

use std::collections::BTreeMap;

use super::shape::{Field, Shape};

/// A path template.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Route {
    /// As it is written.
    pub(super) template: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq)]
struct Segment {
    /// Of the whole segment.
    pattern: String,
    sample: String,
    /// Whether it is the same in every path.
    literal: bool,
}

impl Route {
    /// A template and what its parameters are like.
    pub(super) fn of(template: &str, parameters: &BTreeMap<String, Field>) -> Self {
        let segments = template.split('/').skip(1);
        Self {
            template: template.to_owned(),
            segments: segments.map(|text| Segment::of(text, parameters)).collect(),
        }
    }

    /// The whole path behind the base, as an expression.
    pub(super) fn pattern(&self) -> String {
        let segments = self.segments.iter();
        segments
            .map(|segment| format!("/{}", segment.pattern))
            .collect()
    }

    /// A path that is meant.
    pub(super) fn sample(&self) -> String {
        let segments = self.segments.iter();
        segments
            .map(|segment| match segment.literal {
                true => format!("/{}", segment.sample),
                false => format!("/{}", patch::percent_encoded(segment.sample.as_bytes())),
            })
            .collect()
    }

    /// Whether a path may lead to both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.segments.len() == other.segments.len() && all_meet(&self.segments, &other.segments)
    }

    /// Whether its paths are those of the other with more at their end that servers may drop: a
    /// slash, the format of an answer, what follows the name of a script.
    pub(super) fn extends(&self, other: &Self) -> bool {
        let split = self.segments.split_at_checked(other.segments.len());
        let (Some((same, behind)), Some((last, folders))) = (split, other.segments.split_last())
        else {
            return false;
        };
        let Some((here, before)) = same.split_last() else {
            return false;
        };
        if !all_meet(before, folders) {
            return false;
        }
        let slashes = behind.iter().all(|segment| segment.sample.is_empty());
        match here.meets(last) {
            true => !behind.is_empty() && (slashes || last.sample.contains('.')),
            false => slashes && here.is_format_of(last),
        }
    }

    /// Whether it has fewer parameters, and so comes first where a path leads to both.
    pub(super) fn is_closer_than(&self, other: &Self) -> bool {
        let literals = |route: &Self| {
            route
                .segments
                .iter()
                .filter(|segment| segment.literal)
                .count()
        };
        literals(self) > literals(other)
    }
}

fn all_meet(these: &[Segment], those: &[Segment]) -> bool {
    these.iter().zip(those).all(|(one, other)| one.meets(other))
}

impl Segment {
    fn meets(&self, other: &Self) -> bool {
        (!other.literal || self.is(&other.sample)) && (!self.literal || other.is(&self.sample))
    }

    /// Whether it is the other, a dot, and more.
    fn is_format_of(&self, other: &Self) -> bool {
        self.sample.rsplit_once('.').is_some_and(|(name, format)| {
            other.is(name) || self.is(&format!("{}.{format}", other.sample))
        })
    }

    /// Whether a text may stand for it.
    fn is(&self, text: &str) -> bool {
        match self.literal {
            true => self.sample == text,
            false => matches(&self.pattern, text),
        }
    }

    fn of(text: &str, parameters: &BTreeMap<String, Field>) -> Self {
        let mut found = Self {
            pattern: String::new(),
            sample: String::new(),
            literal: !text.contains('{'),
        };
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').unwrap_or((behind, ""));
            found.pattern.push_str(&regex::escape(before));
            found.sample.push_str(before);
            let (pattern, sample) = parameter(parameters.get(name));
            found.pattern.push_str(&pattern);
            found.sample.push_str(&sample);
            rest = after;
        }
        found.pattern.push_str(&regex::escape(rest));
        found.sample.push_str(rest);
        found
    }
}

/// What a parameter may be within a segment, and one such text.
fn parameter(field: Option<&Field>) -> (String, String) {
    let any = || ("[^/]+".to_owned(), "item-1".to_owned());
    let Some(Field {
        shape: Shape::Leaf(texts),
        ..
    }) = field
    else {
        return any();
    };
    let sample = texts
        .first()
        .map_or_else(String::new, |text| text.sample.clone());
    let expressions: Option<Vec<String>> = texts.iter().map(|text| text.expression()).collect();
    match expressions {
        Some(all) if !sample.is_empty() => {
            // A segment is a whole text here, so anchors mean nothing.
            let all: Vec<&str> = all
                .iter()
                .map(|one| one.trim_start_matches('^').trim_end_matches('$'))
                .collect();
            (format!("(?:{})", all.join("|")), sample)
        }
        _ if sample.is_empty() => any(),
        _ => ("[^/]+".to_owned(), sample),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let whole = format!("\\A(?:{pattern})\\z");
    let built = regex::bytes::RegexBuilder::new(&whole)
        .unicode(false)
        .build();
    built.is_ok_and(|regex| regex.is_match(text.as_bytes()))
}
