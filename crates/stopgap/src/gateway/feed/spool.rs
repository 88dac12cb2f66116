//! Events that wait on disk until the control side has them.
//!
//! Segments are files of lines, named by a rising number. The newest is written; it is closed
//! when it is long enough, or when it is to be delivered. What has been delivered of a segment is
//! remembered in memory alone: after a crash it is delivered again, and kept once, by its reference.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use gateway::{EventSink, FleetMetrics};
use tokio::sync::Notify;
use wire::{Delivery, Event};

/// Bytes of all events that wait, at most; of more, the oldest are lost.
const SPOOL_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of one segment, after which another begins.
const SEGMENT_BYTES: u64 = 1024 * 1024;
/// Bytes of one event, at most: larger ones are lost.
const SPOOLED_BYTES: usize = 1024 * 1024;
/// Bytes of events that are delivered at once, at most, unless one alone has more.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// Events that wait to be delivered.
pub(super) struct Spool {
    folder: PathBuf,
    metrics: Arc<FleetMetrics>,
    inner: Mutex<Inner>,
    /// Told when events come.
    pub(super) came: Notify,
}

#[derive(Default)]
struct Inner {
    /// The oldest first.
    closed: VecDeque<Segment>,
    open: Option<(Segment, File)>,
    next: u64,
    /// What is left of the oldest segment.
    reading: Option<(u64, VecDeque<(usize, Event)>)>,
    full_bytes: u64,
    segment_bytes: u64,
}

struct Segment {
    number: u64,
    bytes: u64,
    /// That are not delivered.
    events: u64,
}

/// Events to be delivered together.
pub(super) struct Batch {
    segment: u64,
    pub(super) delivery: Delivery,
}

/// What the gateway's events go to.
pub(super) struct Intake(pub(super) Arc<Spool>);

impl EventSink for Intake {
    fn keep(&mut self, line: &str) {
        self.0.keep(line);
    }
}

impl Spool {
    /// Opens the folder; what waits there from before is delivered first.
    pub(super) fn open(folder: PathBuf, metrics: Arc<FleetMetrics>) -> anyhow::Result<Self> {
        Self::bounded(folder, metrics, SPOOL_BYTES, SEGMENT_BYTES)
    }

    fn bounded(
        folder: PathBuf,
        metrics: Arc<FleetMetrics>,
        full_bytes: u64,
        segment_bytes: u64,
    ) -> anyhow::Result<Self> {
        let closed = found(&folder);
        let closed = closed.with_context(|| format!("cannot read {}", folder.display()))?;
        let spool = Self {
            folder,
            metrics,
            inner: Mutex::new(Inner {
                next: closed
                    .back()
                    .map_or(1, |last| last.number.saturating_add(1)),
                closed,
                full_bytes,
                segment_bytes,
                ..Inner::default()
            }),
            came: Notify::new(),
        };
        spool.count(&spool.lock());
        Ok(spool)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, inner: &Inner) {
        let open = inner.open.iter().map(|(segment, _)| segment);
        let waiting = inner.closed.iter().chain(open).map(|each| each.events);
        self.metrics.waiting(waiting.sum());
    }

    fn lost(&self, events: u64, why: &dyn std::fmt::Display) {
        self.metrics.lost(events);
        tracing::error!("{events} events are lost: {why}");
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}.jsonl"))
    }

    fn keep(&self, line: &str) {
        if line.len() > SPOOLED_BYTES {
            self.lost(1, &format!("one has more than {SPOOLED_BYTES} bytes"));
            return;
        }
        let inner = &mut *self.lock();
        if let Err(why) = self.append(inner, line) {
            // A line that is not whole is the last of its file.
            inner.close();
            self.lost(1, &format!("{}: {why}", self.folder.display()));
        }
        self.make_room(inner);
        self.count(inner);
        self.came.notify_one();
    }

    fn append(&self, inner: &mut Inner, line: &str) -> std::io::Result<()> {
        let (mut segment, mut file) = match inner.open.take() {
            Some(open) => open,
            None => {
                let number = inner.next;
                let path = self.path(number);
                let file = OpenOptions::new()
                    .create_new(true)
                    .append(true)
                    .open(path)?;
                inner.next = inner.next.saturating_add(1);
                let (bytes, events) = (0, 0);
                (
                    Segment {
                        number,
                        bytes,
                        events,
                    },
                    file,
                )
            }
        };
        let written = file.write_all(format!("{line}\n").as_bytes());
        segment.bytes += line.len() as u64 + 1;
        segment.events += u64::from(written.is_ok());
        let long = segment.bytes >= inner.segment_bytes;
        inner.open = Some((segment, file));
        if long {
            inner.close();
        }
        written
    }

    /// The newest events are worth more than the oldest.
    fn make_room(&self, inner: &mut Inner) {
        while inner.bytes() > inner.full_bytes
            && let Some(oldest) = inner.closed.pop_front()
        {
            inner.reading = inner
                .reading
                .take()
                .filter(|(number, _)| *number != oldest.number);
            self.remove(oldest.number);
            self.lost(oldest.events, &"too many wait to be delivered");
        }
    }

    fn remove(&self, number: u64) {
        let path = self.path(number);
        if let Err(why) = std::fs::remove_file(&path) {
            tracing::error!("cannot remove {}: {why}", path.display());
        }
    }

    /// The oldest events, so many at most; none if none wait.
    pub(super) fn batch(&self, most: usize) -> Option<Batch> {
        let inner = &mut *self.lock();
        loop {
            if let Some((number, events)) = &inner.reading
                && !events.is_empty()
            {
                let mut bytes = 0;
                let mut room = |of: usize| {
                    let first = bytes == 0;
                    bytes += of;
                    first || bytes <= BATCH_BYTES
                };
                let fits = events
                    .iter()
                    .take(most)
                    .take_while(|(length, _)| room(*length));
                return Some(Batch {
                    segment: *number,
                    delivery: Delivery {
                        events: fits.map(|(_, event)| event.clone()).collect(),
                    },
                });
            }
            self.read_next(inner)?;
            self.count(inner);
        }
    }

    /// Reads the oldest segment, after the one that has been read.
    fn read_next(&self, inner: &mut Inner) -> Option<()> {
        if let Some((number, _)) = inner.reading.take() {
            let at = inner.closed.iter().position(|each| each.number == number);
            if at.and_then(|at| inner.closed.remove(at)).is_some() {
                self.remove(number);
            }
        }
        if inner.closed.is_empty() {
            inner.close();
        }
        let oldest = inner.closed.front_mut()?;
        let text = std::fs::read(self.path(oldest.number)).unwrap_or_default();
        let lines = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let read = lines.filter_map(|line| {
            let event = Event::from_line(std::str::from_utf8(line).ok()?).ok()?;
            Some((line.len(), event))
        });
        let events: VecDeque<_> = read.collect();
        let lost = oldest.events.saturating_sub(events.len() as u64);
        oldest.events = events.len() as u64;
        if lost > 0 {
            self.lost(
                lost,
                &format!("{} is damaged", self.path(oldest.number).display()),
            );
        }
        inner.reading = Some((oldest.number, events));
        Some(())
    }

    /// The batch need not be delivered again.
    pub(super) fn delivered(&self, batch: &Batch) {
        let inner = &mut *self.lock();
        // It may have been given up meanwhile, to make room.
        let Some((number, events)) = &mut inner.reading else {
            return;
        };
        if *number != batch.segment {
            return;
        }
        let count = batch.delivery.events.len().min(events.len());
        events.drain(..count);
        let left = events.len() as u64;
        if let Some(segment) = inner
            .closed
            .iter_mut()
            .find(|each| each.number == batch.segment)
        {
            segment.events = left;
        }
        if left == 0 {
            inner.reading = None;
            inner.closed.retain(|each| each.number != batch.segment);
            self.remove(batch.segment);
        }
        self.count(inner);
    }

    /// The batch cannot be delivered, now or later.
    pub(super) fn give_up(&self, batch: &Batch, why: &dyn std::fmt::Display) {
        self.lost(batch.delivery.events.len() as u64, why);
        self.delivered(batch);
    }
}

impl Inner {
    fn close(&mut self) {
        self.closed
            .extend(self.open.take().map(|(segment, _)| segment));
    }

    fn bytes(&self) -> u64 {
        let open = self.open.iter().map(|(segment, _)| segment);
        self.closed.iter().chain(open).map(|each| each.bytes).sum()
    }
}

/// The segments of a folder, which is made if it is not there.
fn found(folder: &Path) -> std::io::Result<VecDeque<Segment>> {
    std::fs::create_dir_all(folder)?;
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_suffix(".jsonl")?.parse().ok());
        if let Some(number) = number {
            let text = std::fs::read(&path)?;
            let lines = text.split(|byte| *byte == b'\n');
            segments.push(Segment {
                number,
                bytes: text.len() as u64,
                events: lines.filter(|line| !line.is_empty()).count() as u64,
            });
        }
    }
    segments.sort_unstable_by_key(|segment| segment.number);
    Ok(segments.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(reference: usize) -> String {
        format!(
            r#"{{"version":1,"reference":"{reference}","time_ms":0,"ingress":"g","application":"a","client":"127.0.0.1","method":"GET","host":"h","path":"/","action":"block"}}"#
        )
    }

    struct Kept {
        folder: tempfile::TempDir,
        metrics: Arc<FleetMetrics>,
        full_bytes: u64,
    }

    impl Kept {
        fn new(events: usize) -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                metrics: Arc::default(),
                full_bytes: (event(1000).len() as u64 + 1) * events as u64,
            }
        }

        /// Segments of four events.
        fn open(&self) -> Spool {
            let segment = (event(1000).len() as u64 + 1) * 4;
            let folder = self.folder.path().to_owned();
            Spool::bounded(folder, Arc::clone(&self.metrics), self.full_bytes, segment).unwrap()
        }

        fn files(&self) -> usize {
            std::fs::read_dir(self.folder.path()).unwrap().count()
        }
    }

    fn references(batch: &Batch) -> Vec<usize> {
        let events = batch.delivery.events.iter();
        events
            .map(|event| event.reference.parse().unwrap())
            .collect()
    }

    fn all_of(spool: &Spool, most: usize) -> Vec<usize> {
        let mut all = Vec::new();
        while let Some(batch) = spool.batch(most) {
            all.extend(references(&batch));
            spool.delivered(&batch);
        }
        all
    }

    #[test]
    fn events_come_out_in_their_order_and_leave_nothing() {
        let kept = Kept::new(1000);
        let spool = kept.open();
        for at in 1000..1030 {
            spool.keep(&event(at));
        }
        assert_eq!(kept.metrics.events(), (30, 0));
        assert_eq!(all_of(&spool, 3), (1000..1030).collect::<Vec<_>>());
        assert_eq!((kept.metrics.events(), kept.files()), ((0, 0), 0));
        spool.keep(&event(1030));
        assert_eq!(all_of(&spool, 3), [1030]);
    }

    #[test]
    fn what_was_not_acknowledged_comes_again_also_after_a_crash() {
        let kept = Kept::new(1000);
        let spool = kept.open();
        for at in 1000..1006 {
            spool.keep(&event(at));
        }
        let first = spool.batch(2).unwrap();
        assert_eq!(references(&spool.batch(2).unwrap()), references(&first));
        spool.delivered(&first);
        assert_eq!(kept.metrics.events(), (4, 0));
        // Killed: what is in memory is gone, and a line may not be whole.
        drop(spool);
        let open = kept.folder.path().join("00000000000000000002.jsonl");
        let mut file = OpenOptions::new().append(true).open(open).unwrap();
        file.write_all(&event(1006).as_bytes()[..20]).unwrap();
        let spool = kept.open();
        spool.keep(&event(1007));
        // The first segment, of which a part was delivered, comes whole.
        assert_eq!(
            all_of(&spool, 500),
            [1000, 1001, 1002, 1003, 1004, 1005, 1007]
        );
        assert_eq!((kept.metrics.events(), kept.files()), ((0, 1), 0));
    }

    #[test]
    fn the_oldest_give_way_to_the_newest_and_are_counted() {
        let kept = Kept::new(10);
        let spool = kept.open();
        for at in 1000..1008 {
            spool.keep(&event(at));
        }
        let first = spool.batch(500).unwrap();
        for at in 1008..1020 {
            spool.keep(&event(at));
        }
        let (waiting, lost) = kept.metrics.events();
        assert_eq!((waiting + lost, lost % 4), (20, 0));
        assert!(waiting <= 10);
        // What was lost meanwhile is not there to be acknowledged.
        spool.delivered(&first);
        assert_eq!(kept.metrics.events(), (waiting, lost));
        let all = all_of(&spool, 500);
        assert_eq!(all, (1000 + lost as usize..1020).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_that_is_given_up_is_counted_as_lost() {
        let kept = Kept::new(1000);
        let spool = kept.open();
        spool.keep(&event(1000));
        spool.keep(&event(1001));
        spool.give_up(&spool.batch(1).unwrap(), &"it is refused");
        assert_eq!(kept.metrics.events(), (1, 1));
        assert_eq!(all_of(&spool, 500), [1001]);
    }
}
