//! An application that the story is told about.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use patch::Source;
use patch::document::Case;

/// Something vulnerable that can be deployed, and the patches for it.
pub(super) struct Subject {
    /// For people.
    pub(super) title: String,
    /// As patches' scopes name it.
    pub(super) name: &'static str,
    /// The versions that are deployed, one after the other; may be the same one.
    pub(super) versions: [String; 2],
    pub(super) patches: Vec<Source>,
    /// Exploits that only the newer version knows, by the id of the patch that covers them.
    pub(super) newer: Vec<(&'static str, Case)>,
    pub(super) deploy: Deploy,
}

/// Starts an instance of a version.
pub(super) type Deploy = Box<dyn Fn(String) -> Starting + Send + Sync>;
pub(super) type Starting = Pin<Box<dyn Future<Output = anyhow::Result<Box<dyn Instance>>> + Send>>;

/// A running instance.
pub(super) trait Instance: Send {
    fn address(&self) -> SocketAddr;
    /// Ends it.
    fn stop(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}
