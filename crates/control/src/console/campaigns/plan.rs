//! A campaign is planned: described, looked at, kept.

use askama::Template;
use campaign::description::Description;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ledger::{Area, Role, sha256};
use serde_json::{Value, json};

use crate::console::change::wanted;
use crate::console::render::{Frame, filled};
use crate::console::visit::{Fields, Shown, Visit};
use crate::problem::{Kind, Problem};
use crate::reply::Versioned;
use crate::routes::{CampaignLine, Drawn};

/// What a description begins with; the rings' days are RFC 5545's.
const STARTER: &str = include_str!("starter.yaml");

#[derive(Template)]
#[template(path = "campaign_new.html")]
struct PlanPage {
    frame: Frame,
    trouble: Option<String>,
    description: String,
    follows: String,
    why: String,
    drawn: Option<Drawn>,
    /// Tells what was drawn.
    looked: String,
}

pub(crate) fn plan(visit: &Visit<'_>) -> Result<Shown, Problem> {
    visit.must(Role::Operator, Area::Campaigns)?;
    let now = Timestamp::from_millisecond(visit.now_ms).unwrap_or_default();
    let month = now.to_zoned(TimeZone::UTC).strftime("%B %Y").to_string();
    let quoted = |text: &str| Value::from(text).to_string();
    let description = STARTER
        .replace("$month", &quoted(&month))
        .replace("$owner", &quoted(&visit.token.who));
    Ok(Shown::Page(filled(&PlanPage {
        frame: visit.frame("/campaigns"),
        trouble: None,
        description,
        follows: String::new(),
        why: String::new(),
        drawn: None,
        looked: String::new(),
    })?))
}

/// Shows what would be done, or keeps it if just that was shown.
pub(crate) fn planned(visit: &Visit<'_>) -> Result<Shown, Problem> {
    visit.must(Role::Operator, Area::Campaigns)?;
    let looked = seen(&visit.form);
    let keeps = visit.form.get("do") == "keep" && visit.form.get("looked") == looked;
    let path = match keeps {
        true => "/campaigns",
        false => "/campaigns/drafts",
    };
    let (trouble, drawn) = match described(visit).and_then(|it| visit.post(path, &it)) {
        Ok(reply) if keeps => {
            let made: Versioned<CampaignLine> = serde_json::from_value(reply.body)?;
            return Ok(Shown::Elsewhere(format!("/campaigns/{}", made.value.id)));
        }
        Ok(reply) => (None, Some(serde_json::from_value(reply.body)?)),
        Err(problem) if problem.told().0.is_server_error() => return Err(problem),
        // What was typed is not lost.
        Err(problem) => (Some(problem.told().2.to_owned()), None),
    };
    Ok(Shown::Page(filled(&PlanPage {
        frame: visit.frame("/campaigns"),
        trouble,
        description: visit.form.get("description").to_owned(),
        follows: visit.form.get("follows").to_owned(),
        why: visit.form.get("why").to_owned(),
        drawn,
        looked,
    })?))
}

/// What a look was at; browsers write ends of lines in their own way.
fn seen(form: &Fields) -> String {
    let lines: Vec<&str> = form.get("description").trim().lines().collect();
    sha256(format!("{}\n{}", form.get("follows").trim(), lines.join("\n")).as_bytes())
}

/// What the form says, as the API takes it.
fn described(visit: &Visit<'_>) -> Result<Value, Problem> {
    let form = &visit.form;
    let malformed = |why: String| Problem::new(Kind::Malformed, why);
    let description: Description = serde_saphyr::from_str(wanted(form, "description")?)
        .map_err(|why| malformed(format!("description: {why}")))?;
    let follows: Option<i64> = match form.get("follows").trim() {
        "" => None,
        number => {
            let number = number.parse();
            Some(number.map_err(|_| malformed("follows: say a campaign's number".to_owned()))?)
        }
    };
    wanted(form, "why")?;
    Ok(json!({ "description": description, "follows": follows }))
}
