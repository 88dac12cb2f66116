//! XPath 1.0, as far as rules use it: location paths along children, descendants,
//! attributes and parents, with predicates.

use super::document::{Document, Node, NodeKind};

/// A location path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct XPath {
    absolute: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
struct Step {
    /// `//`: not only the children, but all descendants.
    deep: bool,
    test: Test,
    predicates: Vec<Expression>,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// Elements, or attributes, of a name; `None` is any.
    Named {
        attribute: bool,
        name: Option<Name>,
    },
    Text,
    /// `node()`
    Any,
    /// `.`
    Itself,
    /// `..`
    Parent,
}

#[derive(Debug, Clone, PartialEq)]
struct Name {
    /// Empty: no namespace.
    namespace: Vec<u8>,
    /// None: any.
    local: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    Or(Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Equal(Box<Expression>, Box<Expression>),
    Unequal(Box<Expression>, Box<Expression>),
    Literal(Vec<u8>),
    Number(f64),
    Path(XPath),
    Call(Function, Vec<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Not,
    Contains,
    StartsWith,
    LocalName,
    Name,
    Position,
    Last,
    Count,
    NormalizeSpace,
    StringLength,
    Text,
}

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

impl XPath {
    /// Reads an expression; `namespaces` are the prefixes that the rule's `xmlns` give.
    ///
    /// # Errors
    /// What is not understood.
    pub(crate) fn parse(text: &str, namespaces: &[(String, String)]) -> Result<Self, String> {
        let mut parser = Parser {
            rest: text.trim(),
            namespaces,
            depth: 0,
        };
        let path = parser.path()?;
        match parser.rest {
            "" => Ok(path),
            rest => Err(format!(
                "`{rest}` is not understood in this XPath expression"
            )),
        }
    }

    /// Calls `each` with the string value of each node that is selected; `false`
    /// if that took more than `budget` steps and was given up.
    pub(crate) fn select(
        &self,
        document: &Document,
        budget: usize,
        each: &mut dyn FnMut(&[u8]),
    ) -> bool {
        let mut evaluation = Evaluation { document, budget };
        for node in evaluation.nodes(self, None) {
            each(&document.text(node));
        }
        evaluation.budget > 0
    }
}

struct Parser<'a> {
    rest: &'a str,
    namespaces: &'a [(String, String)],
    depth: usize,
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

    fn path(&mut self) -> Result<XPath, String> {
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

/// What an expression comes to.
enum Value {
    Nodes(Vec<usize>),
    Text(Vec<u8>),
    Number(f64),
    Truth(bool),
}

/// Where a predicate is asked.
#[derive(Clone, Copy)]
struct Place {
    node: usize,
    position: usize,
    last: usize,
}

struct Evaluation<'d> {
    document: &'d Document,
    /// Nodes that may still be looked at.
    budget: usize,
}

impl Evaluation<'_> {
    fn spend(&mut self) -> bool {
        self.budget = self.budget.saturating_sub(1);
        self.budget > 0
    }

    /// The nodes of a path from a node; of none, from the document.
    fn nodes(&mut self, path: &XPath, from: Option<usize>) -> Vec<usize> {
        let start = if path.absolute { None } else { from };
        let mut current: Vec<Option<usize>> = vec![start];
        for step in &path.steps {
            let mut next: Vec<Option<usize>> = Vec::new();
            for &node in &current {
                let mut found = Vec::new();
                for from in self.origins(node, step.deep) {
                    let mut group = Vec::new();
                    self.step(&step.test, from, &mut group);
                    for predicate in &step.predicates {
                        self.filter(predicate, &mut group);
                    }
                    found.extend(group);
                }
                next.extend(found.into_iter().map(Some));
            }
            next.sort_unstable();
            next.dedup();
            current = next;
        }
        current.into_iter().flatten().collect()
    }

    /// The node, and for `//` all elements below it.
    fn origins(&mut self, node: Option<usize>, deep: bool) -> Vec<Option<usize>> {
        let mut origins = vec![node];
        if deep {
            let (start, end) = match node.and_then(|at| Some((at, self.document.node(at)?))) {
                None => (0, self.document.len()),
                Some((at, node)) => (at + 1, node.end),
            };
            for at in start..end {
                if !self.spend() {
                    break;
                }
                let element = self.document.node(at);
                if element.is_some_and(|node| node.kind == NodeKind::Element) {
                    origins.push(Some(at));
                }
            }
        }
        origins
    }

    fn step(&mut self, test: &Test, from: Option<usize>, found: &mut Vec<usize>) {
        match test {
            Test::Itself => found.extend(from),
            Test::Parent => {
                found.extend(from.and_then(|at| self.document.node(at)?.parent));
            }
            _ => {
                let document = self.document;
                for child in document.children(from) {
                    if !self.spend() {
                        return;
                    }
                    let node = document.node(child);
                    if node.is_some_and(|node| test.agrees(document, child, node)) {
                        found.push(child);
                    }
                }
            }
        }
    }

    fn filter(&mut self, predicate: &Expression, group: &mut Vec<usize>) {
        let last = group.len();
        let mut kept = Vec::new();
        for (at, &node) in group.iter().enumerate() {
            let place = Place {
                node,
                position: at + 1,
                last,
            };
            let holds = match self.value(predicate, place) {
                Value::Number(number) => number == place.position as f64,
                value => self.truth(&value),
            };
            if holds {
                kept.push(node);
            }
        }
        *group = kept;
    }

    fn value(&mut self, expression: &Expression, place: Place) -> Value {
        match expression {
            Expression::Literal(text) => Value::Text(text.clone()),
            Expression::Number(number) => Value::Number(*number),
            Expression::Path(path) => Value::Nodes(self.nodes(path, Some(place.node))),
            Expression::Or(left, right) => {
                Value::Truth(self.holds(left, place) || self.holds(right, place))
            }
            Expression::And(left, right) => {
                Value::Truth(self.holds(left, place) && self.holds(right, place))
            }
            Expression::Equal(left, right) => Value::Truth(self.compare(left, right, place, true)),
            Expression::Unequal(left, right) => {
                Value::Truth(self.compare(left, right, place, false))
            }
            Expression::Call(function, arguments) => self.call(*function, arguments, place),
        }
    }

    fn holds(&mut self, expression: &Expression, place: Place) -> bool {
        let value = self.value(expression, place);
        self.truth(&value)
    }

    fn truth(&self, value: &Value) -> bool {
        match value {
            Value::Nodes(nodes) => !nodes.is_empty(),
            Value::Text(text) => !text.is_empty(),
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::Truth(truth) => *truth,
        }
    }

    fn text(&self, value: &Value) -> Vec<u8> {
        match value {
            Value::Nodes(nodes) => nodes
                .first()
                .map_or_else(Vec::new, |&node| self.document.text(node)),
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string().into_bytes(),
            Value::Truth(truth) => truth.to_string().into_bytes(),
        }
    }

    /// Sets of nodes compare by whether some node of theirs does.
    fn compare(
        &mut self,
        left: &Expression,
        right: &Expression,
        place: Place,
        equal: bool,
    ) -> bool {
        let (left, right) = (self.value(left, place), self.value(right, place));
        let texts = |value: &Value| match value {
            Value::Nodes(nodes) => nodes.iter().map(|&node| self.document.text(node)).collect(),
            value => vec![self.text(value)],
        };
        let number =
            |text: &[u8]| -> Option<f64> { std::str::from_utf8(text).ok()?.trim().parse().ok() };
        let numeric = matches!(left, Value::Number(_)) || matches!(right, Value::Number(_));
        let rights = texts(&right);
        texts(&left).iter().any(|left| {
            rights.iter().any(|right| {
                let same = match numeric {
                    true => number(left).is_some() && number(left) == number(right),
                    false => left == right,
                };
                same == equal
            })
        })
    }

    fn call(&mut self, function: Function, arguments: &[Expression], place: Place) -> Value {
        let mut values: Vec<Value> = Vec::new();
        for argument in arguments {
            values.push(self.value(argument, place));
        }
        let text = |at: usize| {
            values
                .get(at)
                .map_or_else(Vec::new, |value| self.text(value))
        };
        let name = || {
            let node = self.document.node(place.node);
            node.map_or(b"".as_slice(), |node| node.name.as_slice())
        };
        match function {
            Function::Not => Value::Truth(!values.first().is_some_and(|value| self.truth(value))),
            Function::Contains => Value::Truth(memchr::memmem::find(&text(0), &text(1)).is_some()),
            Function::StartsWith => Value::Truth(text(0).starts_with(&text(1))),
            Function::LocalName => Value::Text(local(name()).to_vec()),
            Function::Name => Value::Text(name().to_vec()),
            Function::Position => Value::Number(place.position as f64),
            Function::Last => Value::Number(place.last as f64),
            Function::Count => Value::Number(match values.first() {
                Some(Value::Nodes(nodes)) => nodes.len() as f64,
                _ => 0.0,
            }),
            Function::NormalizeSpace => {
                let text = text(0);
                let words: Vec<&[u8]> = text
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty())
                    .collect();
                Value::Text(words.join(&b' '))
            }
            Function::StringLength => {
                Value::Number(String::from_utf8_lossy(&text(0)).chars().count() as f64)
            }
            Function::Text => Value::Text(text(0)),
        }
    }
}

fn local(name: &[u8]) -> &[u8] {
    match memchr::memchr(b':', name) {
        Some(at) => name.get(at + 1..).unwrap_or_default(),
        None => name,
    }
}

impl Test {
    fn agrees(&self, document: &Document, at: usize, node: &Node) -> bool {
        match self {
            Self::Any => node.kind != NodeKind::Attribute,
            Self::Text => node.kind == NodeKind::Text,
            Self::Itself | Self::Parent => false,
            Self::Named { attribute, name } => {
                let kind = match attribute {
                    true => NodeKind::Attribute,
                    false => NodeKind::Element,
                };
                // Declarations of namespaces are no attributes.
                let declares =
                    *attribute && (node.name == b"xmlns" || node.name.starts_with(b"xmlns:"));
                node.kind == kind
                    && !declares
                    && name.as_ref().is_none_or(|name| name.is(document, at, node))
            }
        }
    }
}

impl Name {
    fn is(&self, document: &Document, at: usize, node: &Node) -> bool {
        let own = local(&node.name);
        if self.local.as_ref().is_some_and(|wanted| wanted != own) {
            return false;
        }
        let prefix = node
            .name
            .get(..node.name.len() - own.len())
            .unwrap_or_default();
        let prefix = prefix.strip_suffix(b":").unwrap_or_default();
        let (element, inherits) = match node.kind {
            // An attribute without a prefix has no namespace.
            NodeKind::Attribute => (node.parent.unwrap_or(at), !prefix.is_empty()),
            _ => (at, true),
        };
        let namespace = if inherits {
            document.namespace(element, prefix)
        } else {
            b""
        };
        namespace == self.namespace
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Anomaly, Kind, Sink, XmlEvent};
    use super::*;

    struct Tree(Document);

    impl Sink for Tree {
        fn field(&mut self, _: Kind, _: &[u8], _: &[u8]) {}
        fn anomaly(&mut self, _: Anomaly) {}
        fn xml(&mut self, event: XmlEvent<'_>) {
            self.0.add(event);
        }
    }

    const SHOP: &str = "<shop xmlns:x='urn:x'><book lang='en'><title>A</title><price>3</price></book>\
        <book lang='de'><title>B</title><price>5</price></book><x:note>n</x:note>\
        <list><item>1</item><item>2</item></list></shop>";

    fn select(expression: &str) -> Vec<String> {
        let mut tree = Tree(Document::default());
        super::super::xml::parse(SHOP.as_bytes(), &crate::Limits::default(), &mut tree);
        let namespaces = [("n".to_owned(), "urn:x".to_owned())];
        let path = XPath::parse(expression, &namespaces).unwrap();
        let mut found = Vec::new();
        let whole = path.select(&tree.0, 10_000, &mut |text| {
            found.push(String::from_utf8_lossy(text).into_owned());
        });
        assert!(whole);
        found
    }

    #[test]
    fn expressions_select_what_xpath_says() {
        for (expression, expected) in [
            ("/shop/book/title", &["A", "B"][..]),
            ("//title", &["A", "B"]),
            ("/shop/book[2]/title", &["B"]),
            ("/shop/book[last()]/title", &["B"]),
            ("/shop/book[@lang='de']/price", &["5"]),
            ("/shop/book[price=3]/title", &["A"]),
            ("//book[title='A' and @lang='en']/price/text()", &["3"]),
            ("//book[not(title='A')]/title", &["B"]),
            ("//@lang", &["en", "de"]),
            ("//book/@*", &["en", "de"]),
            ("/shop/*[local-name()='note']", &["n"]),
            ("//n:note", &["n"]),
            ("//note", &[]),
            ("//n:*", &["n"]),
            ("//item[contains(.,'2')]", &["2"]),
            ("//item/..", &["12"]),
            ("//title[starts-with(text(),'B')]/../price", &["5"]),
            ("/shop/list[count(item)=2]/item[position()=1]", &["1"]),
            ("/book", &[]),
            ("//book[text()]", &[]),
        ] {
            assert_eq!(select(expression), expected, "{expression}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for expression in [
            "/a[",
            "/a/b(",
            "//x:y",
            "ancestor::a",
            "/a[contains(b)]",
            "/",
            "/a]",
        ] {
            assert!(XPath::parse(expression, &[]).is_err(), "{expression}");
        }
        let nested = format!("/a{}", "[b".repeat(100));
        assert!(XPath::parse(&nested, &[]).is_err());
    }

    #[test]
    fn a_search_that_takes_too_long_is_given_up() {
        let mut tree = Document::default();
        for _ in 0..500 {
            tree.add(XmlEvent::Open(b"a"));
        }
        tree.finish();
        let path = XPath::parse("//a[count(//a)=1]", &[]).unwrap();
        assert!(!path.select(&tree, 10_000, &mut |_| {}));
    }
}
