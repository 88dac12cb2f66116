//! Lists that commands print, a page at a time.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use store::{Page, Paging};

/// Which page, and for whom.
#[derive(Args)]
pub(crate) struct Listing {
    /// How many at most, up to 200.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Where the page before said that the list goes on.
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Write one JSON object: the list by its name, and "next".
    #[arg(long)]
    json: bool,
}

impl Listing {
    pub(crate) fn paging(&self) -> Paging<'_> {
        Paging {
            after: self.after.as_deref(),
            most: Some(self.limit),
        }
    }

    /// Prints a page: for programs each entry as JSON, for people a line of it.
    pub(crate) fn tell<T>(
        &self,
        name: &str,
        page: &Page<T>,
        json: impl Fn(&T) -> Value,
        line: impl Fn(&T) -> anyhow::Result<String>,
    ) -> anyhow::Result<ExitCode> {
        let mut output = std::io::stdout().lock();
        if self.json {
            let items: Vec<Value> = page.items.iter().map(json).collect();
            writeln!(output, "{}", json!({ name: items, "next": page.next }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for item in &page.items {
            writeln!(output, "{}", line(item)?)?;
        }
        if let Some(next) = &page.next {
            writeln!(output, "there are more: --after {next}")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
