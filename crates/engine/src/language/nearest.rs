//! "Did you mean": the known name that is nearest to an unknown one.

/// The candidate with the least edit distance, if that is small enough to be a slip.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    candidates
        .map(|candidate| (distance(&name, &candidate.to_ascii_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 1 + name.len() / 4)
        .map(|(_, candidate)| candidate)
}

/// "unknown WHAT `name`", with the nearest known one.
pub(crate) fn unknown<'a>(
    what: &str,
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> String {
    match nearest(name, candidates) {
        Some(known) => format!("unknown {what} `{name}`; did you mean `{known}`?"),
        None => format!("unknown {what} `{name}`"),
    }
}

/// Levenshtein's edit distance, in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(b.bytes()) {
            let substituted = diagonal + usize::from(left != right);
            diagonal = *cell;
            before = substituted.min(before + 1).min(*cell + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_answered_and_nonsense_is_not() {
        let known = ["contains", "streq", "rx"];
        assert_eq!(nearest("contians", known.into_iter()), Some("contains"));
        assert_eq!(nearest("STREQ", known.into_iter()), Some("streq"));
        assert_eq!(nearest("geolookup", known.into_iter()), None);
    }
}
