//! XPath 1.0, as far as rules use it: location paths along children, descendants,
//! attributes and parents, with predicates.

mod evaluate;
mod parse;

use super::document::{Document, Node, NodeKind};
use evaluate::Evaluation;
use parse::Parser;

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

    /// Calls `each` with the string value of each node that is selected. Gives the steps that
    /// are left of `budget`; 0: it took more and was given up.
    pub(crate) fn select(
        &self,
        document: &Document,
        budget: usize,
        each: &mut dyn FnMut(&[u8]),
    ) -> usize {
        let mut evaluation = Evaluation { document, budget };
        for node in evaluation.nodes(self, None) {
            each(&document.text(node));
        }
        evaluation.budget
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
        let left = path.select(&tree.0, 10_000, &mut |text| {
            found.push(String::from_utf8_lossy(text).into_owned());
        });
        assert!(left > 0);
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
        assert_eq!(path.select(&tree, 10_000, &mut |_| {}), 0);
    }
}
