//! Legitimate requests, hard ones: on the endpoints and parameters that patches watch, and
//! elsewhere. The same for the same seed and documents.

mod client;
mod endpoint;
mod kind;
mod pools;
mod random;
mod shape;
mod site;
mod uses;

use std::collections::HashSet;

use patch::{Request, Source};

use endpoint::Endpoint;
use pools::Pools;
use random::Random;

/// Whom all requests are sent to.
pub(crate) const HOST: &str = "www.example.org";

/// A request that a legitimate client sends.
pub(crate) struct Legitimate {
    pub(crate) request: Request,
    /// The patch whose endpoint it uses; none for those elsewhere.
    pub(crate) near: Option<String>,
}

/// How many requests, and which.
#[derive(Clone, Copy)]
pub(crate) struct Volume {
    pub(crate) seed: u64,
    /// On each endpoint of a patch.
    pub(crate) near: usize,
    /// Of sites in general.
    pub(crate) elsewhere: usize,
    /// Whether clients leave alone what the patches say that they stop.
    pub(crate) mannered: bool,
}

/// Requests near the patches, then elsewhere. Of patches that close an endpoint, as far as
/// they say so themselves, the endpoint is left alone.
pub(crate) fn generate(patches: &[(&Source, bool)], volume: Volume) -> Vec<Legitimate> {
    let pools = Pools::new();
    let mut made = Vec::new();
    let open: Vec<(&str, Vec<Endpoint>)> = patches
        .iter()
        .filter(|(_, closed)| !closed)
        .map(|(source, _)| {
            let document = &source.document;
            (
                document.id.value.as_str(),
                endpoint::of(document, volume.mannered),
            )
        })
        .collect();
    // What is said of a parameter holds for whoever uses it.
    let own_urls: HashSet<(&str, String)> = open
        .iter()
        .flat_map(|(_, endpoints)| endpoints)
        .filter(|endpoint| endpoint.manners.own_urls)
        .flat_map(|endpoint| {
            let names = endpoint.lead_elsewhere();
            names.into_iter().map(|name| (endpoint.path.as_str(), name))
        })
        .collect();
    for (id, endpoints) in &open {
        let mut random = Random::named(volume.seed, id);
        for endpoint in endpoints {
            let share = volume.near.div_ceil(endpoints.len());
            made.extend((0..share).filter_map(|_| {
                Some(Legitimate {
                    request: uses::request(endpoint, &own_urls, &pools, &mut random)?,
                    near: Some((*id).to_owned()),
                })
            }));
        }
    }
    let mut random = Random::new(volume.seed);
    made.extend((0..volume.elsewhere).map(|_| Legitimate {
        request: site::request(&pools, &mut random),
        near: None,
    }));
    made
}
