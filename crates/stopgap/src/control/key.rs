//! `stopgap control key`: who signs bundles.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use ledger::{Environment, KeyState};
use store::Paging;

use super::KeysFolder;
use crate::ledger_place::{Place, Who, now_ms};

/// The keys that sign bundles.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(List),
    Rotate(Rotate),
}

/// List the keys that bundles name, and the ingress points that do not know the next one yet.
#[derive(Args)]
struct List {
    #[command(flatten)]
    place: Place,
    /// Write one JSON object: {"keys": […], "waits_for": […]}.
    #[arg(long)]
    json: bool,
}

/// Make a key that signs bundles in the place of the present one.
///
/// Bundles name it from now on. As soon as every ingress point has taken one of these, the new key
/// signs and the old one is deleted. An ingress point that never comes back holds that up: put it out
/// with `stopgap ingress revoke`.
#[derive(Args)]
struct Rotate {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    keys: KeysFolder,
    #[command(flatten)]
    by: Who,
    /// Write one JSON object: the key, as others may know it.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::List(arguments) => list(arguments),
        Command::Rotate(arguments) => rotate(arguments),
    }
}

fn list(arguments: &List) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let (keys, waits_for) = store.read(|it| {
        let keys = it.signing_keys()?;
        let next = keys.iter().find(|key| key.state == KeyState::Next);
        let mut waits_for = Vec::new();
        let Some(next) = next else {
            return Ok((keys, waits_for));
        };
        let mut naming = Vec::new();
        for environment in Environment::ALL {
            let bundles = it.bundles(*environment)?;
            let numbers = bundles.iter().filter(|made| made.keys.contains(&next.id));
            naming.push((*environment, numbers.map(|made| made.number).min()));
        }
        let mut after = None;
        loop {
            let paging = Paging {
                after: after.as_deref(),
                most: None,
            };
            let page = it.gateways(paging)?;
            for seen in page.items.into_iter().map(|item| item.value) {
                let has = seen.report.map_or(0, |report| report.attestation.bundle);
                let knows = naming.iter().any(|(environment, first)| {
                    *environment == seen.gateway.environment
                        && first.is_some_and(|first| has >= first)
                });
                if seen.gateway.revoked_ms.is_none() && !knows {
                    waits_for.push(seen.gateway.id);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok((keys, waits_for));
            }
        }
    })?;
    if arguments.json {
        let told = serde_json::json!({ "keys": keys, "waits_for": waits_for });
        println!("{told}");
        return Ok(ExitCode::SUCCESS);
    }
    for key in keys {
        println!("{}  {}  {}", key.id, key.state, key.key);
    }
    if !waits_for.is_empty() {
        println!("the next key waits for {}", waits_for.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

fn rotate(arguments: &Rotate) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let keys = arguments.keys.open(&arguments.place)?;
    // The control side must be able to sign with what is there already.
    keys.ready(&store, now_ms())?;
    let public = keys.make()?;
    let added = store.change(&arguments.by.by(now_ms()), |it| {
        it.add_signing_key(&public.id(), &public.to_string())
    });
    let key = match added {
        Ok(key) => key,
        Err(why) => {
            keys.forget(&public.id())?;
            return Err(why.into());
        }
    };
    match arguments.json {
        true => println!("{}", serde_json::to_string(&key)?),
        false => println!("{}", key.id),
    }
    Ok(ExitCode::SUCCESS)
}
