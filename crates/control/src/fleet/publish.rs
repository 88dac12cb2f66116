//! Bundles are made when something has changed, here or in another process, or when their time comes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ledger::{Environment, SYSTEM};
use store::{By, Error, Making};

use super::Sealed;
use crate::serve::Service;

/// How often the ledger is asked whether another process has changed it, in milliseconds.
const LOOK_MS: u64 = 1000;
/// How often all is looked at anew though nothing has changed, in milliseconds.
const ANEW_MS: i64 = 30 * 1000;

/// What was there when it was looked at last.
#[derive(Clone, Copy, Default)]
struct Looked {
    change: i64,
    seen: [u64; 2],
    time_ms: i64,
}

/// Gives out bundles until nobody asks for it any more.
pub(crate) async fn run(service: Arc<Service>) {
    let mut looked = None;
    loop {
        let under_way = Arc::clone(&service);
        let work = tokio::task::spawn_blocking(move || look(&under_way, looked));
        looked = match work.await {
            Ok(Ok(looked)) => Some(looked),
            Ok(Err(why)) => {
                tracing::error!("no bundle can be made: {why}");
                None
            }
            Err(defect) => {
                tracing::error!("no bundle can be made: {defect}");
                None
            }
        };
        tokio::select! {
            () = service.fleet.changed.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(LOOK_MS)) => {}
        }
    }
}

fn look(service: &Service, before: Option<Looked>) -> Result<Looked, Error> {
    let fleet = &service.fleet;
    let now = Looked {
        change: service.store.read(|it| it.last_change())?,
        seen: [&fleet.test, &fleet.production].map(|newest| newest.seen.load(Ordering::Relaxed)),
        time_ms: service.now_ms(),
    };
    let asked = fleet.look.swap(false, Ordering::Relaxed);
    if let Some(before) = before {
        let same = before.change == now.change && before.seen == now.seen && !asked;
        let fresh = (before.time_ms..before.time_ms.saturating_add(ANEW_MS)).contains(&now.time_ms);
        if same && fresh {
            return Ok(before);
        }
    }
    settle_keys(service, now.time_ms)?;
    // The one that matters most comes first.
    for environment in [Environment::Production, Environment::Test] {
        make(service, environment, now.time_ms)?;
        give(service, environment)?;
    }
    Ok(now)
}

fn make(service: &Service, environment: Environment, now_ms: i64) -> Result<(), Error> {
    let seen = service
        .fleet
        .newest(environment)
        .seen
        .load(Ordering::Relaxed);
    let due = service
        .store
        .read(|it| it.bundle_is_due(environment, seen, now_ms))?;
    if !due {
        return Ok(());
    }
    let making = Making {
        environment,
        seen,
        life_ms: service.limits.bundle_ms,
        seal: &|signer, bundle| Ok(bundle.seal(&service.keys.find(&signer.id)?)?),
    };
    let by = By {
        who: SYSTEM,
        why: "the rollouts or keys have changed, or the time of the bundle before is half over",
        now_ms,
    };
    if let Some(made) = service.store.change(&by, |it| it.make_bundle(&making))? {
        let (number, patches) = (made.number, made.content.len());
        tracing::info!("bundle {number} for {environment}: {patches} patches");
    }
    Ok(())
}

/// Answers those who wait, if there is a newer one, whoever made it.
fn give(service: &Service, environment: Environment) -> Result<(), Error> {
    let newest = &service.fleet.newest(environment).sealed;
    let number = newest.borrow().as_ref().map_or(0, |sealed| sealed.number);
    let found = service
        .store
        .read(|it| it.sealed_bundle(environment, number))?;
    if let Some((number, text)) = found {
        let bytes = text.into();
        newest.send_replace(Some(Sealed { number, bytes }));
    }
    Ok(())
}

/// Lets the next key sign as soon as every ingress point knows it.
fn settle_keys(service: &Service, now_ms: i64) -> Result<(), Error> {
    let fleet = &service.fleet;
    let keys = service.store.read(|it| it.signing_keys())?;
    fleet.rotating.store(keys.len() > 1, Ordering::Relaxed);
    if !service.store.read(|it| it.keys_can_settle())? {
        return Ok(());
    }
    let by = By {
        who: SYSTEM,
        why: "every ingress point has taken a bundle that names the key",
        now_ms,
    };
    if let Some(before) = service.store.change(&by, |it| it.settle_keys())? {
        fleet.rotating.store(false, Ordering::Relaxed);
        if let Err(why) = service.keys.forget(&before) {
            tracing::warn!("a key that is not used any more is still there: {why}");
        }
    }
    Ok(())
}
