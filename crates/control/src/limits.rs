//! What the API takes at most.

/// Bounds of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Calls that are worked on at one time.
    pub calls: usize,
    /// A request's body, in bytes.
    pub body_bytes: usize,
    /// How long a request's body may take to come, in milliseconds.
    pub body_ms: u64,
    /// An idempotency key, in bytes.
    pub key_bytes: usize,
    /// Calls of ingress points at one time; most of them wait for a bundle.
    pub fleet_calls: usize,
    /// How long an ingress point waits for a bundle, in milliseconds.
    pub poll_ms: u64,
    /// How long ingress points may take a bundle into use, in milliseconds; after half of that there is another.
    pub bundle_ms: i64,
    /// How long calls under way may take when the service stops, in milliseconds.
    pub stop_ms: u64,
    /// Failed attempts to sign in, of everybody, in a minute.
    pub failed_sign_ins: usize,
    /// The same, by a password of one name.
    pub failed_passwords: usize,
    /// People who are signed in at one time.
    pub sessions: usize,
    /// How long somebody stays signed in without a look at the console, in milliseconds.
    pub session_idle_ms: i64,
    /// How long somebody stays signed in, in milliseconds.
    pub session_ms: i64,
    /// People who sign in at the provider of identities, at one time.
    pub oidc_sign_ins: usize,
    /// The same, of one client, as the gateway in front names it.
    pub oidc_client_sign_ins: usize,
    /// How long each answer of the provider may take, in milliseconds.
    pub oidc_ms: u64,
    /// An answer of the provider, in bytes.
    pub oidc_answer_bytes: usize,
    /// How long what the provider publishes of itself is kept, in milliseconds.
    pub oidc_kept_ms: i64,
    /// How far the provider's clock may be off, in milliseconds.
    pub oidc_skew_ms: i64,
    /// What a form of the console sends, in bytes.
    pub form_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls: 64,
            body_bytes: 2 * 1024 * 1024,
            body_ms: 10_000,
            key_bytes: 128,
            fleet_calls: 10_000,
            poll_ms: 25_000,
            bundle_ms: 7 * 24 * 60 * 60 * 1000,
            stop_ms: 10_000,
            failed_sign_ins: 20,
            failed_passwords: 5,
            sessions: 1000,
            session_idle_ms: 30 * 60 * 1000,
            session_ms: 12 * 60 * 60 * 1000,
            oidc_sign_ins: 16,
            oidc_client_sign_ins: 4,
            oidc_ms: 10_000,
            oidc_answer_bytes: 256 * 1024,
            oidc_kept_ms: 60 * 60 * 1000,
            oidc_skew_ms: 60_000,
            form_bytes: 4 * 1024 * 1024,
        }
    }
}
