//! `@geoLookup`

use std::sync::Arc;

use super::{Arguments, Build, Hit, Operator, Spec};
use crate::places::Places;

/// `@geoLookup`
pub(super) const SPEC: Spec = Spec {
    name: "geoLookup",
    summary: "the database of SecGeoLookupDb knows the place of the value, an IP address; GEO tells it afterwards",
    argument: "",
    example: "@geoLookup",
    build: Build::Compiled(|arguments: &Arguments<'_>| {
        let places = arguments
            .places
            .ok_or("it asks a database of places; name one with SecGeoLookupDb before this rule")?;
        Ok(Box::new(GeoLookup(Arc::clone(places))))
    }),
};

#[derive(Debug)]
struct GeoLookup(Arc<Places>);

impl Operator for GeoLookup {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let known = self.0.know(input);
        hit.span = known.then_some(0..input.len());
        known
    }
}
