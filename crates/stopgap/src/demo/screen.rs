//! What people see of the story, on a terminal of 100 columns.

use std::io::Write;

/// Characters of a line at most, where it can be cut.
const COLUMNS: usize = 98;

/// Prints steps and remembers whether all showed what they claim.
#[derive(Default)]
pub(super) struct Screen {
    step: u32,
    claims: u32,
    failed: u32,
}

impl Screen {
    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) {
        self.step += 1;
        println!("\n{}. {title}", self.step);
    }

    /// A line that explains.
    pub(super) fn say(&self, text: &str) {
        println!("   {text}");
    }

    /// A line that explains, cut where the terminal may end.
    pub(super) fn say_cut(&self, text: &str) {
        self.say(&cut(text, COLUMNS - 3));
    }

    /// The first half of a line whose second half takes time.
    pub(super) fn begin(&self, text: &str) {
        print!("   {text}");
        // What cannot be shown now is shown later.
        let _: std::io::Result<()> = std::io::stdout().flush();
    }

    /// The second half.
    pub(super) fn finish(&self, text: &str) {
        println!("{text}");
    }

    /// A line that claims something which was just tried.
    pub(super) fn claim(&mut self, holds: bool, text: &str) {
        self.claims += 1;
        if holds {
            println!("   ✓ {text}");
        } else {
            self.failed += 1;
            println!("   ✗ {text}");
        }
    }

    /// Sums up; whether every claim held.
    pub(super) fn end(&self) -> bool {
        if self.failed == 0 {
            println!("\nAll {} claims were shown.", self.claims);
        } else {
            println!(
                "\n{} of {} claims did not hold; see the lines with ✗.",
                self.failed, self.claims
            );
        }
        self.failed == 0
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
