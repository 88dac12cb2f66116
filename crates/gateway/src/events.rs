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

use crate::config::{self, EventFormat};
use crate::error::Error;
use crate::metrics::Metrics;

/// By this target each event is told to `tracing`, as `line`, with the `trace` that a trusted proxy
/// said its request belongs to, for whoever listens.
pub const EVENTS: &str = "gateway::event";

/// Where events go. A full queue never delays a request: the event is dropped and counted.
pub(crate) struct Events {
    queue: Option<SyncSender<Message>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    references: References,
}

/// Keeps events for somebody else than the file of the configuration.
pub trait EventSink: Send {
    /// Keeps one event: a line of JSON, without its end. Told in the order of the events, on a
    /// thread of its own; what fails is counted as lost there.
    fn keep(&mut self, line: &str);
}

/// An event, and the trace that its request came in.
struct Told {
    event: Event,
    trace: Option<String>,
}

enum Message {
    Event(Box<Told>),
    End,
}

impl Events {
    /// Opens the file and starts the writer.
    pub(crate) fn start(
        to: Option<&config::Events>,
        sink: Option<Box<dyn EventSink>>,
    ) -> Result<Self, Error> {
        let references = References::new();
        if to.is_none() && sink.is_none() {
            return Ok(Self {
                queue: None,
                writer: Mutex::default(),
                references,
            });
        }
        let output = to.map(|to| open(&to.file)).transpose()?;
        let format = to.map(|to| to.format).unwrap_or_default();
        let places = Places {
            output,
            format,
            sink,
        };
        let (queue, events) = sync_channel(to.map_or_else(config::default_queue, |to| to.queue));
        let writer = std::thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || write(&events, places))
            .map_err(|why| Error::system("cannot start the writer of events", why))?;
        Ok(Self {
            queue: Some(queue),
            writer: Mutex::new(Some(writer)),
            references,
        })
    }

    /// A name for a request, its event and its page.
    pub(crate) fn reference(&self) -> Reference {
        self.references.next()
    }

    pub(crate) fn send(&self, event: Event, trace: Option<String>, metrics: &Metrics) {
        let Some(queue) = &self.queue else { return };
        let told = Box::new(Told { event, trace });
        if queue.try_send(Message::Event(told)).is_err() {
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

/// Where each event goes.
struct Places {
    output: Option<Output>,
    format: EventFormat,
    sink: Option<Box<dyn EventSink>>,
}

type Output = BufWriter<Box<dyn Write + Send>>;

fn open(file: &Path) -> Result<Output, Error> {
    if file == Path::new("-") {
        return Ok(BufWriter::new(Box::new(std::io::stdout())));
    }
    let opened = OpenOptions::new().create(true).append(true).open(file);
    let opened = opened.map_err(|why| Error::file(file, why))?;
    Ok(BufWriter::new(Box::new(opened)))
}

/// Writes until the end is sent; flushes whenever nothing waits.
fn write(events: &Receiver<Message>, mut places: Places) {
    let mut next = events.recv().ok();
    while let Some(Message::Event(told)) = next {
        let written = places.keep(&told);
        next = events.try_recv().ok();
        let flushed = if next.is_none() {
            places.flush()
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
    if let Err(why) = places.flush() {
        tracing::error!("the last events cannot be written: {why}");
    }
}

impl Places {
    fn keep(&mut self, Told { event, trace }: &Told) -> std::io::Result<()> {
        let line = event.to_line().map_err(std::io::Error::other)?;
        tracing::trace!(target: EVENTS, line, trace);
        if let Some(sink) = &mut self.sink {
            sink.keep(&line);
        }
        match &mut self.output {
            Some(output) => match self.format {
                EventFormat::Stopgap => writeln!(output, "{line}"),
                EventFormat::Ocsf => writeln!(output, "{}", event.to_ocsf()),
            },
            None => Ok(()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

/// A name that does not come again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference(u64);

impl Reference {
    /// As it is shown, in hexadecimal digits.
    pub(crate) fn digits(self) -> [u8; 16] {
        let mut left = self.0;
        std::array::from_fn(|_| {
            left = left.rotate_left(4);
            match (left & 0xf) as u8 {
                digit @ 0..=9 => b'0' + digit,
                digit => b'a' + digit - 10,
            }
        })
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
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

    fn next(&self) -> Reference {
        // splitmix64: every counter gives another name.
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut mixed = self
            .seed
            .wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Reference(mixed ^ (mixed >> 31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_same_digits_wherever_it_is_shown() {
        for name in [0, 0x0123_4567_89ab_cdef, u64::MAX] {
            let shown = Reference(name).to_string();
            assert_eq!(shown.as_bytes(), Reference(name).digits());
        }
    }
}
