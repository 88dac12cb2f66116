//! What stands in the calendar: windows, freezes, waves, when patches are due, when fixes of
//! findings are planned and exceptions end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::windows;
use crate::campaign::Campaign;
use crate::plan::Ring;

/// Windows of a ring's rule that are told behind those of its plan.
const FURTHER: usize = 400;

/// Something that stands in the calendar.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CalendarEntry")]
pub struct Entry {
    /// When it begins.
    pub from_ms: i64,
    /// When it is over; not included.
    pub until_ms: i64,
    /// What kind of thing it is.
    pub kind: Kind,
    /// The campaign's number, of what is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<i64>,
    /// A finding's number, of planned fixes: the first of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<i64>,
    /// The exception's number, of the end of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<i64>,
    /// What it is, for people.
    pub what: String,
}

/// Kinds of what stands in the calendar.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "CalendarKind")]
pub enum Kind {
    /// Nothing is changed.
    Freeze,
    /// There may be worked.
    Window,
    /// A wave is meant to be worked on.
    Wave,
    /// A vendor patch is due.
    Due,
    /// Findings are to be fixed.
    Fix,
    /// An exception ends.
    Exception,
}

impl Kind {
    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Window => "window",
            Self::Wave => "wave",
            Self::Due => "due",
            Self::Fix => "fix",
            Self::Exception => "exception",
        }
    }
}

/// What of a campaign stands in the calendar between two times, in order. Freezes are told by the
/// clock of the first ring that they are for.
#[must_use]
pub fn agenda(campaign: &Campaign, (from_ms, until_ms): (i64, i64)) -> Vec<Entry> {
    let plan = &campaign.plan;
    let entry = |kind, (from_ms, until_ms): (i64, i64), what: String| Entry {
        from_ms,
        until_ms,
        kind,
        campaign: Some(campaign.id),
        finding: None,
        exception: None,
        what,
    };
    let mut entries = Vec::new();
    for freeze in &plan.freezes {
        let of = |name: &str| freeze.groups.is_empty() || freeze.groups.iter().any(|it| it == name);
        if let Some(ring) = plan.rings.iter().find(|it| of(&it.name)) {
            let groups = match freeze.groups.is_empty() {
                true => "all rings".to_owned(),
                false => freeze.groups.join(", "),
            };
            let what = format!("{groups} frozen: {}", freeze.why);
            entries.push(entry(Kind::Freeze, freeze.span_ms(&ring.zone), what));
        }
    }
    for ring in &plan.rings {
        for window in &ring.windows {
            let what = format!(
                "{} open from {}",
                ring.name,
                ring.zone.told(window.opens_ms)
            );
            let span = (window.opens_ms, window.closes_ms);
            entries.push(entry(Kind::Window, span, what));
        }
        for (at, wave) in ring.waves.iter().enumerate() {
            let ends_ms = wave.begins_ms.saturating_add(wave.takes_ms);
            let assets = crate::text::counted(wave.assets.len(), "asset");
            let what = format!("{} wave {}, {assets}", ring.name, at + 1);
            entries.push(entry(Kind::Wave, (wave.begins_ms, ends_ms), what));
        }
    }
    for patch in &plan.patches {
        let due_ms = patch.due.due_ms;
        let span = (due_ms, due_ms.saturating_add(1));
        entries.push(entry(Kind::Due, span, patch.due.explained()));
    }
    entries.retain(|it| it.from_ms < until_ms && from_ms < it.until_ms);
    entries.sort();
    entries
}

/// The windows of a ring's rule behind those that its plan holds, between two times; and up to when
/// was looked, if that is not all of that time.
#[must_use]
pub fn further(
    campaign: &Campaign,
    ring: &Ring,
    (from_ms, until_ms): (i64, i64),
) -> (Vec<Entry>, Option<i64>) {
    let Some(rule) = &ring.rule else {
        return (Vec::new(), None);
    };
    let planned_ms = ring.windows.last().map_or(from_ms, |it| it.closes_ms);
    let asked = (planned_ms.max(from_ms), FURTHER);
    let found = windows(rule, &ring.name, &campaign.plan.freezes, asked);
    let looked_ms = found.looked_ms.filter(|it| *it < until_ms);
    let open = found.open.into_iter();
    let open = open.filter(|it| it.opens_ms < until_ms);
    let entries = open.map(|window| Entry {
        from_ms: window.opens_ms,
        until_ms: window.closes_ms,
        kind: Kind::Window,
        campaign: Some(campaign.id),
        finding: None,
        exception: None,
        what: format!(
            "{} opens by its rule {}",
            ring.name,
            ring.zone.told(window.opens_ms)
        ),
    });
    (entries.collect(), looked_ms)
}
