//! Which asset a host is that could not find out its whole name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::import::Found;

/// An asset that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its whole name, or what it is known by.
    pub id: String,
    /// How it is reached, if that is known as an address.
    pub address: Option<IpAddr>,
}

impl Named {
    /// `address` may be a name, which tells nothing here.
    #[must_use]
    pub fn new(id: &str, address: Option<&str>) -> Self {
        Self {
            id: id.to_owned(),
            address: address.and_then(|it| it.parse().ok()),
        }
    }
}

/// A host of which it cannot be told which asset it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsure {
    /// The first part of its name.
    pub name: String,
    /// For people, with what to do.
    pub why: String,
}

impl Unsure {
    /// Whether it may be this asset.
    #[must_use]
    pub fn may_be(&self, id: &str) -> bool {
        id == self.name || is_first_part(&self.name, id)
    }
}

/// What was found, by the names that are known, and of what that cannot be told. A first part alone
/// is many hosts' name: one is a known asset only if it also has the address of that asset, and
/// nothing else of the same import tells of it.
#[must_use]
pub fn settled(found: Vec<Found>, known: &[Named]) -> (Vec<Found>, Vec<Unsure>) {
    let ids: Vec<Result<String, Unsure>> = found
        .iter()
        .map(|it| match it.is_short {
            true => id_of(it, known, &found),
            false => Ok(it.asset.id.clone()),
        })
        .collect();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for id in ids.iter().flatten() {
        *times.entry(id.clone()).or_default() += 1;
    }
    let (mut sure, mut unsure) = (Vec::new(), Vec::new());
    for (mut one, id) in found.into_iter().zip(ids) {
        match id {
            Ok(id) if one.is_short && times.get(&id).is_some_and(|it| *it > 1) => {
                let may_be = format!("this import tells of {id} elsewhere too");
                unsure.push(left_out(&one.asset.id, &may_be));
            }
            Ok(id) => {
                one.asset.id = id;
                sure.push(one);
            }
            Err(one) => unsure.push(one),
        }
    }
    (sure, unsure)
}

fn id_of(one: &Found, known: &[Named], all: &[Found]) -> Result<String, Unsure> {
    let name = &one.asset.id;
    if known.iter().any(|it| it.id == *name) {
        return Ok(name.clone());
    }
    let known = known.iter().filter(|it| is_first_part(name, &it.id));
    let agrees = |it: &&Named| it.address.is_some_and(|it| one.addresses.contains(&it));
    let agreed: Vec<&Named> = known.clone().filter(agrees).collect();
    if let [one] = *agreed.as_slice() {
        return Ok(one.id.clone());
    }
    let told = all.iter().filter(|it| !it.is_short);
    let told = told.map(|it| &it.asset.id);
    let told = told.filter(|id| is_first_part(name, id));
    let may_be: BTreeSet<&String> = known.map(|it| &it.id).chain(told).collect();
    let mut may_be = may_be.into_iter();
    Err(match (may_be.next(), may_be.next()) {
        (None, _) => return Ok(name.clone()),
        (Some(one), None) => left_out(name, &format!("may be {one}")),
        (Some(one), Some(other)) => left_out(name, &format!("may be {one} or {other}")),
    })
}

fn left_out(name: &str, why: &str) -> Unsure {
    let name = name.to_owned();
    let why = format!(
        "{name}: it could not tell its whole name, and {why}: import it by itself with --asset NAME"
    );
    Unsure { name, why }
}

fn is_first_part(name: &str, id: &str) -> bool {
    id.split_once('.').is_some_and(|(first, _)| first == name)
}
