//! An XML document as a tree, for XPath expressions.

/// What a parser tells of a document, in its order.
#[derive(Debug, Clone, Copy)]
pub enum XmlEvent<'a> {
    /// An element begins; its name as written.
    Open(&'a [u8]),
    /// An attribute of the element that began last.
    Attribute(&'a [u8], &'a [u8]),
    /// Text within the element that is open.
    Text(&'a [u8]),
    /// The element that is open ends.
    Close,
}

/// The nodes in the order of the document; a node's descendants follow it.
#[derive(Debug, Default)]
pub(crate) struct Document {
    nodes: Vec<Node>,
    open: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    /// As written, with its prefix.
    pub(crate) name: Vec<u8>,
    /// Of attributes and texts.
    pub(crate) text: Vec<u8>,
    pub(crate) parent: Option<usize>,
    /// One past its last descendant.
    pub(crate) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeKind {
    Element,
    Attribute,
    Text,
}

impl Document {
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
        self.open.clear();
    }

    pub(crate) fn add(&mut self, event: XmlEvent<'_>) {
        let (kind, name, text) = match event {
            XmlEvent::Open(name) => (NodeKind::Element, name, b"".as_slice()),
            XmlEvent::Attribute(name, value) => (NodeKind::Attribute, name, value),
            XmlEvent::Text(text) => (NodeKind::Text, b"".as_slice(), text),
            XmlEvent::Close => {
                let end = self.nodes.len();
                if let Some(node) = self.open.pop().and_then(|at| self.nodes.get_mut(at)) {
                    node.end = end;
                }
                return;
            }
        };
        let at = self.nodes.len();
        self.nodes.push(Node {
            kind,
            name: name.to_vec(),
            text: text.to_vec(),
            parent: self.open.last().copied(),
            end: at + 1,
        });
        if kind == NodeKind::Element {
            self.open.push(at);
        }
    }

    /// Ends what a faulty document left open.
    pub(crate) fn finish(&mut self) {
        while !self.open.is_empty() {
            self.add(XmlEvent::Close);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// The children of a node, attributes among them; of none, the root element.
    pub(crate) fn children(&self, of: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let (mut at, end) = match of.map(|of| (of, self.node(of))) {
            None => (0, self.nodes.len()),
            Some((of, node)) => (of + 1, node.map_or(0, |node| node.end)),
        };
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let child = at;
                at = self.node(at).map_or(end, |node| node.end.max(at + 1));
                child
            })
        })
    }

    /// A node's text with that of all its descendants.
    pub(crate) fn text(&self, at: usize) -> Vec<u8> {
        let Some(node) = self.node(at) else {
            return Vec::new();
        };
        if node.kind != NodeKind::Element {
            return node.text.clone();
        }
        let inside = self.nodes.get(at..node.end).unwrap_or_default();
        inside
            .iter()
            .filter(|node| node.kind == NodeKind::Text)
            .flat_map(|node| node.text.iter().copied())
            .collect()
    }

    /// The namespace that a prefix means at a node; of no prefix, the default one.
    pub(crate) fn namespace(&self, at: usize, prefix: &[u8]) -> &[u8] {
        let declaration: Vec<u8> = match prefix {
            b"" => b"xmlns".to_vec(),
            prefix => [b"xmlns:".as_slice(), prefix].concat(),
        };
        let mut element = Some(at);
        while let Some(at) = element {
            let declared = self.children(Some(at)).find_map(|child| {
                let node = self.node(child)?;
                (node.kind == NodeKind::Attribute && node.name == declaration)
                    .then_some(node.text.as_slice())
            });
            if let Some(namespace) = declared {
                return namespace;
            }
            element = self.node(at).and_then(|node| node.parent);
        }
        b""
    }
}
