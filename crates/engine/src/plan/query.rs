//! A program as a query: grouped by what rules look at and how it is decoded,
//! so that one look at a value tells which rules could match it.
//!
//! A rule whose first link cannot match has no effect, so leaving it out keeps
//! the meaning of the program. What depends on more than the request (`TX`,
//! counts, macros in selectors) is not foreseen: such rules always run.

use std::sync::Arc;

use super::gate::Gate;
use super::gated::Gated;
use super::ir::{Check, Link, Program, Rule, Selector, Step, Target, Test, Text};
use super::quiet::Quiet;
use super::signature::{Signature, Signatures};
use crate::language::variables::Variable;
use crate::operators::{Hit, Operator};

pub(crate) use super::gated::Steps;

/// Bytes of a member's name that is looked up; rules that ask for longer ones always run.
pub(crate) const LONGEST_NAME: usize = 128;

/// One phase of a program.
#[derive(Default)]
pub(crate) struct Query {
    /// Steps that run whatever the request holds.
    pub(crate) always: Steps,
    /// What the other rules look at.
    pub(crate) looked_at: Vec<Looked>,
    /// As long as this holds nothing comes of the phase.
    pub(crate) quiet: Option<Quiet>,
    /// By step: what is found out of its rule at load.
    rules: Vec<Foreseen>,
}

/// What is foreseen of a step's rule.
#[derive(Default)]
struct Foreseen {
    /// The link whose values are looked at.
    telling: usize,
    /// By which number values are remembered of which that link says no, whatever else holds.
    remembered: Option<u32>,
    /// None: it may always change something.
    quiet: Option<Quiet>,
}

/// A variable and the rules that look at it.
pub(crate) struct Looked {
    pub(crate) variable: Variable,
    /// Rules that look at every member.
    pub(crate) all: Uses,
    /// Rules that look at the members of a name, by its number, in order.
    pub(crate) named: Vec<(u32, Uses)>,
    /// Rules that look at the members whose name fits.
    pub(crate) patterns: Vec<(Arc<dyn Operator>, Uses)>,
}

/// Rules that look at the same members, by how they decode them.
#[derive(Default)]
pub(crate) struct Uses {
    /// Unique in the plan.
    pub(crate) id: u32,
    /// Steps that run if there is any value, since they count them.
    pub(crate) open: Vec<u32>,
    /// Steps that any value lets run.
    pub(crate) free: Vec<u32>,
    /// All others: for members that no transformation changes.
    pub(crate) undecoded: Gated,
    /// The bits of what any of the stages acts on; none: one of them may act on anything.
    touched: Option<Signature>,
    /// Stages of decoding, each after the one before it.
    pub(crate) stages: Vec<Stage>,
    /// Those at which rules ask, and that may change any value.
    asking_all: Vec<Asking>,
    /// Other stages at which rules ask.
    asking: Vec<Asking>,
    /// The bits without which none of these changes a value.
    changes: Signature,
}

/// A stage at which rules ask, and what a value must show for it to be looked at.
///
/// PERF: most stages have one rule, so that this tells enough without a look at the stage.
struct Asking {
    /// The bits without which a value stays as it is up to here, if there are any.
    touched: Signature,
    /// The bits that all of its rules ask for, and that are not made on the way.
    wanted: Signature,
    stage: u32,
}

/// What the members look like after some transformations.
pub(crate) struct Stage {
    /// The stage that is decoded further; none: the member as it came.
    pub(crate) before: Option<u32>,
    /// Position in the registry.
    pub(crate) transformation: u16,
    /// The bits of what all transformations up to here act on; none: anything.
    touched: Option<Signature>,
    /// The bits of what they may put into a value; none: anything.
    makes: Option<Signature>,
    /// Rules that ask at this stage.
    pub(crate) rules: Gated,
}

/// Groups the rules of each phase. The gates are closed already.
pub(crate) fn build(program: &Program, signatures: &Signatures) -> [Query; 5] {
    let mut ids = 0..;
    std::array::from_fn(|phase| {
        let mut query = Query::default();
        for (at, step) in program.phases.get(phase).into_iter().flatten().enumerate() {
            if let Step::Rule(rule) = step {
                let all = !program.reads_matched;
                let mut foreseen = query.add(rule, at as u32, signatures, all);
                foreseen.quiet = all.then(|| Quiet::of(rule, &program.tx)).flatten();
                query.rules.resize_with(at, Foreseen::default);
                query.rules.push(foreseen);
            }
        }
        if phase == 4 && !program.reads_matched {
            let steps = program.phases.get(phase).map_or(&[][..], Vec::as_slice);
            query.quiet = Quiet::of_last(steps, &program.tx);
        }
        for looked in &mut query.looked_at {
            let named = looked.named.iter_mut().map(|(_, uses)| uses);
            let patterns = looked.patterns.iter_mut().map(|(_, uses)| uses);
            for uses in named.chain(patterns).chain([&mut looked.all]) {
                uses.settle(ids.next().unwrap_or_default());
            }
        }
        query
    })
}

impl Query {
    fn add(&mut self, rule: &Rule, at: u32, signatures: &Signatures, any_link: bool) -> Foreseen {
        let Some((telling, link, test)) = telling(rule, any_link) else {
            self.always.insert(at);
            return Foreseen::default();
        };
        // A multi-match asks at every stage.
        let shortest = match link.multi_match {
            true => 0,
            false => link.transformations.len(),
        };
        let counts = counts(link);
        let linear = match &test.check {
            Check::Compiled(operator) => operator.is_linear(),
            Check::Plain { .. } => true,
            Check::Expanded(..) => false,
        };
        for target in link.targets.iter().filter(|target| !target.excluded) {
            let Some(uses) = self.uses(target) else {
                self.always.insert(at);
                return Foreseen::default();
            };
            if counts {
                uses.open.push(at);
                continue;
            }
            for length in shortest..=link.transformations.len() {
                let chain = link.transformations.get(..length).unwrap_or_default();
                uses.add(chain, signatures, (test.gate, linear), at);
            }
        }
        Foreseen {
            telling,
            remembered: link.remembered,
            quiet: None,
        }
    }

    /// The link of a step whose values are looked at.
    pub(crate) fn telling(&self, step: usize) -> usize {
        self.rules.get(step).map_or(0, |rule| rule.telling)
    }

    /// By which number values are remembered of which the telling link says no.
    pub(crate) fn remembered(&self, step: u32) -> Option<u32> {
        self.rules.get(step as usize)?.remembered
    }

    /// What must be as a transaction begins for the step to change nothing.
    pub(crate) fn quiet(&self, step: usize) -> Option<&Quiet> {
        self.rules.get(step)?.quiet.as_ref()
    }

    fn uses(&mut self, target: &Target) -> Option<&mut Uses> {
        let known = self
            .looked_at
            .iter()
            .position(|looked| looked.variable == target.variable);
        let at = known.unwrap_or_else(|| {
            self.looked_at.push(Looked {
                variable: target.variable,
                all: Uses::default(),
                named: Vec::new(),
                patterns: Vec::new(),
            });
            self.looked_at.len() - 1
        });
        let looked = self.looked_at.get_mut(at)?;
        Some(match &target.selector {
            Selector::Name(Text::Plain(_)) => {
                let number = target.name?;
                let known = looked.named.binary_search_by_key(&number, |it| it.0);
                let at = known.unwrap_or_else(|at| {
                    looked.named.insert(at, (number, Uses::default()));
                    at
                });
                &mut looked.named.get_mut(at)?.1
            }
            Selector::Pattern(pattern) => {
                let known = looked
                    .patterns
                    .iter()
                    .position(|(known, _)| Arc::ptr_eq(known, pattern));
                let at = known.unwrap_or_else(|| {
                    looked.patterns.push((Arc::clone(pattern), Uses::default()));
                    looked.patterns.len() - 1
                });
                &mut looked.patterns.get_mut(at)?.1
            }
            // Of the last two nothing is foreseen.
            Selector::All | Selector::Path(..) | Selector::Name(Text::Template(..)) => {
                &mut looked.all
            }
        })
    }
}

/// The link of a rule whose gate keeps out most. All must match, so any will
/// do; but what stands before it must have no effect of its own, and nobody may
/// ask what it matched.
pub(super) fn telling(rule: &Rule, any_link: bool) -> Option<(usize, &Link, &Test)> {
    let links = reached(rule, any_link)
        .filter(|(_, link)| is_foreseeable(link))
        .filter_map(|(at, link)| Some((at, link, link.test.as_ref()?)));
    let telling = |(at, link, test): &(usize, &Link, &Test)| {
        let is_gated = test.gate != Gate::default() && !counts(link) && varies(link);
        let bits = test.gate.bits.count_ones();
        // Of those that tell alike, the first keeps others from being asked.
        (is_gated, is_seldom(link), bits, std::cmp::Reverse(*at))
    };
    links.max_by_key(telling)
}

/// Whether what the link looks at differs from request to request.
fn varies(link: &Link) -> bool {
    let ordinary = [Variable::RequestMethod, Variable::RequestProtocol];
    let mut targets = link.targets.iter();
    !targets.all(|target| ordinary.contains(&target.variable))
}

/// Whether few requests have what the link looks at.
fn is_seldom(link: &Link) -> bool {
    /// Headers of nearly all requests.
    const ORDINARY: [&str; 6] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "connection",
        "host",
        "user-agent",
    ];
    let mut targets = link.targets.iter().filter(|target| !target.excluded);
    targets.all(|target| match &target.selector {
        Selector::Name(Text::Plain(name)) => !ORDINARY.contains(&&*name.to_ascii_lowercase()),
        _ => false,
    })
}

/// The links that keep a rule from any effect if they do not match.
pub(super) fn reached(rule: &Rule, any_link: bool) -> impl Iterator<Item = (usize, &Link)> {
    let has_effects = |link: &&Link| {
        // That an expression was stopped by its limit is told in variables.
        let may_give_up = link.test.as_ref().is_some_and(|test| match &test.check {
            Check::Compiled(operator) => !operator.is_linear(),
            Check::Expanded(..) => true,
            Check::Plain { .. } => false,
        });
        link.capture || !link.effects.is_empty() || may_give_up
    };
    let plain = rule.links.iter().take_while(|link| !has_effects(link));
    let reached = 1 + if any_link { plain.count() } else { 0 };
    rule.links.iter().enumerate().take(reached)
}

/// Whether the link asks how many there are of something.
pub(super) fn counts(link: &Link) -> bool {
    link.targets.iter().any(|target| target.counted)
}

/// Whether the request alone tells what the link looks at.
fn is_foreseeable(link: &Link) -> bool {
    // Where it counts: whether there is anything to count.
    let needs_any = !counts(link)
        || link.transformations.is_empty()
            && link.test.as_ref().is_some_and(|test| match &test.check {
                Check::Plain {
                    function,
                    argument: Text::Plain(argument),
                    ..
                } => function(argument.as_bytes(), b"0", &mut Hit::default()) == test.negated,
                _ => false,
            });
    needs_any && link.targets.iter().all(is_foreseeable_target)
}

/// Whether the request alone tells what the target means. What is excluded is looked at later.
pub(super) fn is_foreseeable_target(target: &Target) -> bool {
    target.excluded
        || is_text(target.variable)
            && match &target.selector {
                Selector::Name(Text::Plain(name)) => name.len() <= LONGEST_NAME,
                Selector::Path(..) | Selector::Name(Text::Template(..)) => false,
                Selector::All | Selector::Pattern(_) => true,
            }
}

/// Variables whose members are texts of the request or response, and stay the
/// same while a phase runs.
pub(super) fn is_text(variable: Variable) -> bool {
    use Variable as V;
    is_of_body(variable)
        || matches!(
            variable,
            V::Args
                | V::ArgsGet
                | V::ArgsPost
                | V::ArgsNames
                | V::ArgsGetNames
                | V::RequestBasename
                | V::RequestFilename
                | V::RequestLine
                | V::RequestMethod
                | V::RequestProtocol
                | V::RequestUri
                | V::RequestUriRaw
                | V::RequestHeaders
                | V::RequestHeadersNames
                | V::RequestCookies
                | V::RequestCookiesNames
                | V::QueryString
                | V::ResponseHeaders
                | V::ResponseHeadersNames
                | V::ResponseContentType
                | V::ResponseBody
        )
}

/// Variables that only a body fills, whatever the names of its fields.
pub(super) fn is_of_body(variable: Variable) -> bool {
    use Variable as V;
    matches!(
        variable,
        V::ArgsPostNames
            | V::Files
            | V::FilesNames
            | V::FilesTmpContent
            | V::MultipartFilename
            | V::MultipartName
            | V::MultipartPartHeaders
            | V::Xml
            | V::RequestBody
    )
}

impl Uses {
    fn add(
        &mut self,
        chain: &[u16],
        signatures: &Signatures,
        (gate, linear): (Gate, bool),
        step: u32,
    ) {
        if gate == Gate::default() {
            if !self.free.contains(&step) {
                self.free.push(step);
            }
            return;
        }
        self.undecoded.add(gate, linear, step);
        let mut before = None;
        for (length, &transformation) in (1..).zip(chain) {
            let known = self
                .stages
                .iter()
                .position(|stage| stage.before == before && stage.transformation == transformation);
            let at = known.unwrap_or_else(|| {
                let chain = chain.get(..length).unwrap_or_default();
                self.stages.push(Stage {
                    before,
                    transformation,
                    touched: signatures.touched_by(chain),
                    makes: signatures.made_by(chain),
                    rules: Gated::default(),
                });
                self.stages.len() - 1
            });
            if length == chain.len()
                && let Some(stage) = self.stages.get_mut(at)
            {
                stage.rules.add(gate, linear, step);
            }
            before = Some(at as u32);
        }
    }

    fn settle(&mut self, id: u32) {
        self.id = id;
        self.touched = self
            .stages
            .iter()
            .try_fold(0, |bits, stage| Some(bits | stage.touched?));
        self.undecoded.settle();
        let stages = self.stages.iter_mut();
        stages.for_each(|stage| stage.rules.settle());
        let asking = (0..).zip(&self.stages).filter(|(_, stage)| {
            // What touches nothing changes nothing.
            !stage.rules.is_empty() && stage.touched != Some(0)
        });
        let asking = asking.map(|(at, stage)| Asking {
            touched: stage.touched.unwrap_or(0),
            wanted: stage.rules.asked_by_all() & !stage.makes.unwrap_or(Signature::MAX),
            stage: at,
        });
        (self.asking_all, self.asking) = asking.partition(|asking| asking.touched == 0);
        let touched = self.asking.iter().map(|asking| asking.touched);
        self.changes = touched.fold(0, |all, touched| all | touched);
    }

    /// The stages that may change a value of this signature before rules ask that it may pass.
    pub(crate) fn asking(&self, signature: Signature) -> impl Iterator<Item = (u32, &Stage)> {
        let asking = match signature & self.changes {
            0 => &[][..],
            _ => &self.asking,
        };
        let asking = asking
            .iter()
            .filter(move |asking| signature & asking.touched != 0);
        let changing = self.asking_all.iter().chain(asking);
        let changing = changing.filter(move |asking| signature & asking.wanted == asking.wanted);
        changing.filter_map(|asking| Some((asking.stage, self.stages.get(asking.stage as usize)?)))
    }

    /// Whether no transformation changes a value of this signature.
    pub(crate) fn leaves(&self, signature: Signature) -> bool {
        self.touched.is_some_and(|touched| signature & touched == 0)
    }
}

impl Stage {
    /// Whether no transformation up to here changes a value of this signature.
    pub(crate) fn leaves(&self, signature: Signature) -> bool {
        self.touched.is_some_and(|touched| signature & touched == 0)
    }

    /// Whether a value of this signature, if it is changed up to here, may let a step run that is not
    /// among these, and that it does not let run as it came.
    pub(crate) fn tells_more(&self, signature: Signature, steps: &Steps) -> bool {
        let made = self.makes.unwrap_or(Signature::MAX);
        self.rules.could_admit(signature | made, steps)
    }
}
