//! What ingress points have told.

use ledger::{Area, Role};
use store::EventFilter;
use wire::Event;

use super::{AFTER, LIMIT, Method, Route, schema};
use crate::call::Call;
use crate::problem::{Kind, Problem};
use crate::reply::{Listed, Reply};

pub(super) fn all() -> [Route; 1] {
    [Route {
        method: Method::Get,
        path: "/events".to_owned(),
        role: Role::Viewer,
        area: Area::Rollouts,
        name: "list_event".to_owned(),
        about: "Requests in which something matched, the newest first".to_owned(),
        query: &[
            ("application", "only those for this application"),
            ("patch", "only those in which this virtual patch matched"),
            (
                "ingress",
                "with `reference`: only the one of this ingress point",
            ),
            (
                "reference",
                "with `ingress`: only the one with this reference",
            ),
            AFTER,
            LIMIT,
        ],
        input: None,
        output: schema::<Listed<Event>>,
        status: 200,
        versioned: false,
        handle: list,
    }]
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let asked = ["application", "patch", "ingress", "reference"].map(|name| call.asked(name));
    let filter = match asked {
        [None, None, None, None] => EventFilter::All,
        [Some(application), None, None, None] => EventFilter::Application(application),
        [None, Some(patch), None, None] => EventFilter::Patch(patch),
        [None, None, Some(ingress), Some(reference)] => EventFilter::One(ingress, reference),
        _ => {
            let detail =
                "ask for an application, for a patch, or for an ingress point with a reference";
            return Err(Problem::new(Kind::Refused, detail));
        }
    };
    let paging = call.paging()?;
    let page = call.store.read(|it| it.events(filter, paging))?;
    Ok(Reply::found(&Listed::of(page, |event| event))?)
}
