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
        let fits =
            |one: &Segment, other: &Segment| !other.literal || matches(&one.pattern, &other.sample);
        self.segments.len() == other.segments.len()
            && self
                .segments
                .iter()
                .zip(&other.segments)
                .all(|(one, other)| fits(one, other) && fits(other, one))
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

impl Segment {
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
