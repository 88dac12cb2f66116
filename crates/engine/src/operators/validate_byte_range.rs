//! `@validateByteRange`

use super::{Arguments, Build, Hit, Operator, Spec};
use crate::need::{ByteSet, Need};

/// `@validateByteRange`
pub(super) const SPEC: Spec = Spec {
    name: "validateByteRange",
    summary: "the value has a byte that is not allowed",
    argument: "allowed bytes and ranges as numbers, separated by commas",
    example: "@validateByteRange 10,13,32-126",
    build: Build::Compiled(build),
};

#[derive(Debug)]
struct ValidateByteRange {
    refused: ByteSet,
}

fn build(arguments: &Arguments<'_>) -> Result<Box<dyn Operator>, String> {
    let mut allowed = ByteSet::NONE;
    let items = arguments.text.split(',').map(str::trim);
    for item in items.filter(|item| !item.is_empty()) {
        let (start, end) = item.split_once('-').unwrap_or((item, item));
        let (Ok(start), Ok(end)) = (start.trim().parse::<u8>(), end.trim().parse::<u8>()) else {
            return Err(format!(
                "`{item}` is no byte and no range; write numbers from 0 to 255, such as `32-126`"
            ));
        };
        if start > end {
            return Err(format!("`{item}` ends before it begins"));
        }
        allowed = allowed.or(ByteSet::range(start, end));
    }
    let refused = allowed.complement();
    Ok(Box::new(ValidateByteRange { refused }))
}

impl Operator for ValidateByteRange {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let found = input.iter().position(|&byte| self.refused.contains(byte));
        hit.span = found.map(|at| at..at + 1);
        found.is_some()
    }

    fn need(&self) -> Need {
        Need::byte(self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{error, operator};

    #[test]
    fn the_first_byte_outside_is_told() {
        for (argument, input, span) in [
            ("32-126", "abc\n", Some(3..4)),
            ("10, 32-126", "abc\n", None),
            ("1-255", "a\0", Some(1..2)),
            ("", "a", Some(0..1)),
            ("0-255", "\u{ff}", None),
        ] {
            let (found, hit) = operator("validateByteRange", argument, input.as_bytes());
            assert_eq!((found, hit.span), (span.is_some(), span), "{argument}");
        }
        for argument in ["256", "a", "9-1", "1-2-3", "-1"] {
            assert!(!error("validateByteRange", argument).is_empty());
        }
    }
}
