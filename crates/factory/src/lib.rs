//! From any description of a vulnerability to a proven, narrow virtual patch.
//!
//! 1. An importer ([`import`]) reads one kind of source to [`Description`]s: requests
//!    that exploit something, and what is known of it.
//! 2. [`synthesis`] decides what makes them exploits and writes the rule for it.
//! 3. What is made is compiled, run on its own cases and linted before it is handed out.
//!
//! Nothing here opens a connection, reads a file or knows the time.

mod bytes;
mod description;
pub mod import;
mod limits;
mod parallel;
pub mod synthesis;
mod witness;

pub use description::{Description, Exploit, Origin, Step, Unknown};
pub use import::{Beside, Imported, Importer, Made, Options, Outcome, importers};
pub use limits::Limits;
pub use parallel::in_parallel;
