//! Rules that could stop an attack, the narrowest first.

use patch::document::{
    Body, Condition, Decode, Deny, Oversize, Paths, PlaceKind, Rule, Unparsable, When,
};

use super::classes::Class;
use super::endpoint;
use super::leads::{Carrier, Lead};
use super::parts::Part;
use super::path;
use super::shape::Shape;
use crate::Step;

/// A rule and the requests that it concerns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) paths: Paths,
    pub(super) body: Body,
    pub(super) rule: Rule,
}

/// Absolute paths of systems; a path of an application may begin with a slash too.
const SYSTEM_PATHS: &str = r"(?i)\A\s*(?:file:)?[/\\]*(?:etc|proc|var|usr|root|home|opt|srv|sys|dev|tmp|bin|sbin|lib|boot|windows|winnt|inetpub|users|program files)(?:[/\\]|\z)|\A\s*(?:file:|[a-z]:[/\\])|\x00";

/// The rules for a lead.
pub(super) fn of(lead: &Lead, step: &Step, parts: &[Part]) -> Vec<Candidate> {
    let shape = lead.carrier.shape();
    let mut conditions = Vec::new();
    if let (Some(pattern), true) = (shape.pattern(), lead.decode.is_empty()) {
        conditions.push(Condition::NotLike(pattern.to_owned()));
    }
    match &lead.carrier {
        Carrier::Path(prefix) if lead.class.condition == Condition::PathConfusion => {
            let pattern = path::confusion(&step.request.target, prefix.len());
            conditions.extend(pattern.map(Condition::Regex));
        }
        _ => conditions.extend(denied(lead.class, shape)),
    }
    let (paths, selectors) = match &lead.carrier {
        Carrier::Path(prefix) => (endpoint::before(prefix, &step.unknowns), Vec::new()),
        Carrier::Value(part) | Carrier::Name(part) => {
            let endpoint = endpoint::of(&step.request.target, parts, part.name(), &step.unknowns);
            (endpoint.paths, endpoint.selectors)
        }
    };
    conditions
        .into_iter()
        .map(|condition| Candidate {
            paths: paths.clone(),
            body: body(lead),
            rule: deny(lead, condition, selectors.clone()),
        })
        .collect()
}

/// What a class looks like at a place of this shape.
fn denied(class: &Class, shape: Shape) -> Vec<Condition> {
    use Condition as C;
    match (&class.condition, shape) {
        (C::Xss, Shape::RichText | Shape::Text) => vec![C::ActiveMarkup, C::Xss],
        (C::SqlInjection, Shape::RichText | Shape::Text) => vec![C::SqlSyntax, C::SqlInjection],
        (C::SqlInjection, _) => vec![C::SqlInjection, C::SqlSyntax],
        (
            C::Traversal(patch::document::Traversal::Absolute),
            Shape::Path | Shape::Url | Shape::Other,
        ) => {
            vec![C::Regex(SYSTEM_PATHS.to_owned()), class.condition.clone()]
        }
        _ => vec![class.condition.clone()],
    }
}

fn deny(lead: &Lead, condition: Condition, and: Vec<When>) -> Rule {
    let decode = match (&condition, lead.decode.is_empty()) {
        (Condition::NotLike(_), _) => None,
        (Condition::Regex(_), _) if matches!(lead.carrier, Carrier::Path(_)) => None,
        (Condition::Regex(_), true) => Some(vec![Decode::Url]),
        (_, true) => None,
        (_, false) => Some(lead.decode.clone()),
    };
    Rule::Deny(Deny {
        places: lead.places.clone(),
        decode,
        condition,
        and,
        status: None,
    })
}

/// A body is held for the part that a parameter may be in, but where the attack came
/// elsewhere, bodies that are large or odd are none of the patch's business.
fn body(lead: &Lead) -> Body {
    let in_body = match &lead.carrier {
        Carrier::Value(part) | Carrier::Name(part) => !matches!(
            part.place.kind,
            PlaceKind::Query | PlaceKind::Header | PlaceKind::Cookie
        ),
        Carrier::Path(_) => false,
    };
    Body {
        oversize: Oversize::Partial,
        unparsable: match in_body {
            true => Unparsable::Block,
            false => Unparsable::Pass,
        },
        ..Body::default()
    }
}
