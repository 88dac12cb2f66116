//! Who may come in, who is told, and how the control side is set up.

use askama::Template;
use ledger::{Area, Role, Subscription, Token, User};
use serde_json::{Value, json};

use super::change::wanted;
use super::look::first;
use super::password;
use super::render::{Frame, filled, filters};
use super::visit::{Fields, Shown, Visit};
use crate::problem::{Kind, Problem};
use crate::reply::{Reply, Versioned};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    program: &'static str,
    two_persons: bool,
    idle_minutes: i64,
    session_hours: i64,
    may_admit: bool,
    may_subscribe: bool,
    users: Vec<Versioned<User>>,
    tokens: Vec<Versioned<Token>>,
    subscriptions: Vec<Versioned<Subscription>>,
    roles: Vec<&'static str>,
    /// What was made: its name, and its secret.
    made: Option<(String, String)>,
    areas: Vec<(&'static str, bool)>,
    /// Whether one may in some areas only; none: that is to be said.
    bounded: Option<bool>,
    /// Whoever looks has signed in with a password.
    has_password: bool,
    /// It was changed just now.
    renewed: bool,
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    frame: Frame,
    user: Versioned<User>,
    roles: Vec<&'static str>,
    areas: Vec<(&'static str, bool)>,
    bounded: Option<bool>,
}

/// Somebody who signs in, with what can be done about it.
pub(super) fn person(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let user: Versioned<User> = visit.get(&format!("/users/{}", visit.id()))?;
    Ok(Shown::Page(filled(&PersonPage {
        frame: visit.frame("/settings"),
        areas: choice(&user.value.areas),
        bounded: Some(!user.value.areas.is_empty()),
        user,
        roles: Role::ALL.iter().map(|role| role.name()).collect(),
    })?))
}

pub(super) fn settings(visit: &Visit<'_>) -> Result<Shown, Problem> {
    shown(visit, None)
}

fn shown(visit: &Visit<'_>, made: Option<(String, String)>) -> Result<Shown, Problem> {
    let may_admit = visit.may(Role::Admin, Area::Tokens);
    let may_subscribe = visit.may(Role::Admin, Area::Audit);
    let (mut users, mut tokens, mut subscriptions) = (Vec::new(), Vec::new(), Vec::new());
    if may_admit {
        users = first(visit, "/users")?.0;
        tokens = first(visit, "/tokens")?.0;
    }
    if may_subscribe {
        subscriptions = first(visit, "/subscriptions")?.0;
    }
    let (policy, limits) = (visit.service.policy, &visit.service.limits);
    Ok(Shown::Page(filled(&SettingsPage {
        frame: visit.frame("/settings"),
        program: env!("CARGO_PKG_VERSION"),
        two_persons: policy.two_persons,
        idle_minutes: limits.session_idle_ms / 60_000,
        session_hours: limits.session_ms / 3_600_000,
        may_admit,
        may_subscribe,
        users,
        tokens,
        subscriptions,
        roles: Role::ALL.iter().map(|role| role.name()).collect(),
        made,
        areas: choice(&[]),
        bounded: None,
        has_password: password::has_one(visit)?,
        renewed: visit.service.sessions.take_renewed(&visit.session),
    })?))
}

/// All parts of the ledger, and which are chosen.
fn choice(chosen: &[Area]) -> Vec<(&'static str, bool)> {
    let all = Area::ALL.iter();
    all.map(|area| (area.name(), chosen.contains(area)))
        .collect()
}

/// Adds to what is asked for in which parts of the ledger, as a form says: in all, or in those that it names.
/// `in_all`: what says so in what is asked for, if it has to be said.
fn bound(form: &Fields, mut asked: Value, in_all: Option<&str>) -> Result<Value, Problem> {
    let all = Area::ALL.iter().map(|area| area.name());
    let named: Vec<_> = all
        .filter(|name| !form.get(&format!("area-{name}")).is_empty())
        .collect();
    match (form.get("where"), named.is_empty()) {
        ("all", true) => {
            if let Some(name) = in_all {
                asked[name] = true.into();
            }
        }
        ("these", false) => asked["areas"] = named.into(),
        _ => {
            let why = "say in which parts of the ledger: in all, or only in some, and which";
            return Err(Problem::new(Kind::Malformed, why));
        }
    }
    Ok(asked)
}

/// Gives whoever looks another password. The page that follows says so once: sent again, the form
/// would be refused.
pub(super) fn renew(visit: &Visit<'_>) -> Result<Shown, Problem> {
    password::change(visit)?;
    Ok(Shown::Elsewhere("/settings".to_owned()))
}

/// What a form of the page asks for; a secret that comes of it is shown once.
pub(super) fn change(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let form = &visit.form;
    let id = wanted(form, "id")?;
    let (kind, act) = (visit.id(), wanted(form, "act")?);
    let made = match (kind, act) {
        ("users", "add") => {
            let wanted = json!({ "id": id, "role": wanted(form, "role")? });
            visit.post("/users", &bound(form, wanted, None)?)?
        }
        ("users", "change") => {
            let access = json!({ "role": wanted(form, "role")? });
            let access = bound(form, access, Some("everywhere"))?;
            visit.put(&format!("/users/{id}"), &access)?
        }
        ("users", "password") => visit.post(&format!("/users/{id}/password"), &Value::Null)?,
        ("users", "restore") => visit.post(&format!("/users/{id}/restoration"), &Value::Null)?,
        ("tokens", "add") => visit.post("/tokens", &token(visit, id)?)?,
        ("subscriptions", "add") => {
            let actions: Vec<&str> = form.get("actions").split_whitespace().collect();
            let wanted = json!({ "id": id, "to": wanted(form, "to")?, "actions": actions });
            visit.post("/subscriptions", &wanted)?
        }
        ("users" | "tokens" | "subscriptions", "remove") => {
            visit.delete(&format!("/{kind}/{id}"))?
        }
        _ => return Err(Problem::new(Kind::Missing, "there is no such form")),
    };
    match secret(&made) {
        // It is kept nowhere, so no page that follows could show it. The form is refused if it
        // comes again: there is such a name, or it was changed since.
        Some(secret) => shown(visit, Some((id.to_owned(), secret))),
        None => Ok(Shown::Elsewhere("/settings".to_owned())),
    }
}

fn token(visit: &Visit<'_>, id: &str) -> Result<Value, Problem> {
    let form = &visit.form;
    let days: i64 = wanted(form, "days")?
        .parse()
        .ok()
        .filter(|days| (1..=3650).contains(days))
        .ok_or_else(|| Problem::new(Kind::Malformed, "a token counts for 1 to 3650 days"))?;
    let wanted = json!({
        "id": id,
        "who": wanted(form, "who")?,
        "role": wanted(form, "role")?,
        "expires_ms": visit.now_ms + days * DAY_MS,
    });
    bound(form, wanted, None)
}

fn secret(made: &Reply) -> Option<String> {
    let secret = made.body.get("secret")?.as_str()?;
    Some(secret.to_owned())
}
