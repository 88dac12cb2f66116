//! Who is told of changes.

use ledger::{Area, Role, Subscription};

use super::{Method, PAGED, Route, schema};
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::{Listed, Reply, Versioned, WithSecret};
use crate::telling::signing_secret;

pub(super) fn all() -> [Route; 4] {
    let one = |method, path: &str, name: &str, about: &str| Route {
        method,
        path: path.to_owned(),
        role: Role::Admin,
        area: Area::Audit,
        name: name.to_owned(),
        about: about.to_owned(),
        query: &[],
        input: None,
        output: schema::<Versioned<Subscription>>,
        status: 200,
        versioned: true,
        handle: get,
    };
    [
        Route {
            query: PAGED,
            output: schema::<Listed<Versioned<Subscription>>>,
            versioned: false,
            handle: list,
            ..one(
                Method::Get,
                "/subscriptions",
                "list_subscription",
                "Everybody who is told of changes",
            )
        },
        Route {
            input: Some(schema::<Subscription>),
            output: schema::<WithSecret<Subscription>>,
            status: 201,
            handle: add,
            ..one(
                Method::Post,
                "/subscriptions",
                "add_subscription",
                "Tell somebody of changes from now on; the secret that webhooks are signed with is shown once",
            )
        },
        one(
            Method::Get,
            "/subscriptions/{id}",
            "get_subscription",
            "The subscription with this name",
        ),
        Route {
            handle: remove,
            ..one(
                Method::Delete,
                "/subscriptions/{id}",
                "remove_subscription",
                "Tell this one no more",
            )
        },
    ]
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let paging = call.paging()?;
    let page = call.store.read(|it| it.subscriptions(paging))?;
    Ok(Reply::found(&Listed::of(page, Versioned::from))?)
}

fn add(call: &Call<'_>) -> Result<Reply, Problem> {
    let wanted: Subscription = call.body()?;
    let secret = signing_secret().map_err(|why| Problem::internal(&why))?;
    call.change_showing_once(&secret, |it| {
        let added = it.add_subscription(&wanted, &secret)?;
        Ok(Reply::made_with_secret(added, call.below(&wanted.id))?)
    })
}

fn get(call: &Call<'_>) -> Result<Reply, Problem> {
    let found = call.store.read(|it| it.subscription(call.id()))?;
    Ok(call.unless_known(Reply::versioned(found)?))
}

fn remove(call: &Call<'_>) -> Result<Reply, Problem> {
    call.change(|it| {
        Ok(Reply::versioned(
            it.remove_subscription(call.id(), call.expected())?,
        )?)
    })
}
