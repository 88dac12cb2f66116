//! Conditions as a document says them: for those that mean the same there.

use patch::document::{Condition, Decode, Deny, Member, Place, PlaceKind, When};

use super::leaf::{Leaf, Test, Transform, Zone};

/// A deny for conditions that must hold together; none if one of them can only be said
/// in SecLang.
pub(super) fn deny(leaves: &[Leaf]) -> Option<Deny> {
    let mut whens = leaves
        .iter()
        .map(when)
        .collect::<Option<Vec<_>>>()?
        .into_iter();
    // A document's scope may have said everything.
    let first = whens.next().unwrap_or(When {
        places: vec![place(PlaceKind::Method, None)],
        decode: None,
        condition: Condition::Present,
    });
    Some(Deny {
        places: first.places,
        decode: first.decode,
        condition: first.condition,
        and: whens.collect(),
        status: None,
    })
}

fn when(leaf: &Leaf) -> Option<When> {
    if leaf.not || leaf.parser.is_some() {
        return None;
    }
    let places = places(leaf)?;
    if leaf.has(Transform::Count) {
        return counted(leaf, places);
    }
    if leaf.has(Transform::Length) {
        return long(leaf, places);
    }
    let folded = leaf.has(Transform::Lowercase) || leaf.has(Transform::Uppercase);
    let mut decode = Vec::new();
    for step in &leaf.transform {
        match step {
            // Said by the condition.
            Transform::Lowercase | Transform::Uppercase => {}
            Transform::Url => decode.push(Decode::Url),
            Transform::Base64 => decode.push(Decode::Base64),
            Transform::Hex => decode.push(Decode::Hex),
            Transform::Html | Transform::HtmlToo => decode.push(Decode::Html),
            Transform::Path | Transform::PathToo => decode.push(Decode::NormalizePath),
            Transform::Trim | Transform::Count | Transform::Length => return None,
        }
    }
    let text = regex_syntax::escape(&leaf.value);
    let condition = match (leaf.test, folded) {
        (Test::Contains, true) => Condition::Contains(leaf.value.clone()),
        (Test::Contains, false) => Condition::Regex(text),
        (Test::Equals, true) => Condition::Regex(format!("(?i)\\A{text}\\z")),
        (Test::Equals, false) => Condition::Equals(leaf.value.clone()),
        (Test::StartsWith, true) => Condition::Regex(format!("(?i)\\A{text}")),
        (Test::StartsWith, false) => Condition::StartsWith(leaf.value.clone()),
        (Test::EndsWith, true) => Condition::Regex(format!("(?i){text}\\z")),
        (Test::EndsWith, false) => Condition::EndsWith(leaf.value.clone()),
        // A document looks at every stage of decoding, and an expression that says what may
        // not be there (`[^a-z]`) may match before the last.
        (Test::Regex, _) if !decode.is_empty() => return None,
        (Test::Regex, true) => Condition::Regex(format!("(?i){}", leaf.value)),
        (Test::Regex, false) => Condition::Regex(leaf.value.clone()),
        _ => return None,
    };
    Some(When {
        places,
        decode: (!decode.is_empty()).then_some(decode),
        condition,
    })
}

fn counted(leaf: &Leaf, places: Vec<Place>) -> Option<When> {
    let number: usize = leaf.value.trim().parse().ok()?;
    let condition = match (leaf.test, number) {
        (Test::Equals | Test::Equal, 0) | (Test::Less, 1) | (Test::LessOrEqual, 0) => {
            Condition::Absent
        }
        (Test::GreaterOrEqual, 1) | (Test::Greater, 0) => Condition::Present,
        (Test::Greater, number) => Condition::MoreThan(number),
        (Test::GreaterOrEqual, number) => Condition::MoreThan(number - 1),
        _ => return None,
    };
    (leaf.transform.len() == 1).then_some(When {
        places,
        decode: None,
        condition,
    })
}

fn long(leaf: &Leaf, places: Vec<Place>) -> Option<When> {
    let number: usize = leaf.value.trim().parse().ok()?;
    let bytes = match leaf.test {
        Test::Greater => number,
        Test::GreaterOrEqual => number.checked_sub(1)?,
        _ => return None,
    };
    (leaf.transform.len() == 1).then_some(When {
        places,
        decode: None,
        condition: Condition::LongerThan(bytes),
    })
}

fn places(leaf: &Leaf) -> Option<Vec<Place>> {
    let mut places = Vec::new();
    for zone in &leaf.zones {
        if leaf.variables.is_empty() {
            places.extend(whole(*zone)?);
        }
        for variable in &leaf.variables {
            places.push(member(*zone, variable)?);
        }
    }
    Some(places)
}

/// What a zone without variables is called.
fn whole(zone: Zone) -> Option<Vec<Place>> {
    use PlaceKind as P;
    let kinds: &[PlaceKind] = match zone {
        Zone::Args => &[P::Query],
        Zone::ArgsNames => &[P::QueryNames],
        Zone::BodyArgs => &[P::Form, P::Json],
        Zone::Cookies => &[P::Cookie],
        Zone::CookiesNames => &[P::CookieNames],
        Zone::Files | Zone::FileNames => &[P::FileNames],
        Zone::Headers => &[P::Header],
        Zone::HeadersNames => &[P::HeaderNames],
        Zone::Method => &[P::Method],
        Zone::Uri => &[P::Path],
        Zone::UriFull => &[P::Uri],
        // A document's `body` is empty where a parser for XML or multipart took it.
        Zone::RawBody
        | Zone::BodyArgsNames
        | Zone::FilesNames
        | Zone::FilesTotalSize
        | Zone::Protocol => return None,
    };
    Some(kinds.iter().map(|kind| place(*kind, None)).collect())
}

fn member(zone: Zone, variable: &str) -> Option<Place> {
    let kind = match zone {
        Zone::Args => PlaceKind::Query,
        Zone::BodyArgs => PlaceKind::Form,
        Zone::Cookies => PlaceKind::Cookie,
        Zone::Headers => PlaceKind::Header,
        _ => return None,
    };
    let pattern = variable
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    if let Some(pattern) = pattern {
        return Some(place(kind, Some(Member::Pattern(pattern.to_owned()))));
    }
    match (zone, variable.strip_prefix("json.")) {
        (Zone::BodyArgs, Some(path)) => {
            Some(place(PlaceKind::Json, Some(Member::Name(path.to_owned()))))
        }
        _ => Some(place(kind, Some(Member::Name(variable.to_owned())))),
    }
}

fn place(kind: PlaceKind, member: Option<Member>) -> Place {
    Place { kind, member }
}
