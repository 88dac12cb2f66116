//! Decides how vendor patches reach assets: when they are due, in which order, what comes next.
//!
//! No I/O and no clock: what is and the time come in, decisions and records go out. Whoever
//! carries out what was decided is behind [`Hands`]. Times are milliseconds since 1970-01-01 UTC.

mod agenda;
mod campaign;
mod hands;
mod journal;
mod readable;
mod rules;
mod status;
mod task;
mod text;

pub mod calendar;
pub mod description;
pub mod findings;
pub mod machine;
pub mod notice;
pub mod plan;
pub mod policy;
pub mod report;

pub use agenda::{Entry as AgendaEntry, Kind as AgendaKind, agenda, further};
pub use campaign::{
    Answer, Campaign, Evidence, Move, Note, Origin, Remedy, Review, Source, SourceKind, Word,
};
pub use hands::{Class, Done, Failure, Found, Hands};
pub use journal::{Ended, Entry, Journal, LAST, Outcome};
pub use readable::readable;
pub use rules::{Rules, Scope};
pub use status::{OpenConsent, OpenReview, Status, status};
pub use task::{Action, Backup, Change, Check, Mail, Means, Probe, Retreat, Step, Task, Waiting};
