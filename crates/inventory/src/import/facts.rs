//! Facts that Ansible gathers: of hosts (`setup`, `package_facts`) and of network devices.

use ledger::{AssetKind, OperatingSystem, Software, SoftwareKind};
use serde_json::Value;

use super::purl::{Package, rpm_version};
use super::show_version::cpe;
use super::{Fault, Found, Importer, Part, Source, list, short, text, windows};

pub(super) const IMPORTER: Importer = Importer {
    kind: "ansible-facts",
    summary: "facts of Ansible as JSON: a file of its cache, what `-m setup` prints, or a list of them; of network devices too",
    read,
};

fn read(source: &Source<'_>) -> Result<Vec<Found>, Fault> {
    // `host | SUCCESS => {…}`, as `-m setup` prints: the name is before the object.
    let (told, body) = match source.text.split_once("=>") {
        Some((head, body)) if !head.contains('{') => (head.split('|').next(), body),
        _ => (None, source.text),
    };
    let root: Value = serde_json::from_str(body).map_err(|error| Fault::json(&error))?;
    match &root {
        Value::Array(all) => all.iter().map(|facts| one(source, None, facts)).collect(),
        facts => Ok(vec![one(source, told, facts)?]),
    }
}

fn one(source: &Source<'_>, told: Option<&str>, root: &Value) -> Result<Found, Fault> {
    let facts = root.get("ansible_facts").unwrap_or(root);
    let of = |name: &str| {
        let short = name.trim_start_matches("ansible_");
        text(facts, &format!("/{name}")).or_else(|| text(facts, &format!("/{short}")))
    };
    if of("ansible_net_version").is_some() {
        return Ok(device(source, told, &of));
    }
    let name = of("ansible_fqdn")
        .or(of("ansible_hostname"))
        .or(of("ansible_nodename"));
    let system = of("ansible_distribution").or(of("ansible_system"));
    let (None, None) = (name, system) else {
        return Ok(host(source, told.or(name), facts, &of));
    };
    Err(Fault::new(
        "it has no ansible_hostname and no ansible_distribution",
    ))
}

fn device<'v>(
    source: &Source<'_>,
    told: Option<&str>,
    of: &impl Fn(&str) -> Option<&'v str>,
) -> Found {
    let name = source.name_of(told.or(of("ansible_net_hostname")));
    let mut found = Found::new(&name, source.kind_or(AssetKind::Appliance));
    found.tells = vec![Part::Kind, Part::Software];
    let system = of("ansible_net_system")
        .unwrap_or("unknown")
        .to_ascii_lowercase();
    let version = of("ansible_net_version").unwrap_or("unknown");
    found.asset.os = Some(OperatingSystem {
        id: short(&system),
        version: Some(short(version)),
        title: of("ansible_net_model").map(short),
        ..OperatingSystem::default()
    });
    found.asset.software = vec![Software {
        name: short(&system),
        version: short(version),
        kind: SoftwareKind::Firmware,
        purl: None,
        cpe: cpe(&system, version),
    }];
    found
}

fn host<'v>(
    source: &Source<'_>,
    told: Option<&str>,
    facts: &Value,
    of: &impl Fn(&str) -> Option<&'v str>,
) -> Found {
    let mut found = Found::new(&source.name_of(told), source.kind_or(AssetKind::Server));
    let system = of("ansible_distribution")
        .or(of("ansible_system"))
        .unwrap_or("unknown");
    let id = match system {
        "RedHat" => "rhel".to_owned(),
        "OracleLinux" => "ol".to_owned(),
        "Amazon" => "amzn".to_owned(),
        system if system.starts_with("Microsoft Windows") => "windows".to_owned(),
        system => short(&system.to_ascii_lowercase().replace(' ', "-")),
    };
    let version = of("ansible_distribution_version").map(short);
    let os = OperatingSystem {
        title: Some(match &version {
            Some(version) => format!("{} {version}", short(system)),
            None => short(system),
        }),
        id,
        version,
        kernel: of("ansible_kernel").map(short),
        architecture: of("ansible_architecture").map(short),
    };
    let address = text(facts, "/ansible_default_ipv4/address");
    found.asset.address = address.or(text(facts, "/default_ipv4/address")).map(short);
    let packages = facts
        .get("packages")
        .or_else(|| facts.get("ansible_packages"));
    if let Some(packages) = packages.and_then(Value::as_object) {
        let all = packages.values().flat_map(|versions| list(versions, ""));
        found.asset.software = all.filter_map(|package| software(package, &os)).collect();
        found.tells.push(Part::Software);
    }
    // A fact of one's own: no module of Ansible gathers it.
    let policy = facts
        .get("ansible_windows_update")
        .or(facts.get("windows_update"));
    if let Some(policy) = policy
        .and_then(Value::as_object)
        .filter(|_| os.id == windows::ID)
    {
        let values = policy.iter().filter_map(|(name, value)| {
            let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
            Some((name.to_ascii_lowercase(), number?))
        });
        if let Some(update) = windows::update(values, None) {
            found.asset.auto_updates.push(update);
            found.tells.push(Part::AutoUpdates);
        }
    }
    found.asset.os = Some(os);
    found
}

fn software(package: &Value, os: &OperatingSystem) -> Option<Software> {
    let of = |field: &str| text(package, &format!("/{field}"));
    let (name, version) = (of("name")?, of("version")?);
    let kind = match of("source")? {
        "apt" => "deb",
        "rpm" | "dnf" | "dnf5" | "yum" | "zypper" => "rpm",
        "apk" => "apk",
        _ => return None,
    };
    let epoch = package.get("epoch").and_then(Value::as_i64);
    let epoch = epoch.map(|epoch| epoch.to_string());
    let whole = match kind {
        "rpm" => rpm_version(epoch.as_deref(), version, of("release")),
        _ => version.to_owned(),
    };
    let package = Package {
        kind,
        name,
        version: whole.into(),
        architecture: of("arch").unwrap_or_default(),
        source: None,
    };
    Some(package.software(Some(os)))
}
