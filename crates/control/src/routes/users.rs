//! People who sign in. Passwords that somebody has thought of do not pass through here: they are made, and shown
//! once.

use ledger::{Area, Role, User};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, PAGED, Route, schema};
use crate::call::Call;
use crate::password::{hash_password, make_password};
use crate::problem::{Kind, Problem};
use crate::reply::{Listed, Reply, Versioned, WithSecret};

/// Somebody who shall sign in with a password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewUser")]
struct Wanted {
    /// Who, also for the audit log.
    id: String,
    /// What they shall be allowed.
    role: Role,
    /// The parts of the ledger that it shall be for; left out: all.
    #[serde(default)]
    #[schemars(length(min = 1))]
    areas: Option<Vec<Area>>,
}

/// What somebody shall be allowed from now on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UserAccess")]
struct Access {
    /// What they may.
    role: Role,
    /// Only in these parts of the ledger; left out: in those where they may now.
    #[serde(default)]
    #[schemars(length(min = 1))]
    areas: Option<Vec<Area>>,
    /// In all parts of the ledger.
    #[serde(default)]
    everywhere: bool,
}

pub(super) fn all() -> [Route; 7] {
    let one = |method, path: &str, name: &str, about: &str| Route {
        method,
        path: path.to_owned(),
        role: Role::Admin,
        area: Area::Tokens,
        name: name.to_owned(),
        about: about.to_owned(),
        query: &[],
        input: None,
        output: schema::<Versioned<User>>,
        status: 200,
        versioned: true,
        handle: get,
    };
    [
        Route {
            query: PAGED,
            output: schema::<Listed<Versioned<User>>>,
            versioned: false,
            handle: list,
            ..one(
                Method::Get,
                "/users",
                "list_user",
                "Everybody who signs in as themselves, those who were put out too",
            )
        },
        Route {
            input: Some(schema::<Wanted>),
            output: schema::<WithSecret<User>>,
            status: 201,
            handle: add,
            ..one(
                Method::Post,
                "/users",
                "add_user",
                "Let somebody sign in; the password is shown once",
            )
        },
        one(
            Method::Get,
            "/users/{id}",
            "get_user",
            "Whoever has this name",
        ),
        Route {
            input: Some(schema::<Access>),
            handle: change,
            ..one(
                Method::Put,
                "/users/{id}",
                "change_user",
                "Say what somebody may, who has a password",
            )
        },
        Route {
            output: schema::<WithSecret<User>>,
            handle: password,
            ..one(
                Method::Post,
                "/users/{id}/password",
                "renew_password",
                "Give somebody another password, which is shown once",
            )
        },
        Route {
            handle: restore,
            ..one(
                Method::Post,
                "/users/{id}/restoration",
                "restore_user",
                "Let somebody in again who signs in at a provider of identities",
            )
        },
        Route {
            handle: remove,
            ..one(
                Method::Delete,
                "/users/{id}",
                "remove_user",
                "Put somebody out, at once",
            )
        },
    ]
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let paging = call.paging()?;
    let page = call.store.read(|it| it.users(paging))?;
    Ok(Reply::found(&Listed::of(page, Versioned::from))?)
}

fn get(call: &Call<'_>) -> Result<Reply, Problem> {
    let found = call.store.read(|it| it.user(call.id()))?;
    Ok(call.unless_known(Reply::versioned(found)?))
}

fn add(call: &Call<'_>) -> Result<Reply, Problem> {
    let wanted: Wanted = call.body()?;
    let user = User {
        id: wanted.id,
        role: wanted.role,
        areas: named(wanted.areas)?.unwrap_or_default(),
        account: None,
        removed_ms: None,
    };
    call.may_give(&user.areas)?;
    let (password, hash) = made()?;
    call.change_showing_once(&password, |it| {
        let added = it.add_user(&user, &hash)?;
        Ok(Reply::made_with_secret(added, call.below(&user.id))?)
    })
}

fn change(call: &Call<'_>) -> Result<Reply, Problem> {
    let access: Access = call.body()?;
    let areas = match (named(access.areas)?, access.everywhere) {
        (Some(_), true) => {
            let why = "areas: name none where they may everywhere";
            return Err(Problem::new(Kind::Refused, why));
        }
        (None, true) => Some(Vec::new()),
        (areas, false) => areas,
    };
    let (id, seen) = match &areas {
        Some(areas) => {
            call.may_give(areas)?;
            (call.id(), call.expected())
        }
        None => (call.id(), of_own_areas(call)?),
    };
    call.change(|it| {
        let areas = match areas {
            Some(areas) => areas,
            None => it.user(id)?.value.areas,
        };
        let changed = it.change_user(id, (access.role, &areas), seen)?;
        Ok(Reply::versioned(changed)?)
    })
}

/// The parts of the ledger that were named. Without any there would be no bound, which
/// whoever takes the last away does not mean.
pub(super) fn named(areas: Option<Vec<Area>>) -> Result<Option<Vec<Area>>, Problem> {
    match areas {
        Some(none) if none.is_empty() => {
            let why = "areas: name one or more, or leave it out; an empty list would be no bound";
            Err(Problem::new(Kind::Malformed, why))
        }
        areas => Ok(areas),
    }
}

fn password(call: &Call<'_>) -> Result<Reply, Problem> {
    let (password, hash) = made()?;
    // With it, whoever calls could sign in as them.
    let seen = of_own_areas(call)?;
    call.change_showing_once(&password, |it| {
        let changed = it.change_password(call.id(), &hash, seen)?;
        Ok(Reply::versioned(changed)?)
    })
}

fn restore(call: &Call<'_>) -> Result<Reply, Problem> {
    let seen = of_own_areas(call)?;
    call.change(|it| {
        let restored = it.restore_user(call.id(), seen)?;
        Ok(Reply::versioned(restored)?)
    })
}

/// Somebody who may in no other areas than whoever calls: the version that is decided about.
fn of_own_areas(call: &Call<'_>) -> Result<Option<i64>, Problem> {
    let expected = call.expected();
    if call.is_everywhere() {
        return Ok(expected);
    }
    let user = call.store.read(|it| it.user(call.id()))?;
    call.may_give(&user.value.areas)?;
    Ok(expected.or(Some(user.version)))
}

/// A password, and what is kept of it.
fn made() -> Result<(String, String), Problem> {
    let password = make_password().map_err(|why| Problem::internal(&why))?;
    let hash = hash_password(&password).map_err(|why| Problem::internal(&why))?;
    Ok((password, hash))
}

fn remove(call: &Call<'_>) -> Result<Reply, Problem> {
    call.change(|it| {
        Ok(Reply::versioned(
            it.remove_user(call.id(), call.expected())?,
        )?)
    })
}
