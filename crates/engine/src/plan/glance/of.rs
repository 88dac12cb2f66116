//! What the rules of a program ask of a head.

use super::{Ask, Glance, Group, Spot, Spots};
use crate::language::variables::Variable;
use crate::operators::Hit;
use crate::plan::gate::{Gate, Needs};
use crate::plan::ir::{Check, Link, Program, Rule, Selector, Step, Target, Test, Text};
use crate::plan::params::wanted;
use crate::plan::query::{is_of_body, reached};
use crate::plan::signature::Signatures;

impl Glance {
    /// Of a program whose gates are set; none where heads rule nothing out.
    pub(crate) fn of(
        program: &Program,
        holds_body: bool,
        signatures: &Signatures,
        needs: &mut Needs,
    ) -> Option<Self> {
        let mut groups: Vec<(Spots, Vec<Vec<Ask>>)> = Vec::new();
        for step in program.phases.iter().flatten() {
            let Step::Rule(rule) = step else {
                continue;
            };
            let (spots, asks) = asks(rule, !program.reads_matched, signatures, needs)?;
            match groups.iter_mut().find(|group| group.0 == spots) {
                Some((_, rules)) => rules.push(asks),
                None => groups.push((spots, vec![asks])),
            }
        }
        let groups: Box<_> = groups.into_iter().map(Group::new).collect();
        let spots = groups.iter().flat_map(|group| &group.spots);
        Some(Self {
            holds_body,
            kinds: spots.fold(0, |kinds, spot| kinds | spot.kind()),
            groups,
        })
    }
}

impl Group {
    fn new((spots, rules): (Spots, Vec<Vec<Ask>>)) -> Self {
        let open = rules.iter().any(Vec::is_empty);
        // PERF: one after the other in memory, which is mostly not in the processor's caches.
        let mut asks: Vec<Ask> = Vec::new();
        for rule in rules {
            asks.extend(rule);
            if let Some(last) = asks.last_mut() {
                last.ends = true;
            }
        }
        for ask in &mut asks {
            ask.spots = ask.spots.take().filter(|own| *own != spots);
        }
        Self {
            spots,
            open,
            asks: asks.into(),
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
) -> Option<(Spots, Vec<Ask>)> {
    let mut asks: Vec<(Spots, Ask)> = reached(rule, any_link)
        .filter_map(|(_, link)| ask(link, signatures, needs))
        .collect();
    // What is not even there is found out first.
    let of_line = |(spots, _): &(Spots, Ask)| {
        let always = |spot: &Spot| matches!(spot, Spot::Raw | Spot::Path | Spot::Fault);
        spots.iter().any(always)
    };
    let at = asks.iter().position(|ask| !of_line(ask)).unwrap_or(0);
    let (spots, first) = (at < asks.len()).then(|| asks.swap_remove(at))?;
    let is_read = |spot: &Spot| {
        matches!(
            spot,
            Spot::Raw | Spot::Path | Spot::Header(_) | Spot::Names(_) | Spot::EveryName
        )
    };
    let with_spots = |(spots, ask)| Ask {
        spots: Some(spots),
        ..ask
    };
    let mut asks: Vec<Ask> = asks.into_iter().map(with_spots).collect();
    if first.is_gated() && spots.iter().all(is_read) {
        asks.push(first);
    }
    Some((spots, asks))
}

/// None if the head does not tell whether the link finds a value that passes its gate.
fn ask(link: &Link, signatures: &Signatures, needs: &mut Needs) -> Option<(Spots, Ask)> {
    let test = link.test.as_ref()?;
    let targets = link.targets.iter().filter(|target| !target.excluded);
    let spots: Option<Spots> = targets.map(|target| spot(target, needs)).collect();
    let spots = spots?;
    if spots.contains(&Spot::Fault) && !asks_for_fault(link, test) {
        return None;
    }
    let Gate {
        bits,
        clause,
        unless,
        ..
    } = test.gate;
    let ask = Ask {
        spots: None,
        ends: false,
        clause,
        bits,
        unless,
        does: signatures.decoding(&link.transformations),
    };
    let open = !ask.is_gated()
        && spots
            .iter()
            .any(|spot| matches!(spot, Spot::Raw | Spot::Path));
    (!spots.is_empty() && !open).then_some((spots, ask))
}

/// Whether the test says no of `0`, which stands there without a fault.
fn asks_for_fault(link: &Link, test: &Test) -> bool {
    let mut hit = Hit::default();
    let said = match &test.check {
        Check::Compiled(operator) => operator.matches(b"0", &mut hit),
        Check::Plain {
            function,
            argument: Text::Plain(argument),
            ..
        } => function(argument.as_bytes(), b"0", &mut hit),
        _ => return false,
    };
    said == test.negated && link.transformations.is_empty()
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
        of_body if is_of_body(of_body) => Spot::Body,
        _ => return None,
    })
}
