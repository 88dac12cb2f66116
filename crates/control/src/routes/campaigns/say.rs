//! What people do with a campaign, and say of it. Who and why are those of the call.

use campaign::description::Description;
use campaign::{
    Answer, Campaign, Evidence, Move, Origin, Remedy, Review, Source, SourceKind, Word,
};
use ledger::Role;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{Session, Stored};

use super::{CampaignLine, Drawn, line, looks};
use crate::call::Call;
use crate::problem::{Kind, Problem};
use crate::reply::{Reply, Versioned};
use crate::routes::{Method, Route, schema};

/// A campaign to plan.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewCampaign")]
struct Planned {
    /// As people describe it.
    #[schemars(with = "Description")]
    description: Value,
    /// Take up what this campaign did not bring to its end: plan for these assets alone.
    #[serde(default)]
    follows: Option<i64>,
}

impl Planned {
    /// Days, zones and rules of windows are texts of which the schema cannot tell which are right.
    fn description(&self) -> Result<Description, Problem> {
        Description::deserialize(&self.description)
            .map_err(|why| Problem::new(Kind::Refused, format!("description: {why}")))
    }
}

/// What is to become of a campaign.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "CampaignMove")]
enum Go {
    /// Let it begin.
    Start {},
    /// Begin nothing new until it is resumed; what was begun ends.
    Pause {},
    /// Go on.
    Resume {},
    /// Stop, and take back what was done.
    RollBack {},
}

/// Somebody's signature that a vendor patch was reviewed for a ring.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewReview")]
struct Signed {
    /// The vendor patch.
    patch: String,
    /// The ring.
    ring: String,
    /// What was read: release notes and known issues at least.
    read: Vec<Source>,
    /// A known issue that concerns us: the patch does not go to this ring, nor to later ones.
    #[serde(default)]
    issue: Option<String>,
}

/// Something to read of a vendor patch before its review is signed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewNote")]
struct Kept {
    /// The vendor patch.
    patch: String,
    /// What it is.
    kind: SourceKind,
    /// Where it was found.
    #[serde(default)]
    address: Option<String>,
    /// What it says.
    text: String,
}

/// What shows how a vendor patch behaves where no test region does; why says what was seen.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewCampaignEvidence")]
struct Shown {
    /// The vendor patch.
    patch: String,
    /// Where it was seen.
    from: Origin,
    /// Whether an asset restarts for it.
    reboot: bool,
    /// How long an asset took.
    #[serde(default)]
    took_ms: Option<i64>,
}

/// What is done about an asset that failed; why says what was found out and will be done.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRemedy")]
struct Taken {
    /// Which.
    asset: String,
    /// Who does it: an address.
    owner: String,
}

/// Whether a stakeholder, or the delegate, consents; why says why.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewAnswer")]
struct Answered {
    /// The ring.
    ring: String,
    /// The service.
    service: String,
    /// Whether it may go on; an objection stops the campaign.
    consents: bool,
}

pub(super) fn all() -> [Route; 8] {
    let says = |path: &str, name: &str, about: &str| Route {
        method: Method::Post,
        role: Role::Operator,
        input: Some(schema::<Go>),
        output: schema::<Versioned<CampaignLine>>,
        versioned: true,
        handle: go,
        ..looks(path, name, about)
    };
    [
        Route {
            input: Some(schema::<Planned>),
            status: 201,
            handle: plan,
            ..says(
                "/campaigns",
                "plan_campaign",
                "Plan a campaign from its description and the ledger",
            )
        },
        Route {
            input: Some(schema::<Planned>),
            output: schema::<Drawn>,
            versioned: false,
            handle: draft,
            ..says(
                "/campaigns/drafts",
                "draft_campaign",
                "Show what a campaign of this description would do, and keep nothing",
            )
        },
        says(
            "/campaigns/{id}/moves",
            "move_campaign",
            "Start, pause, resume or take back a campaign; whoever works on it obeys before the next task",
        ),
        Route {
            input: Some(schema::<Kept>),
            handle: note,
            ..says(
                "/campaigns/{id}/notes",
                "note_campaign",
                "Keep something to read of a vendor patch, for whoever signs its review",
            )
        },
        Route {
            input: Some(schema::<Signed>),
            handle: review,
            ..says(
                "/campaigns/{id}/reviews",
                "review_campaign",
                "Sign that a vendor patch was reviewed for a ring; why is the remark",
            )
        },
        Route {
            input: Some(schema::<Shown>),
            handle: show,
            ..says(
                "/campaigns/{id}/evidence",
                "show_campaign",
                "Say what shows how a vendor patch behaves where no test region does",
            )
        },
        Route {
            input: Some(schema::<Taken>),
            handle: remedy,
            ..says(
                "/campaigns/{id}/remedies",
                "remedy_campaign",
                "Tell what is done about an asset that failed",
            )
        },
        Route {
            role: Role::Approver,
            input: Some(schema::<Answered>),
            handle: answer,
            ..says(
                "/campaigns/{id}/answers",
                "answer_campaign",
                "Consent to what a campaign does to a service, or object, as its stakeholder or the delegate",
            )
        },
    ]
}

fn plan(call: &Call<'_>) -> Result<Reply, Problem> {
    let planned: Planned = call.body()?;
    let description = planned.description()?;
    call.change(|it| {
        let stored = it.plan_described(&description, planned.follows)?;
        let location = call.below(&stored.value.id.to_string());
        Ok(shown(it, stored)?.made(location))
    })
}

fn draft(call: &Call<'_>) -> Result<Reply, Problem> {
    let drafted: Planned = call.body()?;
    let description = drafted.description()?;
    let word = Word {
        who: call.who().to_owned(),
        text: call.why().to_owned(),
        time_ms: call.now_ms(),
    };
    let read = |it: &mut Session<'_>| it.draft(&description, drafted.follows, word);
    let campaign = call.store.read(read)?;
    Ok(Reply::found(&Drawn::of(&campaign))?)
}

fn go(call: &Call<'_>) -> Result<Reply, Problem> {
    let why = call.why().to_owned();
    let step = match call.body()? {
        Go::Start {} => Move::Start { why },
        Go::Pause {} => Move::Pause { why },
        Go::Resume {} => Move::Resume { why },
        Go::RollBack {} => Move::RollBack { why },
    };
    apply(call, &step)
}

fn note(call: &Call<'_>) -> Result<Reply, Problem> {
    let (id, kept): (_, Kept) = (call.number()?, call.body()?);
    call.change(|it| {
        let what = (&*kept.patch, kept.kind);
        let text = (kept.address.as_deref(), &*kept.text);
        let moved = it.note_campaign(id, what, text, call.expected())?;
        shown(it, moved)
    })
}

fn review(call: &Call<'_>) -> Result<Reply, Problem> {
    say(call, |it: Signed, word| {
        Move::Review(Review {
            patch: it.patch,
            ring: it.ring,
            read: it.read,
            issue: it.issue,
            word,
        })
    })
}

fn show(call: &Call<'_>) -> Result<Reply, Problem> {
    say(call, |it: Shown, word| {
        Move::Show(Evidence {
            patch: it.patch,
            from: it.from,
            reboot: it.reboot,
            took_ms: it.took_ms,
            word,
        })
    })
}

fn remedy(call: &Call<'_>) -> Result<Reply, Problem> {
    say(call, |it: Taken, word| {
        Move::Remedy(Remedy {
            asset: it.asset,
            owner: it.owner,
            word,
        })
    })
}

fn answer(call: &Call<'_>) -> Result<Reply, Problem> {
    say(call, |it: Answered, word| {
        Move::Answer(Answer {
            ring: it.ring,
            service: it.service,
            consents: it.consents,
            word,
        })
    })
}

/// Keeps what somebody says, with the reason; who and when is known to the ledger.
fn say<T: DeserializeOwned>(
    call: &Call<'_>,
    step: impl FnOnce(T, Word) -> Move,
) -> Result<Reply, Problem> {
    let word = Word {
        who: String::new(),
        text: call.why().to_owned(),
        time_ms: 0,
    };
    apply(call, &step(call.body()?, word))
}

fn apply(call: &Call<'_>, step: &Move) -> Result<Reply, Problem> {
    let id = call.number()?;
    call.change(|it| {
        let moved = it.move_campaign(id, step, call.expected())?;
        shown(it, moved)
    })
}

fn shown(change: &mut store::Change<'_>, stored: Stored<Campaign>) -> Result<Reply, store::Error> {
    let shown = line(change, stored)?;
    Ok(Reply::found(&shown)?.of_version(shown.version))
}
