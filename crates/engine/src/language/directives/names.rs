//! `SecComponentSignature`

use super::{Apply, Spec};

/// `SecComponentSignature`
pub(super) const COMPONENT_SIGNATURE: Spec = Spec {
    name: "SecComponentSignature",
    argument: "a name",
    summary: "which rule set, in which version, is loaded",
    example: "SecComponentSignature \"OWASP_CRS/4.0.0\"",
    apply: Apply::Set(|lowering, given| {
        let name = given.one()?.to_owned();
        lowering.program.components.push(name);
        Ok(())
    }),
};
