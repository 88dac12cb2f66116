//! What network devices say of their version: Cisco IOS, IOS XE and NX-OS, Junos, FortiOS,
//! PAN-OS, Arista EOS, FRRouting.

use ledger::{AssetKind, OperatingSystem, Software, SoftwareKind};

use super::{Fault, Found, Importer, Part, Source, short};

pub(super) const IMPORTER: Importer = Importer {
    kind: "show-version",
    summary: "the text of `show version` (Cisco IOS, IOS XE, NX-OS, Junos, Arista EOS, FRRouting), `get system status` (FortiOS) or `show system info` (PAN-OS)",
    read,
};

/// A vendor's system, as Ansible calls it, and how its text is known and read.
struct System {
    id: &'static str,
    vendor: &'static str,
    product: &'static str,
    /// What stands in its text and in no other's.
    mark: &'static str,
    /// What stands before the version.
    versions: &'static [&'static str],
    /// What stands before the name, and before the model.
    hosts: &'static [&'static str],
    models: &'static [&'static str],
    /// Whether it runs on an operating system of another vendor.
    guest: bool,
}

/// The first whose mark is there counts.
const SYSTEMS: &[System] = &[
    System {
        id: "nxos",
        vendor: "cisco",
        product: "nx-os",
        mark: "Cisco Nexus Operating System",
        versions: &["NXOS: version ", "system:    version ", "system: version "],
        hosts: &["Device name: "],
        models: &["cisco Nexus"],
        guest: false,
    },
    System {
        id: "iosxe",
        vendor: "cisco",
        product: "ios_xe",
        mark: "Cisco IOS XE Software",
        versions: &["Cisco IOS XE Software, Version "],
        hosts: &[],
        models: &["Model Number : ", "Model number : "],
        guest: false,
    },
    System {
        id: "ios",
        vendor: "cisco",
        product: "ios",
        mark: "Cisco IOS Software",
        versions: &["Version "],
        hosts: &[],
        models: &["Model number : "],
        guest: false,
    },
    System {
        id: "junos",
        vendor: "juniper",
        product: "junos",
        mark: "Junos: ",
        versions: &["Junos: "],
        hosts: &["Hostname: "],
        models: &["Model: "],
        guest: false,
    },
    System {
        id: "fortios",
        vendor: "fortinet",
        product: "fortios",
        mark: "Version: Forti",
        versions: &[" v"],
        hosts: &["Hostname: "],
        models: &["Version: "],
        guest: false,
    },
    System {
        id: "panos",
        vendor: "paloaltonetworks",
        product: "pan-os",
        mark: "sw-version: ",
        versions: &["sw-version: "],
        hosts: &["hostname: "],
        models: &["model: "],
        guest: false,
    },
    System {
        id: "eos",
        vendor: "arista",
        product: "eos",
        mark: "Arista ",
        versions: &["Software image version: "],
        hosts: &[],
        models: &["Arista "],
        guest: false,
    },
    System {
        id: "frr",
        vendor: "frrouting",
        product: "frrouting",
        mark: "FRRouting ",
        versions: &["FRRouting "],
        hosts: &[],
        models: &[],
        guest: true,
    },
];

fn read(source: &Source<'_>) -> Result<Vec<Found>, Fault> {
    let (system, version) = of(source.text)?;
    let after = |marks: &[&str]| after(source.text, marks);
    // Cisco's routers say their name where they say how long they run.
    let uptime = source
        .text
        .lines()
        .find_map(|line| line.split_once(" uptime is "));
    let host = after(system.hosts).or(uptime.map(|(name, _)| name));
    let mut found = Found::new(&source.name_of(host), source.kind_or(AssetKind::Appliance));
    found.tells = vec![Part::Kind, Part::Software];
    let model = after(system.models).and_then(|line| line.split([' ', '\t']).next());
    if !system.guest {
        found.asset.os = Some(OperatingSystem {
            id: system.id.to_owned(),
            version: Some(short(version)),
            title: model.filter(|model| !model.is_empty()).map(short),
            ..OperatingSystem::default()
        });
    }
    found.asset.software = vec![system.software(version)];
    Ok(vec![found])
}

/// What a text says as software.
pub(super) fn firmware(text: &str) -> Result<Software, Fault> {
    let (system, version) = of(text)?;
    Ok(system.software(version))
}

/// Of which system a text is, and of which version.
fn of(text: &str) -> Result<(&'static System, &str), Fault> {
    let system = SYSTEMS.iter().find(|system| text.contains(system.mark));
    let system = system.ok_or_else(|| Fault::new("it is of no system that is known here"))?;
    let version = after(text, system.versions).and_then(version);
    let version = version.ok_or_else(|| Fault::new("it does not say its version"))?;
    Ok((system, version))
}

/// The rest of the line after one of these.
fn after<'a>(text: &'a str, marks: &[&str]) -> Option<&'a str> {
    let found = marks.iter().find_map(|mark| text.split_once(mark));
    found.map(|(_, rest)| rest.lines().next().unwrap_or_default().trim())
}

impl System {
    fn software(&self, version: &str) -> Software {
        Software {
            name: self.id.to_owned(),
            version: short(version),
            kind: SoftwareKind::Firmware,
            purl: None,
            cpe: cpe(self.id, version),
        }
    }
}

fn version(text: &str) -> Option<&str> {
    let end = text.find([' ', ',', '[', '\t']).unwrap_or(text.len());
    let version = text.get(..end)?;
    (!version.is_empty()).then_some(version)
}

/// The CPE of a system, as Ansible calls it.
pub(super) fn cpe(id: &str, version: &str) -> Option<String> {
    let system = SYSTEMS.iter().find(|system| system.id == id)?;
    let mut escaped = String::new();
    for letter in version.to_ascii_lowercase().chars() {
        if !letter.is_ascii_alphanumeric() && !matches!(letter, '.' | '-' | '_') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    let (vendor, product) = (system.vendor, system.product);
    let part = if system.guest { 'a' } else { 'o' };
    Some(format!(
        "cpe:2.3:{part}:{vendor}:{product}:{escaped}:*:*:*:*:*:*:*"
    ))
}
