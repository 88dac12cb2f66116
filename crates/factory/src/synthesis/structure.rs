//! Exploits without an attack in any value: what is asked for is the attack.

use patch::Request;
use patch::document::{
    Body, Condition, Deny, Effect, Member, Oversize, Paths, Place, PlaceKind, Rule, Unparsable,
    When,
};

use super::candidates::Candidate;
use super::classes::Hints;
use super::parts::{self, Part};
use super::{endpoint, given};
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
pub(super) fn of<'e>(
    exploit: &'e Exploit,
    hints: &Hints,
    hosts: &[String],
) -> Vec<(&'e Step, Found)> {
    let access = of_access(hints) || hints.silent();
    let last = exploit.steps.len().saturating_sub(1);
    let mut signed_in = false;
    let mut all = Vec::new();
    for (at, step) in exploit.steps.iter().enumerate() {
        let parts = parts::parts(&step.request);
        let mut found = Vec::new();
        upload(step, &parts, &mut found);
        super::unsigned::of(step, &parts, &mut found);
        super::misled::by_header(step, hints, &parts, &mut found);
        if hints.silent() || super::misled::is_host(exploit, hints) {
            super::misled::by_host(step, &parts, hosts, &mut found);
        }
        super::pages::archive(step, &parts, &mut found);
        super::pages::beyond(step, hints, &mut found);
        super::pages::from_itself(step, hints, &parts, &mut found);
        super::pages::by_client(step, hints, &parts, &mut found);
        overlong(step, hints, &parts, &mut found);
        odd_names(step, &parts, &mut found);
        super::capitals::of(step, hints, &parts, &mut found);
        super::privileges::of(step, &parts, &mut found);
        super::hidden::of(step, &parts, &mut found);
        super::pages::escaped(step, &parts, &mut found);
        super::references::of(step, &parts, &mut found);
        introspection(step, &parts, &mut found);
        asked_fields(step, &parts, &mut found);
        if access {
            super::published::of(step, hints, &parts, &mut found);
        }
        // Pages that are only looked at on the way stay open.
        let acts = !matches!(&*step.request.method, b"GET" | b"HEAD" | b"OPTIONS");
        signed_in |= signed(&step.request) || uses(step, &parts, Origin::Extracted);
        // Where a parameter is told, who asks is not the attack.
        let anonymous = !signed_in && !is_entrance(step) && step.attacked.is_none();
        if anonymous && (acts || (access && at == last)) {
            if acts {
                written(step, &parts, &mut found);
            }
            let shared = endpoint::is_shared(&step.request.target);
            if named(step) && !shared && !is_search(step, &parts) {
                unauthenticated(step, &parts, &mut found);
                if access {
                    closed(step, &parts, &mut found);
                }
            } else if shared && access && administers(step, &parts) {
                unauthenticated(step, &parts, &mut found);
            }
        }
        signed_in |= signs_in(&parts);
        // What would concern every page is no endpoint.
        found.retain(|found| found.candidate.paths != Paths::default());
        all.extend(found.into_iter().map(|found| (at, step, found)));
    }
    all.sort_by_key(|(at, _, found)| (found.tier, std::cmp::Reverse(*at)));
    all.into_iter()
        .map(|(_, step, found)| (step, found))
        .collect()
}

/// Where the application takes a value from: parameters of a query are those of a form.
pub(super) fn widely(part: &Part) -> Place {
    match (part.place.kind, part.name()) {
        (PlaceKind::Query | PlaceKind::Form, Some(name)) => args(name),
        _ => part.place.clone(),
    }
}

/// Whether a description is about access control.
pub(super) fn of_access(hints: &Hints) -> bool {
    hints.any(ACCESS, ACCESS_WORDS)
}

/// A value that is longer than what it is written to has room for.
fn overlong(step: &Step, hints: &Hints, parts: &[Part], found: &mut Vec<Found>) {
    const NUMBERS: &[u32] = &[
        119, 120, 121, 122, 125, 126, 131, 134, 190, 400, 674, 680, 770, 787, 788, 1284,
    ];
    const WORDS: &[&str] = &["overflow", "buffer-overflow", "bof", "memory-corruption"];
    // Shorter ones are ordinary; of a longer one a quarter is too much already.
    const LONG: usize = 256;
    let longest = parts.iter().max_by_key(|part| part.value.len());
    let Some(part) = longest.filter(|part| part.value.len() > LONG) else {
        return;
    };
    let whole = matches!(part.place.kind, PlaceKind::Body | PlaceKind::FileContents);
    if !hints.any(NUMBERS, WORDS) || whole {
        return;
    }
    let place = widely(part);
    let most = LONG.max(part.value.len() / 4);
    let twin = |length| super::twins::replaced(&step.request, part, None, &vec![b'a'; length]);
    found.push(Found {
        candidate: candidate(step, parts, vec![place], Condition::LongerThan(most)),
        effect: None,
        twins: vec![twin(8), twin(most)],
        tier: 0,
        why: format!("values of more than {most} bytes are stopped there"),
    });
}

/// Whether what a step sends tells who sends it.
fn signs_in(parts: &[Part]) -> bool {
    let mut names = parts
        .iter()
        .filter_map(Part::name)
        .map(str::to_ascii_lowercase);
    names.any(|name| name.contains("pass") || name == "pwd")
}

/// Whether a step holds something of this origin.
fn uses(step: &Step, parts: &[Part], origin: Origin) -> bool {
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
}

/// Names of parameters as no form has them: an option of a program, bytes of another
/// character set, a path.
fn odd_names(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    const ODD: &[&str] = &[
        r"\A\s*--?[A-Za-z]",
        r"[\x80-\xff]",
        r"\A/",
        r"@[^=]*/",
        r"[<>'\x22`;|{}]",
    ];
    for part in parts
        .iter()
        .filter(|part| part.place.kind == PlaceKind::Query)
    {
        let name = part.name().unwrap_or_default();
        let matches = |pattern: &&&str| {
            let regex = regex::bytes::RegexBuilder::new(pattern)
                .unicode(false)
                .build();
            regex.is_ok_and(|regex| regex.is_match(name.as_bytes()))
        };
        let Some(pattern) = ODD.iter().find(matches) else {
            continue;
        };
        let place = Place {
            kind: PlaceKind::QueryNames,
            member: None,
        };
        let condition = Condition::Regex((*pattern).to_owned());
        found.push(Found {
            candidate: candidate(step, parts, vec![place], condition),
            effect: None,
            twins: vec![super::twins::replaced(
                &step.request,
                part,
                Some("view"),
                &part.value,
            )],
            tier: 0,
            why: "names of parameters that no form has are stopped".to_owned(),
        });
    }
}

/// Asking a service of GraphQL for all it can do (GraphQL, October 2021, section 4).
fn introspection(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    const ASKED: &str = r"\b__(?:schema|type)\b";
    let asks = |part: &&Part| {
        super::candidates::matches(ASKED, &part.value)
            && super::twins::of_graphql(&part.value).is_some()
    };
    let Some(part) = parts.iter().find(asks) else {
        return;
    };
    let place = match (part.place.kind, part.name()) {
        (PlaceKind::Json, Some(name)) if !name.contains('.') => args(name),
        _ => widely(part),
    };
    let twin = super::twins::replaced(&step.request, part, None, b"{ me { id __typename } }");
    let condition = Condition::Regex(ASKED.to_owned());
    found.push(Found {
        candidate: candidate(step, parts, vec![place], condition),
        effect: None,
        twins: vec![twin],
        tier: 0,
        why: "documents that ask which types there are are stopped, also those of tools".to_owned(),
    });
}

/// A search for fields of records that nobody is meant to search, such as `password:*`.
fn asked_fields(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    const ORDINARY: &[&str] = &[
        "title", "author", "name", "date", "year", "tag", "category", "type", "size", "price",
        "field", "text", "body", "content", "subject", "site", "lang", "language", "status",
    ];
    let is_field = |word: &&str| {
        let mut bytes = word.bytes();
        word.len() > 3
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
            && !ORDINARY.contains(&word.to_ascii_lowercase().as_str())
    };
    for part in parts
        .iter()
        .filter(|part| part.place.kind == PlaceKind::Query)
    {
        let name = part.name().unwrap_or_default();
        let value = String::from_utf8_lossy(&part.value).into_owned();
        let terms = value
            .split_whitespace()
            .filter(|term| !term.contains("://"));
        let fields: Vec<&str> = terms
            .filter_map(|term| term.split_once(':'))
            .filter(|(_, wanted)| !wanted.is_empty())
            .map(|(field, _)| field)
            .filter(is_field)
            .filter(|field| !endpoint::is_unknown(field, &step.unknowns))
            .collect();
        if fields.is_empty() || !super::shape::is_search(name) {
            continue;
        }
        let fields: Vec<String> = fields.into_iter().map(regex::escape).collect();
        let condition = Condition::Regex(format!(r"(?i)\b(?:{})\s*:", fields.join("|")));
        let twin = |text: &str| super::twins::replaced(&step.request, part, None, text.as_bytes());
        found.push(Found {
            candidate: candidate(step, parts, vec![args(name)], condition),
            effect: Some(Effect::Literal),
            twins: vec![
                twin("blue shirt"),
                twin("title:\"annual report\" AND year:2024"),
            ],
            tier: 0,
            why: "only searches for these fields are stopped".to_owned(),
        });
    }
}

/// Whether it asks for something where nobody is who has not signed in, by two parameters at
/// least: one says which part of the application, another what of it.
fn administers(step: &Step, parts: &[Part]) -> bool {
    let path = String::from_utf8_lossy(parts::path(&step.request.target)).to_ascii_lowercase();
    let area = path
        .split('/')
        .any(|segment| segment == "wp-admin" || segment.starts_with("admin"));
    let says = |when: &&When| matches!(when.condition, Condition::Equals(_));
    area && given::of(parts, &step.unknowns).iter().filter(says).count() > 1
}

/// A file that is put to an address of the sender's choice, by whoever comes.
fn written(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    let method = String::from_utf8_lossy(&step.request.method).into_owned();
    let path = String::from_utf8_lossy(parts::path(&step.request.target)).into_owned();
    let (folder, file) = path.rsplit_once('/').unwrap_or_default();
    let chosen =
        endpoint::is_unknown(file, &step.unknowns) && !endpoint::is_unknown(folder, &step.unknowns);
    if !matches!(method.as_str(), "PUT" | "MOVE") || !chosen || folder.len() < 3 {
        return;
    }
    let signs: Vec<Place> = SIGNS.iter().map(|sign| header(sign)).collect();
    let mut made = candidate(step, parts, signs, Condition::Absent);
    made.paths = Paths {
        prefix: vec![format!("{folder}/")],
        ..Paths::default()
    };
    if let Rule::Deny(deny) = &mut made.rule {
        deny.and.push(When {
            places: vec![Place {
                kind: PlaceKind::Method,
                member: None,
            }],
            decode: None,
            condition: Condition::Equals(method.clone()),
        });
    }
    let mut twin = step.request.clone();
    twin.set_header("Authorization", "Bearer f3a9c2e17b");
    found.push(Found {
        candidate: made,
        effect: None,
        twins: vec![twin],
        tier: 1,
        why: format!("{method} without any cookie, Authorization or token is stopped"),
    });
}

/// Where those come who have not signed in yet.
fn is_entrance(step: &Step) -> bool {
    const ENTRANCES: &[&str] = &[
        "login", "signin", "sign_in", "logon", "register", "signup", "oauth", "openid", "saml",
        "sso", "password",
    ];
    let path = String::from_utf8_lossy(parts::path(&step.request.target)).to_ascii_lowercase();
    path.split('/').any(|segment| segment == "token")
        || ENTRANCES.iter().any(|word| path.contains(word))
}

/// Whether it reads what anybody may search for.
fn is_search(step: &Step, parts: &[Part]) -> bool {
    let reads = step.request.method == b"GET";
    let mut names = parts
        .iter()
        .filter(|part| part.place.kind == PlaceKind::Query && !part.value.is_empty())
        .filter_map(Part::name);
    reads && names.any(super::shape::is_search)
}

/// Whether the path says enough to tell an endpoint by it.
fn named(step: &Step) -> bool {
    let path = String::from_utf8_lossy(parts::path(&step.request.target)).into_owned();
    const ANYWHERE: &[&str] = &[
        "admin",
        "dashboard",
        "home",
        "index",
        "api",
        "user",
        "users",
        "app",
    ];
    let known = |segment: &str| !endpoint::is_unknown(segment, &step.unknowns);
    let telling = |segment: &str| segment.len() > 2 && !ANYWHERE.contains(&segment);
    path.split('/').all(known) && path.split('/').any(telling)
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
        found.push(Found {
            candidate: candidate(step, parts, vec![widely(part)], Condition::ExecutableFile),
            effect: None,
            twins,
            tier: 0,
            why: "files that a web server would execute are stopped, others are not".to_owned(),
        });
    }
}

pub(super) fn header(name: &str) -> Place {
    Place {
        kind: PlaceKind::Header,
        member: Some(Member::Name(name.to_owned())),
    }
}

pub(super) fn args(name: &str) -> Place {
    Place {
        kind: PlaceKind::Args,
        member: Some(Member::Name(name.to_owned())),
    }
}

/// Headers that those bring who have signed in.
const SIGNS: [&str; 4] = ["Cookie", "Authorization", "X-Api-Key", "X-Auth-Token"];

fn signed(request: &Request) -> bool {
    let is_sign = |name: &[u8]| {
        let lower = String::from_utf8_lossy(name).to_ascii_lowercase();
        let own = SIGNS.iter().any(|sign| lower == sign.to_ascii_lowercase());
        own || lower.ends_with("-auth") || (lower.ends_with("-token") && !is_form_token(&lower))
    };
    request.headers.iter().any(|(name, _)| is_sign(name))
}

/// Whether it only tells a form of the application's own from others'.
pub(super) fn is_form_token(name: &str) -> bool {
    const WORDS: &[&str] = &["csrf", "xsrf", "atlassian-token", "verificationtoken"];
    WORDS.iter().any(|word| name.contains(word))
}

/// Nobody who has signed in comes without cookie, `Authorization` or token.
fn unauthenticated(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    let given = given::of(parts, &step.unknowns);
    let says = |when: &When| matches!(when.condition, Condition::Equals(_));
    // Where there is something to say, the rule must say it.
    if is_file(&step.request) || (!given.iter().any(says) && given::says_more(parts)) {
        return;
    }
    let mut twin = step.request.clone();
    twin.set_header("Cookie", "session=f3a9c2e17b");
    found.push(Found {
        candidate: candidate(
            step,
            parts,
            SIGNS.iter().map(|sign| header(sign)).collect(),
            Condition::Absent),
        effect: None,
        twins: vec![twin],
        tier: 1,
        why: "requests without any cookie, Authorization or token are stopped; whether a session is valid only the application knows".to_owned(),
    });
}

/// Files are fetched by anybody or by nobody.
fn is_file(request: &Request) -> bool {
    const PAGES: &[&str] = &[
        "php", "jsp", "jspa", "asp", "aspx", "do", "action", "cgi", "cfm", "pl", "html", "htm",
        "xhtml", "cmd", "fcgi", "ashx", "asmx", "jspx", "jsf", "faces", "cfc", "phtml", "esp",
        "nsf", "lua",
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

pub(super) fn candidate(
    step: &Step,
    parts: &[Part],
    places: Vec<Place>,
    condition: Condition,
) -> Candidate {
    let endpoint = endpoint::of(&step.request.target, parts, None, &step.unknowns);
    let alike = matches!(condition, Condition::Absent | Condition::Present);
    let (paths, and) = match alike {
        true => (
            endpoint::this(&step.request.target, &step.unknowns),
            given::of(parts, &step.unknowns),
        ),
        false => (endpoint.paths, endpoint.selectors),
    };
    Candidate {
        paths,
        body: Body {
            oversize: Oversize::Partial,
            unparsable: Unparsable::Pass,
            ..Body::default()
        },
        rule: Rule::Deny(Deny {
            places,
            decode: None,
            condition,
            and,
            status: None,
        }),
    }
}
