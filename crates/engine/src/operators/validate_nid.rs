//! `@validateNid`

use super::{Arguments, Build, Operator, Spec, verify};

/// `@validateNid`
pub(super) const SPEC: Spec = Spec {
    name: "validateNid",
    summary: "the value holds a national identity number: a Chilean RUT with a right check digit, or a US social security number that may have been issued",
    argument: "`cl` or `us`, and a regular expression for candidates",
    example: r"@validateNid cl \d{1,2}\.?\d{3}\.?\d{3}-?[\dkK]",
    build: Build::Compiled(build),
};

fn build(arguments: &Arguments<'_>) -> Result<Box<dyn Operator>, String> {
    let (country, expression) = arguments
        .text
        .split_once(' ')
        .ok_or("it takes `cl` or `us`, and a regular expression")?;
    let arguments = Arguments {
        text: expression.trim_start(),
        ..*arguments
    };
    match country {
        "cl" => verify::build(&arguments, is_rut),
        "us" => verify::build(&arguments, verify::is_ssn),
        _ => Err(format!(
            "`{country}` is no country that it knows; it knows `cl` and `us`"
        )),
    }
}

/// The sum of the digits from the last on, times 2 to 7 again and again, with the check digit
/// makes a multiple of 11; `K` stands for 10.
fn is_rut(candidate: &[u8]) -> bool {
    let signs: Vec<u8> = candidate
        .iter()
        .filter_map(|&sign| match sign {
            b'0'..=b'9' => Some(sign - b'0'),
            b'k' | b'K' => Some(10),
            _ => None,
        })
        .collect();
    let Some((&check, digits)) = signs.split_last() else {
        return false;
    };
    let weights = (2..=7).cycle();
    let digits_from_last = digits.iter().rev();
    let sum: u32 = digits_from_last
        .zip(weights)
        .map(|(&digit, weight)| u32::from(digit) * weight)
        .sum();
    candidate.len() >= 8
        && digits.iter().all(|&digit| digit < 10)
        && (sum + u32::from(check)).is_multiple_of(11)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{error, operator};

    #[test]
    fn check_digits_decide() {
        const RUT: &str = r"cl \d{1,2}\.?\d{3}\.?\d{3}-?[\dkK]";
        for (argument, input, expected) in [
            // The check digit of 12.345.678 is 5, of 11.111.111 is 1, of 10.000.013 is K.
            (RUT, "rut=12.345.678-5", true),
            (RUT, "rut=12.345.678-6", false),
            (RUT, "11111111-1", true),
            (RUT, "10000013-K", true),
            (RUT, "10000013-k", true),
            (RUT, "10000013-0", false),
            (RUT, "none", false),
            (r"us \d{3}-\d{2}-\d{4}", "ssn 078-05-1120", true),
            (r"us \d{3}-\d{2}-\d{4}", "ssn 666-05-1120", false),
        ] {
            let (found, _) = operator("validateNid", argument, input.as_bytes());
            assert_eq!(found, expected, "{argument} {input}");
        }
        assert!(error("validateNid", "cl").contains("regular expression"));
        assert!(error("validateNid", r"de \d+").contains("`de`"));
    }
}
