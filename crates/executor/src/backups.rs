//! Backups, by their provider.

use std::time::Duration;

use campaign::{Backup, Class, Done, Failure};

use crate::command::{self, About};
use crate::{Executor, fault, qcow2};

/// How long making or restoring one may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4 * 3600);

pub(crate) enum What {
    Take,
    Verify,
    Restore,
    Discard,
}

pub(crate) fn carry_out(
    executor: &Executor,
    (key, asset): (&str, &str),
    backup: &Backup,
    what: What,
) -> Result<Done, Failure> {
    let name = &backup.provider;
    let said = if let Some(provider) = executor.config.backups.get(name) {
        let arguments = match what {
            What::Take => &provider.take,
            What::Verify => &provider.verify,
            What::Restore => &provider.restore,
            What::Discard => &provider.discard,
        };
        let about = About {
            asset,
            backup: &backup.name,
            run: key,
        };
        command::run(executor, &about, arguments, PATIENCE)
    } else if let Some(provider) = executor.config.qcow2.get(name) {
        qcow2::carry_out(executor, provider, (key, asset), &backup.name, &what)
    } else {
        Err(fault::of(
            Class::Backup,
            format!(
                "no provider `{name}`: add [backups.{name}] or [qcow2.{name}] to the executor's configuration"
            ),
        ))
    };
    said.map(|said| executor.seen(said))
        .map_err(|failure| Failure {
            // Whatever it says: what counts is that there is no whole backup.
            class: match failure.class {
                Class::Command => Class::Backup,
                other => other,
            },
            ..failure
        })
}
