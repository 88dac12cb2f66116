//! `stopgap user`: people who sign in to the console.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use control::hash_password;
use ledger::{Area, Role, User};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use store::{Limits, Store};

use crate::ledger_place::{Named, Place, Who, now_ms};
use crate::listing::Listing;

/// People who sign in to the console: with a password, or at a provider of identities.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(Add),
    List(List),
    /// Give somebody another password: the first line of standard input.
    Password(Named),
    Change(Change),
    /// Put somebody out, at once.
    Remove(Named),
    /// Let somebody in again who signs in at a provider of identities.
    Restore(Named),
}

/// Let somebody sign in. The password is the first line of standard input.
#[derive(Args)]
struct Add {
    #[command(flatten)]
    place: Place,
    /// Who, as the audit log names them.
    #[arg(value_name = "NAME")]
    id: String,
    /// What they may: viewer, operator, approver or admin.
    #[arg(long)]
    role: Role,
    /// Only in this part of the ledger, as for tokens. Can be given more than once; without it, in all.
    #[arg(long = "area", value_name = "AREA")]
    areas: Vec<Area>,
    #[command(flatten)]
    by: Who,
}

/// Say what somebody may from now on.
#[derive(Args)]
struct Change {
    #[command(flatten)]
    named: Named,
    /// What they may: viewer, operator, approver or admin.
    #[arg(long)]
    role: Role,
    /// Only in this part of the ledger, as for tokens. Can be given more than once; without it, where they
    /// may it now.
    #[arg(long = "area", value_name = "AREA")]
    areas: Vec<Area>,
    /// In all parts of the ledger.
    #[arg(long, conflicts_with = "areas")]
    everywhere: bool,
}

/// Everybody, those who were put out too.
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
        Command::Password(arguments) => password(arguments),
        Command::Change(arguments) => change(arguments),
        Command::Remove(arguments) => remove(arguments),
        Command::Restore(arguments) => restore(arguments),
    }
}

fn add(arguments: &Add) -> anyhow::Result<ExitCode> {
    let user = User {
        id: arguments.id.clone(),
        role: arguments.role,
        areas: arguments.areas.clone(),
        account: None,
        removed_ms: None,
    };
    let hash = hash_password(&typed()?).map_err(anyhow::Error::msg)?;
    // The first user may come before the control side does.
    let store = Store::open(&arguments.place.location()?, Limits::default())?;
    store.change(&arguments.by.by(now_ms()), |it| it.add_user(&user, &hash))?;
    println!("{} may sign in", arguments.id);
    Ok(ExitCode::SUCCESS)
}

fn list(arguments: &List) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let page = store.read(|it| it.users(arguments.listing.paging()))?;
    arguments.listing.tell(
        "users",
        &page,
        |it| serde_json::json!(it.value),
        |it| {
            let user = &it.value;
            let out = user.removed_ms.map_or("", |_| "  put out");
            Ok(format!("{}  {}{out}", user.id, user.role))
        },
    )
}

fn password(arguments: &Named) -> anyhow::Result<ExitCode> {
    let hash = hash_password(&typed()?).map_err(anyhow::Error::msg)?;
    arguments.change(|it, id| it.change_password(id, &hash, None))?;
    println!("{} has another password", arguments.id);
    Ok(ExitCode::SUCCESS)
}

fn change(arguments: &Change) -> anyhow::Result<ExitCode> {
    let named = &arguments.named;
    named.change(|it, id| {
        let areas = match arguments.areas.is_empty() && !arguments.everywhere {
            true => it.user(id)?.value.areas,
            false => arguments.areas.clone(),
        };
        it.change_user(id, (arguments.role, &areas), None)
    })?;
    println!("{} is {}", named.id, arguments.role);
    Ok(ExitCode::SUCCESS)
}

fn restore(arguments: &Named) -> anyhow::Result<ExitCode> {
    arguments.change(|it, id| it.restore_user(id, None))?;
    println!("{} may sign in again", arguments.id);
    Ok(ExitCode::SUCCESS)
}

fn remove(arguments: &Named) -> anyhow::Result<ExitCode> {
    arguments.change(|it, id| it.remove_user(id, None))?;
    println!("{} was put out", arguments.id);
    Ok(ExitCode::SUCCESS)
}

/// The password, which a terminal does not show while it is typed.
fn typed() -> anyhow::Result<String> {
    let input = std::io::stdin();
    let hidden = match input.is_terminal() {
        true => {
            eprint!("password: ");
            std::io::stderr().flush()?;
            let before = tcgetattr(&input)?;
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            tcsetattr(&input, OptionalActions::Flush, &hidden)?;
            Some(before)
        }
        false => None,
    };
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    if let Some(before) = hidden {
        tcsetattr(&input, OptionalActions::Flush, &before)?;
        eprintln!();
    }
    read?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("give the password as a line of standard input");
    }
    Ok(password.to_owned())
}
