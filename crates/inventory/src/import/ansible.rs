//! Inventories of Ansible: INI, YAML, and what `ansible-inventory --list` prints.

use std::collections::{BTreeMap, BTreeSet};

use ledger::AssetKind;
use serde_json::{Map, Value};

use super::{Fault, Found, Importer, Options, Part, Source};
use crate::{Limits, field};

pub(super) const IMPORTER: Importer = Importer {
    kind: "ansible",
    summary: "an inventory of Ansible: INI, YAML, or what `ansible-inventory --list` prints",
    read,
};

/// The variables that are fields of an asset: `stopgap_owner` is the owner.
const PREFIX: &str = "stopgap_";

#[derive(Default)]
struct Inventory {
    hosts: BTreeMap<String, Map<String, Value>>,
    groups: BTreeMap<String, Group>,
}

#[derive(Default)]
struct Group {
    hosts: BTreeSet<String>,
    children: BTreeSet<String>,
    vars: Map<String, Value>,
}

/// How Ansible reaches a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The asset that the host is.
    pub asset: String,
    /// Where, as OpenSSH's client takes it.
    pub address: String,
    /// How, if it is not SSH.
    pub otherwise: Option<String>,
}

/// How the hosts of an inventory of Ansible are reached.
///
/// # Errors
/// It is none, or it is too large; the text names the source, the line and what to do.
pub fn reached(text: &str, name: &str, options: &Options) -> Result<Vec<Reached>, String> {
    let source = Source::new(text, name, options)?;
    let inventory = Inventory::of(&source).map_err(|fault| fault.told(&IMPORTER, name))?;
    let above = inventory.above();
    let most = options.limits.groups;
    let hosts = inventory.hosts.keys().map(|host| {
        let groups = groups_of(host, &above);
        if groups.len() > most {
            return Err(format!("{name}: {}", in_many_groups(host, most)));
        }
        let values = inventory.values(host, &groups);
        let of = |name: &str| values.get(name).filter(|it| !it.is_empty());
        let connection = of("ansible_connection").filter(|how| {
            // Also by its full name.
            let name = how.rsplit('.').next().unwrap_or_default();
            !matches!(name, "ssh" | "smart" | "paramiko" | "paramiko_ssh")
        });
        if let Some(how) = connection {
            return Ok(Reached {
                asset: field::identifier(host),
                address: of("ansible_host").unwrap_or(host).clone(),
                otherwise: Some(how.clone()),
            });
        }
        let text = |name: &str| of(name).map(String::as_str);
        let address = text("ansible_host").unwrap_or(host);
        by_ssh(host, text("ansible_user"), address, text("ansible_port"))
            .map_err(|why| format!("{name}: {why}"))
    });
    hosts.collect()
}

/// How a host is reached that people name as `NAME`, `USER@NAME` or `USER@NAME:PORT`.
///
/// # Errors
/// It is no such name; the text says what to do.
pub fn named(host: &str) -> Result<Reached, String> {
    let (user, place) = match host.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, host),
    };
    let (name, port) = with_port(place);
    by_ssh(name, user, name, port)
}

/// OpenSSH may put these parts into commands that it runs, such as `ProxyCommand`: only what names
/// consist of is let through.
fn by_ssh(
    host: &str,
    user: Option<&str>,
    address: &str,
    port: Option<&str>,
) -> Result<Reached, String> {
    let plain = |text: &str, marks: &[u8]| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || marks.contains(&byte);
        !text.is_empty() && !text.starts_with('-') && text.bytes().all(fits)
    };
    let wrong = |what: &str, text: &str| {
        Err(format!(
            "host {host}: `{text}` is no {what} that OpenSSH can be given: write it out, without variables and quotes"
        ))
    };
    let user = match user {
        Some(user) if !plain(user, b"._-+\\@") => return wrong("user", user),
        Some(user) => format!("{user}@"),
        None => String::new(),
    };
    if !plain(address, b"._-:%") {
        return wrong("address", address);
    }
    let address = match port {
        Some(port) if port.parse::<u16>().is_err() => return wrong("port", port),
        Some(port) if address.contains(':') => format!("ssh://{user}[{address}]:{port}"),
        Some(port) => format!("ssh://{user}{address}:{port}"),
        None => format!("{user}{address}"),
    };
    Ok(Reached {
        asset: field::identifier(host),
        address,
        otherwise: None,
    })
}

fn in_many_groups(host: &str, most: usize) -> String {
    format!("host {host} is in more than the {most} groups allowed")
}

fn read(source: &Source<'_>) -> Result<Vec<Found>, Fault> {
    Inventory::of(source)?.found(source)
}
impl Inventory {
    fn of(source: &Source<'_>) -> Result<Self, Fault> {
        let begin = source.text.trim_start();
        let yaml = || source.name.ends_with(".yml") || source.name.ends_with(".yaml");
        let mut inventory = Inventory::default();
        if begin.starts_with('{') {
            inventory.listed(&source.json()?)?;
        } else if yaml() || begin.starts_with("---") || begin.starts_with("all:") {
            let value: Value = serde_saphyr::from_str(source.text)
                .map_err(|error| Fault::new(format!("it is no YAML: {error}")))?;
            inventory.yaml(&value, &source.options.limits)?;
        } else {
            inventory.ini(source)?;
        }
        if inventory.hosts.is_empty() {
            return Err(Fault::new("it names no host"));
        }
        Ok(inventory)
    }

    fn found(&self, source: &Source<'_>) -> Result<Vec<Found>, Fault> {
        let above = self.above();
        let mut all = Vec::new();
        for host in self.hosts.keys() {
            let most = source.options.limits.groups;
            let groups = groups_of(host, &above);
            if groups.len() > most {
                return Err(Fault::new(in_many_groups(host, most)));
            }
            let mut found = Found::new(host, source.kind_or(AssetKind::Server));
            let values = self.values(host, &groups);
            if let Some(address) = values.get("ansible_host") {
                found.asset.address = Some(address.clone()).filter(|it| !it.trim().is_empty());
            }
            for (name, value) in &values {
                let Some(name) = name.strip_prefix(PREFIX).filter(|name| *name != "id") else {
                    continue;
                };
                let set = field::set(&mut found, name, value);
                set.map_err(|why| {
                    Fault::new(format!("host {host}: variable {PREFIX}{name}: {why}"))
                })?;
            }
            if !found.tells.contains(&Part::Groups) {
                let named = groups
                    .iter()
                    .filter(|name| !matches!(**name, "all" | "ungrouped"));
                found.asset.groups = named.map(|name| (*name).to_owned()).collect();
                found.tells.push(Part::Groups);
            }
            all.push(found);
        }
        Ok(all)
    }

    /// The variables of a host. The nearer group's value counts; the farther come first.
    fn values(&self, host: &str, groups: &[&str]) -> BTreeMap<&str, String> {
        let inherited = groups
            .iter()
            .rev()
            .filter_map(|name| self.groups.get(*name));
        let vars = inherited
            .map(|group| &group.vars)
            .chain(self.hosts.get(host));
        let pairs = vars.flat_map(Map::iter);
        pairs
            .map(|(name, value)| (name.as_str(), plain(value)))
            .collect()
    }

    /// The groups above each host and each group, by name.
    fn above(&self) -> [BTreeMap<&str, Vec<&str>>; 2] {
        let mut above = [BTreeMap::new(), BTreeMap::new()];
        let [of_hosts, of_groups] = &mut above;
        for (name, group) in &self.groups {
            for host in &group.hosts {
                let groups: &mut Vec<&str> = of_hosts.entry(host.as_str()).or_default();
                groups.push(name);
            }
            for child in &group.children {
                let groups: &mut Vec<&str> = of_groups.entry(child.as_str()).or_default();
                groups.push(name);
            }
        }
        above
    }

    fn group(&mut self, name: &str) -> &mut Group {
        self.groups.entry(name.to_owned()).or_default()
    }

    /// Adds a host of a group, and variables of it.
    fn host(
        &mut self,
        group: &str,
        host: String,
        vars: Map<String, Value>,
        limits: &Limits,
    ) -> Result<(), String> {
        self.group(group).hosts.insert(host.clone());
        self.hosts.entry(host).or_default().extend(vars);
        match self.hosts.len() > limits.assets {
            true => Err("there are too many hosts; import them in parts".to_owned()),
            false => Ok(()),
        }
    }

    fn listed(&mut self, root: &Value) -> Result<(), Fault> {
        let Some(groups) = root.as_object() else {
            return Err(Fault::new("it is no object"));
        };
        let vars = root.pointer("/_meta/hostvars").and_then(Value::as_object);
        for (host, vars) in vars.into_iter().flatten() {
            self.hosts
                .insert(host.clone(), vars.as_object().cloned().unwrap_or_default());
        }
        for (name, group) in groups.iter().filter(|(name, _)| *name != "_meta") {
            let texts = |field| {
                super::list(group, field)
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
            };
            let hosts: BTreeSet<String> = texts("/hosts").collect();
            for host in &hosts {
                self.hosts.entry(host.clone()).or_default();
            }
            let vars = group.get("vars").and_then(Value::as_object).cloned();
            *self.group(name) = Group {
                children: texts("/children").collect(),
                hosts,
                vars: vars.unwrap_or_default(),
            };
        }
        Ok(())
    }

    fn yaml(&mut self, root: &Value, limits: &Limits) -> Result<(), Fault> {
        let Some(groups) = root.as_object() else {
            return Err(Fault::new("it is no mapping of groups"));
        };
        groups
            .iter()
            .try_for_each(|(name, group)| self.yaml_group(name, group, limits, limits.depth))
    }

    fn yaml_group(
        &mut self,
        name: &str,
        group: &Value,
        limits: &Limits,
        depth: usize,
    ) -> Result<(), Fault> {
        if depth == 0 {
            return Err(Fault::new("too many groups within each other"));
        }
        let of = |field: &str| {
            group
                .get(field)
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default()
        };
        self.group(name).vars.extend(of("vars"));
        for (pattern, vars) in of("hosts") {
            for host in expand(&pattern, limits).map_err(Fault::new)? {
                let vars = vars.as_object().cloned().unwrap_or_default();
                self.host(name, host, vars, limits).map_err(Fault::new)?;
            }
        }
        for (child, inner) in of("children") {
            self.group(name).children.insert(child.clone());
            self.yaml_group(&child, &inner, limits, depth - 1)?;
        }
        Ok(())
    }

    fn ini(&mut self, source: &Source<'_>) -> Result<(), Fault> {
        let (mut group, mut part) = ("ungrouped".to_owned(), "hosts".to_owned());
        for (at, line) in source.text.lines().enumerate() {
            let fault = |why: String| Fault::at(at + 1, why);
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(header) = line.strip_prefix('[') {
                let header = header.split(']').next().unwrap_or_default();
                let (name, kind) = header.split_once(':').unwrap_or((header, "hosts"));
                if !matches!(kind, "hosts" | "vars" | "children") || name.is_empty() {
                    return Err(fault(format!("`[{header}]` is no group")));
                }
                (group, part) = (name.to_owned(), kind.to_owned());
                self.group(&group);
                continue;
            }
            match part.as_str() {
                "children" => {
                    let child = line
                        .split_whitespace()
                        .next()
                        .unwrap_or_default()
                        .to_owned();
                    self.group(&group).children.insert(child.clone());
                    self.group(&child);
                }
                "vars" => {
                    let (name, value) = line.split_once('=').ok_or_else(|| {
                        fault(format!("`{line}` is no variable: write NAME=VALUE"))
                    })?;
                    let value = Value::String(unquoted(value).to_owned());
                    self.group(&group)
                        .vars
                        .insert(name.trim().to_owned(), value);
                }
                _ => {
                    let words = words(line);
                    let (pattern, rest) = words.split_first().unwrap_or((&"", &[]));
                    let limits = &source.options.limits;
                    let hosts = expand(pattern, limits).map_err(fault)?;
                    let vars = rest.iter().filter_map(|word| word.split_once('='));
                    let mut vars: Map<String, Value> = vars
                        .map(|(name, value)| {
                            (name.to_owned(), Value::String(unquoted(value).to_owned()))
                        })
                        .collect();
                    if let (_, Some(port)) = with_port(pattern) {
                        let port = Value::String(port.to_owned());
                        vars.entry("ansible_port").or_insert(port);
                    }
                    for host in hosts {
                        self.host(&group, host, vars.clone(), limits)
                            .map_err(fault)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The groups of a host, those that name it first, then theirs; `all` is above every host.
fn groups_of<'a>(host: &str, above: &[BTreeMap<&'a str, Vec<&'a str>>; 2]) -> Vec<&'a str> {
    let [of_hosts, of_groups] = above;
    let mut groups = of_hosts.get(host).cloned().unwrap_or_default();
    let mut seen: BTreeSet<&str> = groups.iter().copied().collect();
    let mut at = 0;
    while let Some(child) = groups.get(at).copied() {
        let parents = of_groups.get(child).into_iter().flatten();
        groups.extend(parents.filter(|name| seen.insert(name)));
        at += 1;
    }
    groups.extend(seen.insert("all").then_some("all"));
    groups
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let quoted = |mark| {
        value
            .strip_prefix(mark)
            .and_then(|it: &str| it.strip_suffix(mark))
    };
    quoted('"').or_else(|| quoted('\'')).unwrap_or(value)
}

/// Words, up to a comment; blanks within quotes are no ends.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut begin, mut quote) = (None, None);
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (None, '#') if begin.is_none() => break,
            (None, '"' | '\'') => {
                quote = Some(letter);
                begin = begin.or(Some(at));
            }
            (Some(mark), letter) if letter == mark => quote = None,
            (None, letter) if letter.is_whitespace() => {
                words.extend(begin.take().and_then(|begin| line.get(begin..at)));
            }
            _ => begin = begin.or(Some(at)),
        }
    }
    words.extend(begin.and_then(|begin| line.get(begin..)));
    words
}

/// Digits of the number that a range begins with; no number of 64 bits has more.
const DIGITS: usize = 20;

/// A name, and the port that stands behind a colon: it is no part of the name. An address of IPv6
/// has more colons, those of a range are within brackets.
fn with_port(pattern: &str) -> (&str, Option<&str>) {
    let Some((name, port)) = pattern.rsplit_once(':') else {
        return (pattern, None);
    };
    let is_address = name.contains(':') && !name.ends_with(']');
    match is_address || port.contains(']') {
        true => (pattern, None),
        false => (name, Some(port)),
    }
}

/// `web[01:20:2].example` and `db-[a:c]`: the hosts of a range.
fn expand(pattern: &str, limits: &Limits) -> Result<Vec<String>, String> {
    let Some((head, rest)) = pattern.split_once('[') else {
        return Ok(vec![with_port(pattern).0.to_owned()]);
    };
    if pattern.matches('[').count() > limits.depth {
        let most = limits.depth;
        return Err(format!("a name has more than the {most} ranges allowed"));
    }
    let wrong = || format!("`{pattern}` is no range: write web[01:20] or db-[a:f]");
    let (range, tail) = rest.split_once(']').ok_or_else(wrong)?;
    let parts: Vec<&str> = range.split(':').collect();
    let (first, last, step) = match parts.as_slice() {
        [first, last] => (*first, *last, 1),
        [first, last, step] => (*first, *last, step.parse().map_err(|_| wrong())?),
        _ => return Err(wrong()),
    };
    if step == 0 || first.len() > DIGITS {
        return Err(wrong());
    }
    let most = limits.range_hosts;
    let mut middles = Vec::new();
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(from), Ok(to)) => {
            let width = if first.starts_with('0') {
                first.len()
            } else {
                0
            };
            let numbers = (from..=to).step_by(step).take(most + 1);
            middles.extend(numbers.map(|number| format!("{number:0width$}")));
        }
        _ => {
            let letter = |text: &str| {
                let mut letters = text.chars();
                letters
                    .next()
                    .filter(|it| it.is_ascii_alphabetic() && letters.next().is_none())
            };
            let (from, to) = letter(first).zip(letter(last)).ok_or_else(wrong)?;
            middles.extend((from..=to).step_by(step).map(String::from));
        }
    }
    let mut hosts = Vec::new();
    for tail in expand(tail, limits)? {
        for middle in &middles {
            if hosts.len() >= most {
                return Err(format!(
                    "`{pattern}` stands for more than the {most} hosts allowed"
                ));
            }
            hosts.push(format!("{head}{middle}{tail}"));
        }
    }
    Ok(hosts)
}
