//! What a patch does, for people and for other engines.

use seclang::{Selector, Target};
use serde::Serialize;

use crate::compile::{Compiled, Effect, Entry, Link, Made, NUMBERS, UNSEEN, compile, targets};
use crate::document::{Oversize, Source};
use crate::problem::Problem;

/// What a patch does.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The patch's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it does not cover, as the document says.
    pub limits: Vec<String>,
    /// Which requests it concerns, a line each part.
    pub scope: Vec<String>,
    /// What it does beyond stopping a class of attacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<&'static str>,
    /// Whether bodies are held, and how much of them.
    pub body: String,
    /// In the order in which they run.
    pub rules: Vec<Explained>,
    /// The same rules as SecLang for ModSecurity v3 and Coraza.
    pub seclang: String,
}

/// One rule.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// As matches name it.
    pub rule: u64,
    /// 1: before the body is there; 2: after.
    pub phase: u8,
    /// What happens when it matches.
    pub action: String,
    /// Why.
    pub message: String,
    /// All must hold.
    pub conditions: Vec<Condition>,
}

/// One condition.
#[derive(Debug, Clone, Serialize)]
pub struct Condition {
    /// What is looked at.
    pub inspected: String,
    /// How it is decoded, in order.
    pub decoded: Vec<String>,
    /// Whether every stage of decoding is looked at, or only the last.
    pub every_stage: bool,
    /// The operator and its argument.
    pub asked: String,
}

/// Explains one document.
///
/// # Errors
/// What keeps it from compiling.
pub fn explain(source: &Source) -> Result<Explanation, Problem> {
    let compiled = compile(source)?;
    let document = &source.document;
    let mut rules = Vec::new();
    for entry in &compiled.entries {
        if let Entry::Made(made) = entry {
            rules.push(explained(made));
        }
    }
    let body = match compiled.body_bytes {
        None => "request bodies are not looked at and not held".to_owned(),
        Some(bytes) => format!(
            "request bodies are held up to {bytes} bytes; {}",
            match document.body.oversize {
                Oversize::Block => "larger ones are answered 413",
                Oversize::PassAndRecord => "larger ones pass uninspected, which is recorded",
                Oversize::Partial => "of larger ones the beginning is inspected",
            }
        ),
    };
    Ok(Explanation {
        id: compiled.id.clone(),
        title: document.title.value.clone(),
        limits: document.limits.clone(),
        scope: scope(&compiled, &document.scope.path.except),
        effect: document.effect.map(beyond),
        body,
        rules,
        seclang: exported(&compiled, &document.title.value),
    })
}

fn beyond(effect: crate::document::Effect) -> &'static str {
    use crate::document::Effect as E;
    match effect {
        E::EndpointClosed => "nobody reaches the endpoint any more, whatever the request holds",
        E::Literal => "only values that are known are stopped, such as a published password",
        E::OwnUrlsOnly => {
            "only URLs of this site, or relative ones, pass: others that users may want are stopped too"
        }
    }
}

fn explained(made: &Made) -> Explained {
    Explained {
        rule: made.number,
        phase: made.phase,
        action: match &made.effect {
            Effect::Deny { status } => format!("deny with status {status}"),
            Effect::Strip(what) => format!("strip {}", stripped(what)),
        },
        message: made.message.clone(),
        conditions: made
            .links
            .iter()
            .map(|link| {
                let targets: Vec<String> = link.targets.iter().map(ToString::to_string).collect();
                let not = if link.negated { "not " } else { "" };
                Condition {
                    inspected: targets.join(" | "),
                    decoded: link
                        .transformations
                        .iter()
                        .map(|&name| name.to_owned())
                        .collect(),
                    every_stage: link.every_stage,
                    asked: format!("{not}@{} {}", link.operator, link.argument)
                        .trim_end()
                        .to_owned(),
                }
            })
            .collect(),
    }
}

fn stripped(what: &engine::Strip) -> String {
    match what {
        engine::Strip::Header(name) => format!("the header {name}"),
        engine::Strip::Cookie(name) => format!("the cookie {name}"),
        engine::Strip::QueryParameter(name) => format!("the query parameter {name}"),
    }
}

fn scope(compiled: &Compiled, except: &[String]) -> Vec<String> {
    let scope = &compiled.scope;
    let paths: Vec<String> = scope
        .paths
        .iter()
        .map(|path| match path {
            engine::PathScope::Exact(text) => text.clone(),
            engine::PathScope::Prefix(text) => format!("{text}…"),
            engine::PathScope::Suffix(text) => format!("…{text}"),
            engine::PathScope::Regex(pattern) => format!("all that match {pattern}"),
        })
        .collect();
    [
        ("applications", &scope.applications),
        ("hosts", &scope.hosts),
        ("methods", &scope.methods),
        ("paths", &paths),
    ]
    .into_iter()
    .map(|(what, values)| match values.is_empty() {
        true => format!("{what}: all"),
        false => format!("{what}: {}", values.join(", ")),
    })
    .chain((!except.is_empty()).then(|| format!("but not paths: {}", except.join(", "))))
    .collect()
}

/// The rules for an engine that has no route index: the scope becomes the head of each chain.
fn exported(compiled: &Compiled, title: &str) -> String {
    let base = NUMBERS + fnv(&compiled.id) % 99_000 * 10_000;
    let mut text = format!(
        "# {}: {}\n# Generated by stopgap patch explain; change the patch, not this text.\n",
        compiled.id,
        title.replace(['\r', '\n'], " ")
    );
    if !compiled.scope.applications.is_empty() {
        text.push_str(&format!(
            "# Only for the applications {}: include it in their configuration alone.\n",
            compiled.scope.applications.join(", ")
        ));
    }
    if compiled.body_bytes.is_some() {
        text.push_str(&format!(
            "SecRequestBodyAccess On\nSecRule REQUEST_HEADERS:Content-Type \"@rx (?i)json\" \\\n    \"id:{base},phase:1,t:none,pass,nolog,ctl:requestBodyProcessor=JSON\"\nSecRule REQUEST_HEADERS:Content-Type \"@rx (?i)xml\" \\\n    \"id:{},phase:1,t:none,pass,nolog,ctl:requestBodyProcessor=XML\"\n",
            base + 2
        ));
    }
    let heads = heads(&compiled.scope);
    for entry in &compiled.entries {
        match entry {
            Entry::Seclang(ruleset) => {
                text.push_str("# Written in SecLang by the patch; its scope is not added.\n");
                text.push_str(&seclang::print(&ruleset.directives));
            }
            // Only this engine counts parameters before the body is there.
            Entry::Made(made) if made.number == UNSEEN && made.phase == 1 => {}
            // And only this one counts the types of a body among what does not parse.
            Entry::Made(made) if made.number == UNSEEN => {
                for made in several_types(&compiled.id).iter().chain([made]) {
                    text.push_str(&exported_rule(made, base, &heads));
                }
            }
            Entry::Made(made) => text.push_str(&exported_rule(made, base, &heads)),
        }
    }
    text
}

/// The engine's anomaly `SeveralContentTypes`, as rules.
fn several_types(id: &str) -> [Made; 2] {
    let counted = |number, header, than, what| {
        let mut made = Made::new(
            format!("{id}: the body's type is told {what}"),
            Effect::Deny { status: 400 },
            vec![Link::counted(targets::header(header), "gt", than)],
        );
        made.number = NUMBERS + number;
        made.phase = 1;
        made
    };
    [
        counted(3, "Content-Type", 1, "twice"),
        counted(4, "Content_Type", 0, "in another header"),
    ]
}

fn exported_rule(made: &Made, base: u64, heads: &[Link]) -> String {
    let mut made = made.clone();
    let mut note = String::new();
    if let Effect::Strip(what) = &made.effect {
        note = format!(
            "# Stopgap takes {} out of the request; SecLang cannot, so this stops the request.\n",
            stripped(what)
        );
        made.effect = Effect::Deny { status: 403 };
    }
    let identifiers = |target: &Target| {
        matches!(&target.selector, Some(Selector::Literal(name)) if name == "external")
            && target.variable == "XML"
    };
    let ours = made.links.iter().find_map(|link| match link {
        link if link.targets.iter().any(identifiers) => Some("for XML identifiers"),
        link if link.operator == "detectPickle" => Some("for pickles"),
        _ => None,
    });
    if let Some(what) = ours {
        return format!(
            "# Rule {} asks {what}, which SecLang cannot name; left out.\n",
            made.number
        );
    }
    note + &seclang::print(&made.directives(base + made.number - NUMBERS, heads))
}

/// The scope as conditions.
fn heads(scope: &engine::Scope) -> Vec<Link> {
    use crate::compile::targets::{escaped, plain};
    let mut heads = Vec::new();
    let list = |values: &[String]| {
        let values: Vec<String> = values
            .iter()
            .map(|value| escaped(value).replace("\\*", "[^.]*"))
            .collect();
        values.join("|")
    };
    if !scope.methods.is_empty() {
        let argument = format!("\\A(?:{})\\z", list(&scope.methods));
        heads.push(Link::new(vec![plain("REQUEST_METHOD")], "rx", argument));
    }
    if !scope.hosts.is_empty() {
        let argument = format!("(?i)\\A(?:{})\\z", list(&scope.hosts));
        heads.push(Link::new(vec![plain("SERVER_NAME")], "rx", argument));
    }
    if !scope.paths.is_empty() {
        let paths: Vec<String> = scope
            .paths
            .iter()
            .map(|path| match path {
                engine::PathScope::Exact(text) => format!("\\A{}{}", escaped(text), end(text)),
                engine::PathScope::Prefix(text) => format!("\\A{}", escaped(text)),
                engine::PathScope::Suffix(text) => format!("{}{}", escaped(text), end(text)),
                engine::PathScope::Regex(pattern) => format!("(?:{pattern})"),
            })
            .collect();
        let mut link = Link::new(
            vec![plain("REQUEST_FILENAME")],
            "rx",
            format!("(?i){}", paths.join("|")),
        );
        // The readings that servers give to a path, as far as SecLang has them.
        link.transformations = vec!["urlDecodeUni", "normalisePathWin"];
        link.every_stage = true;
        heads.push(link);
    }
    heads
}

/// How a path may go on behind a scope's text: by what servers drop at its end, such as the
/// format of an answer, parameters, a stream of a file on Windows and what is behind a zero.
fn end(text: &str) -> String {
    let last = text.rsplit('/').next().unwrap_or_default();
    // Of two extensions, the first is of the name.
    let format = match last.is_empty() || last.contains('.') {
        true => "",
        false => r"(?: *\.[a-z0-9]{1,8})?",
    };
    let dropped = format!(r"{format}[/. ]*(?:;[^/]*[/. ]*)?(?:(?:::\$|\x00)(?s:.*))?");
    let extension = last.rsplit_once('.').unwrap_or_default().1;
    match engine::SCRIPTS
        .iter()
        .any(|it| extension.eq_ignore_ascii_case(it))
    {
        true => format!(r"(?:{dropped}|/(?s:.*))\z"),
        false => format!(r"{dropped}\z"),
    }
}

/// FNV-1a, 64 bits: ids must stay the same from one version to the next.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}: {}", self.id, self.title)?;
        writeln!(f, "\nConcerns")?;
        for line in &self.scope {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "  {}", self.body)?;
        if !self.limits.is_empty() {
            writeln!(f, "\nLimits")?;
            for line in &self.limits {
                writeln!(f, "  {line}")?;
            }
        }
        if let Some(effect) = self.effect {
            writeln!(f, "\nBeyond a class of attacks\n  {effect}")?;
        }
        writeln!(f, "\nRules")?;
        for rule in &self.rules {
            writeln!(f, "  {} (phase {}): {}", rule.rule, rule.phase, rule.action)?;
            writeln!(f, "      because {}", rule.message)?;
            for condition in &rule.conditions {
                writeln!(f, "      look at  {}", condition.inspected)?;
                if !condition.decoded.is_empty() {
                    let stages = match condition.every_stage {
                        true => ", looking at every stage",
                        false => "",
                    };
                    writeln!(f, "      decoded  {}{stages}", condition.decoded.join(", "))?;
                }
                writeln!(f, "      for      {}", condition.asked)?;
            }
        }
        writeln!(f, "\nAs SecLang\n\n{}", self.seclang)
    }
}
