//! Which patches the head of a request rules out, before anything of it is kept.
//!
//! A patch without a path concerns every request, and many share `/` or `/index.php`. What
//! their rules look at is mostly not there: no parameter of that name, no byte that the rule
//! needs in the path. One pass over the target and the names in it tells, for all of them.
//! A rule that finds no value, or only values that its gate keeps out, cannot match.

mod clue;
mod of;

use std::collections::HashMap;

use super::Scan;
use super::params::{Bloom, Params, Shows, Wanted};
use super::path::path_of;
use super::signature::{Decoding, Signature};
use crate::limits::Limits;
use crate::request::RequestHead;
use clue::Part;
pub(crate) use clue::{Clue, Needed};
pub(crate) use of::is_of_line;

/// What the rules of a patch ask of a head; one of them must let it through.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Glance {
    /// A body is held, and bounded, whatever the rules make of it.
    holds_body: bool,
    /// The kinds of places where some group begins.
    kinds: u8,
    groups: Box<[Group]>,
}

type Spots = Box<[Spot]>;

/// Rules whose first asking link looks at the same places.
#[derive(PartialEq, Eq, Hash)]
struct Group {
    spots: Spots,
    /// Whether a rule asks for nothing more than a value there.
    open: bool,
    /// Of the other rules, one after the other: what their links ask.
    asks: Box<[Ask]>,
}

/// What a link asks: a value at one of the places that passes the gate.
#[derive(PartialEq, Eq, Hash)]
struct Ask {
    /// None: those of the group.
    spots: Option<Spots>,
    /// Whether the next one is another rule's.
    ends: bool,
    clause: Option<u32>,
    bits: Signature,
    unless: Signature,
    does: Decoding,
}

/// Where a target finds values, as far as a head tells.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Spot {
    /// The target as received.
    Raw,
    /// The path, `%XX` decoded once.
    Path,
    /// Parameters of the query whose names are like one of these; without any, all.
    Names(Box<[Wanted]>),
    /// The names of those parameters.
    EveryName,
    /// Headers of this name, in lower case.
    Header(Box<[u8]>),
    /// What cannot be parsed, or is too much.
    Fault,
    /// The body, or parts of it.
    Body,
    /// Parameters of the body, by their names as above.
    BodyNames(Box<[Wanted]>),
}

const LINE: u8 = 1;
const HEADER: u8 = 2;
const NAMES: u8 = 4;
const FAULT: u8 = 8;
const BODY: u8 = 16;
/// No place: that a body follows.
const HELD: u8 = 32;
const POSTED: u8 = 64;

/// A head, looked at as far as patches ask; scratch for the next one.
#[derive(Default)]
pub(crate) struct Sight {
    /// Where the query begins.
    query_at: Option<usize>,
    raw: Seen,
    path: Seen,
    decoded: Vec<u8>,
    params: Params,
    fault: Option<bool>,
    /// What all of the target shows, once it is known.
    target: Option<Option<Signature>>,
    /// The kinds of places where there may be a value.
    kinds: u8,
    pub(super) said: Said,
}

/// What is known of some bytes.
#[derive(Default)]
struct Seen {
    signature: Option<Signature>,
    clauses: Vec<u32>,
    searched: bool,
}

/// The glances of a plan's patches, each kept once: many ask the same of a path.
#[derive(Default)]
pub(crate) struct Glances {
    numbers: HashMap<Glance, u32>,
    of_patches: Vec<Option<u32>>,
}

impl Glances {
    /// Adds that of the next patch; none: no head rules it out.
    pub(crate) fn add(&mut self, glance: Option<Glance>) {
        let next = self.numbers.len() as u32;
        let number = glance.map(|glance| *self.numbers.entry(glance).or_insert(next));
        self.of_patches.push(number);
    }

    /// By their numbers, and the number of each patch's.
    pub(super) fn settle(self) -> (Vec<Glance>, Vec<Option<u32>>) {
        let mut glances: Vec<_> = self.numbers.into_iter().collect();
        glances.sort_unstable_by_key(|(_, number)| *number);
        let glances = glances.into_iter().map(|(glance, _)| glance);
        (glances.collect(), self.of_patches)
    }
}

/// What some glances that patches share have said of a head.
pub(super) struct Said {
    /// By the glance's number: that, the head's number, the answer.
    answers: Box<[(u32, u64, bool); SAID]>,
    head: u64,
}

/// Answers that are kept; one takes the place of another.
const SAID: usize = 64;

impl Said {
    /// The answer of this glance.
    pub(super) fn of(&self, number: u32) -> Option<bool> {
        let (known, head, answer) = *self.answers.get(number as usize % SAID)?;
        ((known, head) == (number, self.head)).then_some(answer)
    }

    pub(super) fn add(&mut self, number: u32, answer: bool) {
        if let Some(slot) = self.answers.get_mut(number as usize % SAID) {
            *slot = (number, self.head, answer);
        }
    }
}

impl Default for Said {
    fn default() -> Self {
        Self {
            answers: Box::new([(0, 0, false); SAID]),
            head: 0,
        }
    }
}

/// What of a request a phase can look at, as far as patches ask.
pub(crate) struct Shown {
    names: Bloom,
    /// Whether something did not parse, or was too much.
    pub(crate) fault: bool,
    pub(crate) body: bool,
}

/// What a head is read with.
pub(crate) struct Reader<'a> {
    pub(crate) scan: &'a Scan,
    pub(crate) limits: &'a Limits,
    /// Between parameters, and between cookies.
    pub(crate) separators: (u8, u8),
    /// Whether directives bound parameters, or read cookies, in ways of their own.
    pub(crate) unusual: bool,
}

impl Glance {
    /// Whether a rule could match the request, or its body must be held.
    pub(super) fn looks(
        &self,
        head: &RequestHead<'_>,
        sight: &mut Sight,
        reader: &Reader<'_>,
    ) -> bool {
        if self.holds_body && !head.bodiless {
            return true;
        }
        let mut groups = self.groups.iter();
        groups.any(|group| {
            let mut spots = group.spots.iter();
            spots.any(|spot| sight.is_there(spot, head, reader))
                && (group.open
                    || group.rules().any(|asks| {
                        let mut asks = asks.iter();
                        asks.all(|ask| sight.passes(ask, ask.spots_of(group), head, reader))
                    }))
        })
    }
}

impl Glance {
    /// Whether a rule could match in a phase that sees this.
    pub(crate) fn finds(&self, shown: &Shown) -> bool {
        let mut spots = self.groups.iter().flat_map(|group| &group.spots);
        spots.any(|spot| match spot {
            Spot::Raw | Spot::Path | Spot::Header(_) => true,
            Spot::Names(wanted) | Spot::BodyNames(wanted) => {
                wanted.is_empty() || wanted.iter().any(|wanted| shown.names.holds(wanted.texts))
            }
            Spot::EveryName => true,
            Spot::Fault => shown.fault,
            Spot::Body => shown.body,
        })
    }
}

impl Group {
    /// What each of the rules asks that are not open.
    fn rules(&self) -> impl Iterator<Item = &[Ask]> {
        self.asks.split_inclusive(|ask| ask.ends)
    }
}

impl Shown {
    /// With parameters of these names.
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a [u8]>, fault: bool, body: bool) -> Self {
        let mut bloom = Bloom::default();
        for name in names {
            let mut before = None;
            for byte in name.iter().map(u8::to_ascii_lowercase) {
                bloom.add(before, byte);
                before = Some(byte);
            }
        }
        Self {
            names: bloom,
            fault,
            body,
        }
    }
}

impl Spot {
    /// A bit, by what a head must have for there to be a value.
    fn kind(&self) -> u8 {
        match self {
            Self::Raw | Self::Path => LINE,
            Self::Header(_) => HEADER,
            Self::Names(_) | Self::EveryName => NAMES,
            Self::Fault => FAULT,
            Self::Body => BODY,
            Self::BodyNames(_) => POSTED,
        }
    }
}

impl Sight {
    /// Forgets the head before, and begins with this one.
    pub(crate) fn reset(&mut self, head: &RequestHead<'_>, reader: &Reader<'_>) {
        self.query_at = memchr::memchr(b'?', head.target).map(|mark| mark + 1);
        for seen in [&mut self.raw, &mut self.path] {
            seen.signature = None;
            seen.searched = false;
        }
        self.params.forget();
        self.fault = None;
        self.target = None;
        self.said.head += 1;
        self.kinds = self.kinds_of(head, reader);
    }

    fn kinds_of(&mut self, head: &RequestHead<'_>, reader: &Reader<'_>) -> u8 {
        let mut kinds = LINE | HEADER;
        if !head.bodiless {
            kinds |= NAMES | BODY | POSTED | HELD;
        }
        if self.query_at.is_some() {
            kinds |= NAMES;
        }
        if self.is_fault(head, reader) {
            kinds |= FAULT;
        }
        kinds
    }

    /// Whether there may be a value.
    fn is_there(&mut self, spot: &Spot, head: &RequestHead<'_>, reader: &Reader<'_>) -> bool {
        match spot {
            Spot::Raw | Spot::Path => true,
            Spot::Names(wanted) => self.has_param(head, wanted, reader, |_| true),
            Spot::EveryName => !head.bodiless || self.query_at.is_some(),
            Spot::Header(name) => any_header(head, name, &mut |_| true),
            Spot::Fault => self.is_fault(head, reader),
            Spot::Body | Spot::BodyNames(_) => !head.bodiless,
        }
    }

    fn passes(
        &mut self,
        ask: &Ask,
        spots: &[Spot],
        head: &RequestHead<'_>,
        reader: &Reader<'_>,
    ) -> bool {
        let mut spots = spots.iter();
        spots.any(|spot| match spot {
            Spot::Raw => ask.admits(head.target, &mut self.raw, reader.scan),
            Spot::Path => {
                self.decode(head);
                ask.admits(&self.decoded, &mut self.path, reader.scan)
            }
            // Texts of headers and parameters are not worth a search.
            Spot::Header(name) => any_header(head, name, &mut |value| {
                ask.may_admit(reader.scan.signatures.of(value))
            }),
            Spot::Names(wanted) => {
                self.has_param(head, wanted, reader, |param| ask.may_admit(param.value))
            }
            Spot::EveryName => self.has_param(head, &[], reader, |param| ask.may_admit(param.name)),
            other => self.is_there(other, head, reader),
        })
    }

    fn decode(&mut self, head: &RequestHead<'_>) {
        if self.path.signature.is_some() {
            return;
        }
        self.decoded.clear();
        let path = path_of(head.target);
        match memchr::memchr(b'%', path) {
            Some(_) => crate::body::percent::decode(path, &mut self.decoded),
            None => self.decoded.extend_from_slice(path),
        }
    }

    /// What this part of the target shows, as it came or decoded; none: not all is known.
    fn shows(
        &mut self,
        part: Part,
        head: &RequestHead<'_>,
        reader: &Reader<'_>,
    ) -> Option<Signature> {
        let signatures = &reader.scan.signatures;
        self.decode(head);
        let path = *self
            .path
            .signature
            .get_or_insert_with(|| signatures.of(&self.decoded));
        if part == Part::Path {
            return Some(path);
        }
        let raw = *self
            .raw
            .signature
            .get_or_insert_with(|| signatures.of(head.target));
        if part == Part::Line {
            return Some(path | raw);
        }
        if !head.bodiless {
            return None;
        }
        if self.target.is_none() {
            let shows = match self.query_at {
                Some(_) => self.read_params(head, reader).shows(),
                None => Some(0),
            };
            self.target = Some(shows.map(|shows| shows | path | raw));
        }
        self.target.flatten()
    }

    /// Whether there may be a parameter whose name is wanted, and whose signatures hold.
    fn has_param(
        &mut self,
        head: &RequestHead<'_>,
        wanted: &[Wanted],
        reader: &Reader<'_>,
        holds: impl Fn(Shows) -> bool,
    ) -> bool {
        if self.query_at.is_none() || !head.bodiless {
            return !head.bodiless;
        }
        self.read_params(head, reader).any(wanted, holds)
    }

    /// The parameters of the query.
    fn read_params(&mut self, head: &RequestHead<'_>, reader: &Reader<'_>) -> &Params {
        let start = self.query_at.unwrap_or(head.target.len());
        let query = || head.target.get(start..).unwrap_or_default();
        let params = &mut self.params;
        params.read(query, reader.separators.0, &reader.scan.signatures);
        params
    }

    /// Whether a head without a body could be too much, or not parse.
    fn is_fault(&mut self, head: &RequestHead<'_>, reader: &Reader<'_>) -> bool {
        if !head.bodiless || reader.unusual {
            return true;
        }
        let limit = reader.limits.arguments;
        // Where all bytes could be separators and there were not too many, none is counted.
        let count = |separator, bytes: &[u8]| match bytes.len() < limit / 8 {
            true => bytes.len(),
            false => memchr::memchr_iter(separator, bytes).count(),
        };
        *self.fault.get_or_insert_with(|| {
            let (parameters, cookies) = reader.separators;
            // The last parameter may be read twice, with a fragment and without.
            let mut values = 2 + count(parameters, head.target);
            let (mut lines, mut coded) = (0, false);
            head.headers.for_each(&mut |name, value| {
                lines += 1;
                coded |= name.eq_ignore_ascii_case(b"content-encoding");
                if name.eq_ignore_ascii_case(b"cookie") {
                    values += 1 + count(cookies, value);
                }
            });
            coded || lines > reader.limits.headers || values >= limit
        })
    }
}

impl Ask {
    fn is_gated(&self) -> bool {
        self.bits != 0 || self.clause.is_some()
    }

    fn spots_of<'a>(&'a self, group: &'a Group) -> &'a [Spot] {
        self.spots.as_ref().unwrap_or(&group.spots)
    }

    /// Whether the gate may let bytes of this signature through, its texts left aside.
    fn may_admit(&self, signature: Signature) -> bool {
        self.does.may_show(signature, self.bits)
    }

    /// Whether the gate may let the bytes through, as they are or decoded.
    fn admits(&self, bytes: &[u8], seen: &mut Seen, scan: &Scan) -> bool {
        let signature = *seen
            .signature
            .get_or_insert_with(|| scan.signatures.of(bytes));
        self.may_admit(signature)
            && (self.does.acts_on(signature)
                || self
                    .clause
                    .filter(|_| signature & self.unless == 0)
                    .is_none_or(|clause| {
                        if !seen.searched {
                            seen.searched = true;
                            seen.clauses.clear();
                            scan.texts.find(bytes, &mut seen.clauses);
                        }
                        seen.clauses.binary_search(&clause).is_ok()
                    }))
    }
}

fn any_header(head: &RequestHead<'_>, wanted: &[u8], holds: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    let mut any = false;
    head.headers.for_each(&mut |name, value| {
        any |= !any && name.eq_ignore_ascii_case(wanted) && holds(value);
    });
    any
}
