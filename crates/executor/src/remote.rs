//! What is run on assets, by OpenSSH's own client.

use std::process::Command;
use std::time::Duration;

use campaign::{Class, Failure};

use crate::config::Config;
use crate::fault;
use crate::run::{Ended, run, run_within};

/// The most bytes that a look at an asset may print.
const MAX_LOOK: usize = 4 * 1024 * 1024;

/// How `ssh` says that it could not connect, or lost the connection.
const SSH_FAILED: i32 = 255;
/// How a script of ours says that another is still at work on the asset.
const BUSY: i32 = 75;

/// Runs a script of ours on an asset, with arguments. One runs at a time: one that a controller left
/// behind is waited for.
pub(crate) fn script(
    config: &Config,
    asset: &str,
    script: &str,
    arguments: &[&str],
    patience: Duration,
) -> Result<String, Failure> {
    // Tried again it would fail again, and not for want of a connection.
    if config.is_windows(asset) {
        let said = format!(
            "{asset} runs Windows, where messages, services and packages are not within reach: use a playbook of your own for them"
        );
        return Err(fault::of(Class::Command, said));
    }
    let mut line = "sh -s --".to_owned();
    for argument in arguments {
        line.push(' ');
        line.push_str(&quoted(argument));
    }
    let lock = "mkdir -p /var/lib/stopgap && exec 9>/var/lib/stopgap/lock && \
                { flock -w 300 9 || exit 75; }\n";
    let text = format!("set -eu\n{lock}{script}");
    shell(config, asset, &line, text.as_bytes(), patience)
}

/// Runs a program on an asset.
pub(crate) fn program(
    config: &Config,
    asset: &str,
    arguments: &[String],
    patience: Duration,
) -> Result<String, Failure> {
    let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    shell(config, asset, &words.join(" "), b"", patience)
}

fn shell(
    config: &Config,
    asset: &str,
    line: &str,
    input: &[u8],
    patience: Duration,
) -> Result<String, Failure> {
    let mut ssh = ssh(config);
    ssh.arg("--").arg(config.address(asset)).arg(line);
    let ended = run(ssh, input, patience)?;
    match ended.status.code() {
        Some(0) => Ok(ended.said),
        _ => Err(failed(asset, ended)),
    }
}

/// What a script prints on an asset that it changes nothing of. The asset must show the key that OpenSSH knows of it:
/// nobody is there to be asked.
///
/// # Errors
/// The asset cannot be reached, the script fails, or it prints more than is taken.
pub fn look(
    config: &Config,
    asset: &str,
    script: &str,
    patience: Duration,
) -> Result<String, Failure> {
    let mut ssh = ssh(config);
    ssh.args(["-o", "StrictHostKeyChecking=yes", "--"]);
    ssh.arg(config.address(asset)).arg("sh -s");
    let ended = run_within(ssh, script.as_bytes(), patience, MAX_LOOK)?;
    match ended.status.code() {
        Some(0) if ended.output.len() < MAX_LOOK => Ok(ended.output),
        Some(0) => Err(fault::of(
            Class::Command,
            format!("{asset} prints {MAX_LOOK} bytes or more"),
        )),
        _ => Err(failed(asset, ended)),
    }
}

fn ssh(config: &Config) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]);
    ssh.args(["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"]);
    if let Some(file) = &config.ssh.config {
        ssh.arg("-F").arg(file);
    }
    ssh
}

/// Why something that was run on an asset did not do well.
fn failed(asset: &str, ended: Ended) -> Failure {
    match ended.status.code() {
        Some(SSH_FAILED) => {
            let told = fault::told(&ended.said);
            // A connection that was lost is passing, unless it is known to be something else.
            match told.class {
                Class::Refused => told,
                _ => fault::of(Class::Unreachable, ended.said),
            }
        }
        Some(BUSY) => fault::of(
            Class::Busy,
            format!("{asset} is still being worked on\n{}", ended.said),
        ),
        _ => fault::told(&ended.said),
    }
}

/// As one word for a POSIX shell.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_stay_words() {
        for word in [
            "",
            "a b",
            "it's",
            "$(reboot)",
            "`id`",
            "a\nb",
            "--",
            "\\'\"",
        ] {
            let line = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("sh")
                .args(["-c", &line])
                .output();
            assert_eq!(output.unwrap().stdout, word.as_bytes(), "{word:?}");
        }
    }
}
