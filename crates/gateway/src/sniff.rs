//! Watches the bytes of an HTTP/1 connection on their way to hyper.
//!
//! hyper settles ambiguous heads silently. So each head is judged by [`framing`] before
//! hyper gets its last byte; the head of a refused one is spoilt by a NUL in the place of that
//! byte and ended, which hyper answers with 400, in the order of the requests, and closes. To find
//! the next head, bodies are counted along, strictly.
//!
//! The same adapter ends connections whose client does not read, and lingers on closing, so that
//! an early answer to a large body is not lost to a reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::framing::{self, Length, Lines, Scan};

/// Bytes and time that a closing connection reads and throws away.
const LINGER_BYTES: usize = 4 * 1024 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(1);

/// What the connection and its requests share with the adapter.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// The connection has become a tunnel: its bytes are no more HTTP.
    pub(crate) tunnel: AtomicBool,
    /// A request was refused for its framing.
    pub(crate) refused: AtomicBool,
}

/// The adapter around a connection.
pub(crate) struct Sniffed<S> {
    stream: S,
    signals: Arc<Signals>,
    /// None: not HTTP/1, nothing is watched.
    watch: Option<Watch>,
    write_idle: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    linger: Option<(Pin<Box<Sleep>>, usize)>,
    ended: bool,
}

impl<S> Sniffed<S> {
    /// Watches HTTP/1 if `head_bytes` are given, the most that a head may have.
    pub(crate) fn new(
        stream: S,
        signals: Arc<Signals>,
        head_bytes: Option<usize>,
        write_idle: Duration,
    ) -> Self {
        Self {
            stream,
            signals,
            watch: head_bytes.map(Watch::new),
            write_idle,
            stalled: None,
            linger: None,
            ended: false,
        }
    }

    /// Bounds how long a write may be pending.
    fn bound<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stalled = None;
            return poll;
        }
        let idle = self.write_idle;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(sleep(idle)));
        if timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sniffed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(watch) = &mut this.watch
            && watch.state == State::Refused
        {
            if watch.ending.is_empty() {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            let room = watch.ending.len().min(buf.remaining());
            let (now, later) = watch.ending.split_at(room);
            buf.put_slice(now);
            watch.ending = later;
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let fresh = buf.filled_mut().get_mut(before..).unwrap_or_default();
        this.ended |= fresh.is_empty();
        let Some(watch) = &mut this.watch else {
            return Poll::Ready(Ok(()));
        };
        if this.signals.tunnel.load(Ordering::Acquire) {
            this.watch = None;
            return Poll::Ready(Ok(()));
        }
        if let Err(Spoilt(at)) = watch.follow(fresh) {
            if matches!(watch.state, State::Head { .. }) {
                watch.ending = b"\r\n\r\n";
            }
            watch.state = State::Refused;
            this.signals.refused.store(true, Ordering::Release);
            if let Some(byte) = fresh.get_mut(at) {
                *byte = 0;
            }
            buf.set_filled(before + at + 1);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Sniffed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bound(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.bound(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        self.bound(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            let poll = Pin::new(&mut this.stream).poll_shutdown(cx);
            ready!(this.bound(cx, poll))?;
            let between = this.watch.as_ref().is_none_or(Watch::is_between_requests);
            if this.ended || between {
                return Poll::Ready(Ok(()));
            }
            this.linger = Some((Box::pin(sleep(LINGER_TIME)), 0));
        }
        let Some((timer, read)) = &mut this.linger else {
            return Poll::Ready(Ok(()));
        };
        let mut space = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut space);
            match Pin::new(&mut this.stream).poll_read(cx, &mut buf) {
                Poll::Pending => return timer.as_mut().poll(cx).map(Ok),
                Poll::Ready(Err(_)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {}
            }
            *read += buf.filled().len();
            let late = timer.deadline() <= Instant::now();
            if buf.filled().is_empty() || *read > LINGER_BYTES || late {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// Where a stream of HTTP/1 requests is refused, if it comes in reads of so many bytes: for
/// fuzzing, which has no connection.
pub fn refused_at(bytes: &[u8], reads: usize) -> Option<usize> {
    let mut watch = Watch::new(64 * 1024);
    let mut before = 0;
    bytes.chunks(reads.max(1)).find_map(|piece| {
        let outcome = watch.follow(piece);
        before += piece.len();
        let Err(Spoilt(at)) = outcome else {
            return None;
        };
        Some(before - piece.len() + at)
    })
}

/// Where in the stream of requests a connection is.
struct Watch {
    state: State,
    /// The start of a head that did not come at once.
    pending: Vec<u8>,
    /// Of the head so far.
    lines: Lines,
    head_bytes: usize,
    /// Ends a spoilt head: hyper looks at no head before its end.
    ending: &'static [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head {
        blank: bool,
    },
    /// Bytes of body, or of a chunk, still to come.
    Body(u64),
    Chunk(u64),
    /// A chunk's size so far, and where in its line.
    Size(u64, SizeLine),
    ChunkCr,
    ChunkLf,
    /// Whether the line is empty so far, and whether a CR has been read.
    Trailer {
        empty: bool,
        cr: bool,
    },
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SizeLine {
    Digits(u8),
    Extension,
    Lf,
}

/// The byte at this offset of the read is the last that may be passed on, spoilt.
#[derive(Debug, PartialEq, Eq)]
struct Spoilt(usize);

impl Watch {
    fn new(head_bytes: usize) -> Self {
        Self {
            state: State::Head { blank: false },
            pending: Vec::new(),
            lines: Lines::default(),
            head_bytes,
            ending: b"",
        }
    }

    fn is_between_requests(&self) -> bool {
        matches!(self.state, State::Head { .. }) && self.pending.is_empty()
    }

    /// Follows the bytes of one read.
    fn follow(&mut self, fresh: &[u8]) -> Result<(), Spoilt> {
        let mut at = 0;
        while let Some(rest) = fresh.get(at..)
            && !rest.is_empty()
        {
            at += self.step(rest).map_err(|Spoilt(more)| Spoilt(at + more))?;
        }
        Ok(())
    }

    /// Takes at least one byte; says how many.
    fn step(&mut self, rest: &[u8]) -> Result<usize, Spoilt> {
        let skip = |left: u64| left.min(rest.len() as u64);
        let byte = rest.first().copied().unwrap_or_default();
        let (next, taken) = match self.state {
            State::Head { blank } => return self.head(rest, blank),
            State::Body(left) if skip(left) == left => {
                (State::Head { blank: false }, left as usize)
            }
            State::Body(left) => (State::Body(left - skip(left)), rest.len()),
            State::Chunk(left) if skip(left) == left => (State::ChunkCr, left as usize),
            State::Chunk(left) => (State::Chunk(left - skip(left)), rest.len()),
            State::Size(size, line) => (size_line(size, line, byte)?, 1),
            State::ChunkCr if byte == b'\r' => (State::ChunkLf, 1),
            State::ChunkLf if byte == b'\n' => (State::Size(0, SizeLine::Digits(0)), 1),
            State::Trailer { empty, cr } => (trailer(empty, cr, byte)?, 1),
            State::ChunkCr | State::ChunkLf | State::Refused => return Err(Spoilt(0)),
        };
        self.state = next;
        Ok(taken)
    }

    fn head(&mut self, rest: &[u8], blank: bool) -> Result<usize, Spoilt> {
        let known = self.pending.len();
        let scan = if known == 0 {
            self.lines.clear();
            self.lines.scan(rest, 0)
        } else {
            self.pending.extend_from_slice(rest);
            self.lines.scan(&self.pending, known)
        };
        match scan {
            Scan::BareLf(at) => Err(Spoilt(at - known)),
            Scan::Blank if blank => Err(Spoilt(1 - known)),
            Scan::Blank => {
                self.pending.clear();
                self.state = State::Head { blank: true };
                Ok(2 - known)
            }
            Scan::Partial => {
                if known == 0 {
                    self.pending.extend_from_slice(rest);
                }
                // hyper answers 431 by itself, this only bounds what is kept here.
                if self.pending.len() > 2 * self.head_bytes {
                    return Err(Spoilt(rest.len() - 1));
                }
                Ok(rest.len())
            }
            Scan::Complete(end) => {
                let whole = if known == 0 { rest } else { &self.pending };
                let judged = framing::head(whole, &self.lines);
                self.pending = Vec::new();
                let taken = end - known;
                self.state = match judged {
                    Err(_) => return Err(Spoilt(taken - 1)),
                    Ok(_) if end > self.head_bytes => return Err(Spoilt(taken - 1)),
                    Ok(Length::Exact(0)) => State::Head { blank: false },
                    Ok(Length::Exact(bytes)) => State::Body(bytes),
                    Ok(Length::Chunked) => State::Size(0, SizeLine::Digits(0)),
                };
                Ok(taken)
            }
        }
    }
}

fn size_line(size: u64, line: SizeLine, byte: u8) -> Result<State, Spoilt> {
    Ok(match (line, byte) {
        (SizeLine::Lf, b'\n') if size == 0 => State::Trailer {
            empty: true,
            cr: false,
        },
        (SizeLine::Lf, b'\n') => State::Chunk(size),
        (SizeLine::Digits(1..), b'\r') | (SizeLine::Extension, b'\r') => {
            State::Size(size, SizeLine::Lf)
        }
        (SizeLine::Digits(1..), b';') => State::Size(size, SizeLine::Extension),
        (SizeLine::Extension, byte) if byte != b'\n' => State::Size(size, SizeLine::Extension),
        (SizeLine::Digits(digits @ ..15), byte) => {
            let digit = char::from(byte).to_digit(16).ok_or(Spoilt(0))?;
            State::Size(size << 4 | u64::from(digit), SizeLine::Digits(digits + 1))
        }
        _ => return Err(Spoilt(0)),
    })
}

fn trailer(empty: bool, cr: bool, byte: u8) -> Result<State, Spoilt> {
    Ok(match (cr, byte) {
        (true, b'\n') if empty => State::Head { blank: false },
        (true, b'\n') => State::Trailer {
            empty: true,
            cr: false,
        },
        (false, b'\r') => State::Trailer { empty, cr: true },
        (true, _) | (_, b'\n') => return Err(Spoilt(0)),
        (_, b' ' | b'\t') if empty => return Err(Spoilt(0)),
        _ => State::Trailer {
            empty: false,
            cr: false,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
        \r\nPOST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
        5;x=y\r\nhello\r\n0a\r\n0123456789\r\n0\r\nX: y\r\n\r\n\
        GET /c HTTP/1.1\r\nHost: a\r\n\r\n";

    #[test]
    fn good_requests_pass_however_reads_cut_them() {
        for size in 1..GOOD.len() {
            let mut watch = Watch::new(8192);
            for piece in GOOD.as_bytes().chunks(size) {
                assert_eq!(watch.follow(piece), Ok(()), "reads of {size}");
            }
            assert!(watch.is_between_requests());
        }
    }

    #[test]
    fn the_second_request_is_refused_at_its_last_byte() {
        let bad = "GET /d HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
        let text = format!("{GOOD}{bad}");
        for size in 1..text.len() {
            let mut watch = Watch::new(8192);
            let mut before = 0;
            let at = text.as_bytes().chunks(size).find_map(|piece| {
                let outcome = watch.follow(piece);
                before += piece.len();
                outcome.err().map(|Spoilt(at)| before - piece.len() + at)
            });
            assert_eq!(at, Some(text.len() - 1), "reads of {size}");
        }
    }

    #[test]
    fn chunks_are_followed_strictly() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let bad = [
            "5\nhello\r\n",
            "5;\nhello\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhelloX",
            "x\r\n",
            "-1\r\n",
            "\r\n",
            "00000000000000001\r\n",
            "0\r\n X: y\r\n\r\n",
            "0\r\nX: y\n\r\n",
            "5 \r\nhello",
        ];
        for chunks in bad {
            let mut watch = Watch::new(8192);
            let text = format!("{head}{chunks}");
            assert!(watch.follow(text.as_bytes()).is_err(), "{chunks:?}");
        }
    }
}
