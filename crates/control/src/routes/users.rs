//! People who sign in with a password. Whoever adds one is where the database is: passwords do not
//! pass through here.

use ledger::{Area, Role, User};

use super::{Method, PAGED, Route, schema};
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::{Listed, Reply, Versioned};

pub(super) fn all() -> [Route; 3] {
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
                "Everybody who has a password, those who were put out too",
            )
        },
        one(
            Method::Get,
            "/users/{id}",
            "get_user",
            "Whoever has this name",
        ),
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

fn remove(call: &Call<'_>) -> Result<Reply, Problem> {
    call.change(|it| Ok(Reply::versioned(it.remove_user(call.id())?)?))
}
