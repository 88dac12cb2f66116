//! The plan of a campaign, part by part: it may be of fifty thousand assets.

use std::collections::{BTreeSet, HashMap};

use campaign::plan::{LeftOut, Plan, PlannedPatch};
use campaign::policy::Due;
use campaign::{Campaign, report};
use ledger::{Area, State, Subject};
use schemars::JsonSchema;
use serde::Serialize;
use store::{FindingFilter, Page, Session};

use super::looks;
use super::shapes::{AssetShown, PatchShown, WaveShown};
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::{Listed, Reply};
use crate::routes::{AFTER, LIMIT, PAGED, Route, schema};

const PATCHES: &[(&str, &str)] = &[AFTER, LIMIT, ("patch", "only this vendor patch")];
const DUE: &[(&str, &str)] = &[
    AFTER,
    LIMIT,
    ("patch", "only this vendor patch"),
    ("advisory", "only those that fix it"),
    ("asset", "only those that go to it, or that it waits for"),
];

/// When a vendor patch is due, and whether it comes with the campaign.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CampaignDue")]
struct DueShown {
    /// The vendor patch.
    patch: String,
    /// When, and why; none: it was left out by a plan of before plans told that.
    due: Option<Due>,
    /// The same in one sentence; of what does not come with the campaign also why.
    explained: String,
    /// Why it does not come with the campaign; none: it does.
    left_out: Option<String>,
}

pub(super) fn all() -> [Route; 5] {
    [
        Route {
            query: PATCHES,
            output: schema::<Listed<PatchShown>>,
            handle: patches,
            ..looks(
                "/campaigns/{id}/patches",
                "list_campaign_patch",
                "The vendor patches of a campaign, in the plan's order, with what is kept and said of them",
            )
        },
        Route {
            query: PAGED,
            output: schema::<Listed<AssetShown>>,
            handle: assets,
            ..looks(
                "/campaigns/{id}/assets",
                "list_campaign_asset",
                "The assets of a campaign, in the plan's order",
            )
        },
        Route {
            query: PAGED,
            output: schema::<Listed<WaveShown>>,
            handle: waves,
            ..looks(
                "/campaigns/{id}/waves",
                "list_campaign_wave",
                "The waves of a campaign, in their order",
            )
        },
        Route {
            query: DUE,
            output: schema::<Listed<DueShown>>,
            handle: due,
            ..looks(
                "/campaigns/{id}/due",
                "explain_campaign_due",
                "When the vendor patches that a campaign was described with are due, and why; of those that do not come with it also why not",
            )
        },
        Route {
            query: PAGED,
            output: schema::<Listed<report::Open>>,
            handle: remedies,
            ..looks(
                "/campaigns/{id}/remedies",
                "list_campaign_remedy",
                "What is to be done about assets that failed, were left out or taken back",
            )
        },
    ]
}

/// A page of something that was made of a campaign without its assets.
fn part<T: Serialize>(
    call: &Call<'_>,
    of: impl FnOnce(&Campaign) -> Vec<T>,
) -> Result<Reply, Problem> {
    let (id, paging) = (call.number()?, call.paging()?);
    let page = call.store.read(|it| {
        let campaign = it.campaign_outline(id)?.value;
        it.paged(of(&campaign), paging)
    })?;
    Ok(Reply::found(&Listed::of(page, |it| it))?)
}

fn patches(call: &Call<'_>) -> Result<Reply, Problem> {
    let asked = call.asked("patch");
    part(call, |campaign| {
        let of = |place: u32, patch: &PlannedPatch| PatchShown {
            place,
            notes: campaign.notes_of(&patch.id).cloned().collect(),
            reviews: of_patch(&campaign.reviews, |it| it.patch == patch.id),
            evidence: of_patch(&campaign.evidence, |it| it.patch == patch.id),
            patch: patch.clone(),
        };
        let each = (0_u32..).zip(&campaign.plan.patches);
        let each = each.filter(|(_, patch)| asked.is_none_or(|it| it == patch.id));
        each.map(|(place, patch)| of(place, patch)).collect()
    })
}

fn of_patch<T: Clone>(all: &[T], is: impl Fn(&T) -> bool) -> Vec<T> {
    all.iter().filter(|it| is(it)).cloned().collect()
}

fn assets(call: &Call<'_>) -> Result<Reply, Problem> {
    let (id, paging) = (call.number()?, call.paging()?);
    let (plan, page) = call.store.read(|it| {
        let plan = it.campaign_outline(id)?.value.plan;
        Ok((plan, it.campaign_assets(id, paging)?))
    })?;
    let turns = turns(&plan);
    let shown = Listed::of(page, |(place, asset)| {
        let turn = turns.get(&place);
        AssetShown {
            place,
            ring: turn.map(|(ring, _)| (*ring).to_owned()),
            wave: turn.map(|(_, wave)| *wave),
            names: plan.patches_of(&asset).map(|it| it.id.clone()).collect(),
            asset,
        }
    });
    Ok(Reply::found(&shown)?)
}

/// The ring and the wave of each asset that gets a patch, by its place.
fn turns(plan: &Plan) -> HashMap<u32, (&str, usize)> {
    let rings = plan.rings.iter();
    let waves = rings.flat_map(|ring| (1_usize..).zip(&ring.waves).map(move |it| (ring, it)));
    let each = waves.flat_map(|(ring, (number, wave))| {
        let places = wave.assets.iter();
        places.map(move |place| (*place, (ring.name.as_str(), number)))
    });
    each.collect()
}

fn waves(call: &Call<'_>) -> Result<Reply, Problem> {
    let now_ms = call.now_ms();
    part(call, |campaign| {
        let rings = campaign.plan.rings.iter();
        let of_ring = |ring: &campaign::plan::Ring| {
            let next = ring.windows.iter().find(|it| it.closes_ms > now_ms);
            let window = next.map(|it| {
                let [opens, closes] = [it.opens_ms, it.closes_ms].map(|ms| ring.zone.told(ms));
                format!("{opens} to {closes}")
            });
            let waves = (1_usize..)
                .zip(&ring.waves)
                .map(|(number, wave)| WaveShown {
                    ring: ring.name.clone(),
                    test: ring.test,
                    wave: number,
                    assets: wave.assets.len(),
                    begins_ms: wave.begins_ms,
                    takes_ms: wave.takes_ms,
                    next_window: window.clone(),
                });
            waves.collect::<Vec<_>>()
        };
        rings.flat_map(of_ring).collect()
    })
}

fn due(call: &Call<'_>) -> Result<Reply, Problem> {
    let (id, paging) = (call.number()?, call.paging()?);
    let sees_findings = call.sees(Area::Findings);
    let page = call.store.read(|it| {
        let (plan, of_asset) = match call.asked("asset") {
            Some(asset) => {
                // Only all of the plan tells what goes to it.
                let plan = it.campaign(id)?.value.plan;
                let of_asset = OfAsset::of(it, asset, &plan, sees_findings)?;
                (plan, Some(of_asset))
            }
            None => (it.campaign_outline(id)?.value.plan, None),
        };
        let is_asked = |id: &str, fixes: &[String]| {
            let advisory = call.asked("advisory");
            call.asked("patch").is_none_or(|it| it == id)
                && advisory.is_none_or(|it| fixes.iter().any(|fixed| fixed == it))
        };
        let brought = (0_u32..).zip(&plan.patches).filter(|(place, patch)| {
            let of_asset = of_asset.as_ref();
            is_asked(&patch.id, &patch.fixes) && of_asset.is_none_or(|it| it.gets.contains(place))
        });
        let brought = brought.map(|(_, patch)| DueShown {
            patch: patch.id.clone(),
            explained: patch.due.explained(),
            due: Some(patch.due.clone()),
            left_out: None,
        });
        let left = plan.left_out.iter().filter(|left| {
            let of_asset = of_asset.as_ref();
            is_asked(&left.patch, &left.fixes) && of_asset.is_none_or(|it| it.waits_for(left))
        });
        let left = left.map(|it| DueShown {
            patch: it.patch.clone(),
            due: it.due.clone(),
            explained: it.explained(),
            left_out: Some(it.why.clone()),
        });
        it.paged(brought.chain(left), paging)
    })?;
    Ok(Reply::found(&Listed::of(page, |it| it))?)
}

/// What a campaign has to do with one asset.
struct OfAsset<'a> {
    id: &'a str,
    /// The places of the patches that it gets.
    gets: BTreeSet<u32>,
    /// The advisories that it waits for a fix of, for who may see findings.
    open: BTreeSet<String>,
}

impl<'a> OfAsset<'a> {
    fn of(
        it: &mut Session<'_>,
        id: &'a str,
        plan: &Plan,
        sees_findings: bool,
    ) -> Result<Self, store::Error> {
        let filter = FindingFilter {
            subject: Some(Subject::Asset(id.to_owned())),
            ..FindingFilter::default()
        };
        let findings = match sees_findings {
            true => it.all_findings(&filter)?,
            false => Vec::new(),
        };
        let findings = findings.into_iter().map(|it| it.value);
        let open = findings.filter(|it| {
            let state = it.state();
            matches!(state, State::Open | State::Shielded | State::Scheduled)
        });
        let own = plan.assets.iter().filter(|it| it.id == id);
        Ok(Self {
            id,
            gets: own.flat_map(|it| it.patches.iter().copied()).collect(),
            open: open.map(|it| it.advisory).collect(),
        })
    }

    fn waits_for(&self, left: &LeftOut) -> bool {
        match &left.only {
            Some(only) => only.iter().any(|it| it == self.id),
            None => left.fixes.iter().any(|it| self.open.contains(it)),
        }
    }
}

fn remedies(call: &Call<'_>) -> Result<Reply, Problem> {
    let (id, paging) = (call.number()?, call.paging()?);
    let page: Page<report::Open> = call.store.read(|it| {
        let (campaign, journal) = (it.campaign(id)?.value, it.campaign_journal(id)?);
        it.paged(report::remedies(&campaign, &journal), paging)
    })?;
    Ok(Reply::found(&Listed::of(page, |it| it))?)
}
