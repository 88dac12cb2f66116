//! The expressions between `{{` and `}}`: variables, literals, helper functions,
//! arithmetic.

mod functions;

mod parse;
mod random;
mod value;

pub(super) use functions::{expression, reference, with_matches_replaced};
pub(super) use random::Random;
pub(super) use value::Value;

use parse::{Expression, Operator};

/// What an expression may ask for.
pub(super) trait Scope {
    /// The value of a variable; none if it is not known.
    fn variable(&mut self, name: &str) -> Option<Value>;
    /// Where chance comes from.
    fn random(&mut self) -> &mut Random;
}

/// Evaluates an expression.
///
/// # Errors
/// What is no expression, or cannot be evaluated, for people.
pub(super) fn evaluate(text: &[u8], scope: &mut dyn Scope) -> Result<Value, String> {
    let expression = parse::parse(text)?;
    match asks(&expression) {
        true => value_of(&expression, scope),
        // `{{7*7}}` is sent as it stands: it is for the target to evaluate.
        false => Err("it asks for nothing".to_owned()),
    }
}

/// Whether a text is an expression of functions that are known.
pub(super) fn is_known(text: &[u8]) -> bool {
    fn known(expression: &Expression) -> bool {
        match expression {
            Expression::Literal(_) | Expression::Variable(_) => true,
            Expression::Call(name, arguments) => {
                functions::find(name).is_ok() && arguments.iter().all(known)
            }
            Expression::Binary(_, left, right) => known(left) && known(right),
        }
    }
    parse::parse(text).is_ok_and(|expression| known(&expression))
}

/// Whether a variable or function is named at all.
fn asks(expression: &Expression) -> bool {
    match expression {
        Expression::Literal(_) => false,
        Expression::Variable(_) | Expression::Call(..) => true,
        Expression::Binary(_, left, right) => asks(left) || asks(right),
    }
}

fn value_of(expression: &Expression, scope: &mut dyn Scope) -> Result<Value, String> {
    match expression {
        Expression::Literal(value) => Ok(value.clone()),
        Expression::Variable(name) => scope
            .variable(name)
            .ok_or_else(|| format!("the variable `{name}` is not known")),
        Expression::Call(name, arguments) => {
            let function = functions::find(name)?;
            let arguments = arguments
                .iter()
                .map(|argument| value_of(argument, scope))
                .collect::<Result<Vec<_>, _>>()?;
            functions::call(function, &arguments, scope.random())
        }
        Expression::Binary(operator, left, right) => {
            let (left, right) = (value_of(left, scope)?, value_of(right, scope)?);
            binary(*operator, &left, &right)
        }
    }
}

/// Numbers are added, everything else is joined.
fn binary(operator: Operator, left: &Value, right: &Value) -> Result<Value, String> {
    let origin = left.origin.or(right.origin);
    let (Some(a), Some(b)) = (left.number(), right.number()) else {
        if operator == Operator::Add {
            return Ok(Value::bytes([&left.bytes[..], &right.bytes].concat()).from(origin));
        }
        return Err("arithmetic needs numbers".to_owned());
    };
    let result = match operator {
        // Two texts of digits are texts: only what was written as a number counts.
        Operator::Add if left.text || right.text => {
            return Ok(Value::bytes([&left.bytes[..], &right.bytes].concat()).from(origin));
        }
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide if b == 0.0 => return Err("division by zero".to_owned()),
        Operator::Divide => a / b,
        Operator::Remainder if b == 0.0 => return Err("division by zero".to_owned()),
        Operator::Remainder => a % b,
    };
    Ok(Value::of_number(result).from(origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;

    struct Known(Random);

    impl Scope for Known {
        fn variable(&mut self, name: &str) -> Option<Value> {
            (name == "known").then(|| Value::bytes("VALUE"))
        }

        fn random(&mut self) -> &mut Random {
            &mut self.0
        }
    }

    #[derive(serde::Deserialize)]
    struct Table {
        gives: Vec<(String, String)>,
        refused: Vec<(String, String)>,
    }

    fn value(text: &str, seed: u64) -> Result<Value, String> {
        evaluate(text.as_bytes(), &mut Known(Random::of("t", seed)))
    }

    #[test]
    fn expressions_give_what_their_functions_define() {
        let table: Table = toml::from_str(include_str!("../../../../testdata/dsl.toml")).unwrap();
        for (text, expected) in table.gives {
            let given =
                value(&text, 0).map(|value| String::from_utf8_lossy(&value.bytes).into_owned());
            assert_eq!(given, Ok(expected), "{text}");
        }
        for (text, says) in table.refused {
            let refused = value(&text, 0).unwrap_err();
            assert!(refused.contains(&says), "{text}: {refused}");
        }
    }

    #[test]
    fn chance_follows_from_the_seed_and_is_known_as_chance() {
        for text in [
            "rand_base(8)",
            "rand_int(100000, 999999)",
            "md5(rand_base(5))",
            "to_lower(rand_text_alpha(6))",
        ] {
            let first = value(text, 0).unwrap();
            assert_eq!(first, value(text, 0).unwrap(), "{text}");
            assert_ne!(first, value(text, 1).unwrap(), "{text}");
            assert_eq!(first.origin, Some(Origin::Random), "{text}");
        }
        assert_eq!(value("md5('a')", 0).unwrap().origin, None);
    }
}
