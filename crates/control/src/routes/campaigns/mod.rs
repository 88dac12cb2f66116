//! Campaigns: the plan, what people say of it, how far it has come. Its work is done by
//! `stopgap campaign run`, which looks before each task at what was said here.

mod calendar;
mod parts;
mod say;
mod shapes;

use campaign::{Campaign, Entry, Status, notice, report};
use ledger::{Area, Role};
use store::{Session, Stored};

use super::{Method, PAGED, Route, schema};
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::{Listed, Reply, Versioned};
use shapes::Notices;
pub(crate) use shapes::{Calendar, CampaignLine, Drawn, Noted, PatchShown, Summary, WaveShown};

fn looks(path: &str, name: &str, about: &str) -> Route {
    Route {
        method: Method::Get,
        path: path.to_owned(),
        role: Role::Viewer,
        area: Area::Campaigns,
        name: name.to_owned(),
        about: about.to_owned(),
        query: &[],
        input: None,
        output: schema::<Versioned<Summary>>,
        status: 200,
        versioned: false,
        handle: get,
    }
}

pub(super) fn all() -> Vec<Route> {
    let mut routes = vec![
        Route {
            query: PAGED,
            output: schema::<Listed<Versioned<CampaignLine>>>,
            handle: list,
            ..looks("/campaigns", "list_campaign", "Campaigns, the oldest first")
        },
        Route {
            versioned: true,
            ..looks(
                "/campaigns/{id}",
                "get_campaign",
                "The campaign with this number; its plan is in the lists below it",
            )
        },
        Route {
            output: schema::<Drawn>,
            handle: draw,
            ..looks(
                "/campaigns/{id}/plan",
                "draw_campaign",
                "The plan of a campaign for whoever approves it: a text, and two pictures in SVG",
            )
        },
        Route {
            output: schema::<Status>,
            handle: status,
            ..looks(
                "/campaigns/{id}/status",
                "get_campaign_status",
                "Where a campaign stands, and whom it waits for",
            )
        },
        Route {
            query: PAGED,
            output: schema::<Listed<Entry>>,
            handle: tasks,
            ..looks(
                "/campaigns/{id}/tasks",
                "list_campaign_task",
                "What was begun in a campaign and how it ended, in the order of the tasks' keys",
            )
        },
        Route {
            query: &[("digest", "of the text, as the campaign's note tells it")],
            output: schema::<Noted>,
            handle: noted,
            ..looks(
                "/campaigns/{id}/notes",
                "get_campaign_note",
                "A text that is kept of a vendor patch, for whoever signs its review",
            )
        },
        Route {
            output: schema::<Notices>,
            handle: notices,
            ..looks(
                "/campaigns/{id}/notices",
                "preview_campaign_notices",
                "The mails of a campaign as they would be sent",
            )
        },
        Route {
            output: schema::<report::Report>,
            handle: reported,
            ..looks(
                "/campaigns/{id}/report",
                "report_campaign",
                "What became of a campaign so far",
            )
        },
        Route {
            query: &[
                ("from_ms", "from when; none: now"),
                ("until_ms", "until when; none: a month later"),
            ],
            output: schema::<Calendar>,
            handle: calendar::calendar,
            ..looks(
                "/calendar",
                "get_calendar",
                "Windows, freezes, waves and due patches of all campaigns, what their rings' rules will open; for those who see findings also when fixes are planned and exceptions end; in order",
            )
        },
    ];
    routes.extend(parts::all());
    routes.extend(say::all());
    routes
}

fn line(
    session: &mut Session<'_>,
    stored: Stored<Campaign>,
) -> Result<Versioned<CampaignLine>, store::Error> {
    let is_over = session.campaign_is_over(stored.value.id)?;
    Ok(Versioned {
        version: stored.version,
        value: CampaignLine::of(&stored.value, is_over),
    })
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let paging = call.paging()?;
    let listed = call.store.read(|it| {
        let page = it.campaigns(paging)?;
        let items = page.items.into_iter().map(|each| line(it, each));
        Ok(Listed {
            items: items.collect::<Result<Vec<_>, _>>()?,
            next: page.next,
        })
    })?;
    Ok(Reply::found(&listed)?)
}

fn get(call: &Call<'_>) -> Result<Reply, Problem> {
    let id = call.number()?;
    let (found, is_over) = call
        .store
        .read(|it| Ok((it.campaign_outline(id)?, it.campaign_is_over(id)?)))?;
    let version = found.version;
    let shown = Versioned {
        version,
        value: Summary::of(&found.value, is_over),
    };
    let reply = Reply::found(&shown)?.of_version(version);
    // That it has come to its end is no change by anybody.
    Ok(match is_over {
        true => reply,
        false => call.unless_known(reply),
    })
}

fn draw(call: &Call<'_>) -> Result<Reply, Problem> {
    let id = call.number()?;
    let campaign = call.store.read(|it| it.campaign(id))?.value;
    Ok(Reply::found(&Drawn::of(&campaign))?)
}

fn status(call: &Call<'_>) -> Result<Reply, Problem> {
    let id = call.number()?;
    let (campaign, journal) = call
        .store
        .read(|it| Ok((it.campaign(id)?.value, it.campaign_journal(id)?)))?;
    Ok(Reply::found(&campaign::status(
        &campaign,
        &journal,
        call.now_ms(),
    ))?)
}

fn tasks(call: &Call<'_>) -> Result<Reply, Problem> {
    let (id, paging) = (call.number()?, call.paging()?);
    let page = call.store.read(|it| it.campaign_tasks(id, paging))?;
    Ok(Reply::found(&Listed::of(page, |entry| entry))?)
}

fn noted(call: &Call<'_>) -> Result<Reply, Problem> {
    let id = call.number()?;
    let digest = call.asked("digest").unwrap_or_default();
    let (note, text) = call.store.read(|it| it.campaign_note(id, digest))?;
    Ok(Reply::found(&Noted { note, text })?)
}

fn notices(call: &Call<'_>) -> Result<Reply, Problem> {
    let id = call.number()?;
    let campaign = call.store.read(|it| it.campaign(id))?.value;
    let mails = notice::previews(&campaign).into_iter();
    Ok(Reply::found(&Notices {
        mails: mails.map(|(name, mail)| (name.to_owned(), mail)).collect(),
        message: notice::message(&campaign),
    })?)
}

fn reported(call: &Call<'_>) -> Result<Reply, Problem> {
    let id = call.number()?;
    let (campaign, journal, after) = call.store.read(|it| {
        let campaign = it.campaign(id)?.value;
        Ok((campaign, it.campaign_journal(id)?, it.campaigns_after(id)?))
    })?;
    let report = report::report(&campaign, &journal, after, call.now_ms());
    Ok(Reply::found(&report)?)
}
