//! `SecGeoLookupDb`

use std::sync::Arc;

use super::{Apply, Spec};
use crate::places::Places;

/// `SecGeoLookupDb`
pub(super) const GEO_LOOKUP_DB: Spec = Spec {
    name: "SecGeoLookupDb",
    argument: "a file in the MaxMind DB format (`.mmdb`)",
    summary: "the database that the rules below ask with @geoLookup",
    example: "SecGeoLookupDb GeoLite2-City.mmdb",
    apply: Apply::Set(|lowering, given| {
        let [file] = given.arguments else {
            return Err(format!(
                "{} takes 1 argument, not {}: a file",
                given.name,
                given.arguments.len()
            ));
        };
        let source = lowering.source(given.span);
        let bytes = lowering.resources.read(&file.value, source)?;
        lowering.places = Some(Arc::new(Places::read(&file.value, bytes)?));
        Ok(())
    }),
};
