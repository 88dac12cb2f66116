//! Brings records to the collector, some at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use serde_json::Value;

use super::records::{Kind, message};
use crate::web::{Web, client};

/// Records that wait; more are lost and counted.
const WAITING: usize = 8192;
/// Records of one message.
const BATCH: usize = 512;
/// How long a record waits for others.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a collector may take to answer, in milliseconds.
const ANSWER_MS: u64 = 10_000;
/// Attempts to bring a message; then it is lost.
const TRIES: u32 = 5;
/// How long the last records may take when the program ends, in milliseconds.
const END_MS: u64 = 3_000;

/// Where records wait.
pub(super) struct Queue {
    records: SyncSender<Told>,
    lost: Arc<AtomicU64>,
}

enum Told {
    Record(Kind, Value),
    End,
}

impl Queue {
    /// Never waits: what has no room is counted.
    pub(super) fn put(&self, kind: Kind, record: Value) {
        if self.records.try_send(Told::Record(kind, record)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The thread that sends; when this ends, what waits is sent first.
pub(crate) struct Exports {
    records: SyncSender<Told>,
    sends: Option<JoinHandle<()>>,
}

impl Exports {
    pub(super) fn start(collector: &Uri, resource: Value) -> anyhow::Result<(Queue, Self)> {
        let (records, waiting) = sync_channel(WAITING);
        let lost = Arc::<AtomicU64>::default();
        let mut sender = Sender::new(collector, resource, Arc::clone(&lost))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let sends = std::thread::Builder::new()
            .name("otlp".to_owned())
            .spawn(move || sender.serve(&runtime, &waiting))?;
        let queue = Queue {
            records: records.clone(),
            lost,
        };
        let sends = Some(sends);
        Ok((queue, Self { records, sends }))
    }
}

impl Drop for Exports {
    fn drop(&mut self) {
        let until = Instant::now() + Duration::from_millis(END_MS);
        let mut end = Told::End;
        while let Err(TrySendError::Full(again)) = self.records.try_send(end) {
            end = again;
            if Instant::now() > until {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let Some(sends) = self.sends.take() else {
            return;
        };
        while !sends.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

struct Sender {
    client: Web,
    collector: String,
    resource: Value,
    lost: Arc<AtomicU64>,
    /// Of these it was said already.
    said: u64,
}

impl Sender {
    fn new(collector: &Uri, resource: Value, lost: Arc<AtomicU64>) -> anyhow::Result<Self> {
        Ok(Self {
            client: client(None)?,
            collector: collector.to_string().trim_end_matches('/').to_owned(),
            resource,
            lost,
            said: 0,
        })
    }

    /// Sends until the end is told.
    fn serve(&mut self, runtime: &tokio::runtime::Runtime, waiting: &Receiver<Told>) {
        let mut goes_on = true;
        while goes_on {
            let (mut logs, mut spans) = (Vec::new(), Vec::new());
            let mut until = None;
            while logs.len() + spans.len() < BATCH {
                let told = match until {
                    None => waiting.recv().map_err(|_| RecvTimeoutError::Disconnected),
                    Some(until) => waiting
                        .recv_timeout(Instant::saturating_duration_since(&until, Instant::now())),
                };
                until.get_or_insert_with(|| Instant::now() + PATIENCE);
                match told {
                    Ok(Told::Record(Kind::Log, record)) => logs.push(record),
                    Ok(Told::Record(Kind::Span, record)) => spans.push(record),
                    Err(RecvTimeoutError::Timeout) => break,
                    Ok(Told::End) | Err(RecvTimeoutError::Disconnected) => {
                        goes_on = false;
                        break;
                    }
                }
            }
            for (kind, records) in [(Kind::Log, logs), (Kind::Span, spans)] {
                if !records.is_empty() {
                    runtime.block_on(self.send(kind, &records, goes_on));
                }
            }
            self.tell();
        }
    }

    /// One message; what nobody takes is lost.
    async fn send(&self, kind: Kind, records: &[Value], patient: bool) {
        let body = Bytes::from(message(&self.resource, kind, records).to_string());
        let attempts = if patient { TRIES } else { 1 };
        for attempt in 0..attempts {
            match self.post(kind, body.clone()).await {
                Ok(status) if status.is_success() => return,
                // As the protocol says, these may be tried again; what else is refused stays so.
                Ok(StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY)
                | Ok(StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
                | Err(_) => {}
                Ok(status) => {
                    tracing::warn!("the collector answers {status} to {}", kind.path());
                    break;
                }
            }
            if attempt + 1 < attempts {
                tokio::time::sleep(PATIENCE * 2_u32.pow(attempt)).await;
            }
        }
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    async fn post(&self, kind: Kind, body: Bytes) -> anyhow::Result<StatusCode> {
        let request = Request::post(format!("{}{}", self.collector, kind.path()))
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("stopgap/", env!("CARGO_PKG_VERSION")))
            .body(Full::from(body))?;
        let answer = tokio::time::timeout(
            Duration::from_millis(ANSWER_MS),
            self.client.request(request),
        )
        .await;
        Ok(answer.context("no answer")??.status())
    }

    /// Says how many are lost, when there are more than before.
    fn tell(&mut self) {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > self.said {
            self.said = lost;
            tracing::warn!(
                "{lost} records of telemetry are lost: the collector does not take them"
            );
        }
    }
}
