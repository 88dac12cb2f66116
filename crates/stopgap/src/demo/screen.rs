//! What people see of the story, on a terminal of 100 columns.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints steps and remembers whether all showed what they claim.
#[derive(Default)]
pub(super) struct Screen {
    step: u32,
    claims: u32,
    failed: u32,
    /// Nobody reads any more.
    closed: AtomicBool,
}

impl Screen {
    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) {
        self.step += 1;
        self.write(&format!("\n{}. {title}\n", self.step));
    }

    /// A line that explains.
    pub(super) fn say(&self, text: &str) {
        self.write(&format!("   {text}\n"));
    }

    /// The first half of a line whose second half takes time.
    pub(super) fn begin(&self, text: &str) {
        self.write(&format!("   {text}"));
    }

    /// The second half.
    pub(super) fn finish(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// A line that claims something which was just tried.
    pub(super) fn claim(&mut self, holds: bool, text: &str) {
        self.claims += 1;
        if holds {
            self.write(&format!("   ✓ {text}\n"));
        } else {
            self.failed += 1;
            self.write(&format!("   ✗ {text}\n"));
        }
    }

    /// Sums up; whether every claim held.
    pub(super) fn end(&self) -> bool {
        if self.failed == 0 {
            self.write(&format!(
                "\nAll {} claims were shown.\nHow patches are rolled out in stages, in a browser: stopgap up --sample\n",
                self.claims
            ));
        } else {
            self.write(&format!(
                "\n{} of {} claims did not hold; see the lines with ✗.\n",
                self.failed, self.claims
            ));
        }
        self.failed == 0
    }

    /// A line without a margin.
    pub(super) fn head(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// Whether there is still a reader.
    pub(super) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Relaxed)
    }

    /// `println!` would panic when nobody reads, and leave applications running.
    fn write(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        if out
            .write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .is_err()
        {
            self.closed.store(true, Ordering::Relaxed);
        }
    }
}

/// The text, or its beginning and an ellipsis.
pub(super) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some(_) => {
            let kept = text.chars().take(characters.saturating_sub(1));
            kept.chain(['…']).collect()
        }
    }
}
