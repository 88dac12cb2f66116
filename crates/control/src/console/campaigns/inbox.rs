//! What campaigns wait for that people must say: consents and reviews.

use askama::Template;
use campaign::{OpenConsent, OpenReview, Review, SourceKind, Status};
use ledger::{Area, Role};
use serde_json::{Value, json};

use crate::console::change::{wanted, workshop};
use crate::console::look::{MOST, first};
use crate::console::render::{Frame, filled, filters};
use crate::console::visit::{Shown, Visit};
use crate::problem::{Kind, Problem};
use crate::reply::{Listed, Versioned};
use crate::routes::{CampaignLine, Noted, PatchShown, Summary};

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxPage {
    frame: Frame,
    consents: Vec<Asked>,
    reviews: Vec<ToReview>,
    may_review: bool,
    more: bool,
    most: usize,
}

/// A consent that is not given, of a campaign.
struct Asked {
    campaign: i64,
    version: i64,
    title: String,
    open: OpenConsent,
    /// Whether whoever looks may answer.
    yours: bool,
    late: bool,
}

/// A review that nobody has signed, of a campaign.
struct ToReview {
    campaign: i64,
    title: String,
    open: OpenReview,
}

/// A campaign with where it stands.
pub(in crate::console) type Standing = (Versioned<CampaignLine>, Status);

/// The campaigns that have not ended, and whether there are more.
pub(in crate::console) fn under_way(visit: &Visit<'_>) -> Result<(Vec<Standing>, bool), Problem> {
    let (lines, more) = first::<Versioned<CampaignLine>>(visit, "/campaigns")?;
    let open = lines
        .into_iter()
        .filter(|it| !matches!(it.value.state.as_str(), "ended" | "taken back"));
    let stand = open.map(|line| {
        let status = visit.get(&format!("/campaigns/{}/status", line.value.id))?;
        Ok((line, status))
    });
    Ok((stand.collect::<Result<_, Problem>>()?, more))
}

pub(crate) fn inbox(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (campaigns, more) = under_way(visit)?;
    let approves = visit.may(Role::Approver, Area::Campaigns);
    let (mut consents, mut reviews) = (Vec::new(), Vec::new());
    for (line, status) in campaigns {
        let (campaign, version) = (line.value.id, line.version);
        let title = line.value.title;
        consents.extend(status.consents.into_iter().map(|open| Asked {
            campaign,
            version,
            title: title.clone(),
            yours: approves && open.who.contains(&visit.token.who),
            late: open.deadline_ms.is_some_and(|it| it <= visit.now_ms),
            open,
        }));
        reviews.extend(status.reviews.into_iter().map(|open| ToReview {
            campaign,
            title: title.clone(),
            open,
        }));
    }
    // What one can answer oneself, then what is due first; nobody was asked yet for the rest.
    consents.sort_by_key(|it| (!it.yours, it.open.deadline_ms.unwrap_or(i64::MAX)));
    Ok(Shown::Page(filled(&InboxPage {
        frame: visit.frame("/inbox"),
        consents,
        reviews,
        may_review: visit.may(Role::Operator, Area::Campaigns),
        more,
        most: MOST,
    })?))
}

pub(crate) fn answer(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let form = &visit.form;
    let consents = match wanted(form, "answer")? {
        "consent" => true,
        "object" => false,
        other => {
            let detail = format!("`{other}` is neither `consent` nor `object`");
            return Err(Problem::new(Kind::Malformed, detail));
        }
    };
    let said = json!({
        "ring": wanted(form, "ring")?,
        "service": wanted(form, "service")?,
        "consents": consents,
    });
    let path = format!("/campaigns/{}", visit.id());
    visit.post(&format!("{path}/answers"), &said)?;
    Ok(Shown::Elsewhere("/inbox".to_owned()))
}

#[derive(Template)]
#[template(path = "campaign_review.html")]
struct ReviewPage {
    frame: Frame,
    version: i64,
    campaign: i64,
    title: String,
    patch: String,
    patch_title: String,
    fixes: Vec<String>,
    due: String,
    ring: String,
    texts: Vec<Noted>,
    /// Which kinds there are texts of.
    has_notes: bool,
    has_issues: bool,
    signed: Option<Review>,
    may_fetch: bool,
    may_change: bool,
}

/// What there is to read of a vendor patch before it goes to a ring.
pub(crate) fn review(visit: &Visit<'_>) -> Result<Shown, Problem> {
    // The version comes first: of what came later, it says that it was not seen.
    let stored: Versioned<Summary> = visit.get(&format!("/campaigns/{}", visit.id()))?;
    let campaign = stored.value;
    let id = campaign.line.id;
    let (patch, ring) = (visit.query.get("patch"), visit.query.get("ring"));
    let known = of_patch(visit, patch)?;
    let (Some(known), true) = (known, campaign.rings.iter().any(|it| it.name == ring)) else {
        let detail = format!("campaign {id} brings no `{patch}` to `{ring}`");
        return Err(Problem::new(Kind::Missing, detail));
    };
    let (planned, mut reviews) = (known.patch, known.reviews.into_iter());
    let texts = known.notes.into_iter().map(|note| {
        let target = format!("/campaigns/{id}/notes?digest={}", note.digest);
        let noted: Noted = visit.get(&target)?;
        Ok(Noted {
            text: campaign::readable(&noted.text),
            note,
        })
    });
    let texts: Vec<Noted> = texts.collect::<Result<_, Problem>>()?;
    let has = |kind| texts.iter().any(|it| it.note.kind == kind);
    Ok(Shown::Page(filled(&ReviewPage {
        has_notes: has(SourceKind::ReleaseNotes),
        has_issues: has(SourceKind::KnownIssues),
        frame: visit.frame("/inbox"),
        version: stored.version,
        campaign: id,
        title: campaign.line.title,
        due: planned.due.explained(),
        patch: planned.id,
        patch_title: planned.title,
        fixes: planned.fixes,
        ring: ring.to_owned(),
        texts,
        signed: reviews.find(|it| it.ring == ring),
        may_fetch: visit.service.workshop.is_some(),
        may_change: visit.may(Role::Operator, Area::Campaigns),
    })?))
}

/// What is known of a vendor patch of the campaign.
fn of_patch(visit: &Visit<'_>, patch: &str) -> Result<Option<PatchShown>, Problem> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let asked = query.append_pair("patch", patch).finish();
    let found: Listed<_> = visit.get(&format!("/campaigns/{}/patches?{asked}", visit.id()))?;
    Ok(found.items.into_iter().next())
}

pub(crate) fn sign(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let form = &visit.form;
    let sources = [
        ("release-notes", "release_notes"),
        ("known-issues", "known_issues"),
        ("reports", "reports"),
    ];
    let read = sources.iter().filter_map(|(kind, field)| {
        let text = form.get(field).trim();
        (!text.is_empty()).then(|| json!({ "kind": kind, "text": text }))
    });
    let mut read: Vec<Value> = read.collect();
    // What the page has shown was read, too; nothing else can have come to it since.
    let patch = wanted(form, "patch")?;
    let notes = of_patch(visit, patch)?.map_or_else(Vec::new, |it| it.notes);
    read.extend(notes.iter().map(|note| {
        let text = note.address.as_ref().unwrap_or(&note.digest);
        json!({ "kind": note.kind, "text": text, "digest": note.digest })
    }));
    let issue = Some(form.get("issue").trim()).filter(|it| !it.is_empty());
    let said = json!({
        "patch": patch,
        "ring": wanted(form, "ring")?,
        "read": read,
        "issue": issue,
    });
    let path = format!("/campaigns/{}", visit.id());
    visit.post(&format!("{path}/reviews"), &said)?;
    Ok(Shown::Elsewhere("/inbox".to_owned()))
}

/// Keeps a text that was pasted.
pub(crate) fn note(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let form = &visit.form;
    let address = Some(form.get("address").trim()).filter(|it| !it.is_empty());
    keep(visit, address, wanted(form, "text")?)
}

/// Keeps what an address answers now.
pub(crate) fn fetch(visit: &Visit<'_>) -> Result<Shown, Problem> {
    // Before anything is asked of other machines.
    visit.must(Role::Operator, Area::Campaigns)?;
    let (form, address) = (&visit.form, wanted(&visit.form, "address")?);
    wanted(form, "why")?;
    let fetched = workshop(visit)?.fetch(address);
    let text = fetched.map_err(|why| Problem::new(Kind::Refused, why))?;
    keep(visit, Some(address), &text)
}

fn keep(visit: &Visit<'_>, address: Option<&str>, text: &str) -> Result<Shown, Problem> {
    let form = &visit.form;
    let (patch, ring) = (wanted(form, "patch")?, wanted(form, "ring")?);
    let said = json!({
        "patch": patch,
        "kind": wanted(form, "kind")?,
        "address": address,
        "text": text,
    });
    let path = format!("/campaigns/{}", visit.id());
    visit.post(&format!("{path}/notes"), &said)?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("patch", patch).append_pair("ring", ring);
    Ok(Shown::Elsewhere(format!(
        "{path}/review?{}",
        query.finish()
    )))
}
