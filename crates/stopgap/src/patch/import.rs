//! `stopgap patch import`: descriptions of vulnerabilities to patch documents.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::{ArgGroup, Args};
use factory::{Beside, Imported, Importer, Limits, Made, Options, Outcome, importers, in_parallel};
use jiff::ToSpan;
use patch::document::{Effect, Reason};
use serde::Serialize;

/// Make patches of what others know of vulnerabilities.
///
/// Writes DIR/ID.yaml for each vulnerability that was found and could be turned into a
/// patch that stops its exploits; everything else is told with its reason. In folders,
/// only files of the kind are read.
///
/// Exit status: 0 every vulnerability became a patch, 1 something was rejected, 2 wrong use.
/// What stops nothing, such as a file of settings, is told and is no fault.
#[derive(Args)]
#[command(after_help = kinds(), group = ArgGroup::new("written").args(["out", "into"]).required(true))]
pub(super) struct Arguments {
    /// What the sources are.
    #[arg(value_name = "KIND", value_parser = kind)]
    kind: &'static Importer,
    /// Files, or folders of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Where patches are written; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write what records of kind `advisory` know into this patch, in place.
    #[arg(long, value_name = "PATCH")]
    into: Option<PathBuf>,
    /// CISA's catalogue of known exploited vulnerabilities, as JSON, for --into.
    #[arg(long, value_name = "FILE", requires = "into")]
    kev: Option<PathBuf>,
    /// Who answers for the patches: an address or a team.
    #[arg(long, env = "STOPGAP_OWNER", default_value = "unassigned")]
    owner: String,
    /// Why they are needed: no-resources, provider-managed, third-party or waiting-for-fix.
    #[arg(long, default_value = "third-party", value_parser = reason)]
    reason: Reason,
    /// The day on which they must be renewed or gone, YYYY-MM-DD; 90 days from today if left out.
    #[arg(long, value_name = "DAY")]
    expires: Option<jiff::civil::Date>,
    /// Accept patches that close an endpoint to everybody, or that let an application which
    /// fetches URLs fetch only those of its own site.
    #[arg(long)]
    accept: bool,
    /// A name under which the application is reached; where naming another host is the
    /// exploit, only these pass. May be given several times.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Write a JSON line for each vulnerability: {"source", "id", "outcome": "patch",
    /// "needless" or "rejected", "file", "reason", "effect"}.
    #[arg(long)]
    json: bool,
}

fn kinds() -> String {
    let lines: Vec<String> = importers()
        .iter()
        .map(|importer| format!("  {:10} {}", importer.kind, importer.summary))
        .collect();
    format!("Kinds:\n{}", lines.join("\n"))
}

fn kind(text: &str) -> Result<&'static Importer, String> {
    let known = || importers().iter().map(|importer| importer.kind);
    match importers().iter().find(|importer| importer.kind == text) {
        Some(importer) => Ok(importer),
        None => {
            let known: Vec<&str> = known().collect();
            Err(format!("the kinds are {}", known.join(", ")))
        }
    }
}

fn reason(text: &str) -> Result<Reason, String> {
    [
        ("no-resources", Reason::NoResources),
        ("provider-managed", Reason::ProviderManaged),
        ("third-party", Reason::ThirdParty),
        ("waiting-for-fix", Reason::WaitingForFix),
    ]
    .into_iter()
    .find(|(name, _)| *name == text)
    .map(|(_, reason)| reason)
    .ok_or_else(|| {
        "the reasons are no-resources, provider-managed, third-party and waiting-for-fix".to_owned()
    })
}

#[derive(Serialize)]
struct Line<'a> {
    source: &'a str,
    id: &'a str,
    outcome: &'static str,
    file: Option<String>,
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<Effect>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match (&arguments.out, &arguments.into) {
        (Some(folder), _) => import(arguments, folder),
        (None, Some(patch)) => merge(arguments, patch),
        (None, None) => bail!("give --out DIR or --into PATCH"),
    }
}

/// What records know, into a patch that is there.
fn merge(arguments: &Arguments, patch: &Path) -> anyhow::Result<ExitCode> {
    if arguments.kind.kind != "advisory" {
        bail!(
            "--into takes records of kind advisory, not {}",
            arguments.kind.kind
        );
    }
    let bound = Limits::default().source_bytes as u64;
    let kev = match &arguments.kev {
        Some(path) => Some((path.display().to_string(), text(path, bound)?)),
        None => None,
    };
    let kev = kev
        .as_ref()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    let name = patch.display().to_string();
    let mut merged = text(patch, bound)?;
    for path in sources(arguments)? {
        let record = text(&path, bound)?;
        let record = (&*path.display().to_string(), record.as_str());
        merged = factory::import::advisory::merge((&name, &merged), record, kev)
            .map_err(|why| anyhow!(why))?;
    }
    std::fs::write(patch, merged).with_context(|| format!("cannot write {name}"))?;
    match arguments.json {
        true => println!(
            "{}",
            serde_json::json!({ "outcome": "merged", "file": name })
        ),
        false => println!("{name}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn text(path: &Path, bound: u64) -> anyhow::Result<String> {
    let name = path.display();
    String::from_utf8(bytes(path, bound)?).with_context(|| format!("{name} cannot be read"))
}

fn bytes(path: &Path, bound: u64) -> anyhow::Result<Vec<u8>> {
    let name = path.display();
    let about = std::fs::metadata(path).with_context(|| format!("{name} cannot be read"))?;
    if about.len() > bound {
        bail!("{name}: it is larger than the {bound} bytes allowed");
    }
    std::fs::read(path).with_context(|| format!("{name} cannot be read"))
}

fn import(arguments: &Arguments, folder: &Path) -> anyhow::Result<ExitCode> {
    let today = super::today();
    let options = Options {
        owner: arguments.owner.clone(),
        reason: arguments.reason,
        expires: match arguments.expires {
            Some(day) => day,
            None => today.checked_add(90.days())?,
        },
        today,
        accept: arguments.accept,
        hosts: arguments.hosts.clone(),
        limits: Limits::default(),
        beside: Beside::new(Folders),
    };
    let sources = sources(arguments)?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut report = Report::default();
    let read = |source: &PathBuf| one(arguments.kind, source, &options);
    for (source, found) in in_parallel(&sources, read) {
        for imported in found {
            let imported = report.unique(&source, imported);
            let file = match &imported.outcome {
                Outcome::Patch(made) => Some(write(folder, &imported.id, made)?),
                Outcome::Needless(_) | Outcome::Rejected(_) => None,
            };
            report.tell(&source, &imported, file, arguments.json)?;
        }
    }
    if !arguments.json {
        println!(
            "{} patches in {}, {} rejected",
            report.patches.len(),
            folder.display(),
            report.rejected
        );
    }
    Ok(match report.rejected {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The files to read, in order. What is left out of a folder is told.
fn sources(arguments: &Arguments) -> anyhow::Result<Vec<PathBuf>> {
    let suffixes = arguments.kind.suffixes;
    let mut files = Vec::new();
    let mut left_out = 0;
    for path in &arguments.paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        for file in patch::load::files(path)? {
            let suffix = file.extension().and_then(|suffix| suffix.to_str());
            match suffix.is_some_and(|suffix| suffixes.contains(&suffix)) {
                true => files.push(file),
                false => left_out += 1,
            }
        }
    }
    let endings = || suffixes.join(", .");
    if left_out > 0 {
        eprintln!(
            "stopgap: {left_out} files are not read: {} sources end in .{}",
            arguments.kind.kind,
            endings()
        );
    }
    if files.is_empty() {
        bail!("there is no file that ends in .{}", endings());
    }
    Ok(files)
}

fn one(importer: &Importer, path: &Path, options: &Options) -> (String, Vec<Imported>) {
    let name = path.display().to_string();
    let found = match bytes(path, options.limits.source_bytes as u64) {
        Ok(bytes) => importer.import_bytes(&bytes, &name, options),
        Err(error) => vec![Imported::rejected(name.clone(), format!("{error:#}"))],
    };
    (name, found)
}

/// Files below the folder of a source.
struct Folders;

impl engine::Resources for Folders {
    fn read(&self, name: &str, source: &str) -> Result<Vec<u8>, String> {
        let folder = Path::new(source).parent().unwrap_or(Path::new(""));
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        let fault = |error: std::io::Error| format!("cannot read {name}: {error}");
        let path = folder.join(name);
        let (within, whole) = (
            folder.canonicalize().map_err(fault)?,
            path.canonicalize().map_err(fault)?,
        );
        if !whole.starts_with(&within) {
            return Err(format!("{name} is a link out of the folder of the source"));
        }
        let bound = Limits::default().source_bytes as u64;
        // By the name that people gave: it stands in what is told.
        let text = text(&path, bound).map_err(|error| format!("{error:#}"))?;
        Ok(text.into_bytes())
    }
}

fn write(folder: &Path, id: &str, made: &Made) -> anyhow::Result<String> {
    let path = folder.join(format!("{id}.yaml"));
    std::fs::write(&path, &made.yaml)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.display().to_string())
}

#[derive(Default)]
struct Report {
    /// The patches that were made, by id, and of what.
    patches: BTreeMap<String, String>,
    rejected: usize,
}

impl Report {
    /// Two patches of one id cannot be enforced together.
    fn unique(&mut self, source: &str, mut imported: Imported) -> Imported {
        if matches!(imported.outcome, Outcome::Patch(_)) {
            match self.patches.get(&imported.id) {
                None => {
                    let id = imported.id.clone();
                    self.patches.insert(id, source.to_owned());
                }
                Some(other) => {
                    imported.outcome = Outcome::Rejected(format!(
                        "{other} became the patch {} already; import them to different folders",
                        imported.id
                    ));
                }
            }
        }
        imported
    }

    fn tell(
        &mut self,
        source: &str,
        imported: &Imported,
        file: Option<String>,
        json: bool,
    ) -> anyhow::Result<()> {
        let (outcome, reason) = match &imported.outcome {
            Outcome::Patch(_) => ("patch", None),
            Outcome::Needless(why) => ("needless", Some(why.as_str())),
            Outcome::Rejected(why) => ("rejected", Some(why.as_str())),
        };
        self.rejected += usize::from(outcome == "rejected");
        if json {
            let line = Line {
                source,
                id: &imported.id,
                outcome,
                file,
                reason,
                effect: match &imported.outcome {
                    Outcome::Patch(made) => made.effect,
                    _ => None,
                },
            };
            println!("{}", serde_json::to_string(&line)?);
        } else if let Some(reason) = reason {
            println!("{outcome} {}: {reason}", imported.id);
        } else if let Some(file) = file {
            println!("{file}");
        }
        Ok(())
    }
}
