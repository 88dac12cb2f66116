//! What people see of the story.

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
