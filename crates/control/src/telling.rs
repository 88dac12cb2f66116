//! Subscribers are told of changes: at least once, in the order of the audit log, each at its own pace.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ledger::SYSTEM;
use ledger::audit::Entry;
use sha2::Sha256;
use store::{By, Error, Subscribed};
use tokio::task::{JoinError, JoinSet};
use wire::Exposition;

use crate::secret::random;
use crate::serve::Service;
use crate::telemetry::waiting;

/// How often it is looked for what is to be told, in milliseconds.
const LOOK_MS: u64 = 1000;
/// Entries of the audit log that are looked at, at once, for a subscriber.
const ENTRIES: u32 = 200;
/// How long one delivery may take, in milliseconds.
const DELIVERY_MS: u64 = 20_000;
/// How often a delivery is tried until it is given up.
const ATTEMPTS: u32 = 12;
/// How long after the first failure it is tried again, in milliseconds; twice that after the next.
const FIRST_PAUSE_MS: i64 = 2000;
/// The longest time between two attempts, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 10 * 60 * 1000;
/// Before what is random in the secret of a subscription, as the Standard Webhooks have it.
const PREFIX: &str = "whsec_";

/// One change, as a subscriber is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same each time that it is told.
    pub id: String,
    /// For people: what, of what, and why.
    pub subject: String,
    /// For people, in some lines.
    pub text: String,
    /// For programs: JSON.
    pub body: String,
    /// When this attempt is made: seconds since 1970-01-01 UTC.
    pub time_s: i64,
    /// Of `ID.TIME.BODY`, as the Standard Webhooks have it: `v1,` and the HMAC-SHA256 in base64.
    pub signature: String,
}

/// Brings notices to where subscriptions want them.
pub trait Courier: Send + Sync {
    /// Brings one to `https://…`, `http://…` or `mailto:…`; an error says why it was not taken.
    fn deliver<'a>(&'a self, to: &'a str, notice: &'a Notice) -> Delivering<'a>;
}

/// A delivery under way.
pub type Delivering<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// How often subscribers were told, and were not.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    delivered: AtomicU64,
    failed: AtomicU64,
    given_up: AtomicU64,
}

impl Deliveries {
    pub(crate) fn show(&self, to: &mut Exposition) {
        let help = "Attempts to tell subscribers of a change, by outcome; what is given up is not tried again.";
        let mut attempts = to.counter("stopgap_notices_total", help);
        for (outcome, count) in [
            ("delivered", &self.delivered),
            ("failed", &self.failed),
            ("given-up", &self.given_up),
        ] {
            attempts.sample(&[("outcome", outcome)], count.load(Ordering::Relaxed));
        }
    }
}

/// A new secret, to sign notices with.
///
/// # Errors
/// The system gives no random bytes.
pub fn signing_secret() -> std::io::Result<String> {
    Ok(format!("{PREFIX}{}", STANDARD.encode(random()?)))
}

/// After failures.
#[derive(Clone, Copy)]
struct Pause {
    /// The entry that was not taken.
    entry: i64,
    failures: u32,
    until_ms: i64,
}

/// What became of telling one subscriber.
enum Told {
    /// All that there was.
    All,
    /// This one was not taken.
    Not(Box<Entry>, String),
}

/// Tells until nobody asks for it any more.
pub(crate) async fn run(service: Arc<Service>, courier: Arc<dyn Courier>) {
    let mut pauses: HashMap<String, Pause> = HashMap::new();
    let mut busy: Vec<String> = Vec::new();
    let mut under_way = JoinSet::new();
    loop {
        let of = Arc::clone(&service);
        let looked = waiting(move || of.store.read(|it| it.subscribed())).await;
        let subscribed = settled(looked).unwrap_or_else(|why| {
            tracing::error!("subscribers are not told: {why}");
            Vec::new()
        });
        pauses.retain(|id, _| subscribed.iter().any(|it| it.subscription.id == *id));
        let now_ms = service.now_ms();
        for it in subscribed {
            let id = it.subscription.id.clone();
            let pauses = pauses.get(&id).is_some_and(|it| now_ms < it.until_ms);
            if !pauses && !busy.contains(&id) {
                busy.push(id.clone());
                let (service, courier) = (Arc::clone(&service), Arc::clone(&courier));
                under_way.spawn(async move { (id, tell(&service, &*courier, it).await) });
            }
        }
        let next = tokio::time::sleep(Duration::from_millis(LOOK_MS));
        tokio::pin!(next);
        loop {
            let ended = tokio::select! {
                () = &mut next => break,
                Some(ended) = under_way.join_next() => ended,
            };
            match ended {
                Ok((id, outcome)) => {
                    busy.retain(|it| *it != id);
                    settle(&service, &mut pauses, id, outcome).await;
                }
                Err(defect) => tracing::error!("a subscriber is not told: {defect}"),
            }
        }
    }
}

/// Tells one subscriber of what there is for it.
async fn tell(
    service: &Arc<Service>,
    courier: &dyn Courier,
    to: Subscribed,
) -> Result<Told, String> {
    let (of, from) = (Arc::clone(service), to.told);
    let found = waiting(move || of.store.read(|it| it.audit_after(from, ENTRIES))).await;
    let entries = settled(found)?;
    let mut told = to.told;
    for entry in entries {
        if to.subscription.wants(&entry) {
            let notice = notice(&entry, &to.secret, service.now_ms());
            let delivery = courier.deliver(&to.subscription.to, &notice);
            let patience = Duration::from_millis(DELIVERY_MS);
            let outcome = tokio::time::timeout(patience, delivery).await;
            let outcome = outcome.unwrap_or_else(|_| Err("it took too long".to_owned()));
            if let Err(why) = outcome {
                note(service, &to, told).await?;
                return Ok(Told::Not(Box::new(entry), why));
            }
            let deliveries = &service.telemetry.deliveries;
            deliveries.delivered.fetch_add(1, Ordering::Relaxed);
            note(service, &to, entry.sequence).await?;
        }
        told = entry.sequence;
    }
    note(service, &to, told).await?;
    Ok(Told::All)
}

/// Remembers how far a subscriber was told.
async fn note(service: &Arc<Service>, to: &Subscribed, told: i64) -> Result<(), String> {
    if told == to.told {
        return Ok(());
    }
    let (of, id) = (Arc::clone(service), to.subscription.id.clone());
    let noted = waiting(move || of.store.note_told(&id, told)).await;
    settled(noted)
}

/// What became of work that a thread has done.
fn settled<T>(work: Result<Result<T, Error>, JoinError>) -> Result<T, String> {
    let done = work.map_err(|defect| defect.to_string())?;
    done.map_err(|why| why.to_string())
}

/// Goes on after a delivery: at once, after a while, or without what nobody took so often.
async fn settle(
    service: &Arc<Service>,
    pauses: &mut HashMap<String, Pause>,
    id: String,
    outcome: Result<Told, String>,
) {
    let (entry, why) = match outcome {
        Ok(Told::All) => {
            pauses.remove(&id);
            return;
        }
        Ok(Told::Not(entry, why)) => (entry, why),
        Err(why) => {
            tracing::error!("subscriber {id} is not told: {why}");
            return;
        }
    };
    let deliveries = &service.telemetry.deliveries;
    deliveries.failed.fetch_add(1, Ordering::Relaxed);
    let before = pauses.get(&id).filter(|it| it.entry == entry.sequence);
    let failures = before.map_or(0, |it| it.failures) + 1;
    let (action, subject) = (&entry.action, &entry.subject);
    if failures < ATTEMPTS {
        tracing::warn!("subscriber {id} has not taken {action} of {subject}: {why}");
        let pause_ms = FIRST_PAUSE_MS.saturating_mul(1 << (failures - 1).min(16));
        let until_ms = service
            .now_ms()
            .saturating_add(pause_ms.min(LONGEST_PAUSE_MS));
        let entry = entry.sequence;
        pauses.insert(
            id,
            Pause {
                entry,
                failures,
                until_ms,
            },
        );
        return;
    }
    tracing::error!("subscriber {id} is not told any more of {action} of {subject}: {why}");
    deliveries.given_up.fetch_add(1, Ordering::Relaxed);
    pauses.remove(&id);
    let (of, sequence) = (Arc::clone(service), entry.sequence);
    let given_up = waiting(move || {
        let by = By {
            who: SYSTEM,
            why: "it was not taken, however often it was tried",
            now_ms: of.now_ms(),
        };
        of.store
            .change(&by, |it| it.give_up_telling(&id, sequence))?;
        of.store.note_told(&id, sequence)
    });
    if let Err(why) = settled(given_up.await) {
        tracing::error!("that is not noted: {why}");
    }
}

fn notice(entry: &Entry, secret: &str, now_ms: i64) -> Notice {
    let Entry {
        sequence,
        time_ms,
        who,
        action,
        subject,
        why,
        ..
    } = entry;
    let time = jiff::Timestamp::from_millisecond(*time_ms).unwrap_or_default();
    let body = serde_json::json!({
        "type": action,
        "timestamp": time.to_string(),
        "data": { "sequence": sequence, "who": who, "subject": subject, "why": why },
    });
    let (id, body) = (format!("audit-{sequence}"), body.to_string());
    let time_s = now_ms.div_euclid(1000);
    Notice {
        subject: format!("{action}: {subject}, {why}"),
        text: format!(
            "{action}\n\nof     {subject}\nby     {who}\nwhy    {why}\nwhen   {time}\nentry  {sequence} of the audit log\n"
        ),
        signature: signature(secret, &id, time_s, &body),
        id,
        body,
        time_s,
    }
}

fn signature(secret: &str, id: &str, time_s: i64, body: &str) -> String {
    let random = secret.strip_prefix(PREFIX).unwrap_or(secret);
    // What was made here reads; anything else would be as good a key as it is.
    let key = STANDARD.decode(random).unwrap_or_else(|_| random.into());
    // Keys of any length are taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        return String::new();
    };
    mac.update(format!("{id}.{time_s}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_signed_as_the_standard_webhooks_say() {
        // The example of their specification's reference libraries.
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
