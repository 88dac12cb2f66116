//! Text to expression.

use super::{Expression, Function, Name, Step, Test, XPath};

const FUNCTIONS: &[(&str, Function, usize)] = &[
    ("not", Function::Not, 1),
    ("contains", Function::Contains, 2),
    ("starts-with", Function::StartsWith, 2),
    ("local-name", Function::LocalName, 0),
    ("name", Function::Name, 0),
    ("position", Function::Position, 0),
    ("last", Function::Last, 0),
    ("count", Function::Count, 1),
    ("normalize-space", Function::NormalizeSpace, 1),
    ("string-length", Function::StringLength, 1),
    ("string", Function::Text, 1),
];

/// Predicates within predicates that are read.
const DEPTH: usize = 16;

pub(super) struct Parser<'a> {
    pub(super) rest: &'a str,
    pub(super) namespaces: &'a [(String, String)],
    pub(super) depth: usize,
}

impl<'a> Parser<'a> {
    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        match self.eat(token) {
            true => Ok(()),
            false => Err(format!("`{token}` is expected before `{}`", self.rest)),
        }
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.')))
            .unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        if word.is_empty() || word.starts_with(['-', '.']) {
            return None;
        }
        self.rest = rest;
        Some(word)
    }

    pub(super) fn path(&mut self) -> Result<XPath, String> {
        let mut path = XPath {
            absolute: self.rest.trim_start().starts_with('/'),
            steps: Vec::new(),
        };
        let mut deep = self.eat("//");
        if !deep {
            self.eat("/");
        }
        loop {
            let step = self.step(deep)?;
            path.steps.push(step);
            deep = self.eat("//");
            if !deep && !self.eat("/") {
                return Ok(path);
            }
        }
    }

    fn step(&mut self, deep: bool) -> Result<Step, String> {
        let test = if self.eat("..") {
            Test::Parent
        } else if self.eat(".") {
            Test::Itself
        } else {
            self.test()?
        };
        let mut predicates = Vec::new();
        while self.eat("[") {
            self.depth += 1;
            if self.depth > DEPTH {
                return Err(format!("predicates nest more than {DEPTH} deep"));
            }
            predicates.push(self.or()?);
            self.expect("]")?;
            self.depth -= 1;
        }
        Ok(Step {
            deep,
            test,
            predicates,
        })
    }

    fn test(&mut self) -> Result<Test, String> {
        let attribute = self.eat("@") || self.eat("attribute::");
        if !attribute {
            self.eat("child::");
        }
        if self.eat("*") {
            return Ok(Test::Named {
                attribute,
                name: None,
            });
        }
        let first = self
            .word()
            .ok_or_else(|| format!("a name is expected before `{}`", self.rest))?;
        if self.rest.starts_with("()") {
            let test = match first {
                "text" => Test::Text,
                "node" => Test::Any,
                _ => return Err(format!("`{first}()` is no test of nodes")),
            };
            self.eat("()");
            return Ok(test);
        }
        if self.rest.starts_with("::") {
            return Err(format!(
                "the axis `{first}` is not known; write child, attribute, // or .."
            ));
        }
        let (prefix, local) = match self.rest.strip_prefix(':') {
            Some(rest) => {
                self.rest = rest;
                let local = match self.eat("*") {
                    true => None,
                    false => Some(self.word().ok_or("a name is expected after `:`")?),
                };
                (Some(first), local)
            }
            None => (None, Some(first)),
        };
        let namespace = match prefix {
            None => "",
            Some(prefix) => self
                .namespaces
                .iter()
                .find(|(known, _)| known == prefix)
                .map(|(_, namespace)| namespace.as_str())
                .ok_or_else(|| {
                    format!("the prefix `{prefix}` is not known; add xmlns:{prefix}=NAMESPACE")
                })?,
        };
        Ok(Test::Named {
            attribute,
            name: Some(Name {
                namespace: namespace.as_bytes().to_vec(),
                local: local.map(|local| local.as_bytes().to_vec()),
            }),
        })
    }

    fn or(&mut self) -> Result<Expression, String> {
        let mut left = self.and()?;
        while self.eat("or ") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, String> {
        let mut left = self.equality()?;
        while self.eat("and ") {
            left = Expression::And(Box::new(left), Box::new(self.equality()?));
        }
        Ok(left)
    }

    fn equality(&mut self) -> Result<Expression, String> {
        let left = self.primary()?;
        if self.eat("!=") {
            return Ok(Expression::Unequal(
                Box::new(left),
                Box::new(self.primary()?),
            ));
        }
        if self.eat("=") {
            return Ok(Expression::Equal(Box::new(left), Box::new(self.primary()?)));
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Expression, String> {
        let rest = self.rest.trim_start();
        if let Some(quote) = rest
            .chars()
            .next()
            .filter(|letter| matches!(letter, '\'' | '"'))
        {
            let inside = rest.get(1..).unwrap_or_default();
            let (literal, after) = inside
                .split_once(quote)
                .ok_or("a quote is not closed in this XPath expression")?;
            self.rest = after;
            return Ok(Expression::Literal(literal.as_bytes().to_vec()));
        }
        if rest.starts_with(|letter: char| letter.is_ascii_digit()) {
            let end = rest
                .find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))
                .unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            self.rest = after;
            return number
                .parse()
                .map(Expression::Number)
                .map_err(|_| format!("`{number}` is no number"));
        }
        for &(name, function, arguments) in FUNCTIONS {
            if let Some(after) = rest
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('('))
            {
                self.rest = after;
                return self.call(name, function, arguments);
            }
        }
        Ok(Expression::Path(self.path()?))
    }

    fn call(
        &mut self,
        name: &str,
        function: Function,
        wanted: usize,
    ) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("functions nest more than {DEPTH} deep"));
        }
        let mut arguments = Vec::new();
        if !self.eat(")") {
            loop {
                arguments.push(self.or()?);
                if !self.eat(",") {
                    break;
                }
            }
            self.expect(")")?;
        }
        self.depth -= 1;
        // Where none is given, these are about the node itself.
        let itself = matches!(
            function,
            Function::NormalizeSpace | Function::StringLength | Function::Text
        );
        if arguments.is_empty() && itself {
            arguments.push(Expression::Path(XPath {
                absolute: false,
                steps: Vec::new(),
            }));
        }
        match arguments.len() == wanted {
            true => Ok(Expression::Call(function, arguments)),
            false => Err(format!(
                "`{name}` takes {wanted} arguments, not {}",
                arguments.len()
            )),
        }
    }
}
