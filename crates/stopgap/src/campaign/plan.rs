//! A campaign is planned, and looked at before it starts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use campaign::plan::{self, LeftOut};
use campaign::{Campaign, Word, notice, policy};
use clap::{Args, Subcommand};
use serde_json::json;

use super::description::read;
use crate::ledger_place::{Place, Who, now_ms};

/// Plan a campaign from its description and the ledger.
#[derive(Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    place: Place,
    /// The description, in YAML.
    file: PathBuf,
    /// Take up what this campaign did not bring to its end: plan for these assets alone.
    #[arg(long, value_name = "ID")]
    follows: Option<i64>,
    /// Print the plan and keep nothing.
    #[arg(long)]
    dry_run: bool,
    /// Draw what comes before what.
    #[arg(long, value_name = "FILE.svg")]
    graph: Option<PathBuf>,
    /// Draw the waves on a line of time.
    #[arg(long, value_name = "FILE.svg")]
    gantt: Option<PathBuf>,
    #[command(flatten)]
    by: Who,
    /// Write the campaign as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Show the plan of a campaign.
#[derive(Args)]
pub(crate) struct Show {
    #[command(flatten)]
    place: Place,
    /// The campaign's number.
    id: i64,
    /// Draw what comes before what.
    #[arg(long, value_name = "FILE.svg")]
    graph: Option<PathBuf>,
    /// Draw the waves on a line of time.
    #[arg(long, value_name = "FILE.svg")]
    gantt: Option<PathBuf>,
    /// Write the campaign as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Show the mails of a campaign as they would be sent.
#[derive(Args)]
pub(crate) struct Notices {
    #[command(flatten)]
    place: Place,
    /// The campaign's number.
    id: i64,
    /// Write them as one JSON object, by their names.
    #[arg(long)]
    json: bool,
}

/// When vendor patches are due.
#[derive(Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Subcommand)]
enum PolicyCommand {
    Explain(Explain),
}

/// Say of each vendor patch of a description when it is due, and why. Ends with exit status 1 if it
/// is not known which of them a campaign would leave out.
#[derive(Args)]
struct Explain {
    #[command(flatten)]
    place: Place,
    /// The description of a campaign, in YAML.
    file: PathBuf,
    /// Only these vendor patches.
    patches: Vec<String>,
    /// Write one JSON object: {"due"}, and "unplanned", why, where no campaign could be planned.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Plan) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let description = read(&arguments.file)?;
    let by = arguments.by.by(now_ms());
    let campaign = match arguments.dry_run {
        true => {
            let planned = Word {
                who: by.who.to_owned(),
                text: by.why.to_owned(),
                time_ms: by.now_ms,
            };
            store.read(|it| it.draft(&description, arguments.follows, planned))?
        }
        false => {
            let planned =
                store.change(&by, |it| it.plan_described(&description, arguments.follows));
            planned?.value
        }
    };
    told(
        &campaign,
        arguments.graph.as_deref(),
        arguments.gantt.as_deref(),
        arguments.json,
    )
}

pub(super) fn show(arguments: &Show) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let campaign = store.read(|it| it.campaign(arguments.id))?.value;
    told(
        &campaign,
        arguments.graph.as_deref(),
        arguments.gantt.as_deref(),
        arguments.json,
    )
}

fn told(
    campaign: &Campaign,
    graph: Option<&Path>,
    gantt: Option<&Path>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let pictures = [
        (graph, plan::graph as fn(&plan::Plan) -> String),
        (gantt, plan::gantt),
    ];
    for (path, draw) in pictures {
        if let Some(path) = path {
            std::fs::write(path, draw(&campaign.plan))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    match json {
        true => println!("{}", serde_json::to_string(campaign)?),
        false => println!("{}", plan::told(campaign)),
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn notices(arguments: &Notices) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let campaign = store.read(|it| it.campaign(arguments.id))?.value;
    let mails = notice::previews(&campaign);
    if arguments.json {
        let mails: serde_json::Map<_, _> = mails
            .into_iter()
            .map(|(name, mail)| (name.to_owned(), json!(mail)))
            .collect();
        println!("{}", json!(mails));
        return Ok(ExitCode::SUCCESS);
    }
    for (name, mail) in mails {
        println!(
            "== {name}\nTo: {}\nSubject: {}\n",
            mail.to.join(", "),
            mail.subject
        );
        println!("{}", mail.text);
    }
    println!("== message\n{}", notice::message(&campaign));
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn policy(arguments: &Policy) -> anyhow::Result<ExitCode> {
    let PolicyCommand::Explain(arguments) = &arguments.command;
    let store = arguments.place.open()?;
    let description = read(&arguments.file)?;
    let facts = store.read(|it| it.facts(&description))?;
    let now_ms = now_ms();
    let (offers, threats) = description.offers(facts.known(), now_ms);
    let patches: Vec<_> = offers.into_iter().map(|it| it.patch).collect();
    let unknown = arguments
        .patches
        .iter()
        .find(|id| !patches.iter().any(|it| it.id == **id));
    if let Some(id) = unknown {
        bail!("{} has no vendor patch {id}", arguments.file.display());
    }
    let mut due = policy::due(&patches, &threats, &description.policy);
    due.retain(|it| arguments.patches.is_empty() || arguments.patches.contains(&it.patch));
    // When a patch is due is known also where nothing can be planned.
    let (left_out, unplanned) = match description.plan(facts.known(), None, "", now_ms) {
        Ok(plan) => (plan.left_out, None),
        Err(why) => (Vec::new(), Some(why.to_string())),
    };
    let left_out: BTreeMap<&str, &LeftOut> =
        left_out.iter().map(|it| (it.patch.as_str(), it)).collect();
    let each = due.iter().map(|it| {
        let left = left_out.get(it.patch.as_str());
        DueLine {
            patch: &it.patch,
            due: Some(it),
            left_out: left.map(|it| it.why.as_str()),
            explained: left.map_or_else(|| it.explained(), |it| it.explained()),
        }
    });
    tell_due(each, unplanned.as_deref(), arguments.json);
    match unplanned {
        Some(why) => {
            if !arguments.json {
                eprintln!("stopgap: which of them a campaign would leave out is not known: {why}");
            }
            Ok(ExitCode::FAILURE)
        }
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Say of each vendor patch of a campaign whether it comes with it, when it is due, and why.
#[derive(Args)]
pub(crate) struct Due {
    #[command(flatten)]
    place: Place,
    /// The campaign's number.
    id: i64,
    /// Only these vendor patches.
    patches: Vec<String>,
    /// Write one JSON object: {"due"}.
    #[arg(long)]
    json: bool,
}

/// As it was when the campaign was planned.
pub(super) fn due(arguments: &Due) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let plan = store
        .read(|it| it.campaign_outline(arguments.id))?
        .value
        .plan;
    let brought = plan.patches.iter().map(|it| DueLine {
        patch: &it.id,
        due: Some(&it.due),
        left_out: None,
        explained: it.due.explained(),
    });
    let left = plan.left_out.iter().map(|it| DueLine {
        patch: &it.patch,
        due: it.due.as_ref(),
        left_out: Some(&it.why),
        explained: it.explained(),
    });
    let all: Vec<DueLine<'_>> = brought.chain(left).collect();
    let wanted = &arguments.patches;
    if let Some(id) = wanted
        .iter()
        .find(|id| !all.iter().any(|it| it.patch == **id))
    {
        bail!(
            "campaign {} was planned without a vendor patch {id}",
            arguments.id
        );
    }
    let asked = |it: &DueLine<'_>| wanted.is_empty() || wanted.iter().any(|id| id == it.patch);
    tell_due(all.into_iter().filter(asked), None, arguments.json);
    Ok(ExitCode::SUCCESS)
}

/// When a vendor patch is due, and whether it comes with a campaign.
struct DueLine<'a> {
    patch: &'a str,
    /// None: it was planned before plans told that.
    due: Option<&'a policy::Due>,
    left_out: Option<&'a str>,
    explained: String,
}

/// `unplanned` says why it is not known what is left out.
fn tell_due<'a>(each: impl Iterator<Item = DueLine<'a>>, unplanned: Option<&str>, json: bool) {
    if !json {
        each.for_each(|it| println!("{}", it.explained));
        return;
    }
    let due = each.map(|it| {
        json!({ "patch": it.patch, "lane": it.due.map(|it| it.lane), "due_ms": it.due.map(|it| it.due_ms),
            "because": it.due.map(|it| &it.because), "left_out": it.left_out })
    });
    let mut whole = json!({ "due": due.collect::<Vec<_>>() });
    if let Some(why) = unplanned {
        whole["unplanned"] = why.into();
    }
    println!("{whole}");
}
