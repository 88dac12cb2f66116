//! What can be called.

mod audit;
mod campaigns;
mod coverage;
mod events;
mod exceptions;
mod findings;
mod fleet;
mod gaps;
mod records;
mod rollouts;
mod subscriptions;
mod tokens;
mod users;

pub(crate) use campaigns::{Calendar, CampaignLine, Drawn, Noted, PatchShown, Summary, WaveShown};
pub(crate) use exceptions::ExceptionShown;
pub(crate) use findings::FindingShown;
pub(crate) use fleet::{BundleShown, GatewayShown};
pub(crate) use gaps::GAP_DAYS;
use ledger::{Advisory, Application, Area, Asset, IngressPoint, Role, VirtualPatch};
pub(crate) use rollouts::{Minute, Progress};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::call::Call;
use crate::problem::Problem;
use crate::reply::Reply;

/// What is done with what a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Make, or move on.
    Post,
    /// Replace.
    Put,
    /// Take back.
    Delete,
}

impl Method {
    /// As in a request.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A route: all that the router, the description and the tests need to know of it.
pub struct Route {
    /// What is done.
    pub method: Method,
    /// With what: below `/api/v1`, `{id}` for its only parameter.
    pub path: String,
    /// Who may.
    pub role: Role,
    /// In which part of the ledger.
    pub area: Area,
    /// Names it for generated clients.
    pub(crate) name: String,
    /// What it does, for people.
    pub(crate) about: String,
    /// What it may be asked, and what that means.
    pub(crate) query: &'static [(&'static str, &'static str)],
    /// The body's shape.
    pub(crate) input: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// The answer's shape.
    pub(crate) output: fn(&mut SchemaGenerator) -> Schema,
    /// The answer's status.
    pub(crate) status: u16,
    /// Whether the answer has an `ETag`.
    pub(crate) versioned: bool,
    pub(crate) handle: fn(&Call<'_>) -> Result<Reply, Problem>,
}

/// Every list has these.
const PAGED: &[(&str, &str)] = &[AFTER, LIMIT];
const AFTER: (&str, &str) = ("after", "what the page before gave as `next`");
const LIMIT: (&str, &str) = ("limit", "entries of the page, up to 200");

/// The table of all routes.
#[must_use]
pub fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    routes.extend(records::of::<Asset>("assets", "asset", Area::Inventory));
    routes.extend(records::of::<Application>(
        "applications",
        "application",
        Area::Inventory,
    ));
    routes.extend(records::of::<IngressPoint>(
        "ingress-points",
        "ingress point",
        Area::Inventory,
    ));
    routes.extend(records::of::<Advisory>(
        "advisories",
        "advisory",
        Area::Findings,
    ));
    routes.extend(records::of::<VirtualPatch>(
        "patches",
        "virtual patch",
        Area::Patches,
    ));
    routes.extend(gaps::all());
    routes.extend(findings::all());
    routes.extend(exceptions::all());
    routes.extend(rollouts::all());
    routes.extend(campaigns::all());
    routes.extend(events::all());
    routes.extend(fleet::all());
    routes.extend(coverage::all());
    routes.extend(audit::all());
    routes.extend(subscriptions::all());
    routes.extend(tokens::all());
    routes.extend(users::all());
    routes
}

/// The schema of a type, kept among the components.
fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
