//! What people are told: mails with a calendar file, and a message at their own screens.

mod calendar;
mod template;

use std::collections::BTreeSet;

use crate::calendar::Window;
use crate::campaign::Campaign;
use crate::journal::Journal;
use crate::machine::{Fate, fates, learned};
use crate::plan::{Consent, Ring};
use crate::task::Mail;
use crate::text::{counted, span};

pub use calendar::file;
pub use template::{Template, TemplateFault, Templates};

/// Assets and patches that a mail names.
const NAMED: usize = 15;

/// Announces a window.
#[must_use]
pub fn announce(campaign: &Campaign, ring: &Ring, window: Window) -> Mail {
    of_window(campaign, ring, window, &campaign.templates.announce)
}

/// Reminds of a window.
#[must_use]
pub fn remind(campaign: &Campaign, ring: &Ring, window: Window) -> Mail {
    of_window(campaign, ring, window, &campaign.templates.remind)
}

fn of_window(campaign: &Campaign, ring: &Ring, window: Window, template: &Template) -> Mail {
    let mut facts = facts(campaign, ring);
    facts.push(("begins", ring.zone.told(window.opens_ms)));
    facts.push(("ends", ring.zone.told(window.closes_ms)));
    let (subject, text) = template.filled(&facts);
    let (own, services) = (Campaign::slug(campaign.id), services(ring));
    let calendar = file(&calendar::Event {
        uid: format!("{own}-{}-{}", ring.name, window.opens_ms),
        stamp_ms: campaign.planned.time_ms,
        window,
        summary: subject.clone(),
        description: text.clone(),
        location: services,
    });
    Mail {
        to: audience(campaign, ring),
        subject,
        text,
        calendar: Some(calendar),
    }
}

/// Who is told of a ring's windows; where it names nobody, whoever answers for the campaign.
fn audience(campaign: &Campaign, ring: &Ring) -> Vec<String> {
    match ring.audience.is_empty() {
        true => vec![campaign.owner.clone()],
        false => ring.audience.clone(),
    }
}

/// Asks somebody for consent.
#[must_use]
pub fn ask(
    campaign: &Campaign,
    journal: &Journal,
    ring: &Ring,
    consent: &Consent,
    to: &str,
    deadline_ms: i64,
) -> Mail {
    let mut facts = facts(campaign, ring);
    let at = campaign
        .plan
        .rings
        .iter()
        .position(|it| it.name == ring.name);
    facts.push(("service", consent.service.clone()));
    facts.push(("deadline", ring.zone.told(deadline_ms)));
    facts.push(("evidence", evidence(campaign, journal, at.unwrap_or(0))));
    facts.push(("plan", crate::plan::told(campaign)));
    let (subject, text) = campaign.templates.ask.filled(&facts);
    Mail {
        to: vec![to.to_owned()],
        subject,
        text,
        calendar: None,
    }
}

/// What is known of the patches when a ring's turn comes.
fn evidence(campaign: &Campaign, journal: &Journal, ring: usize) -> String {
    let learned = learned(campaign, journal, ring);
    if learned.is_empty() {
        return "Nothing yet: this ring goes first, others decide by what it shows.".to_owned();
    }
    let mut lines: Vec<String> = learned
        .iter()
        .take(NAMED)
        .filter_map(|(at, it)| {
            let patch = campaign.plan.patches.get(*at as usize)?;
            let restart = match (it.restarts, it.reboot) {
                (true, _) => "restarts by itself",
                (false, true) => "wants a restart",
                (false, false) => "no restart",
            };
            let took = match it.took_ms {
                0 => String::new(),
                took => format!(", {} at most", span(took)),
            };
            let seen = match it.is_own() {
                true => format!("{} well, {} badly in {}", it.well, it.badly, it.from),
                false => it.from.clone(),
            };
            Some(format!("- {}: {seen}; {restart}{took}", patch.id))
        })
        .collect();
    if learned.len() > NAMED {
        lines.push(format!("- and {} more", learned.len() - NAMED));
    }
    lines.join("\n")
}

/// Tells that work in a ring is over.
#[must_use]
pub fn all_clear(campaign: &Campaign, journal: &Journal, at: usize, ring: &Ring) -> Mail {
    let mut facts = facts(campaign, ring);
    facts.push(("results", results(campaign, journal, Some(at))));
    let (subject, text) = campaign.templates.all_clear.filled(&facts);
    Mail {
        to: audience(campaign, ring),
        subject,
        text,
        calendar: None,
    }
}

/// Tells what became of a campaign.
#[must_use]
pub fn report(campaign: &Campaign, journal: &Journal) -> Mail {
    let facts = [
        ("campaign", campaign.title.clone()),
        ("number", campaign.number()),
        ("owner", campaign.owner.clone()),
        ("contact", campaign.contact.clone()),
        ("results", results(campaign, journal, None)),
    ];
    let (subject, text) = campaign.templates.report.filled(&facts);
    let rings = campaign.plan.rings.iter();
    let consents = rings.flat_map(|ring| &ring.consents);
    let mut to: BTreeSet<String> = consents.map(|it| it.stakeholder.clone()).collect();
    to.insert(campaign.owner.clone());
    Mail {
        to: to.into_iter().collect(),
        subject,
        text,
        calendar: None,
    }
}

/// What whoever works at an asset is told there.
#[must_use]
pub fn message(campaign: &Campaign) -> String {
    let facts = [
        ("campaign", campaign.title.clone()),
        ("number", campaign.number()),
        ("owner", campaign.owner.clone()),
        ("contact", campaign.contact.clone()),
    ];
    campaign.templates.message.filled(&facts).1
}

/// All mails as they would be sent if the plan held, for whoever edits their texts.
#[must_use]
pub fn previews(campaign: &Campaign) -> Vec<(&'static str, Mail)> {
    let journal = Journal::default();
    let mut mails = Vec::new();
    if let Some((ring, window)) = campaign
        .plan
        .rings
        .iter()
        .find_map(|ring| Some((ring, *ring.windows.first()?)))
    {
        if let Some(consent) = ring.consents.first() {
            let deadline_ms = window.opens_ms;
            let to = &consent.stakeholder;
            mails.push((
                "ask",
                ask(campaign, &journal, ring, consent, to, deadline_ms),
            ));
        }
        mails.push(("announce", announce(campaign, ring, window)));
        mails.push(("remind", remind(campaign, ring, window)));
        mails.push(("all-clear", all_clear(campaign, &journal, 0, ring)));
    }
    mails.push(("report", report(campaign, &journal)));
    mails
}

fn services(ring: &Ring) -> String {
    let names: Vec<&str> = ring.consents.iter().map(|it| it.service.as_str()).collect();
    match names.is_empty() {
        true => "no service that people use".to_owned(),
        false => names.join(", "),
    }
}

/// What every mail of a ring can tell.
fn facts(campaign: &Campaign, ring: &Ring) -> Vec<(&'static str, String)> {
    let assets: Vec<&str> = ring
        .waves
        .iter()
        .flat_map(|wave| &wave.assets)
        .filter_map(|at| campaign.plan.asset(*at))
        .map(|asset| asset.id.as_str())
        .collect();
    let mut named = assets
        .iter()
        .take(NAMED)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if assets.len() > NAMED {
        named = format!("{named} and {} more", assets.len() - NAMED);
    }
    vec![
        ("campaign", campaign.title.clone()),
        ("number", campaign.number()),
        ("owner", campaign.owner.clone()),
        ("contact", campaign.contact.clone()),
        ("ring", ring.name.clone()),
        ("services", services(ring)),
        ("assets", named),
    ]
}

/// What became of the assets of a ring, or of all.
fn results(campaign: &Campaign, journal: &Journal, ring: Option<usize>) -> String {
    let became = fates(campaign, journal);
    let became: Vec<_> = became
        .iter()
        .filter(|it| ring.is_none_or(|ring| it.ring == ring))
        .collect();
    let count = |name: &str| became.iter().filter(|it| it.fate.name() == name).count();
    let mut lines = vec![format!(
        "{}: {} done, {} skipped, {} rolled back, {} failed.",
        counted(became.len(), "asset"),
        count("done"),
        count("skipped"),
        count("rolled back"),
        count("failed"),
    )];
    let told = became.iter().filter_map(|it| {
        let asset = &campaign.plan.asset(it.asset)?.id;
        match &it.fate {
            Fate::RolledBack { phase, failure } => {
                let class = failure.as_ref().map_or("", |it| it.class.name());
                Some(format!(
                    "- {asset}: as before; it went wrong at {phase} ({class})"
                ))
            }
            Fate::Failed { phase, failure } => Some(format!(
                "- {asset}: NOT well, at {phase} ({}); call {}",
                failure.class.name(),
                campaign.contact
            )),
            Fate::Done {
                outstanding: Some(why),
            } => Some(format!("- {asset}: has still to restart, {why}")),
            _ => None,
        }
    });
    let told: Vec<String> = told.collect();
    let more = told.len().saturating_sub(NAMED);
    lines.extend(told.into_iter().take(NAMED));
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    lines.join("\n")
}
