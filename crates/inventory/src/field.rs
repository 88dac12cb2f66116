//! The fields of an asset that lists name: columns of tables, variables of Ansible.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use ledger::{Asset, OperatingSystem, Software, SoftwareKind};

use crate::import::{Found, Part};

/// The fields that can be set, as mappings and variables name them.
pub(crate) const FIELDS: &[&str] = &[
    "id",
    "title",
    "kind",
    "environment",
    "criticality",
    "owner",
    "location",
    "ring",
    "groups",
    "address",
    "os",
    "os_version",
    "firmware",
    "cpe",
    "depends_on",
    "last_backup",
    "last_seen",
];

/// Sets a field; an empty value tells nothing.
pub(crate) fn set(found: &mut Found, field: &str, value: &str) -> Result<(), String> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(());
    }
    let wrong = |why: String| format!("{field}: {why}");
    let asset = &mut found.asset;
    let text = || Some(value.to_owned());
    match field {
        "id" => {
            asset.id = identifier(value);
            asset.title = value.to_owned();
        }
        "title" => {
            asset.title = value.to_owned();
            found.tells.push(Part::Title);
        }
        "kind" => {
            asset.kind = value.parse().map_err(wrong)?;
            found.tells.push(Part::Kind);
        }
        "environment" => asset.environment = Some(value.parse().map_err(wrong)?),
        "criticality" => asset.criticality = Some(value.parse().map_err(wrong)?),
        "owner" => asset.owner = text(),
        "location" => asset.location = text(),
        "ring" => asset.ring = text(),
        "address" => asset.address = text(),
        "groups" => {
            asset.groups = parts(value).map(str::to_owned).collect();
            found.tells.push(Part::Groups);
        }
        "depends_on" => {
            asset.depends_on = parts(value).map(identifier).collect();
            found.tells.push(Part::DependsOn);
        }
        "os" => os(asset).id = value.to_ascii_lowercase(),
        "os_version" => os(asset).version = text(),
        "firmware" => {
            if let Some(firmware) = firmware(found) {
                firmware.version = value.to_owned();
            }
        }
        "cpe" => {
            if let Some(firmware) = firmware(found) {
                firmware.cpe = Some(value.to_owned());
            }
        }
        "last_backup" => asset.last_backup_ms = Some(time_ms(value).map_err(wrong)?),
        "last_seen" => asset.last_seen_ms = Some(time_ms(value).map_err(wrong)?),
        other => {
            return Err(format!(
                "there is no field `{other}`; there are {}",
                FIELDS.join(", ")
            ));
        }
    }
    Ok(())
}

fn parts(value: &str) -> impl Iterator<Item = &str> {
    let parts = value.split([',', ';', '|']).map(str::trim);
    parts.filter(|part| !part.is_empty())
}

fn os(asset: &mut Asset) -> &mut OperatingSystem {
    asset.os.get_or_insert_with(|| OperatingSystem {
        id: "unknown".to_owned(),
        ..OperatingSystem::default()
    })
}

/// The firmware, of which lists tell one.
fn firmware(found: &mut Found) -> Option<&mut Software> {
    let software = &mut found.asset.software;
    if software.is_empty() {
        found.tells.push(Part::Software);
        software.push(Software {
            name: "firmware".to_owned(),
            version: "unknown".to_owned(),
            kind: SoftwareKind::Firmware,
            ..Software::default()
        });
    }
    software.first_mut()
}

/// A name as an identifier: what an identifier cannot hold is a `-`, and case does not count,
/// as names of hosts have none.
pub(crate) fn identifier(name: &str) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "._:@-".contains(letter);
    let id: String = name
        .trim()
        .chars()
        .map(|letter| {
            if fits(letter) {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(128)
        .collect();
    let first = id.find(|letter: char| letter.is_ascii_alphanumeric());
    first
        .and_then(|at| id.get(at..))
        .unwrap_or_default()
        .to_owned()
}

/// RFC 3339, a day, a day and a time (UTC), or seconds since 1970.
pub(crate) fn time_ms(value: &str) -> Result<i64, String> {
    if let Ok(time) = value.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    if let Ok(seconds) = value.parse::<i64>() {
        return seconds
            .checked_mul(1000)
            .ok_or_else(|| format!("`{value}` is too far away"));
    }
    let civil = value.parse::<DateTime>();
    let civil = civil.or_else(|_| value.parse::<Date>().map(|day| day.at(0, 0, 0, 0)));
    let zoned = civil.and_then(|civil| civil.to_zoned(TimeZone::UTC));
    zoned
        .map(|zoned| zoned.timestamp().as_millisecond())
        .map_err(|_| format!("`{value}` is no time; write 2026-01-31 or 2026-01-31T08:00:00Z"))
}
