//! Where patches are enforced, what shows it, and where nothing is.

use ledger::{Area, Role};

use super::{Method, PAGED, Route, schema};
use crate::call::Call;
use crate::coverage::{Coverage, PatchesCovered, PointCovered};
use crate::problem::{Kind, Problem};
use crate::reply::{Listed, Reply};

pub(super) fn all() -> [Route; 2] {
    let looks = |path: &str, name: &str, about: &str| Route {
        method: Method::Get,
        path: path.to_owned(),
        role: Role::Viewer,
        area: Area::Fleet,
        name: name.to_owned(),
        about: about.to_owned(),
        query: &[],
        input: None,
        output: schema::<PatchesCovered>,
        status: 200,
        versioned: false,
        handle: one,
    };
    [
        Route {
            query: PAGED,
            output: schema::<Listed<PointCovered>>,
            handle: list,
            ..looks(
                "/coverage",
                "list_coverage",
                "Every ingress point, who enforces there, and the ways on which nobody does",
            )
        },
        looks(
            "/coverage/{id}",
            "get_coverage",
            "What is enforced at this ingress point, patch by patch, and what its probes have shown",
        ),
    ]
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let paging = call.paging()?;
    let (coverage, page) = call
        .store
        .read(|it| Ok((Coverage::of(it)?, it.list::<ledger::IngressPoint>(paging)?)))?;
    let map = coverage.map();
    let listed = Listed::of(page, |point| coverage.covered(&map, &point.value));
    Ok(Reply::found(&listed)?)
}

fn one(call: &Call<'_>) -> Result<Reply, Problem> {
    let (coverage, probes) = call
        .store
        .read(|it| Ok((Coverage::of(it)?, it.probes(call.id())?)))?;
    let point = coverage.point(call.id()).ok_or_else(|| {
        let detail = format!("ingress point {} is not there", call.id());
        Problem::new(Kind::Missing, detail)
    })?;
    let shown = coverage.patches(&coverage.map(), point, &probes, call.now_ms());
    Ok(Reply::found(&shown)?)
}
