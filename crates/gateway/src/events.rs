//! Events to JSON lines, on a thread of their own.

use std::fs::OpenOptions;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use wire::Event;

use crate::config;
use crate::error::Error;
use crate::metrics::Metrics;

/// Where events go. A full queue never delays a request: the event is dropped and counted.
pub(crate) struct Events {
    queue: Option<SyncSender<Message>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    references: References,
}

enum Message {
    Event(Box<Event>),
    End,
}

impl Events {
    /// Opens the file and starts the writer.
    pub(crate) fn start(to: Option<&config::Events>) -> Result<Self, Error> {
        let references = References::new();
        let Some(to) = to else {
            return Ok(Self {
                queue: None,
                writer: Mutex::default(),
                references,
            });
        };
        let output: Box<dyn Write + Send> = if to.file == Path::new("-") {
            Box::new(std::io::stdout())
        } else {
            let file = OpenOptions::new().create(true).append(true).open(&to.file);
            Box::new(file.map_err(|why| Error::file(&to.file, why))?)
        };
        let (queue, events) = sync_channel(to.queue);
        let writer = std::thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || write(&events, BufWriter::new(output)))
            .map_err(|why| Error::system("cannot start the writer of events", why))?;
        Ok(Self {
            queue: Some(queue),
            writer: Mutex::new(Some(writer)),
            references,
        })
    }

    /// A name for an event and the page that belongs to it.
    pub(crate) fn reference(&self) -> String {
        self.references.next()
    }

    pub(crate) fn send(&self, event: Event, metrics: &Metrics) {
        if let Some(queue) = &self.queue
            && queue.try_send(Message::Event(Box::new(event))).is_err()
        {
            metrics.events_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes what waits, then ends the writer. Blocks meanwhile.
    pub(crate) fn end(&self) {
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let (Some(queue), Some(writer)) = (&self.queue, writer)
            && queue.send(Message::End).is_ok()
            && writer.join().is_err()
        {
            tracing::error!("the writer of events failed; the last events are lost");
        }
    }
}

/// Milliseconds since 1970-01-01 UTC.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

/// Writes until the end is sent; flushes whenever nothing waits.
fn write(events: &Receiver<Message>, mut output: BufWriter<Box<dyn Write + Send>>) {
    let mut next = events.recv().ok();
    while let Some(Message::Event(event)) = next {
        let written = event
            .to_line()
            .map_err(std::io::Error::other)
            .and_then(|line| writeln!(output, "{line}"));
        next = events.try_recv().ok();
        let flushed = if next.is_none() {
            output.flush()
        } else {
            Ok(())
        };
        if let Err(why) = written.and(flushed) {
            tracing::error!("an event cannot be written: {why}");
        }
        if next.is_none() {
            next = events.recv().ok();
        }
    }
    if let Err(why) = output.flush() {
        tracing::error!("the last events cannot be written: {why}");
    }
}

/// Names that do not repeat: a counter, mixed, from a start that differs in each process.
struct References {
    seed: u64,
    count: AtomicU64,
}

impl References {
    fn new() -> Self {
        Self {
            seed: RandomState::new().hash_one(now_ms()),
            count: AtomicU64::new(0),
        }
    }

    fn next(&self) -> String {
        // splitmix64: every counter gives another name.
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut mixed = self
            .seed
            .wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", mixed ^ (mixed >> 31))
    }
}
