//! What is missing in the inventory.

use ledger::{Area, Asset, Role};
use schemars::JsonSchema;
use serde::Serialize;

use super::{AFTER, LIMIT, Method, Route, schema};
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::{Listed, Reply};

/// How long an asset may go unseen, or without a backup, where nobody says otherwise.
pub(crate) const GAP_DAYS: u32 = 30;

/// Something missing of an asset.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InventoryGap")]
struct Gap {
    /// The asset.
    asset: String,
    /// What is missing: `no-owner`, `no-environment`, `no-backup`, `auto-update-on`, `auto-update-unknown`,
    /// `unknown-software` or `unreachable`.
    gap: String,
    /// More of it, for people.
    detail: String,
}

pub(super) fn all() -> [Route; 1] {
    [Route {
        method: Method::Get,
        path: "/gaps".to_owned(),
        role: Role::Viewer,
        area: Area::Inventory,
        name: "list_gap".to_owned(),
        about: "What is missing of assets, in the order of their identifiers; a page looks at as many assets as `limit` says".to_owned(),
        query: &[
            (
                "days",
                "how many days an asset may go without a backup, and without being seen; none: 30",
            ),
            AFTER,
            LIMIT,
        ],
        input: None,
        output: schema::<Listed<Gap>>,
        status: 200,
        versioned: false,
        handle: list,
    }]
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let days = call.asked_as("days")?.unwrap_or(GAP_DAYS);
    let paging = call.paging()?;
    let page = call.store.read(|it| it.list::<Asset>(paging))?;
    let assets = page.items.iter();
    let gaps = assets.flat_map(|it| inventory::gaps(&it.value, days, call.now_ms()));
    let items = gaps.map(|it| Gap {
        asset: it.asset,
        gap: it.kind.name().to_owned(),
        detail: it.detail,
    });
    Ok(Reply::found(&Listed {
        items: items.collect(),
        next: page.next,
    })?)
}
