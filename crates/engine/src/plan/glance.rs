//! Which patches the head of a request rules out, before anything of it is kept.
//!
//! A patch without a path concerns every request, and many share `/` or `/index.php`. What
//! their rules look at is mostly not there: no parameter of that name, no byte that the rule
//! needs in the path. One pass over the target and the names in it tells, for all of them.
//! A rule that finds no value, or only values that its gate keeps out, cannot match.

mod clue;

use std::collections::HashSet;
use std::sync::Arc;

use super::Scan;
use super::gate::{Gate, Needs};
use super::ir::{Link, Program, Rule, Selector, Step, Target, Text};
use super::params::{Bloom, Params, Shows, Wanted, wanted};
use super::path::path_of;
use super::query::reached;
use super::signature::{Signature, Signatures};
use crate::language::variables::Variable;
use crate::limits::Limits;
use crate::request::RequestHead;
pub(crate) use clue::Clue;

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
type Asks = Box<[Ask]>;

/// Rules whose first asking link looks at the same places.
#[derive(PartialEq, Eq, Hash)]
struct Group {
    spots: Spots,
    /// Of each rule: what its links ask.
    rules: Vec<Asks>,
}

/// What a link asks: a value at one of the places that passes the gate.
#[derive(PartialEq, Eq, Hash)]
struct Ask {
    spots: Spots,
    gate: Gate,
    /// The bits of what its transformations act on; none: anything.
    touched: Option<Signature>,
    /// The bits of what they may put in; none: anything.
    makes: Option<Signature>,
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
    /// The kinds of places where there may be a value.
    kinds: u8,
    said: Said,
}

/// What is known of some bytes.
#[derive(Default)]
struct Seen {
    signature: Option<Signature>,
    clauses: Vec<u32>,
    searched: bool,
}

/// The glances of a plan, each kept once: many patches ask the same of a path.
#[derive(Default)]
pub(crate) struct Glances(HashSet<Arc<Glance>>);

impl Glances {
    /// The same glance, shared with whoever has it already.
    pub(crate) fn share(&mut self, glance: Glance) -> Arc<Glance> {
        if let Some(known) = self.0.get(&glance) {
            return Arc::clone(known);
        }
        let glance = Arc::new(glance);
        self.0.insert(Arc::clone(&glance));
        glance
    }
}

/// What some glances that patches share have said of a head.
struct Said {
    /// By the glance's number: that, the head's number, the answer.
    answers: Box<[(u32, u64, bool); SAID]>,
    head: u64,
}

/// Answers that are kept; one takes the place of another.
const SAID: usize = 64;

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
    /// Of a program whose gates are set; none where heads rule nothing out.
    pub(crate) fn of(
        program: &Program,
        holds_body: bool,
        signatures: &Signatures,
        needs: &mut Needs,
    ) -> Option<Self> {
        let mut groups: Vec<Group> = Vec::new();
        for step in program.phases.iter().flatten() {
            let Step::Rule(rule) = step else {
                continue;
            };
            let (spots, asks) = asks(rule, !program.reads_matched, signatures, needs)?;
            match groups.iter_mut().find(|group| group.spots == spots) {
                Some(group) => group.rules.push(asks),
                None => groups.push(Group {
                    spots,
                    rules: vec![asks],
                }),
            }
        }
        let spots = groups.iter().flat_map(|group| &group.spots);
        Some(Self {
            holds_body,
            kinds: spots.fold(0, |kinds, spot| kinds | spot.kind()),
            groups: groups.into(),
        })
    }

    /// Whether a rule could match the request, or its body must be held.
    pub(crate) fn admits(
        &self,
        clue: &Clue,
        head: &RequestHead<'_>,
        sight: &mut Sight,
        reader: &Reader<'_>,
    ) -> bool {
        let Some(number) = clue.shared else {
            return self.looks(head, sight, reader);
        };
        // PERF: patches for every path are of few kinds; each is asked once.
        let (at, of) = (number as usize % SAID, sight.said.head);
        match sight.said.answers.get(at) {
            Some(&(known, head, answer)) if (known, head) == (number, of) => return answer,
            _ => {}
        }
        let answer = self.looks(head, sight, reader);
        if let Some(slot) = sight.said.answers.get_mut(at) {
            *slot = (number, of, answer);
        }
        answer
    }

    fn looks(&self, head: &RequestHead<'_>, sight: &mut Sight, reader: &Reader<'_>) -> bool {
        if self.holds_body && !head.bodiless {
            return true;
        }
        let mut groups = self.groups.iter();
        groups.any(|group| {
            let mut spots = group.spots.iter();
            spots.any(|spot| sight.is_there(spot, head, reader))
                && group
                    .rules
                    .iter()
                    .any(|asks| asks.iter().all(|ask| sight.passes(ask, head, reader)))
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

/// Whether every rule has a link that looks at nothing but the request line, so that it is
/// worth it to search for the texts that they need.
pub(crate) fn is_of_line(program: &Program) -> bool {
    use Variable as V;
    let of_line = |target: &Target| {
        let line = matches!(
            target.variable,
            V::RequestUri
                | V::RequestUriRaw
                | V::QueryString
                | V::RequestFilename
                | V::RequestBasename
        );
        target.excluded || (line && !target.counted)
    };
    program.phases.iter().flatten().all(|step| match step {
        Step::Rule(rule) => rule
            .links
            .iter()
            .any(|link| !link.targets.is_empty() && link.targets.iter().all(of_line)),
        Step::Marker(_) => true,
    })
}

/// What a rule asks, and the places of the link that says most; none if it may match whatever
/// the head holds.
fn asks(
    rule: &Rule,
    any_link: bool,
    signatures: &Signatures,
    needs: &mut Needs,
) -> Option<(Spots, Asks)> {
    let mut asks: Vec<Ask> = reached(rule, any_link)
        .filter_map(|(_, link)| ask(link, signatures, needs))
        .collect();
    // What is not even there is found out first.
    let of_line = |ask: &Ask| {
        let always = |spot: &Spot| matches!(spot, Spot::Raw | Spot::Path | Spot::Fault);
        ask.spots.iter().any(always)
    };
    let at = asks.iter().position(|ask| !of_line(ask)).unwrap_or(0);
    let first = (at < asks.len()).then(|| asks.swap_remove(at))?;
    let same = Ask {
        spots: [].into(),
        ..first
    };
    let spots = first.spots;
    let is_read = |spot: &Spot| {
        matches!(
            spot,
            Spot::Raw | Spot::Path | Spot::Header(_) | Spot::Names(_) | Spot::EveryName
        )
    };
    let gated = same.gate != Gate::default() && spots.iter().all(is_read);
    if gated {
        asks.push(Ask {
            spots: spots.clone(),
            ..same
        });
    }
    Some((spots, asks.into()))
}

/// None if the head does not tell whether the link finds a value that passes its gate.
fn ask(link: &Link, signatures: &Signatures, needs: &mut Needs) -> Option<Ask> {
    let test = link.test.as_ref()?;
    let targets = link.targets.iter().filter(|target| !target.excluded);
    let spots: Option<Spots> = targets.map(|target| spot(target, needs)).collect();
    let spots = spots?;
    let open = test.gate == Gate::default()
        && spots
            .iter()
            .any(|spot| matches!(spot, Spot::Raw | Spot::Path));
    (!spots.is_empty() && !open).then(|| Ask {
        spots,
        gate: test.gate,
        touched: signatures.touched_by(&link.transformations),
        makes: signatures.made_by(&link.transformations),
    })
}

fn spot(target: &Target, needs: &mut Needs) -> Option<Spot> {
    use Variable as V;
    // That nothing parsed was a fault is a count that is always there.
    if target.counted {
        return None;
    }
    Some(match target.variable {
        V::RequestUri | V::RequestUriRaw | V::QueryString => Spot::Raw,
        V::RequestFilename | V::RequestBasename => Spot::Path,
        V::Args | V::ArgsGet => Spot::Names(wanted(&target.selector, needs)?),
        // A name is a value of its own; that there are any is all that is foreseen.
        V::ArgsNames | V::ArgsGetNames => Spot::EveryName,
        V::RequestHeaders => match &target.selector {
            Selector::Name(Text::Plain(name)) => {
                Spot::Header(name.to_ascii_lowercase().into_bytes().into())
            }
            _ => return None,
        },
        V::RequestCookies => Spot::Header((*b"cookie").into()),
        V::ReqbodyError => Spot::Fault,
        V::ArgsPost => Spot::BodyNames(wanted(&target.selector, needs)?),
        V::ArgsPostNames
        | V::Files
        | V::FilesNames
        | V::FilesTmpContent
        | V::MultipartFilename
        | V::MultipartName
        | V::MultipartPartHeaders
        | V::Xml
        | V::RequestBody => Spot::Body,
        _ => return None,
    })
}

impl Spot {
    /// A bit, by what a head must have for there to be a value.
    fn kind(&self) -> u8 {
        match self {
            Self::Raw | Self::Path => LINE,
            Self::Header(_) => HEADER,
            Self::Names(_) | Self::EveryName => NAMES,
            Self::Fault => FAULT,
            Self::Body | Self::BodyNames(_) => BODY,
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
        self.said.head += 1;
        self.kinds = self.kinds_of(head, reader);
    }

    fn kinds_of(&mut self, head: &RequestHead<'_>, reader: &Reader<'_>) -> u8 {
        let mut kinds = LINE | HEADER;
        if !head.bodiless {
            kinds |= NAMES | BODY | HELD;
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

    fn passes(&mut self, ask: &Ask, head: &RequestHead<'_>, reader: &Reader<'_>) -> bool {
        let mut spots = ask.spots.iter();
        spots.any(|spot| match spot {
            Spot::Raw => ask.admits(head.target, &mut self.raw, reader.scan),
            Spot::Path => {
                if self.path.signature.is_none() {
                    self.decoded.clear();
                    let path = path_of(head.target);
                    match memchr::memchr(b'%', path) {
                        Some(_) => crate::body::percent::decode(path, &mut self.decoded),
                        None => self.decoded.extend_from_slice(path),
                    }
                }
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
    /// Whether the gate may let bytes of this signature through, its texts left aside.
    fn may_admit(&self, signature: Signature) -> bool {
        let made = match self.touched.is_none_or(|touched| signature & touched != 0) {
            true => self.makes.unwrap_or(Signature::MAX),
            false => 0,
        };
        self.gate.admits(signature | made)
    }

    /// Whether the gate may let the bytes through, as they are or decoded.
    fn admits(&self, bytes: &[u8], seen: &mut Seen, scan: &Scan) -> bool {
        let signature = *seen
            .signature
            .get_or_insert_with(|| scan.signatures.of(bytes));
        let changed = self.touched.is_none_or(|touched| signature & touched != 0);
        self.may_admit(signature)
            && (changed
                || self.gate.asks_for(signature).is_none_or(|clause| {
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
