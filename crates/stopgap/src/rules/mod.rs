//! `stopgap rules`: what a rule file holds, and what is doubtful in it.

mod check;
mod explain;
pub(crate) mod files;
mod plan;
mod selectors;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use seclang::{Action, Directive, DirectiveKind};

/// Check and explain SecLang rules.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Load rules as a gateway would, and say what is doubtful in them.
    ///
    /// Exit status: 0 nothing was found, 1 something was, 2 the rules do not load.
    Check {
        /// Rule files; their includes are followed.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// One JSON object a doubt and line.
        #[arg(long)]
        json: bool,
    },
    /// Say what a rule looks at, how it decodes it, what it asks and does, and what it costs.
    ///
    /// Exit status: 0 it was found, 1 no rule has the id, 2 the rules do not load.
    Explain {
        /// The rule's id.
        id: u64,
        /// Rule files; their includes are followed.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Show what the engine makes of rules: which ones are left, and what a request must hold
    /// for each to be asked at all.
    Plan {
        /// Rule files; their includes are followed.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// One JSON object a rule and line.
        #[arg(long)]
        json: bool,
    },
}

/// Checks, explains, or shows the plan.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Check { files, json } => check::run(&load(files)?, *json),
        Command::Explain { id, files, json } => explain::run(*id, load(files)?, *json),
        Command::Plan { files, json } => plan::run(load(files)?, *json),
    }
}

fn load(paths: &[PathBuf]) -> anyhow::Result<Vec<seclang::Ruleset>> {
    paths.iter().map(|path| files::load(path)).collect()
}

/// The actions of a rule or `SecAction`.
fn actions(directive: &Directive) -> Option<&[Action]> {
    match &directive.kind {
        DirectiveKind::Rule(rule) => Some(&rule.actions),
        DirectiveKind::Action(actions) => Some(actions),
        _ => None,
    }
}

/// The argument of the last action of that name.
fn argument<'a>(actions: &'a [Action], name: &str) -> Option<&'a str> {
    actions
        .iter()
        .rev()
        .find(|action| action.name.eq_ignore_ascii_case(name))?
        .argument
        .as_deref()
}

fn has(actions: &[Action], name: &str) -> bool {
    actions
        .iter()
        .any(|action| action.name.eq_ignore_ascii_case(name))
}

fn phase(actions: &[Action]) -> u8 {
    match argument(actions, "phase") {
        Some("response") => 4,
        Some("logging") => 5,
        Some(number) => number.parse().unwrap_or(2),
        None => 2,
    }
}

fn id(actions: &[Action]) -> Option<u64> {
    argument(actions, "id")?.parse().ok()
}
