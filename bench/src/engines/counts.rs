//! Instructions for each request of a mix, the same on a busy machine as on a quiet one.

use std::path::Path;

use anyhow::Context;

use super::{NAMES, REACH, Started};
use crate::engines::mixes::Mix;
use crate::process::Worker;
use crate::table::Table;
use crate::valgrind;

/// Ours passes through a mix twice, the second time counted, so that it remembers as much as it
/// ever does; the others remember nothing, and take long: they see the short mix once.
pub(super) fn bench(
    table: &mut Table,
    commands: &[Started; 3],
    mixes: &[Mix],
    folder: &Path,
) -> anyhow::Result<()> {
    valgrind::install()?;
    let loaded = |engine: usize| counted(&commands[engine], &mixes[0].short, 0, folder);
    let loaded = [0.0, loaded(1)?, loaded(2)?];
    for mix in mixes {
        let mut each = [0.0; 3];
        let [once, twice] = [1, 2].map(|passes| counted(&commands[0], &mix.file, passes, folder));
        each[0] = (twice? - once?) / mix.requests;
        for engine in [1, 2] {
            let passed = counted(&commands[engine], &mix.short, 1, folder)?;
            each[engine] = (passed - loaded[engine]) / mix.short_requests;
        }
        let name = mix.name;
        let reach = REACH.iter().find(|(on, ..)| *on == name);
        for (engine, reach) in [
            (1, reach.map(|(_, first, _)| *first)),
            (2, reach.map(|(.., second)| *second)),
        ] {
            let what = format!("PL1, {name}, instructions: {} / stopgap", NAMES[engine]);
            table.gain(what, &[each[engine] / each[0]], reach);
        }
        for (engine, who) in NAMES.iter().enumerate() {
            let what = format!("PL1, {name}: {who}");
            table.number(what, each[engine], "instructions", None);
        }
    }
    Ok(())
}

/// All instructions of an engine that passes through a mix so often.
fn counted((name, words): &Started, mix: &Path, passes: u32, folder: &Path) -> anyhow::Result<f64> {
    let (mut command, log) = valgrind::command(folder);
    command.args(words).arg(mix);
    let mut worker = Worker::start(command).with_context(|| (*name).to_owned())?;
    worker.tell(&format!("0 {passes}"))?;
    worker.end()?;
    valgrind::total(&log)
}
