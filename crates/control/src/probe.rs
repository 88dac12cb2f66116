//! Probes: an exploit case of an enforced patch, sent from outside through an ingress point, to see
//! that it is stopped.
//!
//! Nothing on the way treats a probe otherwise than any request. It has a mark, so that its event is
//! told from a real hit; that it is the event of a probe is believed if the mark is of one that
//! was sent, and of this very request (`Probe::is_told_by`). So a mark hides nobody's requests.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::probe::{Answer, Marked, Probe, Told};
use ledger::{IngressPoint, sha256};
use rustix::rand::{GetRandomFlags, getrandom};
use store::Error;
use tokio::sync::Semaphore;
use wire::Event;

use crate::coverage::Coverage;
use crate::serve::Service;

/// How often what must be probed is looked for while there is nothing, in milliseconds.
const IDLE_MS: u64 = 5000;
/// The least time between two probes of an ingress point, in milliseconds.
const GAP_MS: u64 = 1000;
/// Probes under way at one time, and begun in one such time, at all ingress points together.
const PROBES: usize = 8;
/// An enforced document, in bytes.
const DOCUMENT_BYTES: usize = 1024 * 1024;

/// Makes requests of exploit cases, and sends them.
pub trait Prober: Send + Sync {
    /// A case of this document that does no harm wherever it arrives, for one of these hosts, each
    /// with its application.
    ///
    /// # Errors
    /// The document has none, or is for none of the applications; for people.
    fn case(&self, document: &str, hosts: &[(Option<String>, String)]) -> Result<Sendable, String>;

    /// Sends the bytes of a request to an address such as `https://shop.example`. Gives the answer's
    /// status.
    ///
    /// # Errors
    /// Nobody answers.
    fn send(&self, address: &str, request: &[u8]) -> Result<u16, String>;
}

/// A request that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sendable {
    /// The case's name.
    pub case: String,
    /// Its method.
    pub method: String,
    /// The host that it names.
    pub host: String,
    /// Its target.
    pub target: String,
    /// All of it, as HTTP/1.1.
    pub bytes: Vec<u8>,
}

/// Probes what is to be probed until nobody asks for it any more.
pub(crate) async fn run(service: Arc<Service>) {
    let Some(prober) = service.prober.clone() else {
        return std::future::pending().await;
    };
    let places = Arc::new(Semaphore::new(PROBES));
    // After which ingress point the next round begins.
    let mut last = String::new();
    loop {
        let (under_way, by) = (Arc::clone(&service), Arc::clone(&prober));
        let from = last.clone();
        let found = tokio::task::spawn_blocking(move || due(&under_way, &*by, &from)).await;
        let begun = match found {
            Ok(Ok(begun)) => begun,
            Ok(Err(why)) => {
                tracing::error!("ingress points are not probed: {why}");
                Vec::new()
            }
            Err(defect) => {
                tracing::error!("ingress points are not probed: {defect}");
                Vec::new()
            }
        };
        last = begun
            .last()
            .map_or(String::new(), |it| it.probe.ingress.clone());
        let wait = if begun.is_empty() { IDLE_MS } else { GAP_MS };
        for begun in begun {
            let (service, prober) = (Arc::clone(&service), Arc::clone(&prober));
            let places = Arc::clone(&places);
            tokio::spawn(async move {
                // It is never closed.
                let Ok(_place) = places.acquire().await else {
                    return;
                };
                let sent = tokio::task::spawn_blocking(move || send(&service, &*prober, &begun));
                if let Err(defect) = sent.await {
                    tracing::error!("a probe failed: {defect}");
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}

/// A probe that is kept already, and is to be sent.
struct Begun {
    probe: Probe,
    address: String,
    request: Vec<u8>,
}

/// The next probes, one for each ingress point, and no more than there are places.
fn due(service: &Service, prober: &dyn Prober, last: &str) -> Result<Vec<Begun>, Error> {
    let coverage = service.store.read(Coverage::of)?;
    let map = coverage.map();
    let probed = |point: &&IngressPoint| point.address.is_some();
    let points: Vec<_> = coverage.points().iter().filter(probed).collect();
    let after = points.partition_point(|point| point.id.as_str() <= last);
    let mut begun = Vec::new();
    for point in points.iter().cycle().skip(after).take(points.len()) {
        if begun.len() == PROBES {
            break;
        }
        let enforced = coverage.enforced(&map, point);
        if !enforced.is_empty() {
            begun.extend(next(service, prober, point, &enforced)?);
        }
    }
    Ok(begun)
}

/// The next probe of an ingress point.
fn next(
    service: &Service,
    prober: &dyn Prober,
    point: &IngressPoint,
    enforced: &[&ledger::bundle::Entry],
) -> Result<Option<Begun>, Error> {
    let now_ms = service.now_ms();
    let probes = service.store.read(|it| it.probes(&point.id))?;
    for entry in enforced {
        let before = probes.iter().find(|probe| probe.patch == entry.patch);
        if before.is_some_and(|before| !before.is_stale(&entry.digest, now_ms)) {
            continue;
        }
        let wanted = [entry.digest.clone()];
        let (documents, hosts) = service
            .store
            .read(|it| Ok((it.documents(&wanted, DOCUMENT_BYTES)?, hosts(it, point)?)))?;
        let Some(document) = documents.first() else {
            continue;
        };
        let mark = match marked(service, &point.id, &entry.patch, now_ms) {
            Ok(mark) => mark,
            Err(why) => {
                tracing::error!("a probe cannot be marked: {why}");
                return Ok(None);
            }
        };
        let mut probe = Probe {
            ingress: point.id.clone(),
            patch: entry.patch.clone(),
            digest: entry.digest.clone(),
            case: String::new(),
            method: String::new(),
            host: String::new(),
            path: String::new(),
            mark,
            sent_ms: now_ms,
            answer: None,
            told: None,
        };
        let request = match prober.case(document, &hosts) {
            Ok(case) => {
                let path = case.target.split('?').next().unwrap_or_default();
                path.clone_into(&mut probe.path);
                (probe.case, probe.method, probe.host) = (case.case, case.method, case.host);
                with_mark(&case.bytes, &probe.mark)
            }
            Err(why) => {
                probe.answer = Some(Answer::Unsent(why));
                Vec::new()
            }
        };
        let before = before.map(|before| before.mark.as_str());
        if !service.store.begin_probe(&probe, before)? || probe.answer.is_some() {
            continue;
        }
        return Ok(Some(Begun {
            address: point.address.clone().unwrap_or_default(),
            probe,
            request,
        }));
    }
    Ok(None)
}

/// The hosts that lead from an ingress point to applications; where none is known, the one at which
/// it is itself.
fn hosts(
    it: &mut store::Session<'_>,
    point: &IngressPoint,
) -> Result<Vec<(Option<String>, String)>, Error> {
    let named = point.paths.iter().filter(|path| path.host != "*");
    let mut hosts: Vec<_> = named
        .map(|path| (path.application.clone(), path.host.clone()))
        .collect();
    for id in &point.applications {
        let application = it.get::<ledger::Application>(id)?.value;
        hosts.extend(
            application
                .hosts
                .into_iter()
                .map(|host| (Some(id.clone()), host)),
        );
    }
    let address = point.address.as_deref().unwrap_or_default();
    let own = address.split_once("://").map_or(address, |(_, host)| host);
    hosts.push((None, own.to_owned()));
    // Of a name that stands for all below it, one.
    for (_, host) in &mut hosts {
        if let Some(end) = host.strip_prefix("*.") {
            *host = format!("stopgap-probe.{end}");
        }
    }
    hosts.dedup();
    Ok(hosts)
}

/// Sends a probe, and keeps what comes back.
fn send(service: &Service, prober: &dyn Prober, begun: &Begun) {
    let answer = match prober.send(&begun.address, &begun.request) {
        Ok(status) => Answer::Status(status),
        Err(why) => Answer::Failed(why),
    };
    let kept = service.store.learn_of_probe(&begun.probe.mark, |probe| {
        probe.answer = Some(answer);
        true
    });
    if let Err(why) = kept {
        tracing::error!("what a probe has shown is not kept: {why}");
    }
}

/// A mark: whose probe it is, of what, when, and something that nobody can guess; signed by the
/// key that signs bundles, so that others who see the request can tell it, too.
fn marked(service: &Service, ingress: &str, patch: &str, now_ms: i64) -> std::io::Result<String> {
    let mut chance = [0; 16];
    getrandom(&mut chance, GetRandomFlags::empty())?;
    let keys = service.store.read(|it| it.signing_keys());
    let keys = keys.map_err(std::io::Error::other)?;
    let signs = keys.first().map_or("", |key| key.id.as_str());
    let key = service.keys.find(signs)?;
    let text = format!(
        "1;{now_ms};{};{}",
        sha256(format!("{ingress}\n{patch}").as_bytes()),
        URL_SAFE_NO_PAD.encode(chance)
    );
    let signed = key.sign(format!("stopgap probe\n{text}").as_bytes());
    Ok(format!("{text};{}", URL_SAFE_NO_PAD.encode(signed)))
}

/// The request with the mark as its first header.
fn with_mark(request: &[u8], mark: &str) -> Vec<u8> {
    let line = request.windows(2).position(|two| two == b"\r\n");
    let (line, rest) = request.split_at(line.map_or(request.len(), |at| at + 2));
    let header = format!("{}: {mark}\r\n", Event::PROBE_HEADER);
    [line, header.as_bytes(), rest].concat()
}

/// Leaves the mark of an event only where it is of a probe that was sent, and keeps what it tells
/// of that.
pub(crate) fn recognise(service: &Service, event: &mut Event) -> Result<(), Error> {
    let Some(mark) = event.probe.take() else {
        return Ok(());
    };
    let time_ms = i64::try_from(event.time_ms).unwrap_or(i64::MAX);
    let marked = Marked {
        name: (&event.ingress, &event.reference),
        method: &event.method,
        host: host_of(&event.host),
        target: &event.path,
        time_ms,
    };
    let Some(known) = service.store.read(|it| it.probe(&mark))? else {
        return Ok(());
    };
    let of_patch = |each: &&wire::EventMatch| each.patch.as_deref() == Some(&*known.patch);
    let mut matches = event.matches.iter().filter(of_patch).peekable();
    if matches.peek().is_none() {
        return Ok(());
    }
    let told = Told {
        ingress: event.ingress.clone(),
        reference: event.reference.clone(),
        enforced: matches.any(|each| each.enforced),
        stripped: event.action == wire::Action::Strip,
    };
    let is_of_it = service.store.learn_of_probe(&mark, |probe| {
        let is_of_it = probe.is_told_by(&marked);
        if is_of_it {
            probe.told = Some(told);
        }
        is_of_it
    })?;
    event.probe = is_of_it.then_some(mark);
    Ok(())
}

/// A host without its port.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}
