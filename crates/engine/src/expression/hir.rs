//! Trees of what `regex-syntax` has read.

use regex_syntax::hir::{Class, ClassBytes, Hir, HirKind};

use super::{Case, Node, Place, Tree};
use crate::need::ByteSet;

/// The same expression. `regex-syntax` bounds how deep it nests.
pub(super) fn convert(hir: &Hir) -> Tree {
    let mut tree = Tree::new();
    tree.root = add(hir, &mut tree);
    tree
}

fn add(hir: &Hir, tree: &mut Tree) -> Place {
    let node = match hir.kind() {
        HirKind::Empty => Node::Empty,
        HirKind::Look(look) => Node::Look(*look),
        HirKind::Literal(literal) => {
            let from = tree.bytes.len() as u32;
            tree.bytes.extend_from_slice(&literal.0);
            Node::Text((from, tree.bytes.len() as u32), Case::Matters)
        }
        HirKind::Class(Class::Bytes(class)) => Node::Set(set(class)),
        HirKind::Class(Class::Unicode(class)) => match class.to_byte_class() {
            Some(class) => Node::Set(set(&class)),
            None => Node::Characters(class.ranges().len()),
        },
        HirKind::Repetition(repetition) => {
            let part = add(&repetition.sub, tree);
            Node::Repeat(part, repetition.min, repetition.max)
        }
        HirKind::Capture(capture) => Node::Capture(add(&capture.sub, tree)),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            let parts: Vec<Place> = parts.iter().map(|part| add(part, tree)).collect();
            let from = tree.parts.len() as u32;
            tree.parts.extend(parts);
            let span = (from, tree.parts.len() as u32);
            match hir.kind() {
                HirKind::Concat(_) => Node::Concat(span),
                _ => Node::Either(span),
            }
        }
    };
    tree.add(node)
}

fn set(class: &ClassBytes) -> ByteSet {
    class.ranges().iter().fold(ByteSet::NONE, |set, range| {
        set.or(ByteSet::range(range.start(), range.end()))
    })
}
