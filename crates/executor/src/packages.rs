//! Vendor patches are installed, and taken back.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anstream::adapter::strip_str;
use campaign::{Change, Class, Done, Failure, Found, Means};
use serde_json::json;

use crate::command::{self, About};
use crate::run::run;
use crate::{Executor, fault, remote};

const VERSIONS: &str = include_str!("scripts/versions.sh");
/// The playbooks that ship with the program, by name.
const PLAYBOOKS: &[(&str, &str)] = &[
    ("packages", include_str!("playbooks/packages.yml")),
    (
        "windows-updates",
        include_str!("playbooks/windows-updates.yml"),
    ),
    (
        "windows-automatic-updates",
        include_str!("playbooks/windows-automatic-updates.yml"),
    ),
    (
        "windows-restart",
        include_str!("playbooks/windows-restart.yml"),
    ),
    (
        "network-software",
        include_str!("playbooks/network-software.yml"),
    ),
];
/// How long installing may take.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);
/// How long asking may take.
const QUESTION: Duration = Duration::from_secs(120);

/// With this a playbook or a command says that what it did ends only with a restart.
const RESTART: &str = "stopgap: a restart is needed";

/// Versions by package; an empty one is not installed.
type Versions = BTreeMap<String, String>;

/// Installs changes in their order.
pub(crate) fn apply(
    executor: &Executor,
    (key, asset): (&str, &str),
    changes: &[Change],
) -> Result<Done, Failure> {
    let boot = executor.boot(asset);
    let mut done = Done::default();
    for change in changes {
        match &change.means {
            Means::Packages { names } => {
                remember(executor, asset, change, names)?;
                install(executor, asset, names, &[])?;
            }
            Means::Playbook { name, variables } => {
                let said = playbook(executor, asset, name, &json!(variables))?;
                done.reboot_needed |= said.contains(RESTART);
                done.evidence.push_str(&said);
            }
            Means::Command { arguments } => {
                let about = About {
                    asset,
                    backup: "",
                    run: &format!("{key}/{}", change.patch),
                };
                let said = command::run(executor, &about, arguments, PATIENCE)?;
                done.reboot_needed |= said.contains(RESTART);
                done.evidence.push_str(&said);
            }
        }
    }
    let names = packages(changes);
    // An asset without a shell, such as a network device, has no packages either.
    if !names.is_empty() {
        let (versions, reboot_needed) = versions(executor, asset, &names)?;
        done.reboot_needed |= reboot_needed;
        for (name, version) in &versions {
            done.evidence.push_str(&format!("{name} {version}\n"));
        }
        let after = executor.boot(asset);
        done.rebooted = matches!((boot, after), (Ok(before), Ok(after)) if before != after);
    }
    done.evidence = fault::excerpt(&done.evidence);
    Ok(done)
}

/// Whether changes are there, found out without changing anything.
pub(crate) fn found(
    executor: &Executor,
    asset: &str,
    changes: &[Change],
) -> Result<Found, Failure> {
    wait_for_others(executor, asset)?;
    let names = packages(changes);
    let of_packages = changes
        .iter()
        .all(|change| matches!(change.means, Means::Packages { .. }));
    // Of what a playbook did nothing can be seen, it can be run again; a command knows that it has run.
    if !of_packages || names.iter().any(|name| !name.contains('=')) {
        return Ok(Found::Undone);
    }
    let (versions, reboot_needed) = versions(executor, asset, &names)?;
    let there = names.iter().all(|name| {
        let (name, version) = split(name);
        versions
            .get(name)
            .is_some_and(|found| Some(found.as_str()) == version)
    });
    Ok(match there {
        true => Found::Done(Done {
            evidence: "found installed".to_owned(),
            reboot_needed,
            ..Done::default()
        }),
        false => Found::Undone,
    })
}

/// Installs the versions of before.
pub(crate) fn downgrade(
    executor: &Executor,
    asset: &str,
    changes: &[Change],
) -> Result<Done, Failure> {
    let mut evidence = String::new();
    for change in changes {
        let Means::Packages { .. } = &change.means else {
            let patch = &change.patch;
            return Err(fault::of(
                Class::Command,
                format!(
                    "{patch} was not installed as packages: it can only be taken back by a backup"
                ),
            ));
        };
        let name = format!("{asset}/{}", change.patch);
        let before: Option<Versions> = executor.journal.kept("before", &name)?;
        let Some(before) = before else {
            // It was never begun.
            continue;
        };
        let (there, absent): (Vec<_>, Vec<_>) =
            before.iter().partition(|(_, version)| !version.is_empty());
        let there: Vec<String> = there
            .iter()
            .map(|(name, version)| format!("{name}={version}"))
            .collect();
        let absent: Vec<String> = absent.iter().map(|(name, _)| (*name).clone()).collect();
        install(executor, asset, &there, &absent)?;
        evidence.push_str(&format!(
            "{} is back to {}\n",
            change.patch,
            there.join(" ")
        ));
    }
    let (_, reboot_needed) = versions(executor, asset, &[])?;
    Ok(Done {
        evidence: fault::excerpt(&evidence),
        reboot_needed,
        ..Done::default()
    })
}

/// Keeps which versions were there before a change: the first time only, or a change that is
/// carried out again would hide them.
fn remember(
    executor: &Executor,
    asset: &str,
    change: &Change,
    names: &[String],
) -> Result<(), Failure> {
    let name = format!("{asset}/{}", change.patch);
    if executor
        .journal
        .kept::<Versions>("before", &name)?
        .is_some()
    {
        return Ok(());
    }
    let (before, _) = versions(executor, asset, names)?;
    executor.journal.keep("before", &name, &before)
}

fn install(
    executor: &Executor,
    asset: &str,
    names: &[String],
    absent: &[String],
) -> Result<String, Failure> {
    let variables = json!({ "packages": names, "absent": absent });
    playbook(executor, asset, "packages", &variables)
}

/// Runs a playbook of ours, or of one's own, on one asset.
pub(crate) fn playbook(
    executor: &Executor,
    asset: &str,
    name: &str,
    variables: &serde_json::Value,
) -> Result<String, Failure> {
    let folder = executor.journal.folder("playbooks")?;
    let write = |file: &str, text: &str| {
        let path = folder.join(file);
        fs::write(&path, text)
            .map_err(|why| fault::of(Class::Command, format!("{}: {why}", path.display())))?;
        Ok::<_, Failure>(path)
    };
    let ours = PLAYBOOKS.iter().find(|(ours, _)| *ours == name);
    let path = match ours {
        Some((name, text)) => write(&format!("{}-{name}.yml", executor.name_of(asset)), text)?,
        None => name.into(),
    };
    let mut common = String::from("-o BatchMode=yes -o ConnectTimeout=10");
    if let Some(file) = &executor.config.ssh.config {
        common.push_str(&format!(
            " -F {}",
            remote::quoted(&file.display().to_string())
        ));
    }
    let (user, host) = match executor.config.address(asset).split_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, executor.config.address(asset)),
    };
    let mut reach = json!({ "ansible_host": host, "ansible_ssh_common_args": common });
    if let Some(user) = user {
        reach["ansible_user"] = json!(user);
    }
    if executor.config.is_windows(asset) {
        reach["ansible_shell_type"] = json!("powershell");
    }
    if let Some(told) = executor.config.assets.get(asset) {
        for (name, value) in &told.variables {
            reach[name.as_str()] = value.clone();
        }
    }
    let alias = host_of(asset);
    let inventory = json!({ "all": { "hosts": { alias: reach } } });
    // JSON is YAML; the file's name tells Ansible how to read it.
    let of_asset = executor.name_of(asset);
    let inventory = write(&format!("{of_asset}-hosts.yml"), &inventory.to_string())?;
    let variables = write(
        &format!("{of_asset}-variables.json"),
        &variables.to_string(),
    )?;
    // The lock stays with Ansible, also when it has lost whoever started it.
    let mut ansible = Command::new("flock");
    ansible
        .arg(executor.journal.lock(asset))
        .arg(&executor.config.ansible.playbook)
        .arg("--inventory")
        .arg(inventory)
        .arg("--extra-vars")
        .arg(format!("@{}", variables.display()))
        .arg(path)
        .env("ANSIBLE_NOCOLOR", "1")
        .env("ANSIBLE_FORCE_COLOR", "0")
        // Whose recap is read below.
        .env("ANSIBLE_STDOUT_CALLBACK", "default")
        .env("ANSIBLE_DISPLAY_OK_HOSTS", "1")
        .env("ANSIBLE_HOST_KEY_CHECKING", "1")
        .env("ANSIBLE_RETRY_FILES_ENABLED", "0")
        .env("ANSIBLE_DEPRECATION_WARNINGS", "0")
        .env("ANSIBLE_PYTHON_INTERPRETER", "auto_silent");
    let ended = run(ansible, b"", PATIENCE)?;
    // Whatever stands before Ansible may force colours.
    let [output, said] = [&ended.output, &ended.said].map(|it| strip_str(it).to_string());
    if !ended.status.success() {
        return Err(fault::told(&said));
    }
    if !has_worked(&output, alias) {
        let said = format!(
            "the playbook `{name}` did nothing on {asset}: none of its tasks is for it; see its `hosts` and `when`\n{said}"
        );
        return Err(fault::of(Class::Command, said));
    }
    Ok(said)
}

/// What an asset is called in Ansible's inventory: by its own name, which playbooks may tell it by, unless Ansible
/// would read more than a name there, such as a port or a range.
fn host_of(asset: &str) -> &str {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match asset.bytes().all(is_name) {
        true => asset,
        false => "asset",
    }
}

/// Whether a task was more than left out on a host: Ansible ends with 0 also where there was none. To ask what the
/// host is, which Ansible does by itself, is none.
fn has_worked(output: &str, host: &str) -> bool {
    let (tasks, recap) = output.rsplit_once("PLAY RECAP").unwrap_or_default();
    let asked_well = format!("ok: [{host}]");
    let (mut asks, mut asked) = (false, 0);
    for line in tasks.lines() {
        if line.starts_with("TASK [") || line.starts_with("RUNNING HANDLER [") {
            asks = line.starts_with("TASK [Gathering Facts]");
        } else if asks && line == asked_well {
            asked += 1;
        }
    }
    recap.lines().any(|line| {
        let counts = line.strip_prefix(host).map(str::trim_start);
        let counts = counts.and_then(|it| it.strip_prefix(':'));
        let mut counts = counts.unwrap_or_default().split_whitespace();
        let ok = counts.find_map(|count| count.strip_prefix("ok=")?.parse::<u64>().ok());
        ok.is_some_and(|ok| ok > asked)
    })
}

/// Waits until no Ansible that a controller has left behind works on an asset.
fn wait_for_others(executor: &Executor, asset: &str) -> Result<(), Failure> {
    let mut flock = Command::new("flock");
    flock.arg(executor.journal.lock(asset)).arg("true");
    let ended = run(flock, b"", PATIENCE)?;
    if ended.status.success() {
        Ok(())
    } else {
        Err(fault::told(&ended.said))
    }
}

/// What is installed of packages, and whether the asset waits for a restart.
fn versions(
    executor: &Executor,
    asset: &str,
    packages: &[String],
) -> Result<(Versions, bool), Failure> {
    let names: Vec<&str> = packages.iter().map(|name| split(name).0).collect();
    let said = remote::script(&executor.config, asset, VERSIONS, &names, QUESTION)?;
    let mut versions = Versions::new();
    let mut reboot_needed = false;
    for line in said.lines() {
        match line.split_once(' ') {
            Some((name, version)) if names.contains(&name) => {
                versions.insert(name.to_owned(), version.to_owned());
            }
            None if line == "REBOOT" => reboot_needed = true,
            _ => {}
        }
    }
    Ok((versions, reboot_needed))
}

/// The packages that changes name.
fn packages(changes: &[Change]) -> Vec<String> {
    let mut all = Vec::new();
    for change in changes {
        if let Means::Packages { names } = &change.means {
            all.extend(names.iter().cloned());
        }
    }
    all
}

fn split(package: &str) -> (&str, Option<&str>) {
    match package.split_once('=') {
        Some((name, version)) => (name, Some(version)),
        None => (package, None),
    }
}
