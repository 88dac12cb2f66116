//! A program of one's own that carries out tasks: it is given each as JSON.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use campaign::{Class, Done, Failure, Found, Hands, Task};
use serde::Deserialize;
use serde_json::json;

/// What a program may answer, in bytes.
const OUTCOME_BYTES: u64 = 1024 * 1024;
/// The end of what it says that is kept, in bytes.
const EXCERPT_BYTES: usize = 4000;

/// A program that is called once for each task, as `PROGRAM do` or `PROGRAM inspect`.
pub(super) struct Program(pub(super) PathBuf);

/// What it answers.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Answer {
    Done(Done),
    Failed(Failure),
    Undone {},
}

impl Hands for Program {
    fn carry_out(&self, task: &Task) -> Result<Done, Failure> {
        match self.ask("do", &json!({ "task": task }))? {
            Answer::Done(done) => Ok(done),
            Answer::Failed(failure) => Err(failure),
            Answer::Undone {} => Err(fault("it answers `undone` to `do`")),
        }
    }

    fn inspect(&self, task: &Task, started_ms: i64) -> Result<Found, Failure> {
        let asked = json!({ "task": task, "started_ms": started_ms });
        Ok(match self.ask("inspect", &asked)? {
            Answer::Done(done) => Found::Done(done),
            Answer::Failed(failure) => Found::Failed(failure),
            Answer::Undone {} => Found::Undone,
        })
    }
}

impl Program {
    fn ask(&self, what: &str, asked: &serde_json::Value) -> Result<Answer, Failure> {
        let name = self.0.display();
        let mut child = Command::new(&self.0)
            .arg(what)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|why| fault(&format!("{name} cannot be started: {why}")))?;
        if let Some(mut input) = child.stdin.take() {
            // A program that does not read what it is told may still answer.
            let _ = input.write_all(format!("{asked}\n").as_bytes());
        }
        let mut said = Vec::new();
        if let Some(output) = child.stdout.take() {
            output
                .take(OUTCOME_BYTES)
                .read_to_end(&mut said)
                .map_err(|why| fault(&format!("{name} cannot be read: {why}")))?;
        }
        let ended = child
            .wait()
            .map_err(|why| fault(&format!("{name} has no end: {why}")))?;
        let said = String::from_utf8_lossy(&said);
        if !ended.success() {
            return Err(fault(&format!("{name} ended with {ended}\n{}", end(&said))));
        }
        serde_json::from_str(said.trim())
            .map_err(|why| fault(&format!("{name} answers no outcome: {why}\n{}", end(&said))))
    }
}

fn end(said: &str) -> &str {
    let from = said.len().saturating_sub(EXCERPT_BYTES);
    let from = (from..=said.len()).find(|at| said.is_char_boundary(*at));
    from.and_then(|from| said.get(from..)).unwrap_or(said)
}

fn fault(excerpt: &str) -> Failure {
    Failure {
        class: Class::Command,
        excerpt: excerpt.to_owned(),
    }
}
