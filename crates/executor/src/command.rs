//! The commands that a configuration names for what the program cannot do itself.

use std::process::Command;
use std::time::Duration;

use campaign::{Class, Failure};

use crate::fault;
use crate::run::run as run_here;

/// Runs a command with `{asset}` and `{backup}` replaced in its arguments.
pub(crate) fn run(
    arguments: &[String],
    asset: &str,
    backup: &str,
    patience: Duration,
) -> Result<String, Failure> {
    let Some((program, rest)) = arguments.split_first() else {
        return Err(fault::of(Class::Command, "a command without a program"));
    };
    let mut command = Command::new(program);
    for argument in rest {
        command.arg(
            argument
                .replace("{asset}", asset)
                .replace("{backup}", backup),
        );
    }
    command.env("STOPGAP_ASSET", asset);
    let ended = run_here(command, b"", patience)?;
    if ended.status.success() {
        Ok(ended.said)
    } else {
        let said = format!("`{program}` ended with {}\n{}", ended.status, ended.said);
        Err(fault::told(&said))
    }
}
