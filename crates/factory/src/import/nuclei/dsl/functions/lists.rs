//! Functions that give lists, or take them.

use super::{Function, MANY, VALUE_BYTES, Value, at, bytes, function, length, whole};

/// Items of one list at most.
const ITEMS: usize = 4096;

pub(super) const ALL: &[Function] = &[
    function(
        "split",
        "a list: cut at a text, into so many pieces at most, or into pieces of a length",
        2..=3,
        |a, _| split(a),
    ),
    function(
        "index",
        "one item of a list, or one character; the first is 0",
        2..=2,
        |a, _| {
            let number = length(a, 1)?;
            let items = items(a, 0);
            let item = match items.is_empty() {
                false => items.get(number).cloned(),
                true => at(a, 0).get(number).map(|byte| vec![*byte]),
            };
            item.map(Value::bytes)
                .ok_or_else(|| format!("there is no item {number}"))
        },
    ),
    function(
        "join",
        "its further arguments, or a list, with the first between them",
        1..=MANY,
        |a, _| {
            let joined = match a {
                [_, list] if !list.items.is_empty() => list.items.clone(),
                _ => a.iter().skip(1).map(|value| value.bytes.clone()).collect(),
            };
            let between = joined.len().saturating_mul(at(a, 0).len());
            let own: usize = joined.iter().map(Vec::len).sum();
            match own.saturating_add(between) > VALUE_BYTES {
                true => Err(format!("more than {VALUE_BYTES} bytes")),
                false => bytes(joined.join(at(a, 0))),
            }
        },
    ),
    function(
        "sort",
        "its characters in order, or a list of several",
        1..=MANY,
        |a, _| {
            if let [one] = a {
                let mut sorted = one.bytes.clone();
                sorted.sort_unstable();
                return bytes(sorted);
            }
            let mut items: Vec<Vec<u8>> = a.iter().map(|value| value.bytes.clone()).collect();
            items.sort();
            Ok(Value::list(items))
        },
    ),
    function(
        "uniq",
        "each character once, or a list of several",
        1..=MANY,
        |a, _| {
            if let [one] = a {
                return bytes(once(one.bytes.iter().copied()));
            }
            Ok(Value::list(once(a.iter().map(|value| value.bytes.clone()))))
        },
    ),
    function("len", "its length in bytes, or in items", 1..=1, |a, _| {
        let count = match items(a, 0).len() {
            0 => at(a, 0).len(),
            count => count,
        };
        Ok(Value::of_number(count as f64))
    }),
];

fn items(arguments: &[Value], number: usize) -> &[Vec<u8>] {
    arguments
        .get(number)
        .map_or(&[], |value| value.items.as_slice())
}

fn split(a: &[Value]) -> Result<Value, String> {
    let text = at(a, 0);
    let length = std::str::from_utf8(at(a, 1))
        .ok()
        .and_then(|text| text.trim().parse::<usize>().ok());
    let pieces: Vec<Vec<u8>> = match (length, a.len()) {
        (Some(0), 2) => return Err("pieces have a length".to_owned()),
        (Some(length), 2) => text.chunks(length).map(<[u8]>::to_vec).collect(),
        _ => {
            let most = if a.len() > 2 { whole(a, 2)? } else { -1 };
            let most = usize::try_from(most).unwrap_or(ITEMS);
            cut(text, at(a, 1), most)
        }
    };
    match pieces.len() > ITEMS {
        true => Err(format!("more than {ITEMS} items")),
        false => Ok(Value::list(pieces)),
    }
}

/// A text without the separator, in at most so many pieces.
fn cut(text: &[u8], separator: &[u8], most: usize) -> Vec<Vec<u8>> {
    if separator.is_empty() {
        return text.iter().map(|byte| vec![*byte]).collect();
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while pieces.len() + 1 < most {
        let found = rest
            .windows(separator.len())
            .position(|part| part == separator);
        let Some(found) = found else { break };
        let (piece, behind) = rest.split_at(found);
        pieces.push(piece.to_vec());
        rest = behind.get(separator.len()..).unwrap_or_default();
    }
    pieces.push(rest.to_vec());
    pieces
}

fn once<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}
