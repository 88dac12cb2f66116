//! What in a request could be the attack: places whose value belongs to a class.

use std::borrow::Cow;

use base64::Engine as _;
use engine::transformations::inflated;
use patch::document::{Condition, Decode, Member, Place, PlaceKind, Traversal, UrlShape};

use super::classes::{Class, Hints};
use super::endpoint::is_unknown;
use super::parts::{self, Part};
use super::shape::{self, Shape};
use super::{candidates, classes, evidence, path};
use crate::{Limits, Origin, Step, Unknown};

/// A place and why it is suspicious.
#[derive(Debug, Clone)]
pub(super) struct Lead {
    /// Where the rule looks.
    pub(super) places: Vec<Place>,
    pub(super) class: &'static Class,
    /// Decoding before the detector's own.
    pub(super) decode: Vec<Decode>,
    pub(super) carrier: Carrier,
    /// The greater, the more it is meant.
    rank: (u8, bool, bool),
}

/// More than any hint weighs.
const ATTACKED: u8 = 4;

const DOTS: Condition = Condition::Traversal(Traversal::DotSegments);

/// What carries the attack.
#[derive(Debug, Clone)]
pub(super) enum Carrier {
    /// A value.
    Value(Part),
    /// The name of a parameter.
    Name(Part),
    /// The path, behind this prefix.
    Path(String),
}

/// Bytes that all values of a source may still inflate to.
#[derive(Debug)]
pub(super) struct Room {
    left: usize,
    bound: usize,
}

impl Room {
    pub(super) fn within(limits: &Limits) -> Self {
        Self {
            left: limits.inflated_bytes,
            bound: limits.inflated_bytes,
        }
    }

    fn inflated(&mut self, value: &[u8]) -> Result<Vec<u8>, String> {
        let text = inflated(value, self.left);
        let left = self.left.checked_sub(text.len());
        self.left =
            left.ok_or_else(|| format!("its values inflate to more than {} bytes", self.bound))?;
        Ok(text)
    }
}

impl Lead {
    /// Whether the rule stops addresses that the application may be meant to fetch: to send a
    /// browser to another site is the attack itself, to fetch from one may be of use.
    pub(super) fn narrows_use(&self, hints: &Hints) -> bool {
        const FETCHES: (&[u32], &[&str]) = (&[918, 441], &["ssrf"]);
        const LEADS: (&[u32], &[&str]) = (&[601], &["redirect", "open-redirect"]);
        let name = match &self.carrier {
            Carrier::Value(part) => part.name(),
            Carrier::Name(_) | Carrier::Path(_) => None,
        };
        // Where a file of its own is named, nobody means a page of another site.
        let of_files = name.is_some_and(shape::is_included);
        let fetches = hints.any(FETCHES.0, FETCHES.1);
        let leads = hints.any(LEADS.0, LEADS.1) || name.is_some_and(shape::leads_on);
        is_link(self.class) && (fetches || !(leads || of_files))
    }
}

impl Carrier {
    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::Value(part) => part.name().map_or(Shape::Other, shape::of),
            Self::Name(_) | Self::Path(_) => Shape::Other,
        }
    }
}

/// All leads of a step, the best first.
///
/// # Errors
/// The detectors do not compile, or values inflate to more than there is room for.
pub(super) fn of(
    step: &Step,
    parts: &[Part],
    hints: &Hints,
    room: &mut Room,
) -> Result<Vec<Lead>, String> {
    let mut leads = Vec::new();
    for part in parts {
        // What is cut in two at a `=` is no parameter of that name.
        let cut = name(part, hints, &mut leads)? && !is_plain(part);
        if !cut {
            value(part, step, hints, room, &mut leads)?;
        }
    }
    typed(step, parts, hints, &mut leads)?;
    if let Some(prefix) = path::attacked(parts::path(&step.request.target)) {
        in_path(&prefix, step, hints, &mut leads)?;
    }
    outweigh(&mut leads);
    leads.sort_by_key(|lead| std::cmp::Reverse(lead.rank));
    Ok(leads)
}

/// What is harmless in most places comes behind what is an attack anywhere, of the same value.
fn outweigh(leads: &mut [Lead]) {
    let part = |lead: &Lead| match &lead.carrier {
        Carrier::Value(part) => Some(part.clone()),
        _ => None,
    };
    let clear: Vec<(Part, u8)> = leads
        .iter()
        .filter(|lead| !lead.class.common && lead.rank.0 > 0)
        .filter_map(|lead| Some((part(lead)?, lead.rank.0)))
        .collect();
    for lead in leads.iter_mut().filter(|lead| lead.class.common) {
        let own = part(lead);
        let of_same = clear.iter().filter(|(part, _)| own.as_ref() == Some(part));
        if let Some(weight) = of_same.map(|(_, weight)| *weight).max() {
            lead.rank.0 = lead.rank.0.min(weight);
        }
    }
}

fn value(
    part: &Part,
    step: &Step,
    hints: &Hints,
    room: &mut Room,
    leads: &mut Vec<Lead>,
) -> Result<(), String> {
    let attacked = step.attacked.is_some() && step.attacked.as_deref() == part.name();
    let mut found = evidence::of(&part.value)?;
    let is_command = |class: &&Class| class.condition == Condition::Command;
    if part.name().map(shape::of) == Some(Shape::Command)
        && candidates::is_command_line(&part.value)
        && !found.iter().any(is_command)
    {
        found.extend(classes::ALL.iter().find(is_command));
    }
    for class in found {
        // Of a parameter that is known to be vulnerable, a hint is enough.
        let known = attacked && (hints.silent() || hints.weight(class) > 0);
        if known || meant(class, part, step, hints) {
            // Attributes hold the names of name spaces, which are URLs.
            let places = match is_link(class) && part.place.kind == PlaceKind::Xml {
                true => vec![part.place.clone()],
                false => around(part, class).unwrap_or_else(|| places(part, Some(class))),
            };
            let mut lead = lead(
                class,
                places,
                Vec::new(),
                Carrier::Value(part.clone()),
                hints,
            );
            lead.rank.0 += u8::from(attacked) * ATTACKED;
            // There, another site's address is what is expected.
            if is_link(class) && part.name().is_some_and(shape::is_registered) {
                lead.rank.0 = 0;
            }
            leads.push(lead);
        }
    }
    let is_percent_encoded = part.value.contains(&b'%') && part.place.kind == PlaceKind::Cookie;
    let encoded = match part.place.kind {
        PlaceKind::Header => Cow::Borrowed(&[][..]),
        // A cookie is not decoded yet, and base64 skips what a percent sign is of. Where none is
        // there, the application may not decode it: to decode `+` would hide what is meant.
        _ if is_percent_encoded => url_decoded(&part.value),
        _ => Cow::Borrowed(&*part.value),
    };
    if let Some((inner, mut decode)) = opened(&encoded, room)? {
        if is_percent_encoded {
            decode.insert(0, Decode::Url);
        }
        for class in evidence::of(&inner)?
            .into_iter()
            .filter(|class| !class.common)
        {
            // Decoded, it is found in all that the application would read; what is there of it
            // without that is only how it begins.
            leads.retain(|known| {
                let same = matches!(&known.carrier, Carrier::Value(of) if of == part);
                !(same && known.class.condition == class.condition)
            });
            leads.push(lead(
                class,
                places(part, None),
                decode.clone(),
                Carrier::Value(part.clone()),
                hints,
            ));
        }
    }
    Ok(())
}

/// A JSON document whose names say of which class an object shall be made, whatever else it holds.
fn typed(step: &Step, parts: &[Part], hints: &Hints, leads: &mut Vec<Lead>) -> Result<(), String> {
    let names_class = |part: &Part| {
        let last = part.name().and_then(|name| name.rsplit('.').next());
        part.place.kind == PlaceKind::Json && matches!(last, Some("@type" | "$type"))
    };
    if !parts.iter().any(names_class) {
        return Ok(());
    }
    let whole = Part::body(step.request.body.clone());
    let found = evidence::of(&whole.value)?.into_iter();
    for class in found.filter(|class| class.condition == Condition::Deserialization) {
        let places = vec![whole.place.clone()];
        leads.push(lead(
            class,
            places,
            Vec::new(),
            Carrier::Value(whole.clone()),
            hints,
        ));
    }
    Ok(())
}

fn is_link(class: &Class) -> bool {
    matches!(
        class.condition,
        Condition::Ssrf(UrlShape::OtherHost | UrlShape::Host)
    )
}

/// Values that are ordinary elsewhere need a hint, or a host that calls back.
fn meant(class: &Class, part: &Part, step: &Step, hints: &Hints) -> bool {
    let text = String::from_utf8_lossy(&part.value);
    let of = |origin: Origin| -> Vec<Unknown> {
        let unknowns = step
            .unknowns
            .iter()
            .filter(|unknown| unknown.origin == origin);
        unknowns.cloned().collect()
    };
    let is_link = is_link(class);
    let calls_back = is_unknown(&text, &of(Origin::Callback));
    let is_header = matches!(part.place.kind, PlaceKind::Header | PlaceKind::Credentials);
    let is_attribute = part.place.kind == PlaceKind::XmlAttributes;
    if is_link && (is_header || is_attribute || part.place.kind == PlaceKind::Body) {
        return false;
    }
    if is_link && is_unknown(&text, &of(Origin::Target)) && !calls_back {
        return false;
    }
    let of_files = matches!(
        class.condition,
        Condition::Xss | Condition::CodeInjection | Condition::Xxe | Condition::Deserialization
    );
    // Anything may stand in a file; only some classes mean it.
    if part.place.kind == PlaceKind::FileContents && !of_files {
        return false;
    }
    let shape = part.name().map(shape::of);
    // Where a host's name is what the parameter is for, another one is no attack.
    if class.condition == Condition::Ssrf(UrlShape::Host) && shape != Some(Shape::Url) {
        return false;
    }
    !class.common
        || (is_link && calls_back)
        || (hints.weight(class) > 0 && (is_link || !is_header))
        || (class.condition == Condition::Command && shape == Some(Shape::Command))
        || (hints.silent() && !is_header)
}

/// Whether a form could have a field of this name.
fn is_plain(part: &Part) -> bool {
    !part
        .name()
        .is_some_and(|name| name.contains([' ', ';', '\'', '"', '<', '`', '|']))
}

/// Whether the name of the part is an attack.
fn name(part: &Part, hints: &Hints, leads: &mut Vec<Lead>) -> Result<bool, String> {
    let kind = match part.place.kind {
        PlaceKind::Query => PlaceKind::QueryNames,
        PlaceKind::Form | PlaceKind::Json => PlaceKind::ArgsNames,
        _ => return Ok(false),
    };
    let name = part.name().unwrap_or_default();
    let known = leads.len();
    for class in evidence::of(name.as_bytes())?
        .into_iter()
        .filter(|class| !class.common)
    {
        let place = Place { kind, member: None };
        leads.push(lead(
            class,
            vec![place],
            Vec::new(),
            Carrier::Name(part.clone()),
            hints,
        ));
    }
    Ok(leads.len() > known)
}

fn in_path(prefix: &str, step: &Step, hints: &Hints, leads: &mut Vec<Lead>) -> Result<(), String> {
    let path = parts::path(&step.request.target);
    let tail = path.get(prefix.len()..).unwrap_or(path);
    let place = |kind| Place { kind, member: None };
    let carrier = Carrier::Path(prefix.to_owned());
    for class in evidence::of(tail)? {
        // Every path looks absolute.
        let host = class.condition == Condition::Ssrf(UrlShape::Host);
        if host || (class.common && !is_link(class)) {
            continue;
        }
        let mut lead = lead(
            class,
            vec![place(PlaceKind::Path)],
            Vec::new(),
            carrier.clone(),
            hints,
        );
        // Where it leads out of its folder, it is no endpoint at which values could be looked at.
        lead.rank.0 += u8::from(class.condition == DOTS) * ATTACKED;
        leads.push(lead);
    }
    // Elsewhere than below a prefix, such paths are ordinary somewhere.
    if prefix.trim_matches('/').is_empty() {
        return Ok(());
    }
    const CONFUSION: &Class = &super::classes::CONFUSION;
    leads.push(lead(
        CONFUSION,
        vec![place(PlaceKind::Uri)],
        Vec::new(),
        carrier,
        hints,
    ));
    Ok(())
}

fn lead(
    class: &'static Class,
    places: Vec<Place>,
    decode: Vec<Decode>,
    carrier: Carrier,
    hints: &Hints,
) -> Lead {
    // A rule on a whole body concerns all its fields.
    let of_value = matches!(&carrier, Carrier::Value(part) if part.place.kind != PlaceKind::Body);
    // What such names are given is not the attack.
    let of_name = matches!(
        class.condition,
        Condition::NosqlOperators | Condition::PrototypePollution
    );
    // A host's name says less than a URL does.
    let host = class.condition == Condition::Ssrf(UrlShape::Host);
    let plain = decode.is_empty() && (of_value || of_name) && !host;
    Lead {
        rank: (hints.weight(class), !class.common, plain),
        places,
        class,
        decode,
        carrier,
    }
}

/// Where else the application would take the same value from.
fn places(part: &Part, class: Option<&Class>) -> Vec<Place> {
    let place = |kind, name: Option<&str>| Place {
        kind,
        member: name.map(|name| Member::Name(name.to_owned())),
    };
    let in_any_header = class.is_some_and(|class| match class.condition {
        Condition::Jndi => true,
        Condition::CommandInjection => candidates::matches(candidates::FUNCTION, &part.value),
        _ => false,
    });
    match (part.place.kind, part.name()) {
        // What writes one header to a log, or into the environment, does so with others.
        (PlaceKind::Header, _) if in_any_header => vec![place(PlaceKind::Header, None)],
        (PlaceKind::Query | PlaceKind::Form, Some(name)) => {
            vec![place(PlaceKind::Args, Some(of_list(name)))]
        }
        (PlaceKind::Json, Some(name)) if !name.contains('.') => {
            vec![place(PlaceKind::Args, Some(name))]
        }
        (PlaceKind::Xml | PlaceKind::XmlAttributes, _) => {
            vec![
                place(PlaceKind::Xml, None),
                place(PlaceKind::XmlAttributes, None),
            ]
        }
        _ => vec![part.place.clone()],
    }
}

/// `ids` of `ids[]` and `ids[0]`.
fn of_list(name: &str) -> &str {
    let list = name
        .strip_suffix(']')
        .and_then(|name| name.rsplit_once('['));
    match list {
        Some((name, index)) if index.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => name,
    }
}

/// The whole of a deep document that a value is in, where what is found is code wherever it
/// stands: the keys on the way to it are often as free as the value.
fn around(part: &Part, class: &Class) -> Option<Vec<Place>> {
    const DEEP: usize = 3;
    let steps: Vec<&str> = part.name()?.split('.').collect();
    let first = steps.first().filter(|first| **first != "*")?;
    let code = matches!(
        class.condition,
        Condition::Jndi | Condition::Deserialization | Condition::CodeInjection
    );
    let free = part.place.kind == PlaceKind::Json && code && steps.len() >= DEEP;
    free.then(|| {
        vec![Place {
            kind: PlaceKind::Json,
            member: Some(Member::Name((*first).to_owned())),
        }]
    })
}

/// What a value holds, and how it is decoded.
type Opened = (Vec<u8>, Vec<Decode>);

/// What a value is in Base64, where it can be nothing else, and how it is decoded.
///
/// A message of SAML is deflated first where a URL carries it, and is the same message.
fn opened(value: &[u8], room: &mut Room) -> Result<Option<Opened>, String> {
    let Some(held) = from_base64(value) else {
        return Ok(None);
    };
    let deflated = || vec![Decode::Base64, Decode::Inflate];
    if is_text(&held) {
        let decode = match held.trim_ascii_start().starts_with(b"<") {
            true => deflated(),
            false => vec![Decode::Base64],
        };
        return Ok(Some((held, decode)));
    }
    let is_object = |class: &&Class| class.condition == Condition::Deserialization;
    if evidence::of(&held)?.iter().any(is_object) {
        return Ok(Some((held, vec![Decode::Base64])));
    }
    let text = room.inflated(&held)?;
    let found = !text.is_empty() && is_text(&text);
    Ok(found.then(|| (text, deflated())))
}

fn url_decoded(value: &[u8]) -> Cow<'_, [u8]> {
    let mut decoded = Vec::new();
    let decode = engine::transformations::find("urlDecodeUni");
    match decode.is_some_and(|decode| (decode.apply)(value, &mut decoded)) {
        true => Cow::Owned(decoded),
        false => Cow::Borrowed(value),
    }
}

fn from_base64(value: &[u8]) -> Option<Vec<u8>> {
    const SHORT: usize = 8;
    let text = value.trim_ascii();
    // A blank was a plus before it was decoded.
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_- ".contains(byte);
    // A text of words is none.
    let blanks = text.iter().filter(|byte| **byte == b' ').count();
    if blanks * 16 > text.len() {
        return None;
    }
    if text.len() < SHORT || !text.iter().all(fits) {
        return None;
    }
    let standard: Vec<u8> = text
        .iter()
        .filter(|byte| **byte != b'=')
        .map(|byte| match byte {
            b'-' | b' ' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    base64::prelude::BASE64_STANDARD_NO_PAD
        .decode(standard)
        .ok()
}

fn is_text(bytes: &[u8]) -> bool {
    let printable = bytes
        .iter()
        .filter(|byte| (0x20..0x7f).contains(*byte) || byte.is_ascii_whitespace());
    printable.count() * 10 >= bytes.len() * 9
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    #[test]
    fn all_values_of_a_source_inflate_within_one_bound() {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&[b'a'; 600]).unwrap();
        let value = base64::prelude::BASE64_STANDARD.encode(encoder.finish().unwrap());
        let limits = Limits {
            inflated_bytes: 1000,
            ..Limits::default()
        };
        let mut room = Room::within(&limits);
        let (text, _) = opened(value.as_bytes(), &mut room).unwrap().unwrap();
        assert_eq!(text, [b'a'; 600]);
        let why = opened(value.as_bytes(), &mut room).unwrap_err();
        assert!(why.contains("more than 1000 bytes"), "{why}");
    }
}
