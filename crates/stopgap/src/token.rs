//! `stopgap token`: access to the ledger's API, from where its database is.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use control::Secret;
use ledger::{Area, Role, Token};
use store::{Limits, Store};

use crate::ledger_place::{Named, Place, Who, now_ms};

/// Access to the ledger's API.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(Add),
    /// Take a token back, for good.
    Revoke(Named),
}

/// Make a token and print its secret, which is kept nowhere.
#[derive(Args)]
struct Add {
    #[command(flatten)]
    place: Place,
    /// Names the token.
    #[arg(value_name = "NAME")]
    id: String,
    /// Whose it is, for the audit log; two tokens of one person are one person.
    #[arg(long, value_name = "PERSON")]
    of: String,
    /// What it allows: viewer, operator, approver or admin.
    #[arg(long)]
    role: Role,
    /// Only this part of the ledger: inventory, findings, patches, rollouts, campaigns, fleet, audit or
    /// tokens. Can be given more than once; without it, all.
    #[arg(long = "area", value_name = "AREA")]
    areas: Vec<Area>,
    /// How long it counts.
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..))]
    days: u16,
    #[command(flatten)]
    by: Who,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Add(arguments) => add(arguments),
        Command::Revoke(arguments) => revoke(arguments),
    }
}

fn add(arguments: &Add) -> anyhow::Result<ExitCode> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let now_ms = now_ms();
    let secret = Secret::new(&arguments.id).context("the system gives no random bytes")?;
    let token = Token {
        id: arguments.id.clone(),
        who: arguments.of.clone(),
        role: arguments.role,
        areas: arguments.areas.clone(),
        expires_ms: now_ms.saturating_add(i64::from(arguments.days) * DAY_MS),
        revoked_ms: None,
    };
    // The first token may come before the control side does.
    let store = Store::open(&arguments.place.location()?, Limits::default())?;
    store.change(&arguments.by.by(now_ms), |it| {
        it.add_token(&token, &secret.hash())
    })?;
    println!("{}", secret.text());
    Ok(ExitCode::SUCCESS)
}

fn revoke(arguments: &Named) -> anyhow::Result<ExitCode> {
    arguments.change(|it, id| it.revoke_token(id, None))?;
    println!("{} was taken back", arguments.id);
    Ok(ExitCode::SUCCESS)
}
