//! Payload lists to combinations, as the attack mode says.

use std::rc::Rc;

use super::template::{Block, Texts};
use crate::import::Beside;

/// Values for names.
pub(super) type Combination<'t> = Vec<(&'t str, &'t str)>;

/// What payloads give.
pub(super) struct Combinations<'t> {
    /// One without values where there are no payloads.
    pub(super) combinations: Vec<Combination<'t>>,
    /// How many more there would be.
    pub(super) left_out: usize,
    /// Payloads that are not at hand, and why.
    pub(super) unread: Vec<(&'t str, &'t str)>,
}

/// Payloads of one name.
pub(super) struct Payload {
    name: String,
    /// The values, or why they are not at hand.
    values: Result<Vec<String>, String>,
}

/// The payloads of each block; those in a file beside the template are its lines.
pub(super) fn read(blocks: &[Block], name: &str, beside: &Beside) -> Vec<Vec<Payload>> {
    let read = |texts: &Texts| match texts.texts.as_slice() {
        values if is_here(texts) => Ok(values.to_vec()),
        [path] => {
            let text = beside.text(path.trim(), name)?;
            let lines = text.lines().filter(|line| !line.is_empty());
            Ok(lines.map(str::to_owned).collect())
        }
        _ => Err("no file is named".to_owned()),
    };
    let of_block = |block: &Block| {
        let payloads = block.payloads.0.iter();
        payloads
            .map(|(name, texts)| Payload {
                name: name.clone(),
                values: read(texts),
            })
            .collect()
    };
    blocks.iter().map(of_block).collect()
}

/// Whether they are in the template, not the name of a file.
fn is_here(texts: &Texts) -> bool {
    texts.listed || texts.texts.iter().any(|text| text.contains('\n'))
}

/// Every combination, up to a bound.
pub(super) fn combinations<'t>(
    payloads: &'t [Payload],
    of_flow: &'t [(String, Rc<Texts>)],
    attack: &str,
    bound: usize,
) -> Combinations<'t> {
    let of_flow = of_flow.iter().filter(|(_, texts)| is_here(texts));
    let lists: Vec<(&str, &[String])> = payloads
        .iter()
        .filter_map(|payload| Some((payload.name.as_str(), payload.values.as_deref().ok()?)))
        .chain(of_flow.map(|(name, texts)| (name.as_str(), texts.texts.as_slice())))
        .collect();
    let lengths = || lists.iter().map(|(_, values)| values.len().max(1));
    let total = match attack {
        "clusterbomb" => lengths().fold(1, usize::saturating_mul),
        _ => lengths().max().unwrap_or(1),
    };
    let one = |number: usize| -> Combination<'t> {
        let mut rest = number;
        lists
            .iter()
            .filter_map(|(name, values)| {
                let at = rest % values.len().max(1);
                // In step, lists that are shorter begin again, so that no value is left out.
                if attack == "clusterbomb" {
                    rest /= values.len().max(1);
                }
                Some((*name, values.get(at)?.as_str()))
            })
            .collect()
    };
    Combinations {
        combinations: (0..total.min(bound)).map(one).collect(),
        left_out: total.saturating_sub(bound),
        unread: payloads
            .iter()
            .filter_map(|payload| {
                Some((
                    payload.name.as_str(),
                    payload.values.as_ref().err()?.as_str(),
                ))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(name: &str, values: &[&str]) -> Payload {
        Payload {
            name: name.to_owned(),
            values: Ok(values.iter().map(|text| (*text).to_owned()).collect()),
        }
    }

    #[test]
    fn attack_modes_combine_as_the_scanner_does() {
        let payloads = [payload("a", &["1", "2", "3"]), payload("b", &["x", "y"])];
        let written = |attack: &str, bound| -> Vec<String> {
            let found = combinations(&payloads, &[], attack, bound).combinations;
            let word = |pairs: &Combination<'_>| pairs.iter().map(|(_, value)| *value).collect();
            found.iter().map(word).collect()
        };
        assert_eq!(written("pitchfork", 9), ["1x", "2y", "3x"]);
        let mut all = written("clusterbomb", 9);
        all.sort();
        assert_eq!(all, ["1x", "1y", "2x", "2y", "3x", "3y"]);
        assert_eq!(combinations(&payloads, &[], "clusterbomb", 4).left_out, 2);
    }

    #[test]
    fn without_payloads_there_is_one_combination() {
        assert_eq!(combinations(&[], &[], "", 9).combinations, [Vec::new()]);
        let file = [Payload {
            name: "words".to_owned(),
            values: Err("it is not there".to_owned()),
        }];
        let found = combinations(&file, &[], "", 9);
        assert_eq!(found.unread, [("words", "it is not there")]);
        assert_eq!(found.combinations, [Vec::new()]);
    }
}
