//! What `collect.sh` prints.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ledger::{AssetKind, AutoUpdate, Job, JobKind, OperatingSystem, Reboot, Software};

use super::purl::{Package, rpm_version};
use super::{Fault, Found, Importer, Part, Source, short, show_version};

pub(super) const IMPORTER: Importer = Importer {
    kind: "collection",
    summary: "what the script of `stopgap inventory script` prints on a host, version 1",
    read,
};

/// The most sections of which it is told that their tool did not end in time.
const MAX_LEFT_OUT: usize = 20;

/// The most addresses of a host that are compared.
const MAX_ADDRESSES: usize = 1000;

/// Says that the host could not find out its whole name.
const SHORT: &str = "@short";

type Sections<'a> = BTreeMap<&'a str, Vec<(usize, &'a str)>>;

/// Several collections may follow each other in one file.
fn read(source: &Source<'_>) -> Result<Vec<Found>, Fault> {
    let mut found = Vec::new();
    let mut sections: Option<Sections<'_>> = None;
    let mut current = "";
    for (at, line) in source.text.lines().enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let fault = |why: &str| Fault::at(at + 1, why);
        match (line.strip_prefix("@@ "), &mut sections) {
            (Some("stopgap-collection 1"), None) => {
                sections = Some(Sections::new());
                current = "";
            }
            (Some("end"), Some(_)) => {
                let whole = sections.take().unwrap_or_default();
                found.push(asset(source, &whole)?);
            }
            (Some(name), Some(sections)) if !name.starts_with("stopgap-collection") => {
                sections.entry(name).or_default();
                current = name;
            }
            (None, Some(sections)) => {
                let content = line.strip_prefix(' ');
                let content =
                    content.ok_or_else(|| fault("a line of a section must begin with a space"))?;
                sections.entry(current).or_default().push((at + 1, content));
            }
            (None, None) if line.trim().is_empty() => {}
            _ => return Err(fault("it must begin with `@@ stopgap-collection 1`")),
        }
    }
    match (sections, found.is_empty()) {
        (Some(_), _) => Err(Fault::new("it ends before `@@ end`: collect it again")),
        (None, true) => Err(Fault::new("it is empty")),
        (None, false) => Ok(found),
    }
}

fn asset(source: &Source<'_>, sections: &Sections<'_>) -> Result<Found, Fault> {
    let of = |name: &str| sections.get(name).map(Vec::as_slice).unwrap_or_default();
    let first = |name: &str| {
        let mut lines = of(name).iter().map(|(_, line)| *line);
        lines.find(|line| !line.is_empty() && tool(line).is_none() && *line != SHORT)
    };
    let mut found = Found::new(
        &source.name_of(first("hostname")),
        source.kind_or(AssetKind::Server),
    );
    let mut named = of("hostname").iter();
    let is_first_part = named.any(|(_, line)| *line == SHORT || tool(line).is_some());
    found.is_short =
        is_first_part && source.options.asset.is_none() && !found.asset.id.contains('.');
    found.addresses = addresses(of("addresses"));
    let asset = &mut found.asset;
    asset.last_seen_ms = seconds(first("time"));
    asset.last_backup_ms = seconds(first("backup"));
    asset.os = os(of("os-release"), of("uname"));
    let has = |names: &[&str]| names.iter().any(|name| sections.contains_key(name));
    let cut = |name: &str| {
        let mut lines = of(name).iter();
        lines.find_map(|(at, line)| Some((*at, tool(line)?)))
    };
    let mut ended: Vec<(usize, &str)> = sections.keys().filter_map(|name| cut(name)).collect();
    ended.sort_unstable();
    for (at, tool) in ended.into_iter().take(MAX_LEFT_OUT) {
        let why = format!("`{}` did not end in time", short(tool).escape_debug());
        found.left_out.push(source.left_out(at, &why));
    }
    // What was told in part is no whole.
    let whole = |names: &[&str]| !names.iter().any(|name| cut(name).is_some());
    let lists = ["dpkg", "rpm", "apk"];
    if has(&lists) && whole(&lists) {
        asset.software = software(source, sections, asset.os.as_ref(), &mut found.left_out)?;
        found.tells.push(Part::Software);
    }
    if has(&["cron", "cron-scripts", "timers"]) {
        asset.jobs = jobs(sections);
        for (kind, lists) in [
            (JobKind::Cron, &["cron", "cron-scripts"][..]),
            (JobKind::Timer, &["timers"]),
        ] {
            found.tells.push(match whole(lists) {
                true => Part::Jobs(kind),
                false => Part::SomeJobs(kind),
            });
        }
    }
    if whole(&["update-units", "apt-config"]) {
        asset.auto_updates = auto_updates(sections);
        found.tells.push(Part::AutoUpdates);
    }
    asset.reboot = reboot(of("reboot"));
    Ok(found)
}

fn addresses(lines: &[(usize, &str)]) -> Vec<IpAddr> {
    let all = lines
        .iter()
        .filter_map(|(_, line)| line.trim().parse().ok());
    // Every host has these, or may have.
    let is_own = |it: &IpAddr| match it {
        IpAddr::V4(it) => !it.is_loopback() && !it.is_link_local(),
        IpAddr::V6(it) => !it.is_loopback() && !it.is_unicast_link_local(),
    };
    all.filter(is_own).take(MAX_ADDRESSES).collect()
}

/// The tool that did not end in time, if a line says so.
fn tool(line: &str) -> Option<&str> {
    line.strip_prefix("@ended ")
}

fn software(
    source: &Source<'_>,
    sections: &Sections<'_>,
    os: Option<&OperatingSystem>,
    left_out: &mut Vec<String>,
) -> Result<Vec<Software>, Fault> {
    let of = |name: &str| sections.get(name).map(Vec::as_slice).unwrap_or_default();
    let mut packages = Vec::new();
    for (at, line) in of("dpkg") {
        packages
            .extend(dpkg(line).ok_or_else(|| Fault::at(*at, "a line of dpkg has not six fields"))?);
    }
    for (at, line) in of("rpm") {
        packages
            .extend(rpm(line).ok_or_else(|| Fault::at(*at, "a line of rpm has not five fields"))?);
    }
    packages.extend(apk(of("apk")));
    let mut software: Vec<Software> = packages
        .iter()
        .map(|package| package.software(os))
        .collect();
    match firmware(of("show-version"), &packages) {
        Ok(firmware) => software.extend(firmware),
        // Its packages are known nevertheless.
        Err((at, why)) => left_out.push(source.left_out(at, &why)),
    }
    Ok(software)
}

fn seconds(text: Option<&str>) -> Option<i64> {
    text?.trim().parse::<i64>().ok()?.checked_mul(1000)
}

fn os(release: &[(usize, &str)], uname: &[(usize, &str)]) -> Option<OperatingSystem> {
    let fields: BTreeMap<&str, &str> = release
        .iter()
        .filter_map(|(_, line)| line.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim().trim_matches(['"', '\''])))
        .collect();
    let of = |name: &str| {
        fields
            .get(name)
            .filter(|it| !it.is_empty())
            .map(|it| short(it))
    };
    let line = |at: usize| {
        uname
            .get(at)
            .map(|(_, line)| short(line))
            .filter(|it| !it.is_empty())
    };
    Some(OperatingSystem {
        id: of("ID").or_else(|| line(0).map(|it| it.to_ascii_lowercase()))?,
        version: of("VERSION_ID"),
        title: of("PRETTY_NAME"),
        kernel: line(1),
        architecture: line(2),
    })
}

/// Nothing inside for what is listed, but not installed.
fn dpkg(line: &str) -> Option<Option<Package<'_>>> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [status, name, version, architecture, source, source_version] = *fields.as_slice() else {
        return None;
    };
    // `ii`, `hi` and the like: what is there, not what was.
    let installed = status.as_bytes().get(1) == Some(&b'i');
    Some(installed.then_some(Package {
        kind: "deb",
        name,
        version: version.into(),
        architecture,
        source: Some((source, Some(source_version))),
    }))
}

fn rpm(line: &str) -> Option<Option<Package<'_>>> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, epoch, version, architecture, source] = *fields.as_slice() else {
        return None;
    };
    // Keys of repositories are listed as packages.
    Some((name != "gpg-pubkey").then(|| Package {
        kind: "rpm",
        name,
        version: rpm_version(Some(epoch), version, None).into(),
        architecture,
        source: source.ends_with(".src.rpm").then_some((source, None)),
    }))
}

fn apk<'a>(lines: &[(usize, &'a str)]) -> Vec<Package<'a>> {
    let mut packages = Vec::new();
    for block in lines.split(|(_, line)| line.is_empty()) {
        let of = |key: &str| block.iter().find_map(|(_, line)| line.strip_prefix(key));
        if let (Some(name), Some(version)) = (of("P:"), of("V:")) {
            packages.push(Package {
                kind: "apk",
                name,
                version: version.into(),
                architecture: of("A:").unwrap_or_default(),
                source: of("o:").map(|origin| (origin, None)),
            });
        }
    }
    packages
}

/// What a routing suite says of itself, if it runs; otherwise the line that cannot be read.
fn firmware(
    lines: &[(usize, &str)],
    packages: &[Package<'_>],
) -> Result<Option<Software>, (usize, String)> {
    let told = lines.iter().filter(|(_, line)| tool(line).is_none());
    let Some((at, line)) = told.clone().next() else {
        return Ok(None);
    };
    let mut software = show_version::firmware(line).map_err(|fault| (*at, fault.why))?;
    // A distribution mends without another version of the maker's: its package tells more.
    if packages.iter().any(|package| package.name == software.name) {
        software.cpe = None;
    }
    Ok(Some(software))
}

fn jobs(sections: &Sections<'_>) -> Vec<Job> {
    let of = |name: &str| sections.get(name).map(Vec::as_slice).unwrap_or_default();
    let mut jobs: Vec<Job> = of("cron")
        .iter()
        .filter_map(|(_, line)| cron(line))
        .collect();
    for (_, line) in of("cron-scripts") {
        if let Some((schedule, file)) = line.split_once('\t') {
            jobs.push(Job {
                name: short(file),
                kind: JobKind::Cron,
                schedule: schedule.to_owned(),
                command: short(file),
                file: Some(short(file)),
                user: Some("root".to_owned()),
                must_not_be_skipped: false,
            });
        }
    }
    let lines = of("timers");
    let end = lines.iter().position(|(_, line)| tool(line).is_some());
    let told = lines.get(..end.unwrap_or(lines.len())).unwrap_or(lines);
    let timers = told.split(|(_, line)| line.is_empty());
    let mut timers: Vec<_> = timers.filter(|block| !block.is_empty()).collect();
    if end.is_some() {
        // The one before that line may not be whole.
        timers.pop();
    }
    jobs.extend(timers.into_iter().filter_map(timer));
    jobs
}

/// A line of a table of cron with its file: `FILE<TAB>* * * * * [user] command`.
fn cron(line: &str) -> Option<Job> {
    let (file, entry) = line.split_once('\t')?;
    let entry = entry.trim();
    let first = entry.chars().next()?;
    let setting = entry.split_once('=').is_some_and(|(name, _)| {
        name.trim()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    if first == '#' || setting {
        return None;
    }
    let fields = if first == '@' { 1 } else { 5 };
    let (schedule, rest) = words(entry, fields)?;
    // Tables of the system say as whom, those of users are named by them.
    let of_system = file == "/etc/crontab" || file.starts_with("/etc/cron.d/");
    let (user, command) = match of_system {
        true => words(rest, 1)?,
        false => (file.rsplit('/').next()?, rest),
    };
    Some(Job {
        name: short(&format!("{}: {command}", file.rsplit('/').next()?)),
        kind: JobKind::Cron,
        schedule: short(schedule),
        command: short(command),
        file: Some(short(file)),
        user: Some(short(user)),
        must_not_be_skipped: false,
    })
    .filter(|job| !job.command.is_empty() && !job.schedule.is_empty())
}

/// The first words of a text, and what follows them.
fn words(text: &str, count: usize) -> Option<(&str, &str)> {
    let mut rest = text;
    for _ in 0..count {
        let end = rest.find(char::is_whitespace)?;
        rest = rest.get(end..)?.trim_start();
    }
    let begin = text.len().checked_sub(rest.len())?;
    Some((text.get(..begin)?.trim_end(), rest))
}

/// Properties of a timer and of its unit, as `systemctl show` prints them.
fn timer(block: &[(usize, &str)]) -> Option<Job> {
    let all = |name: &str| {
        let prefix = format!("{name}=");
        let values = block
            .iter()
            .filter_map(move |(_, line)| line.strip_prefix(prefix.as_str()).map(str::to_owned));
        values.filter(|value| !value.is_empty()).collect::<Vec<_>>()
    };
    let first = |name: &str| all(name).into_iter().next();
    if first("ActiveState")? != "active" {
        return None;
    }
    // `{ OnCalendar=*-*-* 06:00:00 ; next_elapse=… }`
    let inner = |text: String| {
        let text = text.trim_start_matches("{ ").to_owned();
        text.split_once(" ;")
            .map(|(head, _)| head.to_owned())
            .unwrap_or(text)
    };
    let mut times = all("TimersCalendar");
    times.extend(all("TimersMonotonic"));
    let times: Vec<String> = times.into_iter().map(inner).collect();
    let command = first("ExecStart").and_then(|text| {
        let (_, arguments) = text.split_once("argv[]=")?;
        Some(arguments.split(" ;").next()?.to_owned())
    });
    let unit = first("Unit");
    Some(Job {
        name: short(&first("Id")?),
        kind: JobKind::Timer,
        schedule: short(&times.join("; ")),
        command: short(&command.or(unit)?),
        file: first("FragmentPath").map(|file| short(&file)),
        user: None,
        must_not_be_skipped: false,
    })
    .filter(|job| !job.schedule.is_empty())
}

fn auto_updates(sections: &Sections<'_>) -> Vec<AutoUpdate> {
    let of = |name: &str| sections.get(name).map(Vec::as_slice).unwrap_or_default();
    let enabled = |unit: &str| {
        let mut units = of("update-units")
            .iter()
            .filter_map(|(_, line)| line.split_once('\t'));
        units.any(|(name, state)| name == unit && state == "enabled")
    };
    let mut all = Vec::new();
    let mut tell = |by: &str, on: bool| {
        all.push(AutoUpdate {
            by: by.to_owned(),
            on,
        });
    };
    if sections.contains_key("unattended-upgrades") {
        let periodic = of("apt-config").iter().any(|(_, line)| {
            let setting = line.strip_prefix("APT::Periodic::Unattended-Upgrade ");
            setting.is_some_and(|value| {
                !matches!(value.trim_matches(['"', ';', ' ']), "0" | "" | "false")
            })
        });
        // The timer does it; without systemd cron.daily does.
        let runs = enabled("apt-daily-upgrade.timer") || !sections.contains_key("update-units");
        tell("unattended-upgrades", periodic && runs);
    }
    if let Some(settings) = sections
        .get("dnf-automatic")
        .filter(|lines| !lines.is_empty())
    {
        let applies = settings.iter().any(|(_, line)| {
            let value = line
                .split_once('=')
                .map(|(_, value)| value.trim().to_ascii_lowercase());
            value.is_some_and(|value| matches!(value.as_str(), "yes" | "true" | "1" | "on"))
        });
        let timer = enabled("dnf-automatic.timer") || enabled("dnf5-automatic.timer");
        tell(
            "dnf-automatic",
            applies && timer || enabled("dnf-automatic-install.timer"),
        );
    }
    if enabled("yum-cron.service") {
        tell("yum-cron", true);
    }
    all
}

fn reboot(lines: &[(usize, &str)]) -> Option<Reboot> {
    let says = |what: &str| lines.iter().any(|(_, line)| line.trim() == what);
    let known = says("needed") || says("not-needed") || says("not-needed-unless-said");
    let packages = lines
        .iter()
        .filter_map(|(_, line)| line.strip_prefix("package "));
    known.then(|| Reboot {
        needed: says("needed"),
        because_of: packages
            .map(short)
            .filter(|name| !name.is_empty())
            .take(1000)
            .collect(),
    })
}
