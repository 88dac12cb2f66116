//! The stopgap binary: arguments as typed to a command.
//!
//! Exit status: 0 all went well, 1 something was wrong with the work, 2 wrong use or bad input.

mod advisory;
mod audit;
mod backup;
mod campaign;
mod catalogue;
mod control;
mod courier;
mod coverage;
mod demo;
mod discover;
#[cfg(test)]
mod documented;
mod events;
mod exceptions;
mod findings;
mod gateway;
mod ingress;
mod inspect;
mod inventory;
mod ledger_place;
mod listing;
mod live;
mod logging;
mod oidc;
mod otlp;
mod patch;
mod probe;
mod rollout;
mod rules;
mod source;
mod subscription;
mod terms;
mod token;
mod traffic;
mod up;
mod user;
mod web;
mod workshop;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Virtual patching: stop the exploitation of a known vulnerability in transit.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Advisory(advisory::Arguments),
    Audit(audit::Arguments),
    Backup(backup::Backup),
    Campaign(campaign::Arguments),
    Catalogue(catalogue::Arguments),
    Control(control::Arguments),
    Coverage(coverage::Arguments),
    Demo(demo::Arguments),
    Discover(discover::Arguments),
    Events(events::Arguments),
    Exceptions(exceptions::Arguments),
    Findings(findings::Arguments),
    Gateway(gateway::Arguments),
    Ingress(ingress::Arguments),
    Inspect(inspect::Arguments),
    Inventory(inventory::Arguments),
    Patch(patch::Arguments),
    Policy(campaign::Policy),
    Restore(backup::Restore),
    Rollback(rollout::Rollback),
    Rollout(rollout::Arguments),
    Rules(rules::Arguments),
    Subscription(subscription::Arguments),
    Token(token::Arguments),
    Up(up::Arguments),
    User(user::Arguments),
}

fn main() -> ExitCode {
    end_quietly_when_nobody_reads();
    let outcome = match Arguments::parse().command {
        Command::Advisory(arguments) => advisory::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Backup(arguments) => backup::back_up(&arguments),
        Command::Campaign(arguments) => campaign::run(&arguments),
        Command::Catalogue(arguments) => catalogue::run(&arguments),
        Command::Control(arguments) => control::run(&arguments),
        Command::Coverage(arguments) => coverage::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Discover(arguments) => discover::run(&arguments),
        Command::Events(arguments) => events::run(&arguments),
        Command::Exceptions(arguments) => exceptions::run(&arguments),
        Command::Findings(arguments) => findings::run(&arguments),
        Command::Gateway(arguments) => gateway::run(&arguments),
        Command::Ingress(arguments) => ingress::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Inventory(arguments) => inventory::run(&arguments),
        Command::Patch(arguments) => patch::run(&arguments),
        Command::Policy(arguments) => campaign::policy(&arguments),
        Command::Restore(arguments) => backup::restore(&arguments),
        Command::Rollback(arguments) => rollout::roll_back(&arguments),
        Command::Rollout(arguments) => rollout::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Subscription(arguments) => subscription::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Up(arguments) => up::run(&arguments),
        Command::User(arguments) => user::run(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("stopgap: {error:#}");
        ExitCode::from(2)
    })
}

/// `stopgap … | head` is no defect: what `println!` makes of a closed pipe ends the
/// program as the signal would, of which Rust programs are not told.
fn end_quietly_when_nobody_reads() {
    const SIGPIPE: i32 = 128 + 13;
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if message.starts_with("failed printing to stdout") && message.contains("Broken pipe") {
            std::process::exit(SIGPIPE);
        }
        usual(panic);
    }));
}
