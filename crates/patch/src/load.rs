//! Patch files and folders to documents and plans.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{CompileError, Compiler, Limits, Mode, NoResources, Plan};

use crate::compile::compile;
use crate::document::Source;
use crate::problem::{Level, Problem};
use crate::prove::refused;

/// Files of one folder at most.
const FILES: usize = 100_000;
/// Folders within folders at most.
const DEPTH: usize = 8;

/// Reads files, and the `.yaml` and `.yml` files of folders, in order of their names.
///
/// # Errors
/// Everything that cannot be read or parsed; nothing is left out silently.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, Vec<Problem>> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        if let Err(problem) = collect(path, path.is_dir(), 0, &mut files) {
            problems.push(problem);
        }
    }
    let mut sources = Vec::new();
    for file in files {
        let name = file.display().to_string();
        let source = std::fs::read_to_string(&file)
            .map_err(|error| unreadable(&file, &error.to_string()))
            .and_then(|text| Source::parse(&name, &text));
        match source {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(sources)
    } else {
        Err(problems)
    }
}

fn collect(
    path: &Path,
    folder: bool,
    depth: usize,
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
        let is_document = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_folder || is_document {
            collect(&path, is_folder, depth + 1, files)?;
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

/// Compiles documents, and rules that concern every request, to one plan.
///
/// # Errors
/// The first document that does not compile, with its place.
pub fn plan(
    rules: &[seclang::Ruleset],
    sources: &[Source],
    mode: Mode,
    limits: Limits,
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
    let mut compiler = Compiler::new(rules, limits, &NoResources).map_err(|error| plain(&error))?;
    for source in sources {
        compiler
            .add(&compile(source)?.rules(mode))
            .map_err(|error| refused(source, &error))?;
    }
    compiler.finish().map_err(|error| {
        let of_patch = |source: &&Source| Some(source.document.id.as_str()) == error.patch();
        match sources.iter().find(of_patch) {
            Some(source) => refused(source, &error),
            None => plain(&error),
        }
    })
}
