//! What the core rule set costs: our engine, libmodsecurity and zentinel-modsec on the same
//! requests and the same rule files, in turn.

pub(crate) mod adversarial;
mod counts;
pub(crate) mod mixes;
pub(crate) mod role;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::Settings;
use crate::process::Worker;
use crate::table::{Table, median};

const NAMES: [&str; 3] = ["stopgap", "libmodsecurity", "zentinel-modsec"];
/// Ours passes so often where the others pass once: a turn of a few milliseconds is noise.
const OUR_PASSES: u32 = 5;
/// Mix at paranoia level 1: at least so much less CPU than libmodsecurity, and than zentinel-modsec.
const REACH: &[(&str, f64, f64)] = &[
    ("mixed", 60.0, 40.0),
    ("GET", 60.0, 50.0),
    ("JSON, 2 kB", 150.0, 50.0),
];

pub(crate) fn bench(settings: &Settings) -> anyhow::Result<Table> {
    let rounds = if settings.quick { 3 } else { 7 };
    let mut table = Table::new(
        "engine",
        format!(
            "The core rule set, request phases and logging, blocking. CPU of the process, user and system; {rounds} rounds, \
             engines in turn, no two requests alike; ratios: the peer's CPU / ours. Load: from the start to the \
             first request's end. Instructions: counted by valgrind."
        ),
    );
    let Some(rules) = core_rule_set() else {
        eprintln!("bench: engine is skipped: set STOPGAP_CORPORA to a folder that holds crs/rules");
        return Ok(table);
    };
    let folder = tempfile::tempdir()?;
    let mixes = mixes::write(folder.path())?;
    for level in [1, 2] {
        let file = folder.path().join(format!("level-{level}.conf"));
        std::fs::write(&file, settings_of(level, &rules, true)?)?;
        let commands = [0, 1, 2].map(|engine| command(settings, engine, &file));
        costs(&mut table, level, &commands, &mixes, rounds)?;
        if level == 1 {
            loads(&mut table, &commands, &mixes, rounds)?;
            memory(&mut table, &commands, &mixes, settings.quick)?;
            counts::bench(&mut table, &commands, &mixes, folder.path())?;
        }
    }
    Ok(table)
}

pub(crate) fn core_rule_set() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
    let folder = std::env::var_os("STOPGAP_CORPORA").map_or(beside, PathBuf::from);
    let rules = folder.join("crs/rules");
    rules.canonicalize().ok()
}

/// Each rule file by name, in order: no engine's way to expand patterns matters.
pub(crate) fn settings_of(level: u8, rules: &Path, responses: bool) -> anyhow::Result<String> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(rules)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "conf")
    });
    files.sort();
    let includes: String = files
        .iter()
        .map(|path| format!("Include {}\n", path.display()))
        .collect();
    let responses = if responses { "On" } else { "Off" };
    Ok(format!(
        "SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess {responses}\n\
         SecRequestBodyLimit 13107200\nSecRequestBodyNoFilesLimit 1310720\n\
         SecRule REQUEST_HEADERS:Content-Type \"@rx ^application/json\" \
         \"id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON\"\n\
         SecDefaultAction \"phase:1,nolog,noauditlog,pass\"\n\
         SecDefaultAction \"phase:2,nolog,noauditlog,pass\"\n\
         SecAction \"id:900000,phase:1,pass,t:none,nolog,setvar:tx.blocking_paranoia_level={level},\
         setvar:tx.detection_paranoia_level={level},setvar:tx.crs_setup_version=4290\"\n{includes}"
    ))
}

/// An engine and what starts it, but for the mixes.
fn command(settings: &Settings, engine: usize, rules: &Path) -> Started {
    let peers = settings.bench.parent().and_then(Path::parent);
    let peers = peers.unwrap_or(Path::new("target")).join("peers");
    let mut words: Vec<std::ffi::OsString> = match engine {
        0 => vec![settings.bench.clone().into(), "as".into(), "engine".into()],
        1 => vec![peers.join("libmodsecurity/driver").into(), "bench".into()],
        _ => vec![peers.join("zentinel/release/zentinel-peer").into()],
    };
    words.push(rules.into());
    (NAMES[engine.min(2)], words)
}

type Started = (&'static str, Vec<std::ffi::OsString>);

fn start<M: AsRef<Path>>((name, words): &Started, mixes: &[M]) -> anyhow::Result<Worker> {
    let (program, arguments) = words.split_first().context("no program")?;
    let mut command = Command::new(program);
    command.args(arguments);
    command.args(mixes.iter().map(|mix| mix.as_ref()));
    Worker::start(command).with_context(|| (*name).to_owned())
}

/// CPU of each mix, alternating.
fn costs(
    table: &mut Table,
    level: u8,
    commands: &[Started; 3],
    mixes: &[mixes::Mix],
    rounds: usize,
) -> anyhow::Result<()> {
    let mut workers = Vec::new();
    for command in commands {
        workers.push(start(command, mixes)?);
    }
    for (at, mix) in mixes.iter().enumerate() {
        let mut micros: [Vec<f64>; 3] = Default::default();
        let mut stopped = [0; 3];
        for round in 0..=rounds {
            for (engine, worker) in workers.iter_mut().enumerate() {
                let passes = if engine == 0 { OUR_PASSES } else { 1 };
                let before = worker.cpu()?;
                let answer: u32 = worker.tell(&format!("{at} {passes}"))?.parse()?;
                let took = worker.cpu()? - before;
                // The first round fills caches.
                if round > 0 {
                    let requests = mix.requests * f64::from(passes);
                    micros[engine].push(took * 1e6 / requests);
                }
                stopped[engine] = answer / passes;
            }
        }
        if !mix.attacks && (stopped[0] > 0 || stopped[1] > 0) {
            bail!("{}: ordinary requests are stopped: {stopped:?}", mix.name);
        }
        let name = mix.name;
        for (engine, peer) in [(1, NAMES[1]), (2, NAMES[2])] {
            let pairs = micros[engine].iter().zip(&micros[0]);
            let ratios: Vec<f64> = pairs.map(|(theirs, ours)| theirs / ours).collect();
            let reach = REACH.iter().find(|(on, ..)| level == 1 && *on == name);
            let reach = reach.map(|(_, first, second)| if engine == 1 { *first } else { *second });
            table.gain(
                format!("PL{level}, {name}: {peer} / stopgap"),
                &ratios,
                reach,
            );
        }
        for (engine, who) in NAMES.iter().enumerate() {
            table.number(
                format!(
                    "PL{level}, {name}: {who}, {} of {} stopped",
                    stopped[engine], mix.requests
                ),
                median(&micros[engine]),
                "µs",
                None,
            );
        }
    }
    workers.into_iter().try_for_each(Worker::end)
}

/// Load and first request, in turn.
fn loads(
    table: &mut Table,
    commands: &[Started; 3],
    mixes: &[mixes::Mix],
    rounds: usize,
) -> anyhow::Result<()> {
    let mut seconds: [Vec<f64>; 3] = Default::default();
    for _ in 0..rounds {
        for (engine, command) in commands.iter().enumerate() {
            let worker = start(command, mixes)?;
            seconds[engine].push(worker.cpu()?);
            worker.end()?;
        }
    }
    for (engine, peer) in [(1, NAMES[1]), (2, NAMES[2])] {
        let pairs = seconds[0].iter().zip(&seconds[engine]);
        let ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours / theirs).collect();
        table.ratio(format!("load: stopgap / {peer}"), &ratios, Some(1.0));
    }
    for (engine, who) in NAMES.iter().enumerate() {
        table.number(format!("load: {who}"), median(&seconds[engine]), "s", None);
    }
    Ok(())
}

/// Memory after 10,000 requests of the mixed kind.
fn memory(
    table: &mut Table,
    commands: &[Started; 3],
    mixes: &[mixes::Mix],
    quick: bool,
) -> anyhow::Result<()> {
    let at = mixes.iter().position(|mix| mix.name == "mixed");
    let at = at.context("no mixed requests")?;
    let requests = if quick { 1_000.0 } else { 10_000.0 };
    let passes = (requests / mixes[at].requests).ceil();
    let mut megabytes = [0.0; 3];
    for (engine, command) in commands.iter().enumerate() {
        // Requests of other kinds would count as the engine's memory.
        let mut worker = start(command, &mixes[at..=at])?;
        worker.tell(&format!("0 {passes}"))?;
        megabytes[engine] = worker.megabytes()?;
        worker.end()?;
    }
    for (engine, peer) in [(1, NAMES[1]), (2, NAMES[2])] {
        let ratio = megabytes[0] / megabytes[engine];
        let what = format!("memory after {requests} requests: stopgap / {peer}");
        table.ratio(what, &[ratio], Some(0.5));
    }
    for (engine, who) in NAMES.iter().enumerate() {
        let what = format!("memory after {requests} requests: {who}");
        table.number(what, megabytes[engine], "MB", None);
    }
    Ok(())
}
