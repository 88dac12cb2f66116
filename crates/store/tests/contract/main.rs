//! What the ledger promises, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit;
mod backend;
mod backup;
mod campaigns;
mod cluster;
mod concurrency;
mod counts;
mod events;
mod exceptions;
mod findings;
mod fleet;
mod location;
mod plans;
mod probes;
mod records;
mod rollouts;
mod sample;
mod schema;
mod tokens;

/// Runs each promise on both databases.
macro_rules! on_both {
    ($($promise:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $promise() { super::$promise(&crate::backend::Backend::sqlite()); })+
        }
        mod postgresql {
            $(#[test] fn $promise() { super::$promise(&crate::backend::Backend::postgresql()); })+
        }
    };
}

pub(crate) use on_both;
