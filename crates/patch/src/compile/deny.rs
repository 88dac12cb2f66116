//! `deny`: what must not be found.

use super::link::{Effect, Link, Made};
use super::targets::{self, escaped};
use crate::detectors;
use crate::document::{
    Condition, Decode, Deny, Document, Located, Place, PlaceKind, Traversal, UrlShape, When,
};

/// Rules that one `deny` may become at most.
const ALTERNATIVES: usize = 64;

/// What only some servers take for a dot segment, so that normalising does not
/// show it: `..;` before parameters are cut off, more dots than two before `../`
/// is taken out, over-long UTF-8.
const HIDDEN_DOTS: &str =
    r"[/\\](?:\.\.;[^/\\]*|\.{3,})[/\\]|\xc0\xae|\xe0\x80\xae|\xc0\xaf|\xe0\x80\xaf|\xc1\x9c";

/// How URLs begin that lead to the host that the request is for.
const OWN: &[(&str, &str)] = &[
    ("beginsWith", "https://%{REQUEST_HEADERS.Host}/"),
    ("beginsWith", "http://%{REQUEST_HEADERS.Host}/"),
    ("beginsWith", "//%{REQUEST_HEADERS.Host}/"),
    ("streq", "https://%{REQUEST_HEADERS.Host}"),
    ("streq", "http://%{REQUEST_HEADERS.Host}"),
];

/// One rule for each way in which the conditions can hold.
pub(super) fn compile(deny: &Deny, document: &Document) -> Result<Vec<Made>, String> {
    let first = When {
        places: deny.places.clone(),
        decode: deny.decode.clone(),
        condition: deny.condition.clone(),
    };
    let mut chains: Vec<Vec<Link>> = vec![Vec::new()];
    for when in std::iter::once(&first).chain(&deny.and) {
        let alternatives = links(when, document)?;
        chains = chains
            .iter()
            .flat_map(|chain| {
                alternatives.iter().map(|link| {
                    let mut longer = chain.clone();
                    longer.extend(link.iter().cloned());
                    longer
                })
            })
            .collect();
        if chains.len() > ALTERNATIVES {
            return Err(format!(
                "this rule becomes more than {ALTERNATIVES} rules; write it as several"
            ));
        }
    }
    let status = status(deny.status.as_ref())?;
    let message = describe(&first);
    Ok(chains
        .into_iter()
        .map(|links| Made::new(message.clone(), Effect::Deny { status }, links))
        .collect())
}

/// A block page's status.
pub(super) fn status(status: Option<&Located<u16>>) -> Result<u16, String> {
    match status.map_or(403, |status| status.value) {
        status @ 400..=599 => Ok(status),
        other => Err(format!("`status` is 400 to 599, not {other}")),
    }
}

fn describe(when: &When) -> String {
    let places: Vec<String> = when.places.iter().map(ToString::to_string).collect();
    let what = match &when.condition {
        Condition::Traversal(Traversal::OutsidePrefix) => "leads out of the prefix",
        Condition::Ssrf(UrlShape::OtherHost) => "leads to another host",
        Condition::Present => "is there",
        Condition::Absent => "is missing",
        Condition::LongerThan(_) => "is too long",
        Condition::MoreThan(_) => "is given too often",
        condition => match detectors::of(condition) {
            Some(detector) => return format!("{} in {}", detector.name, places.join(", ")),
            None => "holds what it must not",
        },
    };
    format!("{} {what}", places.join(", "))
}

/// The ways in which a condition can hold, each a chain.
fn links(when: &When, document: &Document) -> Result<Vec<Vec<Link>>, String> {
    if when.places.is_empty() {
        return Err("`where` is empty; name at least one place, such as query.q".to_owned());
    }
    if let Condition::Traversal(Traversal::OutsidePrefix) = when.condition {
        return outside_prefix(when, document);
    }
    let (inside, beside): (Vec<Place>, Vec<Place>) = when
        .places
        .iter()
        .cloned()
        .partition(|place| place.kind == PlaceKind::Credentials);
    let mut ways = match beside.is_empty() {
        true => Vec::new(),
        false => at(&beside, when)?,
    };
    if let Some(cookies) = percent_encoded(when) {
        ways.extend(at(&cookies.places, &cookies)?);
    }
    if inside.is_empty() {
        return Ok(ways);
    }
    use Condition as C;
    if let C::Present | C::Absent | C::MoreThan(_) = when.condition {
        return Err("`credentials` are looked into; write header.Authorization to ask whether they are there".to_owned());
    }
    for mut way in at(&inside, when)? {
        for link in &mut way {
            link.transformations.insert(0, "base64DecodeExt");
        }
        way.insert(0, targets::opened());
        ways.push(way);
    }
    Ok(ways)
}

/// The same of cookies whose base64 is percent-encoded. Many applications decode cookies so,
/// others take `+` for a sign of base64: both must be looked at.
fn percent_encoded(when: &When) -> Option<When> {
    use Condition as C;
    let decode = when.decode.as_ref()?;
    let base64 = decode.iter().position(|step| *step == Decode::Base64)?;
    let before = decode.get(..base64).unwrap_or_default();
    let seeks = !matches!(
        when.condition,
        C::NotLike(_) | C::Present | C::Absent | C::MoreThan(_) | C::LongerThan(_)
    );
    let mut places = when.places.clone();
    places.retain(|place| place.kind == PlaceKind::Cookie);
    (seeks && !places.is_empty() && !before.contains(&Decode::Url)).then(|| When {
        places,
        decode: Some([&[Decode::Url], &**decode].concat()),
        condition: when.condition.clone(),
    })
}

/// The same at these places.
fn at(places: &[Place], when: &When) -> Result<Vec<Vec<Link>>, String> {
    let targets = targets::of_all(places);
    let detector = detectors::of(&when.condition);
    let decode: &[Decode] = match (&when.decode, detector) {
        (Some(steps), _) => steps,
        (None, Some(detector)) => detector.decode,
        (None, None) => &[],
    };
    let link = |operator, argument: String, decode: &[Decode]| {
        let mut link = Link::new(targets.clone(), operator, argument).decoded(decode);
        link.every_stage = true;
        link
    };
    let seen = |operator, argument: String| vec![link(operator, argument, decode)];
    if let Condition::Ssrf(UrlShape::OtherHost) = when.condition {
        let checks = detector.map(|detector| detector.checks).unwrap_or_default();
        let foreign = |check: &detectors::Check| {
            let mut chain = seen(check.operator, check.argument.to_owned());
            chain.extend(OWN.iter().map(|(operator, own)| {
                Link::new(targets.clone(), operator, (*own).to_owned()).negated()
            }));
            chain
        };
        return Ok(checks.iter().map(foreign).collect());
    }
    if let Some(detector) = detector {
        let mut spaced = decode.to_vec();
        spaced.retain(|step| *step != Decode::NoWhitespace);
        let chain = |check: &detectors::Check| {
            let mut chain = seen(check.operator, check.argument.to_owned());
            let besides = check.spaced.map(|it| link("rx", it.to_owned(), &spaced));
            chain.extend(besides);
            chain
        };
        return Ok(detector.checks.iter().map(chain).collect());
    }
    let backslash = decode.contains(&Decode::Backslash);
    let literal = |text: &str| {
        let pattern = escaped(text);
        match backslash {
            true => pattern.replace("\\x2f", "[\\x2f\\\\]"),
            false => pattern,
        }
    };
    Ok(vec![match &when.condition {
        Condition::Regex(pattern) => {
            regex(pattern)?;
            if backslash {
                return Err(
                    "`decode: backslash` does not reach into a regular expression; write [/\\\\] in it"
                        .to_owned(),
                );
            }
            seen("rx", pattern.clone())
        }
        Condition::NotLike(pattern) => {
            regex(pattern)?;
            let link = Link::new(targets, "rx", format!("\\A(?:{pattern})\\z"));
            vec![link.decoded(decode).negated()]
        }
        Condition::Contains(text) => seen("rx", format!("(?i){}", literal(text))),
        Condition::ContainsAny(texts) if texts.is_empty() => {
            return Err("`contains-any` is empty; give at least one text".to_owned());
        }
        Condition::ContainsAny(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| literal(text)).collect();
            seen("rx", format!("(?i){}", texts.join("|")))
        }
        Condition::Equals(text) => seen("rx", format!("\\A{}\\z", literal(text))),
        Condition::StartsWith(text) => seen("rx", format!("\\A{}", literal(text))),
        Condition::EndsWith(text) => seen("rx", format!("{}\\z", literal(text))),
        Condition::Present => return Ok(each(places, "gt", 0)),
        Condition::Absent => {
            // All of the places must be empty: one chain.
            let chain = each(places, "eq", 0).into_iter().flatten().collect();
            return Ok(vec![chain]);
        }
        Condition::MoreThan(count) => return Ok(each(places, "gt", *count)),
        Condition::LongerThan(bytes) => {
            let mut link = Link::new(targets, "gt", bytes.to_string()).decoded(decode);
            link.transformations.push("length");
            vec![link]
        }
        // Every other condition is a detector's.
        _ => return Err("this condition has no detector".to_owned()),
    }])
}

/// One chain of one count for each place.
fn each(places: &[Place], operator: &'static str, than: usize) -> Vec<Vec<Link>> {
    places
        .iter()
        .map(|place| vec![Link::counted(targets::of(place), operator, than)])
        .collect()
}

/// The path, decoded as often as the document says and normalised, must still
/// begin with the scope's prefix. Each depth of decoding is looked at by itself:
/// one more could lead back.
fn outside_prefix(when: &When, document: &Document) -> Result<Vec<Vec<Link>>, String> {
    let prefixes = &document.scope.path.prefix;
    let is_path = |place: &Place| place.kind == PlaceKind::Path;
    if prefixes.is_empty() || !when.places.iter().all(is_path) {
        return Err(
            "`traversal: outside-prefix` asks for `where: [path]` and `scope.path.prefix`; use `dot-segments` elsewhere"
                .to_owned(),
        );
    }
    let lasts: Vec<String> = prefixes
        .iter()
        .filter_map(|prefix| prefix.trim_end_matches('/').rsplit('/').next())
        .filter(|last| !last.is_empty())
        .map(escaped)
        .collect();
    let prefixes: Vec<String> = prefixes
        .iter()
        .map(|prefix| escaped(prefix.trim_end_matches('/')))
        .collect();
    let inside = format!("(?i)\\A(?:{})(?:\\x2f|\\z)", prefixes.join("|"));
    let default = [Decode::Url, Decode::Url];
    let decode = when.decode.as_deref().unwrap_or(&default);
    let target = || vec![targets::plain("REQUEST_FILENAME")];
    let mut ways = Vec::new();
    for depth in 0..=decode.len() {
        let steps = decode.get(..depth).unwrap_or_default();
        if steps.last() == Some(&Decode::Backslash) {
            continue;
        }
        // A backslash that is no slash leaves fewer segments to step out of.
        for normalise in ["normalisePathWin", "normalisePath"] {
            let mut link = Link::new(target(), "rx", inside.clone())
                .decoded(steps)
                .negated();
            link.transformations.push(normalise);
            ways.push(vec![link]);
        }
    }
    let mut hidden = Link::new(target(), "rx", HIDDEN_DOTS).decoded(decode);
    hidden.every_stage = true;
    ways.push(vec![hidden]);
    // The folder behind the prefix may have another name: what leaves it and comes back by
    // the prefix's name is in its neighbour.
    if !lasts.is_empty() {
        let back = format!(
            r"(?is)[/\\]\.\.[/\\](?:.*[/\\])?(?:{})(?:[/\\]|\z)",
            lasts.join("|")
        );
        let mut back = Link::new(target(), "rx", back).decoded(decode);
        back.every_stage = true;
        ways.push(vec![back]);
    }
    Ok(ways)
}

/// Whether a pattern compiles as the engine reads it.
pub(super) fn regex(pattern: &str) -> Result<(), String> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern)
        .map(|_| ())
        .map_err(|error| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            format!("the regular expression `{pattern}` does not compile: {reason}")
        })
}
