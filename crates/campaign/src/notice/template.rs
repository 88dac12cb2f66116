//! Texts of mails that people edit: `{begins}` and the like stand for what is told.

use ledger::Refused;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text with places for facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// One line.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// The texts of a campaign; what is not there is as shipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Templates {
    /// Asks a stakeholder.
    pub ask: Template,
    /// Announces a window.
    pub announce: Template,
    /// Reminds of it.
    pub remind: Template,
    /// Is shown to whoever works at an asset; it has no subject.
    pub message: Template,
    /// Tells that it is over.
    pub all_clear: Template,
    /// Tells what became of the campaign.
    pub report: Template,
}

const ALWAYS: &[&str] = &["campaign", "number", "owner", "contact"];
const OF_RING: &[&str] = &["ring", "services", "assets"];

impl Default for Templates {
    fn default() -> Self {
        let template = |subject: &str, text: &str| Template {
            subject: subject.to_owned(),
            text: text.to_owned(),
        };
        Self {
            ask: template(
                "Please answer until {deadline}: updates of {service}",
                include_str!("ask.txt"),
            ),
            announce: template(
                "Updates from {begins}: {services}",
                include_str!("announce.txt"),
            ),
            remind: template(
                "Reminder: updates from {begins}: {services}",
                include_str!("announce.txt"),
            ),
            message: template("", include_str!("message.txt")),
            all_clear: template(
                "Updates are over: {services}",
                include_str!("all-clear.txt"),
            ),
            report: template(
                "Report on campaign {number}: {campaign}",
                include_str!("report.txt"),
            ),
        }
    }
}

impl Templates {
    /// Whether all of them can be filled in.
    ///
    /// # Errors
    /// A text names something that cannot be told there.
    pub fn check(&self) -> Result<(), Refused> {
        self.fault().map_or(Ok(()), |it| Err(Refused::new(it.why)))
    }

    /// The first of them that cannot be filled in.
    #[must_use]
    pub fn fault(&self) -> Option<TemplateFault> {
        let window = &["begins", "ends"];
        let ask = &["service", "deadline", "evidence", "plan"];
        let (results, none): (&[&str], &[&str]) = (&["results"], &[]);
        let all = [
            ("ask", &self.ask, [OF_RING, ask]),
            ("announce", &self.announce, [OF_RING, window]),
            ("remind", &self.remind, [OF_RING, window]),
            ("message", &self.message, [none, none]),
            ("all_clear", &self.all_clear, [OF_RING, results]),
            ("report", &self.report, [none, results]),
        ];
        all.into_iter().find_map(|(name, template, facts)| {
            let known = [ALWAYS, facts[0], facts[1]].concat();
            let texts = [("subject", &template.subject), ("text", &template.text)];
            let unknown = texts.into_iter().find_map(|(field, text)| {
                let facts = parts(text).into_iter().filter_map(|part| match part {
                    Part::Fact(fact) => Some(fact),
                    Part::Text(_) => None,
                });
                let mut unknown = facts.filter(|fact| !known.contains(fact));
                Some((field, unknown.next()?))
            });
            let fault = |field, fact, why| TemplateFault {
                name,
                field,
                fact,
                why,
            };
            match unknown {
                Some((field, fact)) => {
                    let known = known.join(", ");
                    let why = format!("template {name} asks for {{{fact}}}, it can tell {known}");
                    Some(fault(field, Some(format!("{{{fact}}}")), why))
                }
                None if template.subject.contains(['\r', '\n']) => {
                    let why = format!("the subject of template {name} must be one line");
                    Some(fault("subject", None, why))
                }
                None => None,
            }
        })
    }
}

/// Why a text cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFault {
    /// The template.
    pub name: &'static str,
    /// Its `subject` or its `text`.
    pub field: &'static str,
    /// What it asks for and cannot be told, with its braces.
    pub fact: Option<String>,
    /// For people.
    pub why: String,
}

impl Template {
    /// The subject and the text with facts in their places.
    pub(super) fn filled(&self, facts: &[(&str, String)]) -> (String, String) {
        let fill = |text: &str| {
            let filled = parts(text).into_iter().map(|part| match part {
                Part::Text(text) => text.to_owned(),
                Part::Fact(name) => {
                    let fact = facts.iter().find(|(known, _)| *known == name);
                    fact.map_or_else(|| format!("{{{name}}}"), |(_, fact)| fact.clone())
                }
            });
            filled.collect::<String>()
        };
        // Facts are others' words: a subject stays one line.
        let subject = fill(&self.subject).replace(['\r', '\n'], " ");
        (subject, fill(&self.text))
    }
}

enum Part<'t> {
    Text(&'t str),
    Fact(&'t str),
}

/// `{` and a small word and `}` is a fact; other braces are text.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        parts.push(Part::Text(before));
        match after.split_once('}') {
            Some((name, behind)) if is_name(name) => {
                parts.push(Part::Fact(name));
                rest = behind;
            }
            _ => {
                parts.push(Part::Text("{"));
                rest = after;
            }
        }
    }
    parts.push(Part::Text(rest));
    parts
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_lowercase() || it == b'_')
}
