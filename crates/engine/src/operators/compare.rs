//! `@eq`, `@ge`, `@gt`, `@le`, `@lt`: integers.

use super::{Build, Hit, Spec};

macro_rules! comparisons {
    ($($id:ident $name:literal $summary:literal $example:literal $compare:expr;)*) => {
        $(
            #[doc = concat!("`@", $name, "`")]
            pub(super) const $id: Spec = Spec {
                name: $name,
                summary: $summary,
                argument: "an integer",
                example: $example,
                build: Build::Plain(|argument: &[u8], input: &[u8], hit: &mut Hit| {
                    hit.span = Some(0..input.len());
                    let compare: fn(&i64, &i64) -> bool = $compare;
                    compare(&integer(input), &integer(argument))
                }),
            };
        )*
    };
}

comparisons! {
    EQ "eq" "the value is that number" "@eq 0" i64::eq;
    GE "ge" "the value is that number or more" "@ge 5" i64::ge;
    GT "gt" "the value is more than that number" "@gt 255" i64::gt;
    LE "le" "the value is that number or less" "@le 5" i64::le;
    LT "lt" "the value is less than that number" "@lt 1" i64::lt;
}

/// As C's `atoi`, which ModSecurity uses: leading digits count, anything else is 0.
fn integer(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let value =
        digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .fold(0_i64, |value, byte| {
                value
                    .saturating_mul(10)
                    .saturating_add(i64::from(byte - b'0'))
            });
    if negative { -value } else { value }
}
