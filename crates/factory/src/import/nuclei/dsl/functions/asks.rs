//! Functions that answer `true` or `false`, or count.

use super::{Function, MANY, Value, at, bytes, expression, function};

pub(super) const ALL: &[Function] = &[
    function("contains", "whether it holds a text", 2..=2, |a, _| {
        answer(holds(at(a, 0), at(a, 1)))
    }),
    function(
        "contains_all",
        "whether it holds all of these texts",
        2..=MANY,
        |a, _| answer(a.iter().skip(1).all(|part| holds(at(a, 0), &part.bytes))),
    ),
    function(
        "contains_any",
        "whether it holds one of these texts",
        2..=MANY,
        |a, _| answer(a.iter().skip(1).any(|part| holds(at(a, 0), &part.bytes))),
    ),
    function(
        "starts_with",
        "whether it begins with one of these texts",
        2..=MANY,
        |a, _| {
            answer(
                a.iter()
                    .skip(1)
                    .any(|part| at(a, 0).starts_with(&part.bytes)),
            )
        },
    ),
    function(
        "ends_with",
        "whether it ends with one of these texts",
        2..=MANY,
        |a, _| answer(a.iter().skip(1).any(|part| at(a, 0).ends_with(&part.bytes))),
    ),
    function(
        "line_starts_with",
        "whether a line begins with one of these texts",
        2..=MANY,
        |a, _| {
            let mut lines = at(a, 0).split(|byte| *byte == b'\n');
            answer(lines.any(|line| a.iter().skip(1).any(|part| line.starts_with(&part.bytes))))
        },
    ),
    function(
        "line_ends_with",
        "whether a line ends with one of these texts",
        2..=MANY,
        |a, _| {
            let mut lines = at(a, 0).split(|byte| *byte == b'\n');
            answer(lines.any(|line| a.iter().skip(1).any(|part| line.ends_with(&part.bytes))))
        },
    ),
    function(
        "equals_any",
        "whether it is one of these texts",
        2..=MANY,
        |a, _| {
            let mut others = a.iter().skip(1);
            answer(others.any(|other| match other.items.is_empty() {
                true => other.bytes == at(a, 0),
                false => other.items.iter().any(|item| item == at(a, 0)),
            }))
        },
    ),
    function(
        "regex",
        "whether an expression matches in a text",
        2..=2,
        |a, _| answer(expression(at(a, 0))?.is_match(at(a, 1))),
    ),
    function(
        "regex_all",
        "whether all of these expressions match in a text",
        2..=MANY,
        |a, _| {
            for pattern in a.iter().skip(1) {
                if !expression(&pattern.bytes)?.is_match(at(a, 0)) {
                    return answer(false);
                }
            }
            answer(true)
        },
    ),
    function(
        "regex_any",
        "whether one of these expressions matches in a text",
        2..=MANY,
        |a, _| {
            for pattern in a.iter().skip(1) {
                if expression(&pattern.bytes)?.is_match(at(a, 0)) {
                    return answer(true);
                }
            }
            answer(false)
        },
    ),
    function("count", "how often it holds a text", 2..=2, |a, _| {
        let (text, part) = (at(a, 0), at(a, 1));
        let (mut count, mut from) = (0_u32, 0);
        while let Some(rest) = text.get(from..).filter(|_| !part.is_empty()) {
            let Some(found) = rest.windows(part.len()).position(|here| here == part) else {
                break;
            };
            count += 1;
            from += found + part.len();
        }
        Ok(Value::of_number(f64::from(count)))
    }),
];

fn answer(whether: bool) -> Result<Value, String> {
    bytes(whether.to_string())
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|here| here == part)
}
