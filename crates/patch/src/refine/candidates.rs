//! Small changes of a document.

use std::collections::BTreeSet;

use engine::Match;

use crate::document::{
    Condition, Decode, Deny, Document, Member, Paths, Place, PlaceKind, Rule, Traversal, UrlShape,
};
use crate::request::Request;

/// A changed document.
pub(super) struct Candidate {
    pub(super) document: Document,
    /// What was changed and why.
    pub(super) reason: String,
}

/// Detectors that find less, and what more the wider one finds.
const NARROWER: &[(Condition, Condition)] = &[
    (Condition::SqlInjection, Condition::SqlSyntax),
    (Condition::Xss, Condition::ActiveMarkup),
    (Condition::CommandInjection, Condition::Command),
    (
        Condition::Traversal(Traversal::Absolute),
        Condition::Traversal(Traversal::DotSegments),
    ),
    (
        Condition::Ssrf(UrlShape::Host),
        Condition::Ssrf(UrlShape::Any),
    ),
    (
        Condition::Ssrf(UrlShape::Any),
        Condition::Ssrf(UrlShape::OtherHost),
    ),
    (
        Condition::Ssrf(UrlShape::Any),
        Condition::Ssrf(UrlShape::Internal),
    ),
    (
        Condition::Ssrf(UrlShape::OtherHost),
        Condition::Ssrf(UrlShape::Internal),
    ),
];

/// Steps that may be missing before a text or an expression is looked for.
const STEPS: &[Decode] = &[
    Decode::Url,
    Decode::Lowercase,
    Decode::Html,
    Decode::Js,
    Decode::Whitespace,
    Decode::Nulls,
    Decode::Comments,
    Decode::Shell,
    Decode::Backslash,
    Decode::Base64,
    Decode::Inflate,
    Decode::Hex,
    Decode::Css,
    Decode::NormalizePath,
    Decode::NoWhitespace,
];

/// The rule at a position finds less: at fewer places, or less of them.
pub(super) fn narrower(
    document: &Document,
    rule: usize,
    cause: &Match,
    exploited: impl Iterator<Item = String>,
    found: &mut Vec<Candidate>,
) {
    let Some(Rule::Deny(deny)) = document.rules.get(rule).map(|rule| &rule.value) else {
        return;
    };
    let number = rule + 1;
    let mut add = |deny: Deny, reason: String| {
        found.push(Candidate {
            document: with_rule(document, rule, deny),
            reason,
        });
    };
    let target = &cause.target;
    for (_, narrow) in NARROWER.iter().filter(|(wide, _)| *wide == deny.condition) {
        let mut deny = deny.clone();
        deny.condition = narrow.clone();
        add(
            deny,
            format!("rule {number} looks for less: what it found at {target} is legitimate"),
        );
    }
    for at in 0..deny.places.len() {
        let mut deny = deny.clone();
        if deny.places.len() > 1 {
            let place = deny.places.remove(at);
            add(
                deny,
                format!("rule {number} leaves {place} alone: what it found there is legitimate"),
            );
        }
    }
    // Of all members, those in which exploits are.
    let members: BTreeSet<String> = exploited
        .filter_map(|target| Some(target.split_once(':')?.1.to_owned()))
        .filter(|member| {
            cause
                .target
                .split_once(':')
                .is_none_or(|(_, own)| own != member)
        })
        .collect();
    for (at, place) in deny.places.iter().enumerate() {
        let open = place.member.is_none() && takes_member(place.kind);
        if !open || members.is_empty() {
            continue;
        }
        let mut deny = deny.clone();
        let named = members.iter().map(|member| Place {
            kind: place.kind,
            member: Some(Member::Name(member.clone())),
        });
        deny.places.splice(at..=at, named);
        add(
            deny,
            format!("rule {number} looks only where exploits are, not at {target}"),
        );
    }
}

/// Some rule finds more: elsewhere, behind an encoding, or more at the same place; or the
/// patch concerns more requests. Whether many paths were missed says what those are.
pub(super) fn wider(document: &Document, missed: &Request, many: bool, found: &mut Vec<Candidate>) {
    for (rule, located) in document.rules.iter().enumerate() {
        let Rule::Deny(deny) = &located.value else {
            continue;
        };
        let number = rule + 1;
        let mut add = |deny: Deny, reason: String| {
            found.push(Candidate {
                document: with_rule(document, rule, deny),
                reason,
            });
        };
        for step in STEPS {
            let mut deny = deny.clone();
            // A detector has its own decoding as long as none is given.
            if let Some(decode) = deny.decode.as_mut() {
                decode.push(*step);
            } else if crate::detectors::of(&deny.condition).is_none() {
                deny.decode = Some(vec![*step]);
            } else {
                break;
            }
            add(
                deny,
                format!("rule {number} decodes once more: what was missed is encoded"),
            );
        }
        for (at, place) in deny.places.iter().enumerate() {
            use PlaceKind as P;
            let anywhere = matches!(place.kind, P::Query | P::Form | P::Json);
            if anywhere {
                let mut deny = deny.clone();
                if let Some(place) = deny.places.get_mut(at) {
                    place.kind = P::Args;
                }
                add(
                    deny,
                    format!(
                        "rule {number} looks for {place} wherever parameters come: it was missed elsewhere"
                    ),
                );
            }
            if place.member.is_some() {
                let mut deny = deny.clone();
                if let Some(place) = deny.places.get_mut(at) {
                    place.member = None;
                }
                add(
                    deny,
                    format!(
                        "rule {number} looks at more than {place}: it was missed under another name"
                    ),
                );
            }
        }
        for (wide, _) in NARROWER
            .iter()
            .filter(|(_, narrow)| *narrow == deny.condition)
        {
            let mut deny = deny.clone();
            deny.condition = wide.clone();
            add(
                deny,
                format!("rule {number} looks for more: it was not found"),
            );
        }
    }
    scope(document, missed, many, found);
}

fn scope(document: &Document, missed: &Request, many: bool, found: &mut Vec<Candidate>) {
    let method = String::from_utf8_lossy(&missed.method).into_owned();
    let methods = &document.scope.methods;
    if !methods.is_empty() && !methods.contains(&method) {
        let mut document = document.clone();
        let reason = format!("the method {method} is in the scope: it was missed there");
        document.scope.methods.push(method);
        found.push(Candidate { document, reason });
    }
    let target = String::from_utf8_lossy(&missed.target);
    let path = target.split('?').next().unwrap_or_default();
    let paths = &document.scope.path;
    // Where an application answers below a path, it does so on every path below.
    if let Some(folder) = below(paths, path, many) {
        let mut document = document.clone();
        let reason = format!("all below {folder} is in the scope: it was missed there");
        document.scope.path.value.prefix.push(folder);
        found.push(Candidate { document, reason });
    }
    let bound = !paths.exact.is_empty() || !paths.prefix.is_empty();
    if bound && path.starts_with('/') && !paths.exact.iter().any(|known| known == path) {
        let mut document = document.clone();
        document.scope.path.value.exact.push(path.to_owned());
        let reason = format!("the path {path} is in the scope: it was missed there");
        found.push(Candidate { document, reason });
    }
}

/// The folder of that name, where a path of the scope names one that the missed path is in.
fn below(paths: &Paths, missed: &str, many: bool) -> Option<String> {
    let ends = paths.exact.iter().chain(&paths.suffix);
    ends.filter_map(|end| {
        let folder = format!("{}/", end.trim_end_matches('/'));
        // All paths are below the root: that is another endpoint, unless many say otherwise.
        if folder == "/" && !many {
            return None;
        }
        let at = missed.find(&folder)?;
        let whole = missed.get(..at + folder.len())?;
        let starts = at == 0 || paths.suffix.contains(end);
        (starts && missed.len() > whole.len() && !paths.prefix.iter().any(|known| known == whole))
            .then(|| whole.to_owned())
    })
    .next()
}

fn with_rule(document: &Document, at: usize, deny: Deny) -> Document {
    let mut document = document.clone();
    if let Some(rule) = document.rules.get_mut(at) {
        rule.value = Rule::Deny(deny);
    }
    document
}

fn takes_member(kind: PlaceKind) -> bool {
    use PlaceKind as P;
    matches!(
        kind,
        P::Query | P::Form | P::Json | P::Args | P::Header | P::Cookie
    )
}
