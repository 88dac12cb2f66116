//! Documents to what the engine enforces.

mod allow;
mod deny;
mod link;
pub(crate) mod targets;

use engine::{Mode, PatchRules, PathScope};

use crate::document::{
    Body, Document, Inspect, Located, Oversize, Rule, Source, Strip, Unparsable,
};
use crate::problem::{Level, Problem};
pub(crate) use link::{Effect, Entry, Link, Made};

/// Bytes of body that a patch may hold at most.
const BODY_BYTES: usize = 1024 * 1024;

/// Rules made from allow, deny and strip are numbered from here: the number of
/// the document's rule × 100, plus a running number. Ids of rules that are
/// written in SecLang stay below.
pub(crate) const NUMBERS: u64 = 9_000_000;
/// The number of the rule that stops what the parsers could not read.
pub(crate) const UNSEEN: u64 = NUMBERS + 1;

/// A document's rules, ready for the engine.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The patch's id.
    pub id: String,
    /// Which requests it concerns.
    pub scope: engine::Scope,
    /// Bytes of body that are held for it; none if it looks at no body.
    pub body_bytes: Option<usize>,
    /// What to do with larger bodies.
    pub oversize: engine::Oversize,
    pub(crate) entries: Vec<Entry>,
}

impl Compiled {
    /// As the engine takes it.
    pub fn rules(&self, mode: Mode) -> PatchRules {
        let mut rules = Vec::new();
        let mut open = seclang::Ruleset::default();
        for entry in &self.entries {
            match entry {
                Entry::Made(made) => open.directives.extend(made.directives(made.number, &[])),
                Entry::Seclang(ruleset) => {
                    rules.push(std::mem::take(&mut open));
                    rules.push(ruleset.clone());
                }
            }
        }
        rules.push(open);
        PatchRules {
            id: self.id.clone(),
            mode,
            scope: self.scope.clone(),
            body_bytes: self.body_bytes,
            oversize: self.oversize,
            rules,
        }
    }
}

/// Compiles one document.
///
/// # Errors
/// The first rule that cannot be enforced as it is written.
pub fn compile(source: &Source) -> Result<Compiled, Problem> {
    let document = &source.document;
    let mut entries = Vec::new();
    for (at, rule) in document.rules.iter().enumerate() {
        let number = NUMBERS + (at as u64 + 1) * 100;
        let made = match &rule.value {
            Rule::Deny(deny) => deny::compile(deny, document),
            Rule::Allow(allow) => allow::compile(allow),
            Rule::Strip(strip) => Ok(vec![stripped(strip)]),
            Rule::Seclang(text) => {
                entries.push(Entry::Seclang(embedded(source, text)?));
                continue;
            }
        };
        let made = made.map_err(|message| problem(source, rule, message))?;
        entries.extend(made.into_iter().zip(number + 1..).map(|(made, number)| {
            Entry::Made(Made {
                number,
                message: format!("{}: {}", document.id.value, made.message),
                ..made
            })
        }));
    }
    let body_bytes = body_bytes(source, &entries)?;
    if document.body.unparsable == Unparsable::Block && !document.rules.is_empty() {
        entries.insert(0, Entry::Made(unseen(document, body_bytes.is_some())));
    }
    leave_out(source, &mut entries)?;
    settle_phases(&mut entries, body_bytes.is_some());
    Ok(Compiled {
        id: document.id.value.clone(),
        scope: scope(document),
        body_bytes,
        oversize: match document.body.oversize {
            Oversize::Block => engine::Oversize::Block,
            Oversize::Partial => engine::Oversize::Partial,
            Oversize::PassAndRecord => engine::Oversize::PassAndRecord,
        },
        entries,
    })
}

fn problem<T>(source: &Source, at: &Located<T>, message: impl Into<String>) -> Problem {
    Problem {
        file: source.name.clone(),
        line: at.line,
        column: at.column,
        level: Level::Error,
        message: message.into(),
    }
}

/// SecLang within a document. Line breaks before it make its lines the file's lines.
fn embedded(source: &Source, text: &Located<String>) -> Result<seclang::Ruleset, Problem> {
    let before = text.line.saturating_sub(1) as usize;
    let padded = format!("{}{}", "\n".repeat(before), text.value);
    seclang::parse(&source.name, &padded, &seclang::Limits::default()).map_err(|error| Problem {
        file: source.name.clone(),
        line: error.location().line,
        column: error.location().column,
        level: Level::Error,
        message: error.message().to_owned(),
    })
}

fn stripped(strip: &Strip) -> Made {
    let (place, what) = match strip {
        Strip::Header(name) => (
            targets::header(name),
            engine::Strip::Header(name.to_ascii_lowercase()),
        ),
        Strip::Cookie(name) => (targets::cookie(name), engine::Strip::Cookie(name.clone())),
        Strip::Query(name) => (
            targets::query(name),
            engine::Strip::QueryParameter(name.clone()),
        ),
    };
    Made::new(
        format!("{place} is taken out"),
        Effect::Strip(what),
        vec![Link::counted(place.clone(), "gt", 0)],
    )
}

/// What the parsers could not read, the rules have not seen.
fn unseen(document: &Document, body: bool) -> Made {
    let message = if body {
        "the body does not parse as what it claims to be, or holds more than can be inspected"
    } else {
        "the request holds more parameters than can be inspected"
    };
    let target = targets::plain("REQBODY_ERROR");
    let link = Link::new(vec![target], "eq", "0").negated();
    let mut made = Made::new(
        format!("{}: {message}", document.id.value),
        Effect::Deny { status: 400 },
        vec![link],
    );
    made.number = UNSEEN;
    made
}

/// Paths that have patches of their own. Servers have a route for what is written so, and take
/// nothing off its end.
fn leave_out(source: &Source, entries: &mut [Entry]) -> Result<(), Problem> {
    let paths = &source.document.scope.path;
    if paths.except.is_empty() {
        return Ok(());
    }
    for pattern in &paths.except {
        deny::regex(pattern).map_err(|message| problem(source, paths, message))?;
    }
    let own = format!("\\A(?:{})\\z", paths.except.join("|"));
    let path = vec![targets::plain("REQUEST_FILENAME")];
    let link = Link::new(path, "rx", own).negated();
    for entry in entries {
        match entry {
            Entry::Made(made) => made.links.insert(0, link.clone()),
            Entry::Seclang(_) => {
                let why = "`scope.path.except` does not reach into rules written in SecLang; ask for REQUEST_FILENAME in them";
                return Err(problem(source, paths, why));
            }
        }
    }
    Ok(())
}

fn body_bytes(source: &Source, entries: &[Entry]) -> Result<Option<usize>, Problem> {
    let Body {
        inspect, budget, ..
    } = &source.document.body;
    let wanted = entries.iter().any(Entry::needs_body);
    if inspect.value == Inspect::None {
        return match wanted {
            true => Err(problem(
                source,
                inspect,
                "a rule looks at the body, but `body.inspect` is `none`; write `auto`, or look elsewhere",
            )),
            false => Ok(None),
        };
    }
    if let Some(budget) = budget
        && !(1..=BODY_BYTES).contains(&budget.value)
    {
        let message = format!(
            "`body.budget` is 1 to {BODY_BYTES} bytes, not {}",
            budget.value
        );
        return Err(problem(source, budget, message));
    }
    let budget = budget.as_ref().map_or(BODY_BYTES, |budget| budget.value);
    Ok(wanted.then_some(budget))
}

/// Rules run as soon as what they look at is there.
fn settle_phases(entries: &mut [Entry], body: bool) {
    for entry in entries {
        if let Entry::Made(made) = entry {
            let late = made.links.iter().any(Link::needs_body) || (made.number == UNSEEN && body);
            made.phase = if late { 2 } else { 1 };
        }
    }
}

fn scope(document: &Document) -> engine::Scope {
    let scope = &document.scope;
    let paths = &scope.path.value;
    let listed = [
        paths.exact.iter().cloned().map(PathScope::Exact).collect(),
        paths
            .prefix
            .iter()
            .cloned()
            .map(PathScope::Prefix)
            .collect(),
        paths
            .suffix
            .iter()
            .cloned()
            .map(PathScope::Suffix)
            .collect(),
        paths
            .regex
            .iter()
            .cloned()
            .map(PathScope::Regex)
            .collect::<Vec<_>>(),
    ];
    engine::Scope {
        applications: match scope.apps.iter().any(|app| app == "*") {
            true => Vec::new(),
            false => scope.apps.clone(),
        },
        hosts: scope.hosts.clone(),
        methods: scope.methods.clone(),
        paths: listed.concat(),
    }
}
