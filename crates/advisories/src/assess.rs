//! How soon a finding wants attention: what the decision depends on, from what is known of the
//! advisory and of the asset.

use ledger::ssvc::{Exploitation, Inputs, Mission, TechnicalImpact};
use ledger::{Advisory, Asset, Criticality, Severity};

/// What the decision depends on. What no source tells is assumed to be the worse, and said so.
#[must_use]
pub fn inputs(advisory: &Advisory, asset: Option<&Asset>) -> Inputs {
    let mut because = Vec::new();
    let exploitation = match (advisory.exploited, advisory.exploitation) {
        (true, _) => {
            because.push("exploitation: it is known to be exploited");
            Exploitation::Active
        }
        (false, Some(told)) => {
            because.push("exploitation: as its source says");
            told
        }
        (false, None) => {
            because.push("exploitation: no source knows of any");
            Exploitation::None
        }
    };
    let metric = |name: &str, value: &str| {
        let vector = advisory.cvss.as_deref();
        vector.map(|it| it.split('/').any(|part| part == format!("{name}:{value}")))
    };
    let automatable = match (advisory.automatable, metric("AV", "N"), metric("UI", "N")) {
        (Some(told), _, _) => {
            because.push("automatable: as its source says");
            told
        }
        (None, Some(network), Some(alone)) => {
            because.push("automatable: if its CVSS says network and no interaction");
            network && alone
        }
        _ => {
            because.push("automatable: assumed, no source tells");
            true
        }
    };
    let technical_impact = match (advisory.technical_impact, advisory.severity) {
        (Some(told), _) => {
            because.push("technical impact: as its source says");
            told
        }
        (None, Severity::Critical) => {
            because.push("technical impact: assumed total, as its severity is critical");
            TechnicalImpact::Total
        }
        (None, _) => {
            because.push("technical impact: assumed partial, as its severity is not critical");
            TechnicalImpact::Partial
        }
    };
    let mission = match asset.and_then(|asset| asset.criticality) {
        Some(Criticality::Low) => Mission::Low,
        Some(Criticality::Medium) => Mission::Medium,
        Some(Criticality::High | Criticality::Critical) | None => Mission::High,
    };
    because.push(match asset.and_then(|asset| asset.criticality) {
        Some(_) => "mission and well-being: by the asset's criticality",
        None => "mission and well-being: assumed high, the criticality is not known",
    });
    Inputs {
        exploitation,
        automatable,
        technical_impact,
        mission,
        because: because.join("; "),
    }
}
