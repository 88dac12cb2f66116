//! What the control side says to enforce: taken, tried, kept, attested; and events, delivered.
//!
//! Traffic never waits for any of it. `Member::follow` is the life of a bundle, `Member::attest`
//! and `Member::deliver` go on beside it.

mod backoff;
mod calls;
mod documents;
mod enrol;
mod place;
mod spool;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use gateway::{Fleet, FleetMetrics, Observer};
use http::StatusCode;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{JoinSet, block_in_place};
use wire::{
    Attestation, Attested, Bundle, BundleMode, BundlePatch, BundleRefused, Refusal, Trust, Wanted,
};

use super::plan::Named;
use backoff::Backoff;
use calls::{Calls, Control, Failed, now_ms};
use documents::{Documents, digest_of};
pub(super) use enrol::{Enrol, enrol};
pub(crate) use enrol::{has_joined, join};
use place::{Enforced, Place};
use spool::{Intake, Spool};

/// How often an ingress point attests what has not changed.
const ATTEST: Duration = Duration::from_secs(30);

/// An ingress point of a fleet.
pub(super) struct Member {
    ingress: String,
    place: Place,
    documents: Documents,
    calls: Calls,
    metrics: Arc<FleetMetrics>,
    spool: Arc<Spool>,
    status: Mutex<Status>,
    /// Told when there is something new to attest.
    changed: Notify,
    /// Told when what was refused may be taken now.
    again: Notify,
}

/// What is in use, and what is not.
struct Status {
    trust: Trust,
    bundle: Option<Bundle>,
    /// The one before, to which the next may go back.
    before: Option<Bundle>,
    refused: Option<Refusal>,
}

/// A bundle that is whole and trusted: whoever has the plan tries it, and says so.
pub(super) struct Offer {
    bundle: Bundle,
    answer: oneshot::Sender<Result<(), Declined>>,
}

/// Why a bundle is not taken.
struct Declined {
    refusal: Refusal,
    /// What may be better soon: it is asked for again.
    passing: bool,
}

impl Declined {
    fn of(reason: &str, why: &anyhow::Error) -> Self {
        Self {
            refusal: Refusal {
                reason: reason.to_owned(),
                detail: format!("{why:#}"),
            },
            passing: matches!(reason, "documents" | "storage"),
        }
    }
}

/// How asking for a bundle ended.
enum Answer {
    Nothing,
    Taken,
    /// The number, if who sent it is trusted.
    Declined(Option<u64>, Declined),
}

impl Member {
    /// What the folder of an enrolled ingress point says.
    pub(super) fn load(control: &gateway::Control) -> anyhow::Result<Arc<Self>> {
        let server = Control::parse(&control.url, control.authorities.as_deref())?;
        let place = Place::open(&control.state)?;
        let member = place.membership()?.with_context(|| {
            format!(
                "{} is not the folder of an enrolled gateway: run `stopgap gateway enrol --control \
                 {} --state {} --token TOKEN`",
                control.state.display(),
                control.url,
                control.state.display()
            )
        })?;
        let metrics = Arc::<FleetMetrics>::default();
        let (trust, bundle) = match place.enforced()? {
            Some(enforced) => {
                metrics.took(&enforced.bundle);
                (enforced.trust, Some(enforced.bundle))
            }
            None => {
                let trust = Trust {
                    environment: member.is.environment,
                    keys: member.is.keys,
                    number: 0,
                };
                (trust, None)
            }
        };
        let spool = Spool::open(place.folder("spool"), Arc::clone(&metrics))?;
        Ok(Arc::new(Self {
            calls: Calls::new(server, member.is.ingress.clone(), place.key()?),
            ingress: member.is.ingress,
            documents: Documents::open(place.folder("documents"))?,
            place,
            metrics,
            spool: Arc::new(spool),
            status: Mutex::new(Status {
                trust,
                bundle,
                before: None,
                refused: None,
            }),
            changed: Notify::new(),
            again: Notify::new(),
        }))
    }

    /// As the control side calls it.
    pub(super) fn ingress(&self) -> &str {
        &self.ingress
    }

    /// What the gateway needs of it.
    pub(super) fn fleet(&self) -> Fleet {
        Fleet {
            events: Box::new(Intake(Arc::clone(&self.spool))),
            metrics: Arc::clone(&self.metrics),
        }
    }

    /// The patches of the bundle in use; of none if there is none.
    ///
    /// # Errors
    /// A document is not there, or damaged.
    pub(super) fn enforced(&self) -> anyhow::Result<Vec<Named>> {
        match &self.status().bundle {
            Some(bundle) => self.patches(bundle).with_context(|| {
                format!("the bundle in use, number {}, is not whole", bundle.number)
            }),
            None => Ok(Vec::new()),
        }
    }

    fn patches(&self, bundle: &Bundle) -> anyhow::Result<Vec<Named>> {
        let named = |patch: &BundlePatch| {
            let mode = match patch.mode {
                BundleMode::Shadow {} => engine::Mode::Shadow,
                BundleMode::Enforce {} => engine::Mode::Enforce,
                BundleMode::Canary { percent } => {
                    let share = engine::Share::of(percent);
                    engine::Mode::Canary(share.with_context(|| format!("{percent} is no share"))?)
                }
            };
            Ok(Named {
                id: patch.id.clone(),
                text: self.documents.of(patch)?,
                mode,
            })
        };
        bundle.patches.iter().map(named).collect()
    }

    /// Begins to follow the control side, as long as the tasks live.
    pub(super) fn start(
        self: &Arc<Self>,
        observer: Observer,
    ) -> (mpsc::Receiver<Offer>, JoinSet<()>) {
        let (offers, offered) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        let member = || Arc::clone(self);
        let (follower, attester, deliverer) = (member(), member(), member());
        tasks.spawn(async move { follower.follow(&offers).await });
        tasks.spawn(async move { attester.attest(&observer).await });
        tasks.spawn(async move { deliverer.deliver().await });
        (offered, tasks)
    }

    /// What is beside the bundle has changed: what was refused may be taken now.
    pub(super) fn reconsider(&self) {
        self.again.notify_one();
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn follow(&self, offers: &mpsc::Sender<Offer>) {
        let mut pause = Backoff::default();
        let mut after = self.status().trust.number;
        loop {
            let asked = tokio::select! {
                asked = self.next_bundle(after, offers) => asked,
                () = self.again.notified() => {
                    after = self.status().trust.number;
                    continue;
                }
            };
            match asked {
                Ok(Answer::Nothing) => pause.reset(),
                Ok(Answer::Taken) => {
                    after = self.status().trust.number;
                    pause.reset();
                }
                Ok(Answer::Declined(number, declined)) => {
                    self.refuse(declined.refusal);
                    match number.filter(|_| !declined.passing) {
                        // Of a trusted sender: a newer one, which may be better, comes at once.
                        Some(number) => {
                            after = number;
                            pause.reset();
                        }
                        None => pause.wait().await,
                    }
                }
                Err(why) => {
                    if pause.is_first() {
                        tracing::warn!("{why}; what is enforced stays as it is");
                    }
                    pause.wait().await;
                }
            }
        }
    }

    /// Asks for a bundle, and sees to it that it is taken.
    async fn next_bundle(
        &self,
        after: u64,
        offers: &mpsc::Sender<Offer>,
    ) -> Result<Answer, Failed> {
        let trust = self.status().trust.clone();
        let opened = match self.calls.bundle(after).await {
            Ok(None) => return Ok(Answer::Nothing),
            Ok(Some(sealed)) => trust.open(&sealed, now_ms()),
            Err(Failed::TooLong) => Err(BundleRefused::TooLarge {
                bytes: calls::ANSWER_BYTES + 1,
            }),
            Err(why) => return Err(why),
        };
        let bundle = match opened {
            Ok(bundle) => bundle,
            Err(why) => {
                let reason = why.name();
                return Ok(Answer::Declined(None, Declined::of(reason, &why.into())));
            }
        };
        let number = bundle.number;
        let outcome = match self.fetch(&bundle).await? {
            Ok(()) => self.offer(bundle, offers).await,
            Err(declined) => Err(declined),
        };
        Ok(match outcome {
            Ok(()) => Answer::Taken,
            Err(declined) => Answer::Declined(Some(number), declined),
        })
    }

    /// Gets the documents that are not here.
    async fn fetch(&self, bundle: &Bundle) -> Result<Result<(), Declined>, Failed> {
        // Whatever waits for the disk must not hold up the thread's other tasks: requests.
        let mut missing = block_in_place(|| self.documents.missing(bundle));
        let declined = |reason, why: anyhow::Error| Ok(Err(Declined::of(reason, &why)));
        if missing.is_empty() {
            return Ok(Ok(()));
        }
        while !missing.is_empty() {
            let wanted = Wanted {
                digests: missing.iter().take(Wanted::MOST).cloned().collect(),
            };
            let mut came = HashSet::new();
            for text in self.calls.documents(&wanted).await? {
                let digest = digest_of(&text);
                if !wanted.digests.contains(&digest) {
                    let why = "a document came that is not one of those that the bundle names";
                    return declined("documents", anyhow!("{why}: its digest is {digest}"));
                }
                if let Err(why) = block_in_place(|| self.documents.keep(&digest, &text)) {
                    return declined("storage", why);
                }
                came.insert(digest);
            }
            if came.is_empty() {
                let (count, first) = (missing.len(), missing.first());
                let first = first.map_or("", String::as_str);
                let why =
                    anyhow!("the control side does not have {count} documents, such as {first}");
                return declined("documents", why);
            }
            missing.retain(|digest| !came.contains(digest));
        }
        match block_in_place(|| self.documents.settle()) {
            Ok(()) => Ok(Ok(())),
            Err(why) => declined("storage", why),
        }
    }

    async fn offer(&self, bundle: Bundle, offers: &mpsc::Sender<Offer>) -> Result<(), Declined> {
        let (answer, answered) = oneshot::channel();
        let stopping = |_| Declined::of("storage", &anyhow!("the gateway stops"));
        let offer = Offer { bundle, answer };
        // Both fail only when nobody takes bundles any more.
        if offers.send(offer).await.is_err() {
            return std::future::pending().await;
        }
        answered.await.map_err(stopping)?
    }

    fn refuse(&self, refusal: Refusal) {
        tracing::error!(
            reason = refusal.reason,
            "a bundle is refused, what is enforced stays as it is: {}",
            refusal.detail
        );
        self.metrics.refused(&refusal.reason);
        let mut status = self.status();
        let bundles: Vec<_> = status.bundle.iter().chain(&status.before).collect();
        if let Err(why) = block_in_place(|| self.documents.prune(&bundles)) {
            tracing::warn!("documents that nothing names are kept: {why}");
        }
        if status.refused.as_ref() != Some(&refusal) {
            status.refused = Some(refusal);
            self.changed.notify_one();
        }
    }

    /// Makes it the last known good, then takes it into use: so it stays in use after a crash.
    fn keep(&self, bundle: Bundle, swap: impl FnOnce()) -> anyhow::Result<()> {
        let trust = self.status().trust.after(&bundle);
        let enforced = Enforced::of(trust, bundle);
        self.place.keep_enforced(&enforced)?;
        swap();
        let mut status = self.status();
        self.metrics.took(&enforced.bundle);
        status.before = status.bundle.replace(enforced.bundle);
        status.trust = enforced.trust;
        status.refused = None;
        let bundles: Vec<_> = status.bundle.iter().chain(&status.before).collect();
        if let Err(why) = self.documents.prune(&bundles) {
            tracing::warn!("documents that nothing names are kept: {why}");
        }
        self.changed.notify_one();
        Ok(())
    }

    async fn attest(&self, observer: &Observer) {
        let mut pause = Backoff::default();
        let mut stale = 0;
        loop {
            let attestation = self.attestation(observer);
            if let Some(number) = self.is_stale()
                && number != stale
            {
                stale = number;
                tracing::warn!(
                    "bundle {number} is past its time and stays in use: the control side has sent no newer one"
                );
            }
            match self.calls.attest(&attestation).await {
                Ok(()) => {
                    pause.reset();
                    let _: Result<(), _> =
                        tokio::time::timeout(ATTEST, self.changed.notified()).await;
                }
                Err(why) => {
                    tracing::debug!("not attested: {why}");
                    pause.wait().await;
                }
            }
        }
    }

    fn is_stale(&self) -> Option<u64> {
        let status = self.status();
        let bundle = status.bundle.as_ref()?;
        (bundle.expires_ms <= now_ms()).then_some(bundle.number)
    }

    fn attestation(&self, observer: &Observer) -> Attestation {
        let (events_waiting, events_lost) = self.metrics.events();
        let status = self.status();
        let patches = status.bundle.iter().flat_map(|bundle| &bundle.patches);
        let enforced = patches.map(|patch| Attested {
            id: patch.id.clone(),
            digest: patch.digest.clone(),
            mode: patch.mode,
        });
        Attestation {
            version: 1,
            time_ms: now_ms(),
            bundle: status.bundle.as_ref().map_or(0, |bundle| bundle.number),
            enforced: enforced.collect(),
            refused: status.refused.clone(),
            traffic: observer.traffic(),
            events_waiting,
            events_lost,
        }
    }

    async fn deliver(&self) {
        let mut pause = Backoff::default();
        let mut most = wire::Delivery::MOST;
        loop {
            let spool = Arc::clone(&self.spool);
            let batch = tokio::task::spawn_blocking(move || spool.batch(most)).await;
            let Ok(Some(batch)) = batch else {
                self.spool.came.notified().await;
                continue;
            };
            match self.calls.deliver(&batch.delivery).await {
                Ok(_) => {
                    self.spool.delivered(&batch);
                    most = wire::Delivery::MOST;
                    pause.reset();
                }
                Err(Failed::Refused(
                    StatusCode::BAD_REQUEST
                    | StatusCode::PAYLOAD_TOO_LARGE
                    | StatusCode::UNPROCESSABLE_ENTITY,
                    why,
                )) => {
                    // One of them is at fault: it must not keep the others.
                    match batch.delivery.events.len() {
                        0 | 1 => self.spool.give_up(&batch, &why),
                        many => most = many / 2,
                    }
                }
                Err(why) => {
                    tracing::debug!("events are not delivered: {why}");
                    pause.wait().await;
                }
            }
        }
    }
}

impl Offer {
    /// Its patches, as the documents say.
    pub(super) fn patches(&self, member: &Member) -> anyhow::Result<Vec<Named>> {
        member.patches(&self.bundle)
    }

    /// It is tried and good: keeps it, and, if that succeeds, takes it into use.
    pub(super) fn accept(self, member: &Member, swap: impl FnOnce()) {
        let number = self.bundle.number;
        let kept = member.keep(self.bundle, swap);
        if kept.is_ok() {
            tracing::info!("bundle {number} is in use");
        }
        let answer = kept.map_err(|why| Declined::of("storage", &why));
        // Whoever asked may have gone; the bundle is in use all the same.
        let _: Result<(), _> = self.answer.send(answer);
    }

    /// It is not taken, for this reason.
    pub(super) fn decline(self, reason: &str, why: &anyhow::Error) {
        let why = why.to_string();
        let declined = Declined::of(reason, &anyhow!("bundle {}: {why}", self.bundle.number));
        let _: Result<(), _> = self.answer.send(Err(declined));
    }
}
