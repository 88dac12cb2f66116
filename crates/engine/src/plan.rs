//! Rules, compiled.

use std::sync::Arc;

use crate::decision::Mode;
use crate::error::CompileError;
use crate::limits::Limits;
use crate::operators::Resources;
use crate::scope::Scope;
use crate::transaction::{Oversize, Transaction};

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
    /// Its rules.
    pub rules: seclang::Ruleset,
}

/// Compiled rules: immutable, shared by [`Arc`].
pub struct Plan {
    limits: Limits,
}

/// Compiles rules to a plan.
///
/// # Errors
/// The first rule that is not understood: nothing is ever skipped, since a
/// dropped rule is a bypass.
pub fn compile(
    _input: &Input,
    limits: Limits,
    _resources: &dyn Resources,
) -> Result<Arc<Plan>, CompileError> {
    Ok(Arc::new(Plan { limits }))
}

impl Plan {
    /// A plan without rules: everything passes.
    pub fn empty() -> Arc<Self> {
        Arc::new(Self {
            limits: Limits::default(),
        })
    }

    /// Begins a transaction.
    pub fn begin(self: &Arc<Self>) -> Transaction {
        Transaction::new(Arc::clone(self))
    }

    /// The bounds it was compiled with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Number of patches.
    pub fn patches(&self) -> usize {
        0
    }
}
