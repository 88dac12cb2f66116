//! How a campaign goes about it.

use ledger::Refused;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a campaign goes about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "CampaignRules")]
pub struct Rules {
    /// How many assets of a ring may fail; one more, and the campaign stops.
    pub failures: u32,
    /// How many assets are worked on at one time.
    pub parallel: u32,
    /// How many assets a wave has at most.
    pub wave_assets: u32,
    /// How often a task is tried that fails for a passing reason.
    pub attempts: u32,
    /// How long is waited before it is tried again.
    pub retry_ms: i64,
    /// Of how many assets of a wave the backup is restored for trial before the wave goes on.
    pub sample: u32,
    /// What is rolled back when an asset fails.
    pub roll_back: Scope,
    /// How long before a window it is announced.
    pub announce_ms: i64,
    /// How long before a window people are reminded.
    pub remind_ms: i64,
    /// How much time people have at least between the announcement and the work.
    pub notice_ms: i64,
    /// How long stakeholders have to answer, and after them their delegates.
    pub consent_ms: i64,
    /// How long an asset is thought to take where nothing has shown it.
    pub asset_ms: i64,
    /// How much longer than in the test region it may take elsewhere, in percent.
    pub margin_percent: u32,
    /// How long a restart may take.
    pub reboot_ms: i64,
}

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

impl Default for Rules {
    fn default() -> Self {
        Self {
            failures: 1,
            parallel: 10,
            wave_assets: 100,
            attempts: 3,
            retry_ms: MINUTE_MS,
            sample: 1,
            roll_back: Scope::Asset,
            announce_ms: 5 * DAY_MS,
            remind_ms: DAY_MS,
            notice_ms: HOUR_MS,
            consent_ms: 3 * DAY_MS,
            asset_ms: 20 * MINUTE_MS,
            margin_percent: 50,
            reboot_ms: 10 * MINUTE_MS,
        }
    }
}

impl Rules {
    /// Whether a campaign can follow them.
    ///
    /// # Errors
    /// A number makes no sense.
    pub fn check(&self) -> Result<(), Refused> {
        let positive = [
            ("parallel", i64::from(self.parallel)),
            ("wave_assets", i64::from(self.wave_assets)),
            ("attempts", i64::from(self.attempts)),
            ("asset_ms", self.asset_ms),
            ("reboot_ms", self.reboot_ms),
        ];
        let whole = [
            ("retry_ms", self.retry_ms),
            ("announce_ms", self.announce_ms),
            ("remind_ms", self.remind_ms),
            ("notice_ms", self.notice_ms),
            ("consent_ms", self.consent_ms),
        ];
        let low = positive
            .iter()
            .map(|rule| (rule, 1))
            .chain(whole.iter().map(|rule| (rule, 0)))
            .find(|((_, number), least)| number < least);
        match low {
            Some(((name, _), least)) => Err(Refused::new(format!(
                "rules.{name} must be at least {least}"
            ))),
            None => Ok(()),
        }
    }
}

/// What is rolled back when an asset fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "RollBackScope")]
pub enum Scope {
    /// The asset.
    Asset,
    /// All assets of its wave.
    Wave,
}
