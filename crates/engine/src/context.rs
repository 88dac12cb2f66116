//! What a transaction is told of the world around it: the engine has no clock and keeps nothing.

use std::sync::Arc;

use crate::store::Store;

/// When and where a transaction takes place.
#[derive(Clone, Default)]
pub struct Context {
    /// Seconds since 1970 when the request came.
    pub now: u64,
    /// A name of this transaction that no other has; one is made if it is empty.
    pub unique_id: String,
    /// What `ENV` holds besides what rules set in it.
    pub environment: Arc<[(String, String)]>,
    /// Keeps persistent collections; without one they last as long as the transaction.
    pub store: Option<Arc<dyn Store>>,
}
