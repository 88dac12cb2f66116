//! Payload lists to combinations, as the attack mode says.

use super::template::Texts;

/// Values for names.
pub(super) type Combination<'t> = Vec<(&'t str, &'t str)>;

/// Every combination, up to a bound; one without values where there are no payloads.
/// The flag says whether there were more.
pub(super) fn combinations<'t>(
    payloads: &'t [(String, Texts)],
    attack: &str,
    bound: usize,
) -> (Vec<Combination<'t>>, bool) {
    // A text that is no list names a file of the scanner's.
    let lists: Vec<(&str, &[String])> = payloads
        .iter()
        .filter(|(_, texts)| texts.listed || texts.texts.iter().any(|text| text.contains('\n')))
        .map(|(name, texts)| (name.as_str(), texts.texts.as_slice()))
        .collect();
    let longest = lists
        .iter()
        .map(|(_, values)| values.len())
        .max()
        .unwrap_or(0);
    if lists.is_empty() {
        return (vec![Vec::new()], false);
    }
    let total = match attack {
        "clusterbomb" => lists.iter().fold(1_usize, |total, (_, values)| {
            total.saturating_mul(values.len())
        }),
        _ => longest,
    };
    let one = |number: usize| -> Combination<'t> {
        let mut rest = number;
        lists
            .iter()
            .filter_map(|(name, values)| {
                let at = match attack {
                    "clusterbomb" => {
                        let at = rest % values.len().max(1);
                        rest /= values.len().max(1);
                        at
                    }
                    // In step; lists that are shorter begin again, so that none is left out.
                    _ => number % values.len().max(1),
                };
                Some((*name, values.get(at)?.as_str()))
            })
            .collect()
    };
    ((0..total.min(bound)).map(one).collect(), total > bound)
}
