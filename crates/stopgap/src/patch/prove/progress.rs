//! How far it is, for people at a terminal.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// One line on standard error, written over again; nothing where that is no terminal.
pub(super) struct Progress {
    what: String,
    exploits: usize,
    shown: bool,
    done: Cell<u64>,
    last: Cell<Instant>,
}

/// Milliseconds between two pictures.
const PAUSE_MS: u64 = 100;
/// Letters of the bar.
const WIDTH: usize = 30;

impl Progress {
    pub(super) fn new(what: &str, exploits: usize) -> Self {
        Self {
            what: what.to_owned(),
            exploits,
            shown: std::io::stderr().is_terminal(),
            done: Cell::new(0),
            last: Cell::new(Instant::now()),
        }
    }

    /// One more variant was tried, of the exploit at a position.
    pub(super) fn step(&self, exploit: usize) {
        self.done.set(self.done.get() + 1);
        if !self.shown || self.last.get().elapsed() < Duration::from_millis(PAUSE_MS) {
            return;
        }
        self.last.set(Instant::now());
        self.draw(exploit);
    }

    fn draw(&self, exploit: usize) {
        let full = (exploit * WIDTH).checked_div(self.exploits).unwrap_or(0);
        let mut line = std::io::stderr();
        // Nothing depends on whether somebody sees it.
        let _ = write!(
            line,
            "\r\x1b[K{} [{}{}] exploit {} of {}, {} variants tried",
            self.what,
            "#".repeat(full),
            ".".repeat(WIDTH.saturating_sub(full)),
            exploit + 1,
            self.exploits,
            self.done.get()
        );
        let _ = line.flush();
    }

    /// Wipes the line away.
    pub(super) fn end(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
