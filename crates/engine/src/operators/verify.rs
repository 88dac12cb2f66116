//! `@verifyCC`, `@verifyCPF`, `@verifySSN`, `@verifySVNR`

use regex_automata::{Input, meta};

use super::regex::Regex;
use super::{Arguments, Build, Hit, Operator, Spec};
use crate::need::Need;

/// `@verifyCC`
pub(super) const CC: Spec = Spec {
    name: "verifyCC",
    summary: "the value holds a payment card number: the Luhn check of what the expression finds",
    argument: "a regular expression for candidates",
    example: "@verifyCC \\d{13,16}",
    build: Build::Compiled(|arguments| build(arguments, is_card)),
};

/// `@verifyCPF`
pub(super) const CPF: Spec = Spec {
    name: "verifyCPF",
    summary: "the value holds a Brazilian CPF number with right check digits",
    argument: "a regular expression for candidates",
    example: "@verifyCPF (?:\\d{3}\\.?){2}\\d{3}-?\\d{2}",
    build: Build::Compiled(|arguments| build(arguments, is_cpf)),
};

/// `@verifySSN`
pub(super) const SSN: Spec = Spec {
    name: "verifySSN",
    summary: "the value holds a US social security number that may have been issued",
    argument: "a regular expression for candidates",
    example: "@verifySSN \\d{3}-?\\d{2}-?\\d{4}",
    build: Build::Compiled(|arguments| build(arguments, is_ssn)),
};

/// `@verifySVNR`
pub(super) const SVNR: Spec = Spec {
    name: "verifySVNR",
    summary: "the value holds an Austrian social security number with a right check digit",
    argument: "a regular expression for candidates",
    example: "@verifySVNR \\d{4} ?\\d{6}",
    build: Build::Compiled(|arguments| build(arguments, is_svnr)),
};

/// How far a search looks on from where it begins. Candidates may overlap, so
/// it begins anew after each one's first byte; this keeps that linear.
const WINDOW: usize = 256;

#[derive(Debug)]
struct Verify {
    regex: Regex,
    /// Whether a candidate's check digits are right.
    is_valid: fn(&[u8]) -> bool,
}

pub(super) fn build(
    arguments: &Arguments<'_>,
    is_valid: fn(&[u8]) -> bool,
) -> Result<Box<dyn Operator>, String> {
    let regex = Regex::new(arguments)?;
    Ok(Box::new(Verify { regex, is_valid }))
}

impl Operator for Verify {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        self.regex
            .ask(hit, |regex, hit| find(regex, self.is_valid, input, hit))
    }

    fn need(&self) -> Need {
        self.regex.need()
    }
}

fn find(regex: &meta::Regex, is_valid: fn(&[u8]) -> bool, input: &[u8], hit: &mut Hit) -> bool {
    let mut at = 0;
    while at < input.len() {
        let end = input.len().min(at + WINDOW);
        at = match regex.find(Input::new(input).span(at..end)) {
            Some(found) => {
                if is_valid(input.get(found.range()).unwrap_or_default()) {
                    hit.span = Some(found.range());
                    return true;
                }
                found.start() + 1
            }
            None if end == input.len() => break,
            None => at + WINDOW / 2,
        };
    }
    false
}

/// The digits that a candidate holds, whatever else stands between them.
fn digits(candidate: &[u8]) -> Vec<u8> {
    let digits = candidate.iter().filter(|byte| byte.is_ascii_digit());
    digits.map(|byte| byte - b'0').collect()
}

/// Luhn's check.
fn is_card(candidate: &[u8]) -> bool {
    let digits = digits(candidate);
    let sum: usize = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, &digit)| match usize::from(digit) << (at % 2) {
            double @ 10.. => double - 9,
            digit => digit,
        })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

fn is_cpf(candidate: &[u8]) -> bool {
    let digits = digits(candidate);
    let Some(digits) = digits.first_chunk::<11>() else {
        return false;
    };
    let check = |count: usize| {
        let sum: usize = digits
            .iter()
            .take(count)
            .enumerate()
            .map(|(at, &digit)| usize::from(digit) * (count + 1 - at))
            .sum();
        match sum % 11 {
            0 | 1 => 0,
            rest => 11 - rest,
        }
    };
    let given = |at: usize| digits.get(at).copied().map_or(0, usize::from);
    !is_filler(digits) && check(9) == given(9) && check(10) == given(10)
}

pub(super) fn is_ssn(candidate: &[u8]) -> bool {
    let digits = digits(candidate);
    let &[a, b, c, d, e, f, g, h, i] = digits.as_slice() else {
        return false;
    };
    let number = |digits: &[u8]| {
        digits
            .iter()
            .fold(0, |all, &digit| all * 10 + u32::from(digit))
    };
    let area = number(&[a, b, c]);
    let fields = [area, number(&[d, e]), number(&[f, g, h, i])];
    !is_filler(&digits) && !fields.contains(&0) && area < 740 && area != 666
}

fn is_svnr(candidate: &[u8]) -> bool {
    const WEIGHTS: [u32; 10] = [3, 7, 9, 0, 5, 8, 4, 2, 1, 6];
    let digits = digits(candidate);
    let Some(digits) = digits.first_chunk::<10>() else {
        return false;
    };
    let weighted = digits.iter().zip(WEIGHTS);
    let sum: u32 = weighted
        .map(|(&digit, weight)| u32::from(digit) * weight)
        .sum();
    !is_filler(digits) && sum % 11 % 10 == u32::from(digits[3])
}

/// All digits equal, or counting up: nobody's number.
fn is_filler(digits: &[u8]) -> bool {
    let mut pairs = digits.windows(2);
    let equal = pairs.clone().all(|pair| pair.first() == pair.last());
    equal || pairs.all(|pair| matches!(pair, [a, b] if (a + 1) % 10 == *b))
}

#[cfg(test)]
mod tests {
    use super::super::tests::operator;

    #[test]
    fn check_digits_decide() {
        for (name, argument, input, expected) in [
            ("verifyCC", r"\d{13,16}", "card 4111111111111111.", true),
            ("verifyCC", r"\d{16}", "card 4111111111111112.", false),
            ("verifyCC", r"[\d -]{13,25}", "4111-1111 1111-1111", true),
            // The second number is found although the first, which is none, reaches into it.
            ("verifyCC", r"\d{16}", "14111111111111111", true),
            ("verifyCPF", r"[\d.-]{11,14}", "529.982.247-25", true),
            ("verifyCPF", r"[\d.-]{11,14}", "529.982.247-26", false),
            ("verifyCPF", r"\d{11}", "11111111111", false),
            ("verifySSN", r"\d{3}-\d{2}-\d{4}", "078-05-1120", true),
            ("verifySSN", r"\d{3}-?\d{2}-?\d{4}", "224-88-2046", true),
            ("verifySSN", r"\d{3}-\d{2}-\d{4}", "666-05-1120", false),
            ("verifySSN", r"\d{3}-\d{2}-\d{4}", "078-00-1120", false),
            ("verifySVNR", r"\d{4} ?\d{6}", "1237 010180", true),
            ("verifySVNR", r"\d{4} ?\d{6}", "1238 010180", false),
        ] {
            assert_eq!(
                operator(name, argument, input.as_bytes()).0,
                expected,
                "{name} {input}"
            );
        }
    }

    #[test]
    fn a_number_far_into_the_value_is_found() {
        for padding in [0, 1, 100, 250, 255, 256, 257, 5000] {
            let input = format!("{}4111111111111111", "x".repeat(padding));
            assert!(
                operator("verifyCC", r"\d{16}", input.as_bytes()).0,
                "{padding}"
            );
        }
    }
}
