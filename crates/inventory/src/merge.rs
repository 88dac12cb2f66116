//! What is known of an asset after a source has told of it.

use ledger::{Asset, Job, JobKind};

use crate::import::{Found, Part};

/// What is known now: what the source tells replaces what was known, the rest stays. What people
/// have said of jobs, and jobs of schedulers elsewhere, stay too.
#[must_use]
pub fn merged(known: Option<&Asset>, found: &Found, source: &str, now_ms: i64) -> Asset {
    let new = &found.asset;
    let mut asset = match known {
        Some(known) => known.clone(),
        None => Asset {
            title: new.title.clone(),
            ..Asset::new(&new.id, new.kind)
        },
    };
    if found.tells.contains(&Part::Title) {
        asset.title = new.title.clone();
    }
    if found.tells.contains(&Part::Kind) {
        asset.kind = new.kind;
    }
    take(&mut asset.environment, &new.environment);
    take(&mut asset.criticality, &new.criticality);
    take(&mut asset.owner, &new.owner);
    take(&mut asset.location, &new.location);
    take(&mut asset.ring, &new.ring);
    take(&mut asset.address, &new.address);
    take(&mut asset.os, &new.os);
    take(&mut asset.reboot, &new.reboot);
    take(&mut asset.last_backup_ms, &new.last_backup_ms);
    let seen = new.last_seen_ms.unwrap_or(now_ms);
    asset.last_seen_ms = Some(asset.last_seen_ms.map_or(seen, |known| known.max(seen)));
    for part in &found.tells {
        match part {
            Part::Kind | Part::Title => {}
            Part::Groups => asset.groups.clone_from(&new.groups),
            Part::Software => asset.software.clone_from(&new.software),
            Part::DependsOn => asset.depends_on.clone_from(&new.depends_on),
            Part::Jobs(kind) => asset.jobs = jobs(&asset.jobs, &new.jobs, *kind, true),
            Part::SomeJobs(kind) => asset.jobs = jobs(&asset.jobs, &new.jobs, *kind, false),
            Part::AutoUpdates => asset.auto_updates.clone_from(&new.auto_updates),
        }
    }
    if !asset.sources.iter().any(|known| known == source) {
        asset.sources.push(source.to_owned());
    }
    asset
}

fn take<T: Clone>(known: &mut Option<T>, new: &Option<T>) {
    if new.is_some() {
        known.clone_from(new);
    }
}

/// The jobs with those of a kind that are told now; unless these are all, those that are not told stay.
fn jobs(known: &[Job], new: &[Job], kind: JobKind, are_all: bool) -> Vec<Job> {
    let same = |one: &Job, other: &Job| (one.kind, &one.name) == (other.kind, &other.name);
    let new = new.iter().filter(|job| job.kind == kind);
    let stays =
        |job: &&Job| job.kind != kind || (!are_all && !new.clone().any(|told| same(told, job)));
    let (external, stay): (Vec<&Job>, Vec<&Job>) = known
        .iter()
        .filter(stays)
        .partition(|it| it.kind == JobKind::External);
    let told = new.clone().map(|job| Job {
        must_not_be_skipped: known
            .iter()
            .any(|known| known.must_not_be_skipped && same(known, job)),
        ..job.clone()
    });
    let own = stay.into_iter().cloned().chain(told);
    own.chain(external.into_iter().cloned()).collect()
}
