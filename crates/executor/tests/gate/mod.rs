//! A check at a gate, carried out alone.

use campaign::{Action, Check, Done, Failure, Hands, Probe, Task};
use executor::{Config, Executor};

/// What an executor without assets says of one check.
pub(crate) fn checked(name: &str, probe: Probe) -> Result<Done, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let executor = Executor::new(Config::default(), "monthly", folder.path()).unwrap();
    executor.carry_out(&Task {
        key: "gate".to_owned(),
        ring: "test".to_owned(),
        asset: None,
        action: Action::Check {
            checks: vec![Check {
                name: name.to_owned(),
                probe,
                timeout_ms: 0,
            }],
        },
    })
}
