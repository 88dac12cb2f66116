//! Rules to an immutable [`Plan`]; plan and transaction to a [`Decision`].
//!
//! The engine does no I/O and knows no clock: bytes come in, decisions go out.
//!
//! ```
//! use engine::{Flow, Input, Limits, NoResources, RequestHead};
//!
//! let plan = engine::compile(&Input::default(), Limits::default(), &NoResources)?;
//! let headers = [("Host", "shop.example")];
//! let mut tx = plan.begin();
//! assert_eq!(tx.request_head(&RequestHead::new(b"GET", b"/?q=1", &headers.to_vec())), Flow::Continue);
//! assert_eq!(tx.request_body_end(), Flow::Continue);
//! assert!(tx.finish().is_empty());
//! # Ok::<(), engine::CompileError>(())
//! ```

pub mod body;
mod context;
mod decision;
mod error;
mod expression;
mod language;
mod limits;
pub mod need;
pub mod operators;
mod places;
mod plan;
mod reference;
mod replay;
mod request;
mod scope;
mod share;
mod store;
mod trace;
mod transaction;
pub mod transformations;

pub use context::Context;
pub use decision::{Action, Decision, Flow, Match, Mode, Strip};
pub use error::CompileError;
pub use language::actions::summary as action_summary;
pub use language::nearest::nearest;
pub use language::variables::first_phase as variable_phase;
pub use language::variables::members as variable_members;
pub use language::variables::reference as variables;
pub use limits::Limits;
pub use operators::{NoResources, Resources};
pub use plan::path::SCRIPTS;
pub use plan::{Compiler, Input, PatchRules, Plan, Planned, When, compile};
pub use reference::reference;
pub use replay::{Answer, Exchange, Rehearsal, Verdict};
pub use request::{Headers, RequestHead, ResponseHead};
pub use scope::{PathScope, Scope};
pub use share::Share;
pub use store::{MemoryStore, Record, Store, StoreLimits, Write};
pub use trace::{LeftOut, Trace};
pub use transaction::{BodyNeed, Oversize, Transaction};
