//! Exploits without an attack in any value: what is asked for is the attack.

use patch::Request;
use patch::document::{
    Body, Condition, Deny, Effect, Member, Oversize, Place, PlaceKind, Rule, Unparsable,
};

use super::candidates::Candidate;
use super::classes::Hints;
use super::endpoint;
use super::parts::{self, Part};
use crate::{Exploit, Origin, Step};

/// A rule, what it does, and why.
pub(super) struct Found {
    pub(super) candidate: Candidate,
    pub(super) effect: Option<Effect>,
    pub(super) twins: Vec<Request>,
    /// For people.
    pub(super) why: String,
    /// The smaller, the narrower.
    pub(super) tier: u8,
}

/// Weaknesses of access control.
const ACCESS: &[u32] = &[
    200, 260, 264, 269, 276, 284, 285, 287, 288, 306, 312, 419, 425, 522, 532, 538, 548, 552, 639,
    668, 732, 798, 862, 863, 1188, 434,
];
/// Words for them.
const ACCESS_WORDS: &[&str] = &[
    "auth-bypass",
    "unauth",
    "exposure",
    "disclosure",
    "misconfig",
    "default-login",
    "exposed",
    "info-leak",
    "unauthenticated",
    "idor",
    "fileupload",
    "file-upload",
];

/// What could be stopped of an exploit, the narrowest first, and of its last steps first.
pub(super) fn of<'e>(exploit: &'e Exploit, hints: &Hints) -> Vec<(&'e Step, Found)> {
    let signed_in = exploit.steps.iter().any(signs_in);
    let mut all = Vec::new();
    for step in exploit.steps.iter().rev() {
        let parts = parts::parts(&step.request);
        let mut found = Vec::new();
        upload(step, &parts, &mut found);
        if hints.any(ACCESS, ACCESS_WORDS) || hints.silent() {
            literal(step, &parts, &mut found);
            let shared = endpoint::is_shared(&step.request.target);
            if !signed_in && named(step) && !is_entrance(step) && !shared {
                unauthenticated(step, &parts, &mut found);
                closed(step, &parts, &mut found);
            }
        }
        all.extend(found.into_iter().map(|found| (step, found)));
    }
    all.sort_by_key(|(_, found)| found.tier);
    all
}

/// Whether a step needs what only somebody who may be there has.
fn signs_in(step: &Step) -> bool {
    let parts = parts::parts(&step.request);
    let mut names = parts
        .iter()
        .filter_map(Part::name)
        .map(str::to_ascii_lowercase);
    let given = |origin: Origin| {
        let target = String::from_utf8_lossy(&step.request.target).into_owned();
        let of_parts = parts
            .iter()
            .map(|part| String::from_utf8_lossy(&part.value).into_owned());
        let texts: Vec<String> = of_parts.chain([target]).collect();
        let mut unknowns = step
            .unknowns
            .iter()
            .filter(|unknown| unknown.origin == origin);
        unknowns.any(|unknown| texts.iter().any(|text| text.contains(&unknown.text)))
    };
    names.any(|name| name.contains("pass") || name == "pwd")
        || given(Origin::Given)
        || given(Origin::Extracted)
}

/// Where those come who have not signed in yet.
fn is_entrance(step: &Step) -> bool {
    const ENTRANCES: &[&str] = &[
        "login", "signin", "sign_in", "logon", "register", "signup", "oauth", "openid", "saml",
        "sso", "password", "token",
    ];
    let path = String::from_utf8_lossy(parts::path(&step.request.target)).to_ascii_lowercase();
    ENTRANCES.iter().any(|word| path.contains(word))
}

/// Whether the path says enough to tell an endpoint by it.
fn named(step: &Step) -> bool {
    let path = String::from_utf8_lossy(parts::path(&step.request.target)).into_owned();
    path.split('/')
        .any(|segment| segment.len() > 2 && !endpoint::is_unknown(segment, &step.unknowns))
}

/// A file that a server would execute.
fn upload(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    for part in parts {
        let kind = part.place.kind;
        let shape = part.name().map(super::shape::of);
        let name = kind == PlaceKind::FileNames || shape == Some(super::shape::Shape::File);
        if !name {
            continue;
        }
        let twins = vec![super::twins::replaced(
            &step.request,
            part,
            None,
            b"photo.jpg",
        )];
        let place = match kind {
            PlaceKind::Query | PlaceKind::Form => args(part.name().unwrap_or_default()),
            _ => part.place.clone(),
        };
        found.push(Found {
            candidate: candidate(step, parts, vec![place], Condition::ExecutableFile),
            effect: None,
            twins,
            tier: 0,
            why: "files that a web server would execute are stopped, others are not".to_owned(),
        });
    }
}

fn header(name: &str) -> Place {
    Place {
        kind: PlaceKind::Header,
        member: Some(Member::Name(name.to_owned())),
    }
}

fn args(name: &str) -> Place {
    Place {
        kind: PlaceKind::Args,
        member: Some(Member::Name(name.to_owned())),
    }
}

/// Nobody who has signed in comes without cookie, `Authorization` or token.
fn unauthenticated(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    let signs = ["Cookie", "Authorization", "X-Api-Key", "X-Auth-Token"];
    let signed = |request: &Request| {
        request.headers.iter().any(|(name, _)| {
            signs
                .iter()
                .any(|sign| name.eq_ignore_ascii_case(sign.as_bytes()))
        })
    };
    if signed(&step.request) || is_file(&step.request) {
        return;
    }
    let mut twin = step.request.clone();
    twin.set_header("Cookie", "session=f3a9c2e17b");
    found.push(Found {
        candidate: candidate(
            step,
            parts,
            signs.iter().map(|sign| header(sign)).collect(),
            Condition::Absent),
        effect: None,
        twins: vec![twin],
        tier: 1,
        why: "requests without any cookie, Authorization or token are stopped; whether a session is valid only the application knows".to_owned(),
    });
}

/// Credentials that were published: in a header, a cookie or a parameter.
fn literal(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    for part in parts {
        let value = String::from_utf8_lossy(&part.value).into_owned();
        let name = part.name().unwrap_or_default();
        if !is_secret(part) || endpoint::is_unknown(&value, &step.unknowns) {
            continue;
        }
        let (place, value) = match part.place.kind {
            PlaceKind::Query | PlaceKind::Form => (args(name), value),
            // A cookie without a value is not one to every parser.
            PlaceKind::Cookie if value.is_empty() => (header("Cookie"), name.to_owned()),
            _ => (part.place.clone(), value),
        };
        let mut twin = super::twins::replaced(&step.request, part, None, b"f3a9c2e17b");
        if part.place.kind == PlaceKind::Cookie {
            twin.set_header("Cookie", "session=f3a9c2e17b");
        }
        found.push(Found {
            candidate: candidate(step, parts, vec![place], Condition::Equals(value)),
            effect: Some(Effect::Literal),
            twins: vec![twin],
            tier: 2,
            why: "only the published secret is stopped; change it".to_owned(),
        });
    }
}

fn is_secret(part: &Part) -> bool {
    const HEADERS: &[&str] = &["authorization", "x-api-key", "token", "auth"];
    const PARAMETERS: &[&str] = &["pass", "pwd", "auth", "token", "secret", "key"];
    let name = part.name().unwrap_or_default().to_ascii_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| name.contains(word));
    match part.place.kind {
        PlaceKind::Cookie => part.value.is_empty() || part.value.len() >= 4,
        PlaceKind::Header => part.value.len() >= 4 && holds(HEADERS),
        _ => part.value.len() >= 4 && holds(PARAMETERS),
    }
}

/// Files are fetched by anybody or by nobody.
fn is_file(request: &Request) -> bool {
    const PAGES: &[&str] = &[
        "php", "jsp", "jspa", "asp", "aspx", "do", "action", "cgi", "cfm", "pl", "html", "htm",
        "xhtml", "cmd",
    ];
    let path = String::from_utf8_lossy(parts::path(&request.target)).to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or_default();
    match last.rsplit_once('.') {
        Some((_, suffix)) => !PAGES.contains(&suffix) && suffix.len() <= 6,
        None => false,
    }
}

fn closed(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    let mut twin = step.request.clone();
    twin.target = b"/another/page.html".to_vec();
    twin.body.clear();
    let place = Place {
        kind: PlaceKind::Path,
        member: None,
    };
    found.push(Found {
        candidate: candidate(step, parts, vec![place], Condition::Present),
        effect: Some(Effect::EndpointClosed),
        twins: vec![twin],
        tier: 3,
        why: "asking for the endpoint is the whole exploit: the patch would close it to everybody"
            .to_owned(),
    });
}

fn candidate(step: &Step, parts: &[Part], places: Vec<Place>, condition: Condition) -> Candidate {
    let endpoint = endpoint::of(&step.request.target, parts, None, &step.unknowns);
    Candidate {
        paths: endpoint.paths,
        body: Body {
            oversize: Oversize::Partial,
            unparsable: Unparsable::Pass,
            ..Body::default()
        },
        rule: Rule::Deny(Deny {
            places,
            decode: None,
            condition,
            and: endpoint.selectors,
            status: None,
        }),
    }
}
