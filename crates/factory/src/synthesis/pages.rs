//! Paths that show an attack by which page they name, and archives that name paths.

use patch::Request;
use patch::document::{Condition, Effect, Paths, Place, PlaceKind, Rule};

use super::candidates::matches;
use super::classes::Hints;
use super::endpoint;
use super::parts::{self, Part};
use super::structure::{self, Found};
use crate::Step;

/// Endings of files that a server executes when they are asked for.
const SCRIPTS: &[&str] = &[
    "jsp", "jspx", "jspf", "php", "phtml", "php5", "phar", "asp", "aspx", "ashx", "asmx", "cfm",
    "war",
];

/// Endings of pages behind which a path goes on for nobody.
const PAGES: &[&str] = &["aspx", "php", "jsp", "do", "action", "cfm", "jspa", "jsf"];

/// Endings of files that are fetched, never executed.
const ASSETS: &[&str] = &[
    "css", "js", "png", "jpg", "gif", "ico", "svg", "txt", "woff", "woff2", "json", "xml",
];

/// A script that is put into a folder of the server.
pub(super) fn put(step: &Step, parts: &[Part]) -> Option<Found> {
    let request = &step.request;
    if request.method != b"PUT" {
        return None;
    }
    let path = String::from_utf8_lossy(parts::path(&request.target)).to_ascii_lowercase();
    let name = path.trim_end_matches(['/', '.']).trim_end_matches("%20");
    let (_, ending) = name.rsplit('/').next()?.rsplit_once('.')?;
    SCRIPTS.iter().find(|script| **script == ending)?;
    let method = Place {
        kind: PlaceKind::Method,
        member: None,
    };
    let mut made = structure::candidate(
        step,
        parts,
        vec![method],
        Condition::Equals("PUT".to_owned()),
    );
    if let Rule::Deny(deny) = &mut made.rule {
        deny.and.clear();
    }
    // What file systems drop of a name, and what a server then does not take for a script.
    let suffixes = ["", "/", " ", ".", "::$data"].map(|behind| format!(".{ending}{behind}"));
    made.paths = Paths {
        suffix: suffixes.to_vec(),
        ..Paths::default()
    };
    let mut another = request.clone();
    another.target = b"/photos/photo-1.jpg".to_vec();
    let mut asked = request.clone();
    asked.method = b"GET".to_vec();
    asked.body.clear();
    Some(Found {
        candidate: made,
        effect: None,
        twins: vec![another, asked],
        tier: 0,
        why: format!("files that end in .{ending} cannot be put"),
    })
}

/// A page behind whose name the path goes on, with what chance chose or with a file that
/// would be fetched: the page is served, but a guard sees another path.
pub(super) fn beyond(step: &Step, hints: &Hints, found: &mut Vec<Found>) {
    let path = String::from_utf8_lossy(parts::path(&step.request.target)).into_owned();
    let page = |at: usize| {
        let (page, rest) = path.split_at_checked(at)?;
        let last = page.rsplit('/').next()?.to_ascii_lowercase();
        let (_, ending) = last.rsplit_once('.')?;
        let tail = rest.strip_prefix('/').filter(|tail| !tail.is_empty())?;
        PAGES.contains(&ending).then_some((page, tail))
    };
    let slashes = path.match_indices('/').map(|(at, _)| at);
    let Some((page, tail)) = slashes.skip(1).find_map(page) else {
        return;
    };
    let asset = tail
        .rsplit_once('.')
        .is_some_and(|(_, ending)| ASSETS.contains(&&*ending.to_ascii_lowercase()));
    let chance = !tail.contains('/') && endpoint::is_unknown(tail, &step.unknowns);
    let odd = asset || chance;
    let name = page
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    // Behind such a page a whole application may be.
    let shared = endpoint::is_shared(page.as_bytes())
        || name.starts_with("index.")
        || name.starts_with("default.");
    if !odd || shared || !(hints.silent() || structure::of_access(hints)) {
        return;
    }
    let place = Place {
        kind: PlaceKind::Path,
        member: None,
    };
    let mut made = structure::candidate(step, &[], vec![place], Condition::Present);
    made.paths = Paths {
        prefix: vec![format!("{page}/")],
        ..Paths::default()
    };
    let mut twin = step.request.clone();
    twin.target = page.as_bytes().to_vec();
    found.push(Found {
        candidate: made,
        effect: Some(Effect::EndpointClosed),
        twins: vec![twin],
        tier: 2,
        why: format!("{page} would only be served by its own path, to nobody with more behind it"),
    });
}

/// The name of a file in an archive that leads out of the folder it is unpacked in: the first
/// of a tar archive or one behind another's padding, or one of a zip archive.
const CLIMBING: &str =
    r"(?:\A|\x00{8}|PK\x03\x04[\s\S]{26}|PK\x01\x02[\s\S]{42})(?:[\w.-]{1,80}[/\\]){0,8}\.\.[/\\]";

/// An archive that writes elsewhere when it is unpacked (CWE-22).
pub(super) fn archive(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    for part in parts {
        if part.place.kind != PlaceKind::FileContents || !matches(CLIMBING, &part.value) {
            continue;
        }
        let condition = Condition::Regex(CLIMBING.to_owned());
        let candidate = structure::candidate(step, parts, vec![part.place.clone()], condition);
        found.push(Found {
            candidate,
            effect: None,
            twins: vec![
                super::twins::replaced(&step.request, part, None, &zip("docs/a..b/notes.txt")),
                super::twins::replaced(&step.request, part, None, b"It's in ../docs, I think"),
            ],
            tier: 0,
            why: "archives are stopped whose files would be unpacked elsewhere".to_owned(),
        });
    }
}

/// How an archive of one file begins.
fn zip(name: &str) -> Vec<u8> {
    let mut archive = b"PK\x03\x04".to_vec();
    archive.extend_from_slice(&[0; 26]);
    archive.extend_from_slice(name.as_bytes());
    archive
}

/// A letter or a digit that is escaped in JSON: no program that writes JSON does that, and a
/// guard that does not read it as JSON sees another name.
const ESCAPED: &str = r"\\u00(?:3[0-9]|[46][1-9a-f]|[57][0-9a])";

/// Names and values in JSON that are written so that they are not seen.
pub(super) fn escaped(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    let is_json = |part: &&Part| {
        let parameter = matches!(part.place.kind, PlaceKind::Query | PlaceKind::Form);
        parameter
            && part.value.trim_ascii_start().starts_with(b"{")
            && matches(ESCAPED, &part.value)
    };
    let Some(part) = parts.iter().find(is_json) else {
        return;
    };
    let place = structure::widely(part);
    let condition = Condition::Regex(ESCAPED.to_owned());
    let plain = |text: &str| super::twins::replaced(&step.request, part, None, text.as_bytes());
    found.push(Found {
        candidate: structure::candidate(step, parts, vec![place], condition),
        effect: None,
        twins: vec![plain(r#"{"name":"O'Brien","note":"a \u003c b \u00e9"}"#)],
        tier: 0,
        why: "JSON that escapes plain letters is stopped there".to_owned(),
    });
}

/// Headers by which proxies tell whom they forward for.
const SENDERS: &[&str] = &[
    "forwarded",
    "x-forwarded-for",
    "x-forwarded",
    "forwarded-for",
    "x-real-ip",
    "x-client-ip",
    "client-ip",
    "true-client-ip",
    "x-originating-ip",
    "x-remote-ip",
    "x-remote-addr",
    "x-cluster-client-ip",
];

/// That a request comes from the server itself, first of those it was forwarded for.
const ITSELF: &str = r"(?i)(?:\A\s*|\bfor\s*=\s*)\x22?\[?(?:127\.\d|::1\b|::ffff:127\.|0:0:0:0:0:0:0:1\b|localhost\b|0\.0\.0\.0)";

/// A request that says that it comes from the server itself (CWE-290).
pub(super) fn from_itself(step: &Step, hints: &Hints, parts: &[Part], found: &mut Vec<Found>) {
    if !(hints.silent() || structure::of_access(hints) || hints.any(&[290, 348], &[])) {
        return;
    }
    let says = |part: &&Part| {
        let name = part.name().unwrap_or_default().to_ascii_lowercase();
        part.place.kind == PlaceKind::Header
            && SENDERS.contains(&name.as_str())
            && matches(ITSELF, &part.value)
    };
    let Some(part) = parts.iter().find(says) else {
        return;
    };
    let condition = Condition::Regex(ITSELF.to_owned());
    let candidate = structure::candidate(step, parts, vec![part.place.clone()], condition);
    found.push(Found {
        candidate,
        effect: None,
        twins: vec![with_header(&step.request, part, "203.0.113.7, 127.0.0.1")],
        tier: 0,
        why: "requests that say they come from the server itself are stopped there".to_owned(),
    });
}

/// A program that an application lets in by how it calls itself.
pub(super) fn by_client(step: &Step, hints: &Hints, parts: &[Part], found: &mut Vec<Found>) {
    // Names of what people and scanners send requests with.
    const COMMON: &[&str] = &[
        "mozilla", "curl", "wget", "python", "go-http", "okhttp", "java/", "postman", "nuclei",
        "opera", "safari", "test", "scan", "bot",
    ];
    let is_client = |part: &&Part| {
        let name = part.name().unwrap_or_default();
        let value = String::from_utf8_lossy(&part.value).to_ascii_lowercase();
        part.place.kind == PlaceKind::Header
            && name.eq_ignore_ascii_case("user-agent")
            && (4..=80).contains(&value.len())
            && !COMMON.iter().any(|common| value.contains(common))
            && !endpoint::is_unknown(&value, &step.unknowns)
    };
    let Some(part) = parts.iter().find(is_client) else {
        return;
    };
    if !hints.any(
        &[287, 288, 290, 306, 798, 912],
        &["auth-bypass", "backdoor"],
    ) {
        return;
    }
    let value = String::from_utf8_lossy(&part.value).into_owned();
    let browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    found.push(Found {
        candidate: structure::candidate(
            step,
            parts,
            vec![part.place.clone()],
            Condition::Contains(value.clone()),
        ),
        effect: Some(Effect::Literal),
        twins: vec![with_header(&step.request, part, browser)],
        tier: 2,
        why: format!("only clients that call themselves {value} are stopped"),
    });
}

fn with_header(request: &Request, part: &Part, value: &str) -> Request {
    super::twins::replaced(request, part, None, value.as_bytes())
}
