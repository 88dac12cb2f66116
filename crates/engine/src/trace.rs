//! What happened in a transaction, step by step: for those who write rules, and for tests.

/// One step of evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trace {
    /// A rule, or a link of its chain, begins.
    Begins {
        /// The rule's id.
        rule: u64,
        /// 1 to 5.
        phase: u8,
        /// Its place in the chain, from 0.
        link: usize,
    },
    /// A rule does not run.
    LeftOut {
        /// The rule's id.
        rule: u64,
        /// Why.
        why: LeftOut,
    },
    /// A value after one of the rule's transformations.
    Transformed {
        /// The transformation's name.
        name: &'static str,
        /// What it gave.
        value: Vec<u8>,
    },
    /// The operator was asked of a value.
    Asked {
        /// As rules name it: `ARGS:q`.
        target: String,
        /// Transformed.
        value: Vec<u8>,
        /// Whether the rule matches it.
        matched: bool,
    },
    /// A variable was set, or captured.
    Set {
        /// `TX:score`, `IP:blocked`.
        name: String,
        /// What it holds now, or by how much it was changed.
        value: Vec<u8>,
    },
    /// A rule, or a link of its chain, ends.
    Ends {
        /// The rule's id.
        rule: u64,
        /// Whether it matched.
        matched: bool,
    },
}

/// Why a rule does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// `skip` or `skipAfter`.
    Skipped,
    /// `ctl:ruleRemoveById` and the like.
    Removed,
}
