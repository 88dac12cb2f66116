//! Text to an expression.

use super::Value;

/// Expressions within expressions at most.
const EXPRESSION_DEPTH: usize = 32;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Literal(Value),
    Variable(String),
    Call(String, Vec<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
}

/// What stands between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Reads a whole expression.
pub(super) fn parse(text: &[u8]) -> Result<Expression, String> {
    let mut parser = Parser { rest: text };
    let expression = parser.sum(0)?;
    parser.space();
    match parser.rest.is_empty() {
        true => Ok(expression),
        false => Err(format!(
            "`{}` is not understood",
            String::from_utf8_lossy(parser.rest)
        )),
    }
}

struct Parser<'t> {
    rest: &'t [u8],
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn peek(&mut self) -> Option<u8> {
        self.space();
        self.rest.first().copied()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.skip(1);
        }
        found
    }

    fn sum(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > EXPRESSION_DEPTH {
            return Err(format!(
                "more than {EXPRESSION_DEPTH} expressions within expressions"
            ));
        }
        let mut left = self.product(depth)?;
        loop {
            let operator = match self.peek() {
                Some(b'+') => Operator::Add,
                Some(b'-') => Operator::Subtract,
                _ => return Ok(left),
            };
            self.skip(1);
            let right = self.product(depth)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn product(&mut self, depth: usize) -> Result<Expression, String> {
        let mut left = self.one(depth)?;
        loop {
            let operator = match self.peek() {
                Some(b'*') => Operator::Multiply,
                Some(b'/') => Operator::Divide,
                Some(b'%') => Operator::Remainder,
                _ => return Ok(left),
            };
            self.skip(1);
            let right = self.one(depth)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn one(&mut self, depth: usize) -> Result<Expression, String> {
        match self.peek() {
            Some(quote @ (b'"' | b'\'' | b'`')) => self.text(quote).map(Expression::Literal),
            Some(b'(') => {
                self.skip(1);
                let inner = self.sum(depth + 1)?;
                match self.take(b')') {
                    true => Ok(inner),
                    false => Err("a `)` is missing".to_owned()),
                }
            }
            Some(b'-' | b'0'..=b'9' | b'.') => self.number(),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => self.name(depth),
            Some(byte) => Err(format!("`{}` is not understood", char::from(byte))),
            None => Err("an expression ends too early".to_owned()),
        }
    }

    fn text(&mut self, quote: u8) -> Result<Value, String> {
        self.skip(1);
        let mut bytes = Vec::new();
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'\\' if quote != b'`' => {
                    let Some((&escaped, rest)) = self.rest.split_first() else {
                        break;
                    };
                    self.rest = rest;
                    match escaped {
                        b'n' => bytes.push(b'\n'),
                        b'r' => bytes.push(b'\r'),
                        b't' => bytes.push(b'\t'),
                        other => bytes.push(other),
                    }
                }
                byte if byte == quote => return Ok(Value::bytes(bytes)),
                byte => bytes.push(byte),
            }
        }
        Err("a text is not closed".to_owned())
    }

    fn number(&mut self) -> Result<Expression, String> {
        let sign = usize::from(self.rest.first() == Some(&b'-'));
        let digits = self
            .rest
            .iter()
            .skip(sign)
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
            .count();
        let text = self.rest.get(..sign + digits).unwrap_or_default();
        let number = std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse::<f64>().ok())
            .ok_or("a number is not understood")?;
        // Beyond what a float holds exactly, the digits stay as they are.
        let mut value = Value::of_number(number);
        if number.fract() == 0.0 {
            value.bytes = text.to_vec();
        }
        self.skip(sign + digits);
        Ok(Expression::Literal(value))
    }

    fn name(&mut self, depth: usize) -> Result<Expression, String> {
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let mut length = self.rest.iter().take_while(|byte| fits(byte)).count();
        // `interactsh-url` is one name, `number-1` is none: a name has no digit after its `-`.
        let name = self.rest.get(..length).unwrap_or_default();
        if let Some(minus) = name
            .windows(2)
            .position(|two| matches!(two, [b'-', next] if !next.is_ascii_alphabetic()))
        {
            length = minus;
        }
        let name = self.rest.get(..length).unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        self.skip(length);
        if !self.take(b'(') {
            return Ok(Expression::Variable(name));
        }
        let mut arguments = Vec::new();
        if self.take(b')') {
            return Ok(Expression::Call(name, arguments));
        }
        loop {
            arguments.push(self.sum(depth + 1)?);
            if self.take(b')') {
                return Ok(Expression::Call(name, arguments));
            }
            if !self.take(b',') {
                return Err(format!("a `,` or `)` is missing in `{name}(…`"));
            }
        }
    }
}
