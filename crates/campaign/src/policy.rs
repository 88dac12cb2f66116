//! The policy clock: when a vendor patch is due, and why.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::date;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What an organisation demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "CampaignPolicy")]
pub struct Policy {
    /// How many days after its release a vendor patch is due.
    pub days: u32,
    /// From which EPSS, in millionths, a vulnerability is urgent.
    pub epss_millionths: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            days: 30,
            epss_millionths: 100_000,
        }
    }
}

/// A fix as its vendor publishes it: a version of a package, of a firmware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VendorPatch {
    /// Names it.
    pub id: String,
    /// For people.
    #[serde(default)]
    pub title: String,
    /// When it was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_ms: Option<i64>,
    /// When what is told of it changed last, where its release is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_ms: Option<i64>,
    /// When it was first seen here.
    pub first_seen_ms: i64,
    /// The vendor patches in whose place it came.
    #[serde(default)]
    pub supersedes: Vec<String>,
    /// The advisories that it fixes.
    #[serde(default)]
    pub fixes: Vec<String>,
}

/// What is known of how a vulnerability is exploited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Threat {
    /// It is exploited: CISA's catalogue (KEV) lists it.
    pub exploited: bool,
    /// The probability that it will be exploited within 30 days (EPSS), in millionths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epss_millionths: Option<u32>,
    /// The decision by SSVC is *act*.
    pub ssvc_act: bool,
    /// Somebody says that an attack is inevitable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgent: Option<Urgent>,
}

/// Somebody's word that a fix cannot wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Urgent {
    /// Whose.
    pub who: String,
    /// Why.
    pub why: String,
}

/// How a vendor patch goes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// At once: the next window, whatever the calendar of the month.
    Urgent,
    /// With the others, when its time has come.
    Monthly,
}

impl Lane {
    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Monthly => "monthly",
        }
    }
}

/// When a vendor patch is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Due {
    /// The vendor patch.
    pub patch: String,
    /// How it goes.
    pub lane: Lane,
    /// From when on.
    pub due_ms: i64,
    /// Why, for people; the reason that decides comes first.
    pub because: Vec<String>,
}

impl Due {
    /// In one sentence.
    #[must_use]
    pub fn explained(&self) -> String {
        let lane = match self.lane {
            Lane::Urgent => " in the urgent lane",
            Lane::Monthly => "",
        };
        let because = self.because.join("; ");
        format!(
            "{} is due {}{lane} because {because}",
            self.patch,
            date(self.due_ms)
        )
    }
}

/// When each vendor patch is due, in their order.
#[must_use]
pub fn due(
    patches: &[VendorPatch],
    threats: &BTreeMap<String, Threat>,
    policy: &Policy,
) -> Vec<Due> {
    let clock = Clock {
        patches: patches.iter().map(|it| (it.id.as_str(), it)).collect(),
        threats,
        policy,
    };
    patches.iter().map(|patch| clock.due(patch)).collect()
}

struct Clock<'a> {
    patches: BTreeMap<&'a str, &'a VendorPatch>,
    threats: &'a BTreeMap<String, Threat>,
    policy: &'a Policy,
}

impl Clock<'_> {
    fn due(&self, patch: &VendorPatch) -> Due {
        let chain = self.chain(patch);
        let urgent: Vec<String> = patch
            .fixes
            .iter()
            .flat_map(|advisory| self.urgent(advisory))
            .collect();
        // A later release for the same flaw does not win another month.
        let fixing = |advisory: &String| {
            let same = chain.iter().filter(|it| it.fixes.contains(advisory));
            let first = same.min_by_key(|it| began(it).0);
            first.map(|first| (*first, format!("fixes {advisory}")))
        };
        let first = match patch.fixes.is_empty() {
            true => chain
                .iter()
                .min_by_key(|it| began(it).0)
                .map(|first| (*first, String::new())),
            false => patch
                .fixes
                .iter()
                .filter_map(fixing)
                .min_by_key(|(it, _)| began(it).0),
        };
        let (first, fixes) = first.unwrap_or((patch, String::new()));
        let (start_ms, how) = began(first);
        let age = self.age(patch, first, &fixes, how, start_ms);
        let (lane, due_ms, because) = match urgent.is_empty() {
            true => {
                let wait_ms = i64::from(self.policy.days).saturating_mul(DAY_MS);
                (Lane::Monthly, start_ms.saturating_add(wait_ms), vec![age])
            }
            false => (Lane::Urgent, start_ms, urgent),
        };
        Due {
            patch: patch.id.clone(),
            lane,
            due_ms,
            because,
        }
    }

    fn age(
        &self,
        patch: &VendorPatch,
        first: &VendorPatch,
        fixes: &str,
        how: &str,
        start_ms: i64,
    ) -> String {
        let days = self.policy.days;
        let when = date(start_ms);
        if first.id == patch.id {
            return format!("it was {how} {when} and the policy gives {days} days");
        }
        let and = match fixes.is_empty() {
            true => String::new(),
            false => format!(" and which also {fixes}"),
        };
        format!(
            "{}, which it supersedes{and}, was {how} {when} and the policy gives {days} days",
            first.id
        )
    }

    /// What makes an advisory urgent.
    fn urgent(&self, advisory: &str) -> Vec<String> {
        let Some(threat) = self.threats.get(advisory) else {
            return Vec::new();
        };
        let mut reasons = Vec::new();
        if threat.exploited {
            reasons.push(format!("{advisory} is known to be exploited (KEV)"));
        }
        if let Some(epss) = threat.epss_millionths
            && epss >= self.policy.epss_millionths
        {
            reasons.push(format!(
                "{advisory} has EPSS {}, and {} is urgent",
                share(epss),
                share(self.policy.epss_millionths)
            ));
        }
        if threat.ssvc_act {
            reasons.push(format!("SSVC says of {advisory}: act"));
        }
        if let Some(urgent) = &threat.urgent {
            reasons.push(format!("{} says of {advisory}: {}", urgent.who, urgent.why));
        }
        reasons
    }

    /// The patch and all in whose place it came, each once.
    fn chain<'s>(&'s self, patch: &'s VendorPatch) -> Vec<&'s VendorPatch> {
        let (mut chain, mut seen) = (vec![patch], BTreeSet::from([patch.id.as_str()]));
        let mut next = 0;
        while let Some(at) = chain.get(next).copied() {
            next += 1;
            for id in &at.supersedes {
                if let Some(before) = self.patches.get(id.as_str())
                    && seen.insert(id)
                {
                    chain.push(before);
                }
            }
        }
        chain
    }
}

/// When the clock of a patch begins, and what that is.
fn began(patch: &VendorPatch) -> (i64, &'static str) {
    match (patch.released_ms, patch.updated_ms) {
        (Some(released), _) => (released, "released"),
        (None, Some(updated)) => (updated, "updated"),
        (None, None) => (patch.first_seen_ms, "first seen here"),
    }
}

fn share(millionths: u32) -> String {
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    let text = text.trim_end_matches('0');
    text.trim_end_matches('.').to_owned()
}
