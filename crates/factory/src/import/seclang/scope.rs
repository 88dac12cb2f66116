//! Which requests a chain can concern at all, as far as its rules say so literally.

use patch::document::{Paths, Scope};
use regex_syntax::hir::{Hir, HirKind, Look};
use seclang::Rule;

use crate::witness::transformations;

/// The narrowest scope that lets no chain out.
pub(super) fn of(chains: &[&[Rule]]) -> Scope {
    let mut scope = Scope::default();
    let mut paths = Paths::default();
    let (mut every_path, mut every_method) = (true, true);
    for chain in chains {
        match chain.iter().find_map(path) {
            Some(found) => {
                for (all, more) in [
                    (&mut paths.exact, found.exact),
                    (&mut paths.prefix, found.prefix),
                    (&mut paths.suffix, found.suffix),
                    (&mut paths.regex, found.regex),
                ] {
                    all.extend(more.into_iter().filter(|text| !text.is_empty()));
                }
            }
            None => every_path = false,
        }
        match chain.iter().find_map(methods) {
            Some(found) => scope.methods.extend(found),
            None => every_method = false,
        }
    }
    if every_path {
        scope.path = paths.into();
    }
    match every_method {
        true => scope.methods.dedup(),
        false => scope.methods.clear(),
    }
    scope
}

/// Every target must be the path: a scope is a condition on all of a request. What the
/// rule decodes, a scope reads in every way anyhow.
fn path(rule: &Rule) -> Option<Paths> {
    let named = |names: &[&str]| {
        rule.targets.iter().all(|target| {
            let known = |name: &&str| target.variable.eq_ignore_ascii_case(name);
            names.iter().any(known) && !target.counted && !target.excluded
        })
    };
    let alone = named(&["REQUEST_FILENAME"]);
    let with_query = named(&["REQUEST_URI", "REQUEST_URI_RAW", "REQUEST_FILENAME"]);
    if !with_query || rule.operator.negated || !reads_paths(rule) {
        return None;
    }
    let mut paths = Paths::default();
    let text = &rule.operator.argument;
    if text.contains("%{") {
        return None;
    }
    let before_query = text.split('?').next().unwrap_or_default().to_owned();
    let rooted = before_query.starts_with('/');
    match rule.operator.name.to_ascii_lowercase().as_str() {
        "streq" if rooted => paths.exact.push(before_query),
        "beginswith" if rooted && before_query.len() == text.len() => {
            paths.prefix.push(before_query)
        }
        "beginswith" if rooted => paths.exact.push(before_query),
        "endswith" if alone => paths.suffix.push(text.clone()),
        "contains" | "strmatch" if alone => paths.regex.push(regex_syntax::escape(text)),
        "rx" => match (literal_start(text), alone) {
            (Some(prefix), _) if prefix.len() > 1 => paths.prefix.push(prefix),
            (_, true) => paths.regex.push(valid(text)?),
            _ => return None,
        },
        _ => return None,
    }
    Some(paths)
}

fn reads_paths(rule: &Rule) -> bool {
    const KNOWN: &[&str] = &[
        "lowercase",
        "urldecode",
        "urldecodeuni",
        "normalisepath",
        "normalizepath",
        "normalisepathwin",
        "normalizepathwin",
        "trim",
        "trimleft",
        "trimright",
        "removenulls",
        "compresswhitespace",
    ];
    transformations(rule)
        .iter()
        .all(|name| KNOWN.contains(&name.to_ascii_lowercase().as_str()))
}

fn methods(rule: &Rule) -> Option<Vec<String>> {
    let of_method = rule
        .targets
        .iter()
        .all(|target| target.variable.eq_ignore_ascii_case("REQUEST_METHOD") && !target.counted);
    if !of_method || rule.operator.negated {
        return None;
    }
    let text = rule.operator.argument.as_str();
    let names: Vec<String> = match rule.operator.name.to_ascii_lowercase().as_str() {
        "streq" => vec![text.to_owned()],
        "rx" => {
            let inner = text.strip_prefix('^')?.strip_suffix('$')?;
            let inner = inner
                .strip_prefix("(?:")
                .or_else(|| inner.strip_prefix('('))
                .unwrap_or(inner);
            inner
                .trim_end_matches(')')
                .split('|')
                .map(str::to_owned)
                .collect()
        }
        _ => return None,
    };
    let plain =
        |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase());
    names.iter().all(plain).then_some(names)
}

/// What every match of an expression that is tied to the start begins with.
fn literal_start(pattern: &str) -> Option<String> {
    let mut parser = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build();
    let hir = parser.parse(pattern).ok()?;
    let HirKind::Concat(parts) = hir.kind() else {
        return None;
    };
    let mut parts = parts.iter();
    let tied = |hir: &Hir| matches!(hir.kind(), HirKind::Look(Look::Start | Look::StartLF));
    parts.next().filter(|first| tied(first))?;
    match parts.next()?.kind() {
        HirKind::Literal(literal) => {
            let text = String::from_utf8(literal.0.to_vec()).ok()?;
            let text = text.split('?').next().unwrap_or_default().to_owned();
            text.starts_with('/').then_some(text)
        }
        _ => None,
    }
}

fn valid(pattern: &str) -> Option<String> {
    let mut parser = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build();
    parser.parse(pattern).ok().map(|_| pattern.to_owned())
}
