//! A candidate on trial: it must stop the exploit, whatever chance chose, and let its
//! benign twins pass.

use std::sync::Arc;

use engine::Plan;
use patch::Request;
use patch::document::Document;
use patch::{Source, prove};

/// A document's rules, ready to decide.
pub(super) struct Trial(Arc<Plan>);

impl Trial {
    /// # Errors
    /// Rules that do not compile.
    pub(super) fn of(document: Document) -> Result<Self, String> {
        let source = Source {
            name: document.id.value.clone(),
            document,
        };
        let compiled = patch::compile(&source).map_err(|problem| problem.message)?;
        prove::plan(&source, &compiled)
            .map(Self)
            .map_err(|problem| problem.message)
    }

    pub(super) fn stops(&self, request: &Request) -> bool {
        request.exchange("").inspect(&self.0).action() != "pass"
    }
}
