//! Which requests the conditions can concern at all.

use patch::document::{Paths, Scope};

use super::leaf::{Leaf, Test, Transform, Zone};

/// The narrowest scope that lets no alternative out, and what is still to be asked within it.
pub(super) fn split(alternatives: &[Vec<Leaf>]) -> (Scope, Vec<Vec<Leaf>>) {
    let mut paths = Paths::default();
    let mut methods = Vec::new();
    let (mut every_path, mut every_method) = (true, true);
    let mut rests = Vec::new();
    for leaves in alternatives {
        let mut rest = leaves.clone();
        match best(&rest, is_path) {
            Some(at) => add(&mut paths, &rest.remove(at)),
            None => every_path = false,
        }
        match best(&rest, is_method) {
            Some(at) => {
                let method = rest.remove(at).value;
                if !methods.contains(&method) {
                    methods.push(method);
                }
            }
            None => every_method = false,
        }
        rests.push(rest);
    }
    let scope = Scope {
        path: if every_path { paths } else { Paths::default() }.into(),
        methods: if every_method { methods } else { Vec::new() },
        ..Scope::default()
    };
    // Of several alternatives each has a path of its own, and asks for it itself.
    let alone = alternatives.len() == 1;
    match alone {
        true => (scope, rests),
        false => (scope, alternatives.to_vec()),
    }
}

/// The longest says most.
fn best(leaves: &[Leaf], wanted: fn(&Leaf) -> bool) -> Option<usize> {
    let found = leaves.iter().enumerate().filter(|(_, leaf)| wanted(leaf));
    found
        .max_by_key(|(_, leaf)| leaf.value.len())
        .map(|(at, _)| at)
}

/// A scope reads paths in every way that servers do, capitals and small letters alike, so
/// that of what is decoded nothing is lost.
fn is_path(leaf: &Leaf) -> bool {
    use Transform as T;
    let read_anyway = [T::Lowercase, T::Url, T::Path, T::PathToo, T::Trim];
    leaf.zones == [Zone::Uri]
        && leaf.variables.is_empty()
        && !leaf.not
        && leaf.parser.is_none()
        && leaf.transform.iter().all(|step| read_anyway.contains(step))
        && match leaf.test {
            Test::Equals | Test::StartsWith => leaf.value.starts_with('/'),
            Test::EndsWith | Test::Contains => true,
            Test::Regex => {
                let parser = regex_syntax::ParserBuilder::new()
                    .unicode(false)
                    .utf8(false)
                    .build();
                let mut parser = parser;
                parser.parse(&leaf.value).is_ok()
            }
            _ => false,
        }
}

fn is_method(leaf: &Leaf) -> bool {
    leaf.zones == [Zone::Method]
        && leaf.test == Test::Equals
        && !leaf.not
        && leaf.parser.is_none()
        && leaf.value.bytes().all(|byte| byte.is_ascii_uppercase())
        && leaf
            .transform
            .iter()
            .all(|step| *step == Transform::Uppercase)
}

fn add(paths: &mut Paths, leaf: &Leaf) {
    let text = leaf.value.clone();
    let (list, text) = match leaf.test {
        Test::Equals => (&mut paths.exact, text),
        Test::StartsWith => (&mut paths.prefix, text),
        Test::EndsWith => (&mut paths.suffix, text),
        Test::Contains => (&mut paths.regex, regex_syntax::escape(&text)),
        _ => (&mut paths.regex, text),
    };
    if !list.contains(&text) {
        list.push(text);
    }
}
