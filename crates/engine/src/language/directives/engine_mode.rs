//! `SecRuleEngine`

use super::{Apply, Spec};
use crate::plan::ir::EngineMode;

/// `SecRuleEngine`
pub(super) const SPEC: Spec = Spec {
    name: "SecRuleEngine",
    argument: "On, Off or DetectionOnly",
    summary: "whether rules run, and whether what they decide is done",
    example: "SecRuleEngine DetectionOnly",
    apply: Apply::Set(|lowering, given| {
        lowering.program.engine = mode(given.one()?)?;
        Ok(())
    }),
};

/// `On`, `Off` or `DetectionOnly`.
pub(crate) fn mode(text: &str) -> Result<EngineMode, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" => Ok(EngineMode::On),
        "off" => Ok(EngineMode::Off),
        "detectiononly" => Ok(EngineMode::DetectionOnly),
        _ => Err(format!(
            "`{text}` is not known; write On, Off or DetectionOnly"
        )),
    }
}
