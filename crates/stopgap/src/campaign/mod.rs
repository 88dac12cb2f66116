//! `stopgap campaign`: vendor patches reach assets in stages; `stopgap policy`.

mod description;
mod hands;
mod people;
mod plan;
mod report;
mod run;
mod status;

use std::process::ExitCode;

use campaign::{Campaign, Move};
use clap::{Args, Subcommand};
use serde_json::json;
use store::{Error, Page, Stored};

pub(crate) use plan::{Policy, policy};
pub(crate) use run::executor_config;

use crate::ledger_place::{Place, Who, now_ms};
use crate::listing::Listing;

/// Bring vendor patches to assets in stages: the test region first, then wave by wave.
///
/// How a campaign is described and what it does: docs/campaigns.md.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Plan(plan::Plan),
    List(List),
    Show(plan::Show),
    Due(plan::Due),
    Notices(plan::Notices),
    Keep(people::Keep),
    Read(people::Read),
    Review(people::Review),
    Evidence(people::Evidence),
    Approve(people::Approve),
    /// Let it begin; `stopgap campaign run` does its work.
    Start(Step),
    Run(run::Run),
    Status(status::Status),
    /// Begin nothing new until it is resumed; what was begun ends.
    Pause(Step),
    /// Go on.
    Resume(Step),
    /// Stop, and take back what was done; `stopgap campaign run` does it.
    Rollback(Step),
    Remedy(people::Remedy),
    Report(report::Report),
}

/// List campaigns, the oldest first.
#[derive(Args)]
struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Args)]
struct Step {
    #[command(flatten)]
    moved: Moved,
}

/// A campaign that somebody does something with.
#[derive(Args)]
struct Moved {
    #[command(flatten)]
    place: Place,
    /// The campaign's number.
    id: i64,
    #[command(flatten)]
    by: Who,
    /// Write one JSON object: {"version", "id", "title"}.
    #[arg(long)]
    json: bool,
}

impl Moved {
    fn go(&self, step: &Move) -> anyhow::Result<ExitCode> {
        let store = self.place.open()?;
        let moved = store.change(&self.by.by(now_ms()), |it| {
            it.move_campaign(self.id, step, None)
        })?;
        told(&moved, step.name(), self.json);
        Ok(ExitCode::SUCCESS)
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Plan(arguments) => plan::run(arguments),
        Command::List(arguments) => list(arguments),
        Command::Show(arguments) => plan::show(arguments),
        Command::Due(arguments) => plan::due(arguments),
        Command::Notices(arguments) => plan::notices(arguments),
        Command::Keep(arguments) => people::keep(arguments),
        Command::Read(arguments) => people::read(arguments),
        Command::Review(arguments) => people::review(arguments),
        Command::Evidence(arguments) => people::evidence(arguments),
        Command::Approve(arguments) => people::approve(arguments),
        Command::Start(step) => go(step, |why| Move::Start { why }),
        Command::Run(arguments) => run::run(arguments),
        Command::Status(arguments) => status::run(arguments),
        Command::Pause(step) => go(step, |why| Move::Pause { why }),
        Command::Resume(step) => go(step, |why| Move::Resume { why }),
        Command::Rollback(step) => go(step, |why| Move::RollBack { why }),
        Command::Remedy(arguments) => people::remedy(arguments),
        Command::Report(arguments) => report::run(arguments),
    }
}

fn go(step: &Step, what: impl FnOnce(String) -> Move) -> anyhow::Result<ExitCode> {
    step.moved.go(&what(step.moved.by.why.clone()))
}

fn told(stored: &Stored<Campaign>, what: &str, json: bool) {
    let (id, title) = (stored.value.id, &stored.value.title);
    match json {
        true => println!(
            "{}",
            json!({ "version": stored.version, "id": id, "title": title })
        ),
        false => println!("campaign {id}: {what}"),
    }
}

fn list(arguments: &List) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let page = store.read(|it| {
        let page = it.campaigns(arguments.listing.paging())?;
        let items = page.items.into_iter().map(|stored| {
            let is_over = it.campaign_is_over(stored.value.id)?;
            Ok((stored.value, is_over))
        });
        Ok(Page {
            items: items.collect::<Result<Vec<_>, Error>>()?,
            next: page.next,
        })
    })?;
    let state = |campaign: &Campaign, is_over: bool| match is_over && campaign.rolled_back.is_none()
    {
        true => "ended",
        false => campaign.state(),
    };
    let json = |(campaign, is_over): &(Campaign, bool)| {
        json!({ "id": campaign.id, "title": campaign.title, "owner": campaign.owner,
            "state": state(campaign, *is_over), "follows": campaign.follows })
    };
    let line = |(campaign, is_over): &(Campaign, bool)| {
        let state = state(campaign, *is_over);
        Ok(format!(
            "{:>6}  {state:<10}  {}",
            campaign.id, campaign.title
        ))
    };
    arguments.listing.tell("campaigns", &page, json, line)
}
