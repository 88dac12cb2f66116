//! Access to the ledger.

use ledger::{Area, Role, Token};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, PAGED, Route, schema, users};
use crate::Secret;
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::{Listed, Reply, Versioned, WithSecret};

/// A token that is asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewToken")]
struct Wanted {
    /// Names it.
    id: String,
    /// Whose it is, for the audit log.
    who: String,
    /// What it shall allow.
    role: Role,
    /// The parts of the ledger that it shall be for; left out: all.
    #[serde(default)]
    #[schemars(length(min = 1))]
    areas: Option<Vec<Area>>,
    /// When it shall end.
    expires_ms: i64,
}

pub(super) fn all() -> [Route; 4] {
    let one = |method, path: &str, name: &str, about: &str| Route {
        method,
        path: path.to_owned(),
        role: Role::Admin,
        area: Area::Tokens,
        name: name.to_owned(),
        about: about.to_owned(),
        query: &[],
        input: None,
        output: schema::<Versioned<Token>>,
        status: 200,
        versioned: true,
        handle: get,
    };
    [
        Route {
            query: PAGED,
            output: schema::<Listed<Versioned<Token>>>,
            versioned: false,
            handle: list,
            ..one(
                Method::Get,
                "/tokens",
                "list_token",
                "Every token, those that have ended too",
            )
        },
        Route {
            input: Some(schema::<Wanted>),
            output: schema::<WithSecret<Token>>,
            status: 201,
            handle: add,
            ..one(
                Method::Post,
                "/tokens",
                "add_token",
                "Make a token; its secret is shown once",
            )
        },
        one(
            Method::Get,
            "/tokens/{id}",
            "get_token",
            "The token with this name",
        ),
        Route {
            handle: revoke,
            ..one(
                Method::Delete,
                "/tokens/{id}",
                "revoke_token",
                "Take a token back, for good",
            )
        },
    ]
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let paging = call.paging()?;
    let page = call.store.read(|it| it.tokens(paging))?;
    Ok(Reply::found(&Listed::of(page, Versioned::from))?)
}

fn add(call: &Call<'_>) -> Result<Reply, Problem> {
    let wanted: Wanted = call.body()?;
    let secret = Secret::new(&wanted.id).map_err(|why| Problem::internal(&why))?;
    let token = Token {
        id: wanted.id,
        who: wanted.who,
        role: wanted.role,
        areas: users::named(wanted.areas)?.unwrap_or_default(),
        expires_ms: wanted.expires_ms,
        revoked_ms: None,
    };
    call.may_give(&token.areas)?;
    call.change_showing_once(&secret.text(), |it| {
        let added = it.add_token(&token, &secret.hash())?;
        Ok(Reply::made_with_secret(added, call.below(&token.id))?)
    })
}

fn get(call: &Call<'_>) -> Result<Reply, Problem> {
    let found = call.store.read(|it| it.token(call.id()))?;
    Ok(call.unless_known(Reply::versioned(found)?))
}

fn revoke(call: &Call<'_>) -> Result<Reply, Problem> {
    call.change(|it| {
        Ok(Reply::versioned(
            it.revoke_token(call.id(), call.expected())?,
        )?)
    })
}
