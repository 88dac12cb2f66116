//! SecLang's names given their meaning: syntax tree to [`Program`](crate::plan::ir::Program).

pub(crate) mod actions;
pub(crate) mod collections;
pub(crate) mod directives;
pub(crate) mod lower;
pub(crate) mod nearest;
pub(crate) mod text;
pub(crate) mod update;
pub(crate) mod variables;
