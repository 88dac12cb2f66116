//! Requests that tell an application another host, or another page, than they are for, or
//! another sender (CWE-644, CWE-290).

use patch::document::{Condition, Paths, Place, PlaceKind, Rule, Strip};

use super::classes::Hints;
use super::endpoint::is_unknown;
use super::parts::Part;
use super::structure::{self, Found};
use crate::{Exploit, Origin, Step};

/// What is asked of who imports it.
pub(super) const UNTOLD: &str = "the host that the request names is the attack: give each name of the application's own with --host, then only those pass there";

/// Whether an exploit is the host that it names, as far as a description tells.
pub(super) fn is_host(exploit: &Exploit, hints: &Hints) -> bool {
    const WORDS: &[&str] = &["host-header", "host-header-injection"];
    let told = hints.any(&[644], WORDS);
    exploit.steps.iter().any(|step| {
        let host = String::from_utf8_lossy(host(step).unwrap_or_default()).into_owned();
        let of = |origin| {
            let unknowns = step.unknowns.iter();
            unknowns
                .filter(move |unknown| unknown.origin == origin)
                .cloned()
        };
        let calls_back = is_unknown(&host, &of(Origin::Callback).collect::<Vec<_>>());
        let elsewhere = !is_unknown(&host, &of(Origin::Target).collect::<Vec<_>>());
        let another = |name: &[u8]| {
            MISLEADING.contains(&&*String::from_utf8_lossy(name).to_ascii_lowercase())
        };
        let by_header = step.request.headers.iter().any(|(name, _)| another(name));
        !by_header && (calls_back || (told && elsewhere && !host.is_empty()))
    })
}

/// Only these hosts may be named where an exploit names another.
pub(super) fn by_host(step: &Step, parts: &[Part], hosts: &[String], found: &mut Vec<Found>) {
    let named = String::from_utf8_lossy(host(step).unwrap_or_default()).to_ascii_lowercase();
    let name = named
        .rsplit_once(':')
        .map_or(named.as_str(), |(name, _)| name);
    let (Some(own), false) = (
        hosts.first(),
        hosts.iter().any(|own| own.eq_ignore_ascii_case(name)),
    ) else {
        return;
    };
    let place = Place {
        kind: PlaceKind::Host,
        member: None,
    };
    let names: Vec<String> = hosts.iter().map(|own| regex::escape(own)).collect();
    let condition = Condition::NotLike(format!("(?i)(?:{})", names.join("|")));
    let mut twin = step.request.clone();
    twin.set_header("Host", own);
    found.push(Found {
        candidate: structure::candidate(step, parts, vec![place], condition),
        effect: None,
        twins: vec![twin],
        tier: 0,
        why: format!("only the hosts {} may be named there", hosts.join(", ")),
    });
}

fn host(step: &Step) -> Option<&[u8]> {
    let mut headers = step.request.headers.iter();
    headers
        .find(|(name, _)| name.eq_ignore_ascii_case(b"host"))
        .map(|(_, value)| value.as_slice())
}

/// Headers by which an application can be told who sends a request, or that it was looked at
/// already; a proxy or a framework sets them, never a client.
const INTERNAL: &[&str] = &[
    "remote-user",
    "remote_user",
    "x-remote-user",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-preferred-username",
    "x-authenticated-user",
    "x-auth-request-user",
    "x-auth-request-email",
    "x-webauth-user",
    "x-ms-client-principal",
    "x-ms-client-principal-name",
    "x-internal-request",
];

/// Headers by which the parts of a framework or a proxy speak to each other: those that Next.js
/// drops from outside (`filterInternalHeaders`), and by which Envoy tells a request of its own.
const BETWEEN_PARTS: &[&str] = &[
    "x-middleware-next",
    "x-middleware-override-headers",
    "x-middleware-redirect",
    "x-middleware-rewrite",
    "x-middleware-set-cookie",
    "x-middleware-skip",
    "x-middleware-subrequest",
    "x-middleware-subrequest-id",
    "x-matched-path",
    "x-now-route-matches",
    "x-envoy-internal",
];

/// Headers by which an application can be told another host, or another page, than the
/// request is for.
const MISLEADING: &[&str] = &[
    "x-forwarded-host",
    "x-forwarded-server",
    "x-host",
    "x-original-host",
    "x-http-host-override",
    "x-original-url",
    "x-rewrite-url",
];

/// Whether what such a header does is the same whatever page it is sent to: it chooses the page,
/// or says that a request was looked at already.
fn is_everywhere(name: &str) -> bool {
    const CHOOSING: &[&str] = &["x-original-url", "x-rewrite-url"];
    BETWEEN_PARTS.contains(&name) || CHOOSING.contains(&name)
}

/// A header that misleads the application is taken out; without it the request is a plain one.
pub(super) fn by_header(step: &Step, hints: &Hints, parts: &[Part], found: &mut Vec<Found>) {
    const NUMBERS: &[u32] = &[
        20, 74, 284, 285, 287, 288, 290, 345, 348, 444, 601, 640, 644, 863,
    ];
    const WORDS: &[&str] = &["auth-bypass", "redirect", "host-header", "cache-poisoning"];
    let host = host(step);
    let misleads = |part: &&Part| {
        let lists = [MISLEADING, INTERNAL, BETWEEN_PARTS];
        let known = |name: &str| lists.iter().any(|list| list.contains(&name));
        part.place.kind == PlaceKind::Header
            && part
                .name()
                .is_some_and(|name| known(&name.to_ascii_lowercase()))
            && Some(part.value.as_slice()) != host
    };
    let headers: Vec<&Part> = parts.iter().filter(misleads).collect();
    let ([part], true) = (
        headers.as_slice(),
        hints.silent() || hints.any(NUMBERS, WORDS),
    ) else {
        return;
    };
    let name = part.name().unwrap_or_default();
    let mut twin = step.request.clone();
    twin.headers
        .retain(|(known, _)| !known.eq_ignore_ascii_case(name.as_bytes()));
    let mut made = structure::candidate(step, parts, vec![part.place.clone()], Condition::Present);
    made.rule = Rule::Strip(Strip::Header(name.to_owned()));
    if is_everywhere(&name.to_ascii_lowercase()) {
        made.paths = Paths {
            prefix: vec!["/".to_owned()],
            ..Paths::default()
        };
    }
    found.push(Found {
        candidate: made,
        effect: None,
        twins: vec![twin],
        tier: 0,
        why: format!("{name} is taken out of requests, also where a proxy in front of this ingress point sets it"),
    });
}
