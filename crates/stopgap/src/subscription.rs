//! `stopgap subscription`: who is told of changes.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use ledger::Subscription;

use crate::ledger_place::{Named, Place, Who, now_ms};
use crate::listing::Listing;

/// Who is told of changes as they happen, by webhook or mail.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(Add),
    List(List),
    /// Tell this one no more.
    Remove(Named),
}

/// Tell somebody of changes from now on. Prints what webhooks are signed with, once.
#[derive(Args)]
struct Add {
    #[command(flatten)]
    place: Place,
    /// Names the subscription.
    #[arg(value_name = "NAME")]
    id: String,
    /// `https://…` for a webhook, `mailto:` and an address for mail.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Only of these changes, as the audit log names them, such as rollout.demote; none: what
    /// needs a decision. Can be repeated.
    #[arg(long = "action", value_name = "ACTION")]
    actions: Vec<String>,
    #[command(flatten)]
    by: Who,
}

/// Everybody who is told of changes.
#[derive(Args)]
struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    listing: Listing,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Add(arguments) => add(arguments),
        Command::List(arguments) => list(arguments),
        Command::Remove(arguments) => remove(arguments),
    }
}

fn add(arguments: &Add) -> anyhow::Result<ExitCode> {
    let secret = control::signing_secret().context("the system gives no random bytes")?;
    let subscription = Subscription {
        id: arguments.id.clone(),
        to: arguments.to.clone(),
        actions: arguments.actions.clone(),
    };
    let store = arguments.place.open()?;
    store.change(&arguments.by.by(now_ms()), |it| {
        it.add_subscription(&subscription, &secret)
    })?;
    println!("{secret}");
    Ok(ExitCode::SUCCESS)
}

fn list(arguments: &List) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let page = store.read(|it| it.subscriptions(arguments.listing.paging()))?;
    arguments.listing.tell(
        "subscriptions",
        &page,
        |it| serde_json::json!(it.value),
        |it| {
            let Subscription { id, to, actions } = &it.value;
            let of = match actions.is_empty() {
                true => "what needs a decision".to_owned(),
                false => actions.join(", "),
            };
            Ok(format!("{id}  {to}  {of}"))
        },
    )
}

fn remove(arguments: &Named) -> anyhow::Result<ExitCode> {
    arguments.change(|it, id| it.remove_subscription(id, None))?;
    println!("{} is not told any more", arguments.id);
    Ok(ExitCode::SUCCESS)
}
