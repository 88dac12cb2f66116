//! What is missing of an inventory, or should not be so.

use std::collections::BTreeSet;

use ledger::{Asset, Software, SoftwareKind};

use crate::import::windows;

/// Something missing of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The asset.
    pub asset: String,
    /// What is missing.
    pub kind: GapKind,
    /// More of it, for people.
    pub detail: String,
}

/// What can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GapKind {
    /// Nobody answers for it.
    Owner,
    /// Nobody knows whether it is for tests or for production.
    Environment,
    /// It was never backed up, or too long ago.
    Backup,
    /// Something updates it by itself.
    AutoUpdate,
    /// Nobody knows whether something updates it by itself.
    AutoUpdateUnknown,
    /// What is installed is not known, or has no name by which advisories could be found.
    Software,
    /// It did not answer for too long.
    Unreachable,
}

impl GapKind {
    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "no-owner",
            Self::Environment => "no-environment",
            Self::Backup => "no-backup",
            Self::AutoUpdate => "auto-update-on",
            Self::AutoUpdateUnknown => "auto-update-unknown",
            Self::Software => "unknown-software",
            Self::Unreachable => "unreachable",
        }
    }
}

const DAY_MS: i64 = 86_400_000;

/// What is missing of an asset; `days` is how long it may go unseen or without a backup.
#[must_use]
pub fn gaps(asset: &Asset, days: u32, now_ms: i64) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut gap = |kind, detail: String| {
        gaps.push(Gap {
            asset: asset.id.clone(),
            kind,
            detail,
        });
    };
    let ago = |ms: i64| now_ms.saturating_sub(ms) / DAY_MS;
    let days = i64::from(days);
    if asset.owner.is_none() {
        gap(GapKind::Owner, "nobody answers for it".to_owned());
    }
    if asset.environment.is_none() {
        let text = "neither test nor production".to_owned();
        gap(GapKind::Environment, text);
    }
    match asset.last_backup_ms.map(ago) {
        None => gap(GapKind::Backup, "no backup is known".to_owned()),
        Some(past) if past > days => gap(GapKind::Backup, format!("the last is {past} days old")),
        Some(_) => {}
    }
    let on = asset.auto_updates.iter().filter(|it| it.on);
    let on: Vec<&str> = on.map(|it| it.by.as_str()).collect();
    if !on.is_empty() {
        gap(GapKind::AutoUpdate, on.join(", "));
    }
    // Others do not unless they were told to; Windows does.
    let is_windows = asset.os.as_ref().is_some_and(|os| os.id == windows::ID);
    if is_windows && asset.auto_updates.is_empty() {
        let text = "whether Windows updates itself is not known".to_owned();
        gap(GapKind::AutoUpdateUnknown, text);
    }
    if asset.software.is_empty() {
        gap(
            GapKind::Software,
            "what is installed is not known".to_owned(),
        );
    } else {
        let nameless = nameless(asset).count();
        if nameless > 0 {
            let text = format!("{nameless} without package URL or CPE");
            gap(GapKind::Software, text);
        }
    }
    match asset.last_seen_ms.map(ago) {
        None => gap(GapKind::Unreachable, "it was never seen".to_owned()),
        Some(past) if past > days => gap(GapKind::Unreachable, format!("for {past} days")),
        Some(_) => {}
    }
    gaps
}

/// What of an asset has no name by which advisories could be found. What a device says of itself beside
/// its package is found by the package.
pub fn nameless(asset: &Asset) -> impl Iterator<Item = &Software> {
    let is_named = |it: &Software| it.purl.is_some() || it.cpe.is_some();
    let named = asset.software.iter().filter(move |it| is_named(it));
    let names: BTreeSet<&str> = named.map(|it| it.name.as_str()).collect();
    asset.software.iter().filter(move |it| {
        let is_covered = it.kind == SoftwareKind::Firmware && names.contains(it.name.as_str());
        !is_named(it) && !is_covered
    })
}
