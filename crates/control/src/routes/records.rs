//! Records that people keep, all in the same way.

use ledger::{Area, Role};
use schemars::JsonSchema;
use store::Record;

use super::{Method, PAGED, Route, schema};
use crate::call::Call;
use crate::problem::{Kind, Problem};
use crate::reply::{Listed, Reply, Versioned};

/// The routes of one kind of record.
pub(super) fn of<R: Record + JsonSchema>(path: &str, word: &str, area: Area) -> [Route; 4] {
    let name = R::KIND.replace('-', "_");
    let (all, one) = (format!("/{path}"), format!("/{path}/{{id}}"));
    [
        Route {
            method: Method::Get,
            path: all.clone(),
            role: Role::Viewer,
            area,
            name: format!("list_{name}"),
            about: format!("Every {word}, in the order of the identifiers"),
            query: PAGED,
            input: None,
            output: schema::<Listed<Versioned<R>>>,
            status: 200,
            versioned: false,
            handle: list::<R>,
        },
        Route {
            method: Method::Post,
            path: all,
            role: Role::Operator,
            area,
            name: format!("add_{name}"),
            about: format!("Add this {word}"),
            query: &[],
            input: Some(schema::<R>),
            output: schema::<Versioned<R>>,
            status: 201,
            versioned: true,
            handle: add::<R>,
        },
        Route {
            method: Method::Get,
            path: one.clone(),
            role: Role::Viewer,
            area,
            name: format!("get_{name}"),
            about: format!("The {word} with this identifier"),
            query: &[],
            input: None,
            output: schema::<Versioned<R>>,
            status: 200,
            versioned: true,
            handle: get::<R>,
        },
        Route {
            method: Method::Put,
            path: one,
            role: Role::Operator,
            area,
            name: format!("replace_{name}"),
            about: format!("Put this {word} in the place of the one with its identifier"),
            query: &[],
            input: Some(schema::<R>),
            output: schema::<Versioned<R>>,
            status: 200,
            versioned: true,
            handle: replace::<R>,
        },
    ]
}

fn list<R: Record>(call: &Call<'_>) -> Result<Reply, Problem> {
    let paging = call.paging()?;
    let page = call.store.read(|it| it.list::<R>(paging))?;
    Ok(Reply::found(&Listed::of(page, Versioned::from))?)
}

fn add<R: Record>(call: &Call<'_>) -> Result<Reply, Problem> {
    let record: R = call.body()?;
    call.change(|it| {
        let location = call.below(record.id());
        Ok(Reply::versioned(it.add(&record)?)?.made(location))
    })
}

fn get<R: Record>(call: &Call<'_>) -> Result<Reply, Problem> {
    let found = call.store.read(|it| it.get::<R>(call.id()))?;
    Ok(call.unless_known(Reply::versioned(found)?))
}

fn replace<R: Record>(call: &Call<'_>) -> Result<Reply, Problem> {
    let record: R = call.body()?;
    if record.id() != call.id() {
        let detail = format!(
            "the body has the id {}, the path {}",
            record.id(),
            call.id()
        );
        return Err(Problem::new(Kind::Refused, detail));
    }
    call.change(|it| Ok(Reply::versioned(it.replace(&record, call.expected())?)?))
}
