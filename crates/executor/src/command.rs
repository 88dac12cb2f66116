//! The commands that a configuration names for what the program cannot do itself.

use std::process::Command;
use std::time::Duration;

use campaign::{Class, Failure};

use crate::run::{MAX_OUTPUT, run as run_here};
use crate::{Executor, fault};

/// Runs a command once: the lock and the mark are those of whoever runs it, so that a controller that comes after
/// another waits for it, and finds that it has run. What it says goes to a file first: whoever would read a pipe may
/// be gone, and a program that writes to it then is ended.
const ONCE: &str = r#"mark=$1 most=$2; shift 2; [ ! -f "$mark" ] || exit 0
(umask 077; true >"$mark.said")
"$@" >"$mark.said" 2>&1 && true >"$mark"; ended=$?
tail -c "$most" "$mark.said"; rm -f "$mark.said"; exit $ended"#;

/// What a command is about.
pub(crate) struct About<'a> {
    pub(crate) asset: &'a str,
    /// The backup's name; empty: none.
    pub(crate) backup: &'a str,
    /// Names this run of the command in the campaign.
    pub(crate) run: &'a str,
}

/// Runs a command with `{asset}` and `{backup}` replaced in its arguments.
pub(crate) fn run(
    executor: &Executor,
    about: &About<'_>,
    arguments: &[String],
    patience: Duration,
) -> Result<String, Failure> {
    let Some((program, rest)) = arguments.split_first() else {
        return Err(fault::of(Class::Command, "a command without a program"));
    };
    let mut command = Command::new("flock");
    command
        // What it starts and leaves running does not keep the lock.
        .arg("--close")
        .arg(executor.journal.lock(about.asset))
        .args(["sh", "-c", ONCE, "sh"])
        .arg(executor.journal.mark(about.run))
        .arg(MAX_OUTPUT.to_string())
        .arg(program);
    for argument in rest {
        let argument = argument.replace("{asset}", about.asset);
        command.arg(argument.replace("{backup}", about.backup));
    }
    command.env("STOPGAP_ASSET", about.asset);
    let ended = run_here(command, b"", patience)?;
    if ended.status.success() {
        Ok(ended.said)
    } else {
        let said = format!("`{program}` ended with {}\n{}", ended.status, ended.said);
        Err(fault::told(&said))
    }
}
