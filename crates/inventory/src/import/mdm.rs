//! Exports of the management of mobile devices: a table, or a list of objects.

use ledger::AssetKind;
use serde_json::Value;

use super::table::{self, Mapping};
use super::{Fault, Found, Importer, Source, list};

pub(super) const IMPORTER: Importer = Importer {
    kind: "mdm",
    summary: "an export of devices: CSV, or JSON as a list of objects; --mapping FILE says which field is what, else those of Intune's export count",
    read,
};

fn read(source: &Source<'_>) -> Result<Vec<Found>, Fault> {
    let begin = source.text.trim_start();
    if !begin.starts_with(['[', '{']) {
        return table::read(source, AssetKind::Mobile, &usual(false));
    }
    let mapping = Mapping::of(source, &usual(true))?;
    let root = source.json()?;
    // The whole answer, or its list alone.
    let devices: Vec<&Value> = match &root {
        Value::Array(devices) => devices.iter().collect(),
        root => list(root, "/value").chain(list(root, "/devices")).collect(),
    };
    let mut all = Vec::new();
    for (at, device) in devices.iter().enumerate() {
        let value = |column: &str| device.get(column).and_then(Value::as_str);
        let found = mapping.row(source.kind_or(AssetKind::Mobile), value);
        all.push(found.map_err(|why| Fault::new(format!("device {}: {why}", at + 1)))?);
    }
    match all.is_empty() {
        true => Err(Fault::new("it tells of no device")),
        false => Ok(all),
    }
}

fn usual(json: bool) -> Mapping {
    let columns = [
        ("id", "Device name", "deviceName"),
        ("owner", "Primary user UPN", "userPrincipalName"),
        ("os", "OS", "operatingSystem"),
        ("os_version", "OS version", "osVersion"),
        ("last_seen", "Last check-in", "lastSyncDateTime"),
    ];
    let of = |(field, csv, name): &(&str, &str, &str)| {
        let column = if json { name } else { csv };
        ((*field).to_owned(), (*column).to_owned())
    };
    Mapping {
        columns: columns.iter().map(of).collect(),
        ..Mapping::default()
    }
}
