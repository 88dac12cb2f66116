//! Rules, compiled.

mod affixes;
mod alone;
pub(crate) mod concern;
pub(crate) mod fold;
pub(crate) mod gate;
pub(crate) mod gated;
pub(crate) mod glance;
mod idle;
pub(crate) mod interest;
pub(crate) mod ir;
pub(crate) mod jump;
mod names;
mod outline;
mod params;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod quiet;
pub(crate) mod route;
mod selections;
pub(crate) mod signature;
mod tested;
#[cfg(test)]
mod tests;
pub(crate) mod texts;

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use outline::{Planned, When};

use crate::context::Context;
use crate::decision::Mode;
use crate::error::CompileError;
use crate::language::lower::{Lowering, Pool};
use crate::language::variables::{Variable, VariableSet};
use crate::limits::Limits;
use crate::operators::Resources;
use crate::scope::Scope;
use crate::share::Client;
use crate::transaction::{Oversize, State, Transaction};
use concern::Concerns;
use gate::Needs;
use glance::{Glance, Glances};
use idle::Idle;
use interest::Interest;
use ir::{EngineMode, Fault, Program};
use names::Names;
use route::{Draft, RouteIndex};
use selections::Selections;
use signature::{Sets, Signatures};
use tested::Tests;
use texts::{TextSearch, Texts};

/// What a plan is compiled from.
#[derive(Default)]
pub struct Input {
    /// SecLang that concerns every request, in the order given.
    pub rules: Vec<seclang::Ruleset>,
    /// Virtual patches.
    pub patches: Vec<PatchRules>,
}

/// A virtual patch as the engine sees it.
#[derive(Debug, Clone, Default)]
pub struct PatchRules {
    /// The patch's id, unique in the plan.
    pub id: String,
    /// Enforced or observed.
    pub mode: Mode,
    /// The requests that it concerns.
    pub scope: Scope,
    /// Bytes of body that are held for it at most; none: the body is never needed.
    pub body_bytes: Option<usize>,
    /// What to do with larger bodies.
    pub oversize: Oversize,
    /// Its rules, in order.
    pub rules: Vec<seclang::Ruleset>,
}

/// Compiled rules: immutable, shared by [`Arc`].
pub struct Plan {
    limits: Limits,
    pub(crate) base: Program,
    pub(crate) patches: Vec<Patch>,
    pub(crate) concerns: Concerns,
    pub(crate) routes: RouteIndex,
    pub(crate) scan: Scan,
    /// What rules look at; nothing else is collected.
    pub(crate) used: VariableSet,
    /// The variables that rules look at once the request is over.
    pub(crate) used_later: VariableSet,
    /// Whether no field of the request is among them.
    pub(crate) lets_rest: bool,
    /// Whether some rule has an XPath expression.
    pub(crate) xml_tree: bool,
    /// Scratch of ended transactions, to be used again.
    pub(crate) idle: Idle,
    /// Transactions begun, and what makes names of their numbers.
    begun: AtomicU64,
    names: std::hash::RandomState,
}

/// What tells from a value's bytes which rules could match it.
pub(crate) struct Scan {
    pub(crate) signatures: Signatures,
    pub(crate) texts: TextSearch,
    pub(crate) names: Names,
}

/// A patch, compiled.
pub(crate) struct Patch {
    pub(crate) id: Arc<str>,
    pub(crate) mode: Mode,
    pub(crate) body_bytes: Option<usize>,
    pub(crate) oversize: Oversize,
    pub(crate) program: Program,
    /// None: everything is kept.
    pub(crate) interest: Option<Interest>,
}

impl Patch {
    /// Whether it does what its rules say to this client.
    pub(crate) fn stops(&self, client: Client) -> bool {
        match self.mode {
            Mode::Enforce => true,
            Mode::Shadow => false,
            Mode::Canary(share) => share.has(client, &self.id),
        }
    }
}

/// Compiles rules to a plan.
///
/// # Errors
/// The first rule that is not understood: nothing is ever skipped, since a
/// dropped rule is a bypass.
pub fn compile(
    input: &Input,
    limits: Limits,
    resources: &dyn Resources,
) -> Result<Arc<Plan>, CompileError> {
    let mut compiler = Compiler::new(&input.rules, limits, resources)?;
    for patch in &input.patches {
        compiler.add(patch)?;
    }
    compiler.finish()
}

/// Compiles patch by patch, so that many need not be in memory as text at once.
pub struct Compiler<'a> {
    limits: Limits,
    resources: &'a dyn Resources,
    pool: Pool,
    base: Program,
    patches: Vec<Patch>,
    scopes: Vec<Scope>,
    ids: HashSet<String>,
    sets: Sets,
    needs: Needs,
    plainly: bool,
}

impl<'a> Compiler<'a> {
    /// Begins with the rules that concern every request.
    ///
    /// # Errors
    /// The first rule that is not understood.
    pub fn new(
        rules: &[seclang::Ruleset],
        limits: Limits,
        resources: &'a dyn Resources,
    ) -> Result<Self, CompileError> {
        let mut pool = Pool::default();
        let base = lower(rules.iter(), &limits, resources, &mut pool)
            .map_err(|fault| CompileError::new(fault.location, fault.message))?;
        let mut limits = limits;
        if let Some(depth) = base.settings.json_depth {
            limits.json_depth = limits.json_depth.min(depth);
        }
        Ok(Self {
            limits,
            resources,
            pool,
            base,
            patches: Vec::new(),
            scopes: Vec::new(),
            ids: HashSet::new(),
            sets: Sets::default(),
            needs: Needs::default(),
            plainly: false,
        })
    }

    /// Adds a virtual patch.
    ///
    /// # Errors
    /// The first of its rules that is not understood; a patch of that id is there already.
    pub fn add(&mut self, patch: &PatchRules) -> Result<(), CompileError> {
        let fail =
            |fault: Fault| CompileError::new(fault.location, fault.message).in_patch(&patch.id);
        if !self.ids.insert(patch.id.clone()) {
            let message = "a patch of this id is loaded already; ids are unique".to_owned();
            return Err(fail(Fault {
                location: None,
                message,
            }));
        }
        let mut program = lower(
            patch.rules.iter(),
            &self.limits,
            self.resources,
            &mut self.pool,
        )
        .map_err(fail)?;
        self.needs.learn(&mut program);
        self.patches.push(Patch {
            id: patch.id.as_str().into(),
            mode: patch.mode,
            body_bytes: patch
                .body_bytes
                .map(|bytes| bytes.min(self.limits.request_body_bytes)),
            oversize: patch.oversize,
            program,
            interest: None,
        });
        self.scopes.push(patch.scope.clone());
        Ok(())
    }

    /// Evaluates every rule in its turn, on every value: slow, and what the plan
    /// must agree with. To find out whether a decision is the optimiser's fault.
    #[must_use]
    pub fn plainly(mut self) -> Self {
        self.plainly = true;
        self
    }

    /// Ends with the indexes: of routes, and of what the general rules look at.
    ///
    /// # Errors
    /// A path pattern that does not compile.
    pub fn finish(mut self) -> Result<Arc<Plan>, CompileError> {
        let bytes = self.limits.regex_program_bytes;
        let routes = Draft::new(self.scopes.iter(), bytes).map_err(|(at, why)| {
            let id = self.patches.get(at).map_or("", |patch| &*patch.id);
            CompileError::new(None, format!("scope.path.regex: {why}")).in_patch(id)
        })?;
        for name in fold::reads::names_of_tx(&self.base) {
            self.base.tx.add(&name);
        }
        let mut texts = Texts::default();
        if !self.plainly {
            self.close(&mut texts);
        }
        for pattern in fold::reads::patterns_of_tx(&self.base) {
            self.base.tx.know(&pattern);
        }
        let mut names = Names::default();
        for patch in &mut self.patches {
            names.learn(&mut patch.program);
        }
        names.learn(&mut self.base);
        let scan = Scan {
            signatures: Signatures::new(&self.sets),
            texts: texts.compile(),
            names,
        };
        if !self.plainly {
            self.number(&scan.signatures);
        }
        let phases = &self.base.phases;
        let mut used = fold::reads::variables(phases);
        let used_later = fold::reads::variables(phases.get(2..).unwrap_or_default());
        let mut xml_tree = self.base.uses.xml_tree;
        let mut glances = Glances::default();
        for patch in &mut self.patches {
            let interest = Interest::of(&patch.program, &mut self.needs);
            used.add_all(interest.used);
            xml_tree |= patch.program.uses.xml_tree;
            if self.plainly {
                glances.add(None);
                continue;
            }
            patch.interest = Some(interest);
            let holds_body = patch.body_bytes.is_some();
            glances.add(Glance::of(
                &patch.program,
                holds_body,
                &scan.signatures,
                &mut self.needs,
            ));
        }
        let (concerns, of_patches) = Concerns::of(&self.patches, used, glances);
        Ok(Arc::new(Plan {
            used,
            used_later,
            lets_rest: !Variable::FIELDS.iter().any(|field| used_later.has(*field)),
            xml_tree,
            limits: self.limits,
            base: self.base,
            concerns,
            routes: routes.index(&of_patches),
            patches: self.patches,
            scan,
            idle: Idle::default(),
            begun: AtomicU64::new(0),
            names: std::hash::RandomState::new(),
        }))
    }

    /// Folds the base, and sets the gates of all programs; `texts` are those that they ask for.
    fn close(&mut self, texts: &mut Texts) {
        fold::fold(&mut self.base, &self.limits);
        let needs = &mut self.needs;
        needs.learn(&mut self.base);
        gate::close(&mut self.base, needs, &mut self.sets, Some(texts));
        // What every request is asked comes first: bits are few.
        let (lines, others): (Vec<_>, Vec<_>) = (self.patches.iter_mut())
            .partition(|patch| patch.body_bytes.is_none() && glance::is_of_line(&patch.program));
        for patch in lines {
            gate::close(&mut patch.program, needs, &mut self.sets, Some(texts));
        }
        for patch in others {
            gate::close(&mut patch.program, needs, &mut self.sets, None);
        }
    }

    /// Numbers what rules of all programs ask alike, with the index of what the base looks at.
    fn number(&mut self, signatures: &Signatures) {
        let mut selections = Selections::default();
        for patch in &mut self.patches {
            selections.number(&mut patch.program);
        }
        let patches = self.patches.iter_mut().map(|patch| &mut patch.program);
        let mut tests = Tests::default();
        for program in patches.chain([&mut self.base]) {
            signatures.foresee(program);
            tests.number(program);
        }
        alone::number(&mut self.base, &mut tests.numbers);
        let queries = query::build(&self.base, signatures);
        self.base.queries = Some(Box::new(queries));
    }
}

fn lower<'a>(
    rulesets: impl Iterator<Item = &'a seclang::Ruleset>,
    limits: &'a Limits,
    resources: &'a dyn Resources,
    pool: &'a mut Pool,
) -> Result<Program, Fault> {
    let mut lowering = Lowering::new(limits, resources, pool);
    for ruleset in rulesets {
        lowering.add(ruleset)?;
    }
    let mut program = lowering.finish();
    jump::name_skips(&mut program);
    Ok(program)
}

impl Plan {
    /// A plan without rules: everything passes.
    pub fn empty() -> Arc<Self> {
        Arc::new(Self {
            limits: Limits::default(),
            base: Program::default(),
            patches: Vec::new(),
            concerns: Concerns::default(),
            routes: RouteIndex::default(),
            scan: Scan {
                signatures: Signatures::new(&Sets::default()),
                texts: Texts::default().compile(),
                names: Names::default(),
            },
            used: VariableSet::default(),
            used_later: VariableSet::default(),
            lets_rest: true,
            xml_tree: false,
            idle: Idle::default(),
            begun: AtomicU64::new(0),
            names: std::hash::RandomState::new(),
        })
    }

    /// Begins a transaction.
    pub fn begin(self: &Arc<Self>) -> Transaction {
        self.begin_in(Context::default())
    }

    /// Begins a transaction at a time, with a store of persistent collections.
    pub fn begin_in(self: &Arc<Self>, mut context: Context) -> Transaction {
        if context.unique_id.is_empty() && self.used.has(Variable::UniqueId) {
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
            context.unique_id = self.names.hash_one(number).to_string();
        }
        Transaction::new(Arc::clone(self), context)
    }

    /// The bounds it was compiled with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What is loaded and does nothing here, or not what its author may think:
    /// where it stands, and why.
    pub fn warnings(&self) -> impl Iterator<Item = (Option<&seclang::Location>, &str)> {
        std::iter::once(&self.base)
            .chain(self.patches.iter().map(|patch| &patch.program))
            .flat_map(|program| &program.warnings)
            .map(|(location, message)| (location.as_ref(), message.as_str()))
    }

    /// Whether it never looks at anything: an adapter need not begin a transaction.
    pub fn is_empty(&self) -> bool {
        !self.has_general_rules() && self.patches.is_empty()
    }

    /// Whether rules run that belong to no patch.
    pub(crate) fn has_general_rules(&self) -> bool {
        self.base.engine != EngineMode::Off && self.base.says_something()
    }

    /// Number of patches.
    pub fn patches(&self) -> usize {
        self.patches.len()
    }

    pub(crate) fn take_state(&self) -> Box<State> {
        let mut state = self.idle.take();
        state.reset(&self.limits);
        state
    }

    pub(crate) fn give_back(&self, state: Box<State>) {
        self.idle.give_back(state);
    }
}
