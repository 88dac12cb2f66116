//! Command lines of curl (manual of version 8) as people mail them, each of which is an
//! exploit. What curl adds by itself, such as `User-Agent`, says nothing of it and is left out.
//!
//! [`shell`] cuts a text into commands and words, [`windows`] one for `cmd.exe`, [`options`] is the table of what curl's
//! options mean, [`files`] what the files hold that they name, and [`command`] makes requests of all.

mod command;
mod data;
mod files;
mod options;
mod pipeline;
mod prompt;
mod shell;
mod substitution;
#[cfg(test)]
mod tests;
mod windows;

use super::{Imported, Importer, Options, stem};
use crate::{Description, Exploit};
use files::Files;

/// `curl`
pub(super) const IMPORTER: Importer = Importer {
    kind: "curl",
    summary: "command lines of curl 8, one or more; lines that begin with # are comments",
    suffixes: &["curl", "sh", "txt"],
    read,
    read_bytes: None,
};

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    let id = stem(name);
    let exploits = match exploits(text, name, options) {
        Ok(exploits) => exploits,
        Err(reason) => return vec![Imported::rejected(id, reason)],
    };
    let title = format!("the request of {id}");
    let description = Description::unnamed(id, title, name, exploits);
    vec![Imported::synthesised(&description, options)]
}

fn exploits(text: &str, name: &str, options: &Options) -> Result<Vec<Exploit>, String> {
    let limits = &options.limits;
    let mut exploits = Vec::new();
    let commands = match windows::is(text) {
        true => windows::commands(text),
        false => shell::commands(text, limits),
    };
    let commands = commands.map_err(|(line, why)| format!("{name}:{line}: {why}"))?;
    let mut files = Files::of(name, &options.beside, limits.source_bytes);
    for command in &commands {
        let at_line = |why| format!("{name}:{}: {why}", command.line);
        for step in command::steps(command, &mut files).map_err(at_line)? {
            let bytes = step.request.target.len() + step.request.body.len();
            if bytes > limits.request_bytes {
                let bound = limits.request_bytes;
                return Err(at_line(format!("a request of more than {bound} bytes")));
            }
            if exploits.len() == limits.exploits {
                return Err(at_line(format!("more than {} requests", limits.exploits)));
            }
            exploits.push(Exploit {
                name: format!("request {}", exploits.len() + 1),
                stage: 0,
                steps: vec![step],
            });
        }
    }
    match exploits.is_empty() {
        true => Err(format!("{name}: there is no command; write curl URL")),
        false => Ok(exploits),
    }
}
