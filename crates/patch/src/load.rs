//! Patch files and folders to documents and plans.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{CompileError, Compiler, Limits, Mode, Plan, Rehearsal, Resources};

use crate::compile::compile;
use crate::document::Source;
use crate::problem::{Level, Problem};
use crate::prove::{application, refused};
use crate::request::Request;

/// Files of one folder at most.
const FILES: usize = 100_000;
/// Folders within folders at most.
const DEPTH: usize = 8;

/// Reads files, and the `.yaml` and `.yml` files of folders, in order of their names.
///
/// # Errors
/// Everything that cannot be read or parsed; nothing is left out silently.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, Vec<Problem>> {
    let (texts, mut problems) = read(paths);
    let mut sources = Vec::new();
    for text in &texts {
        match text.source() {
            Ok(source) => sources.push(source.into_owned()),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(sources)
    } else {
        Err(problems)
    }
}

/// The files that [`sources`] would read, as they stand. Of many documents the
/// text takes a tenth of the memory of the tree.
///
/// # Errors
/// Every file that cannot be read.
pub fn texts(paths: &[PathBuf]) -> Result<Vec<Unparsed>, Vec<Problem>> {
    let (texts, problems) = read(paths);
    if problems.is_empty() {
        Ok(texts)
    } else {
        Err(problems)
    }
}

/// Every file of a folder and of those within it, in order of their names.
///
/// # Errors
/// A folder that cannot be read, or holds more than can be loaded.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let mut files = Vec::new();
    collect(folder, true, 0, &|_| true, &mut files)?;
    Ok(files)
}

/// Whether a file of a folder is a patch document, by its name.
pub fn is_document(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn read(paths: &[PathBuf]) -> (Vec<Unparsed>, Vec<Problem>) {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        if let Err(problem) = collect(path, path.is_dir(), 0, &is_document, &mut files) {
            problems.push(problem);
        }
    }
    let mut texts = Vec::new();
    for file in files {
        match std::fs::read_to_string(&file) {
            Ok(text) => texts.push(Unparsed {
                name: file.display().to_string(),
                text,
            }),
            Err(error) => problems.push(unreadable(&file, &error.to_string())),
        }
    }
    (texts, problems)
}

/// A document's text.
#[derive(Debug, Clone)]
pub struct Unparsed {
    /// What errors call it: a path, usually.
    pub name: String,
    /// The whole file.
    pub text: String,
}

/// What a document can be had from.
pub trait AsSource {
    /// The document.
    ///
    /// # Errors
    /// The text is none.
    fn source(&self) -> Result<Cow<'_, Source>, Problem>;
}

impl AsSource for Source {
    fn source(&self) -> Result<Cow<'_, Source>, Problem> {
        Ok(Cow::Borrowed(self))
    }
}

impl AsSource for Unparsed {
    fn source(&self) -> Result<Cow<'_, Source>, Problem> {
        Source::parse(&self.name, &self.text).map(Cow::Owned)
    }
}

fn collect(
    path: &Path,
    folder: bool,
    depth: usize,
    wanted: &dyn Fn(&Path) -> bool,
    files: &mut Vec<PathBuf>,
) -> Result<(), Problem> {
    if !folder {
        files.push(path.to_owned());
        return Ok(());
    }
    if depth > DEPTH {
        return Err(unreadable(path, &format!("more than {DEPTH} folders deep")));
    }
    let fail = |error: std::io::Error| unreadable(path, &error.to_string());
    let mut entries = std::fs::read_dir(path)
        .map_err(fail)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(fail)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_folder = path.is_dir();
        if is_folder || wanted(&path) {
            collect(&path, is_folder, depth + 1, wanted, files)?;
        }
        if files.len() > FILES {
            return Err(unreadable(&path, &format!("more than {FILES} files")));
        }
    }
    Ok(())
}

fn unreadable(path: &Path, why: &str) -> Problem {
    Problem {
        file: path.display().to_string(),
        line: 0,
        column: 0,
        level: Level::Error,
        message: format!("cannot be read: {why}"),
    }
}

/// Compiles documents, and rules that concern every request, to one plan;
/// `resources` reads the data files that rules name.
///
/// # Errors
/// The first document that does not compile, with its place.
pub fn plan(
    rules: &[seclang::Ruleset],
    sources: &[(impl AsSource, Mode)],
    limits: Limits,
    resources: &dyn Resources,
) -> Result<Arc<Plan>, Problem> {
    let plain = |error: &CompileError| Problem {
        file: error
            .location()
            .map_or_else(String::new, |at| at.path.clone()),
        line: error.location().map_or(0, |at| at.line),
        column: error.location().map_or(0, |at| at.column),
        level: Level::Error,
        message: error.message().to_owned(),
    };
    let mut compiler = Compiler::new(rules, limits, resources).map_err(|error| plain(&error))?;
    for (source, mode) in sources {
        let source = source.source()?;
        compiler
            .add(&compile(&source)?.rules(*mode))
            .map_err(|error| refused(&source, &error))?;
    }
    compiler.finish().map_err(|error| {
        let of_patch =
            |source: &Cow<'_, Source>| Some(source.document.id.as_str()) == error.patch();
        let mut sources = sources
            .iter()
            .filter_map(|(source, _)| source.source().ok());
        match sources.find(of_patch) {
            Some(source) => refused(&source, &error),
            None => plain(&error),
        }
    })
}

/// Runs a document's cases in a rehearsal of the plan of all: each exploit must be stopped
/// (in shadow mode: recorded), and no benign twin by its own patch.
pub fn self_test(rehearsal: &mut Rehearsal, source: &Source) -> Vec<Problem> {
    let mut problems = Vec::new();
    let id = source.document.id.as_str();
    let cases = &source.document.cases;
    let cases = cases
        .exploit
        .iter()
        .map(|case| (true, case))
        .chain(cases.benign.iter().map(|case| (false, case)));
    for (exploit, case) in cases {
        let wrong = match Request::of(&case.request) {
            Err(why) => Some(why),
            Ok(request) => {
                let exchange = request.exchange(&application(&source.document));
                let verdict = rehearsal.inspect(&exchange);
                let own = verdict
                    .matches
                    .iter()
                    .any(|found| found.disruptive && found.patch.as_deref() == Some(id));
                // Another patch may have stopped it before this one was asked.
                let stopped = own || verdict.decision.is_some();
                match (exploit, stopped, own) {
                    (true, false, _) => Some("this exploit passes".to_owned()),
                    (false, _, true) => Some("this benign request is stopped".to_owned()),
                    _ => None,
                }
            }
        };
        if let Some(why) = wrong {
            problems.push(Problem {
                file: source.name.clone(),
                line: case.line,
                column: case.column,
                level: Level::Error,
                message: format!("case `{}`: {why}", case.name),
            });
        }
    }
    problems
}
