//! Templates of the nuclei scanner (template syntax of version 3; `requests` of
//! version 2 is read too).
//!
//! [`template`] reads what is sent, [`payloads`] makes the combinations, and [`requests`]
//! renders each with the expressions of [`dsl`], twice: with other chance and another
//! target the second time.

mod dsl;
mod flow;
mod fuzzing;
mod payloads;
mod render;
mod requests;
mod template;

use std::rc::Rc;

use patch::document::{Severity, Success, Vulnerability};

use super::{Beside, Imported, Importer, Options, Outcome, identifier, sample, stem};
use crate::{Description, Exploit, Limits, Step};
use dsl::Value;
use flow::Flow;
use fuzzing::{Change, Room, Rule};
use payloads::{Combination, Payload};
use render::Context;
use requests::Form;
use template::{Block, Info, Template, Texts};

/// `nuclei`
pub(super) const IMPORTER: Importer = Importer {
    kind: "nuclei",
    summary: "templates of the nuclei scanner, version 2 and 3; HTTP alone",
    suffixes: &["yaml", "yml"],
    read,
    read_bytes: None,
};

/// The helper functions that templates may use, and what each gives.
pub fn functions() -> impl Iterator<Item = (&'static str, &'static str)> {
    dsl::reference()
}

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    let template = match Template::parse(text, name) {
        Ok(template) => template,
        Err(reason) => return vec![Imported::rejected(stem(name), reason)],
    };
    let id = identifier(&template.id);
    let mut imported = match described(&template, name, &options.limits, 0, &options.beside) {
        Ok(description) => Imported::synthesised(&description, options),
        Err(reason) => Imported::rejected(id, reason),
    };
    if matches!(imported.outcome, Outcome::Rejected(_)) && template.smuggles() {
        let why = format!(
            "{name}: it sends a request whose end two servers find at different places; the gateway answers such requests 400 without any patch"
        );
        imported.outcome = Outcome::Needless(why);
    }
    vec![imported]
}

/// What a template says, everything rendered. Another `chance` chooses other random values,
/// another target and another call-back host.
///
/// # Errors
/// The template's id, or its name where that cannot be read, and why it has no requests.
pub fn describe(
    text: &str,
    name: &str,
    limits: &Limits,
    chance: u64,
) -> Result<Description, (String, String)> {
    let template = Template::parse(text, name).map_err(|reason| (stem(name), reason))?;
    described(&template, name, limits, chance, &Beside::default())
        .map_err(|reason| (identifier(&template.id), reason))
}

fn described(
    template: &Template,
    name: &str,
    limits: &Limits,
    chance: u64,
    beside: &Beside,
) -> Result<Description, String> {
    if template.http.is_empty() {
        let others = template.others();
        return Err(match others.is_empty() {
            true => format!("{name}: it has no `http` requests"),
            false => format!(
                "{name}: it speaks {}, not HTTP; an ingress point for HTTP cannot stop it",
                others.join(", ")
            ),
        });
    }
    let flow = Flow::of(template).map_err(|why| format!("{name}: {why}"))?;
    let info = &template.info;
    let vulnerability = vulnerability(info, &template.id);
    let hints = hints(info);
    let payloads = payloads::read(&template.http, name, beside);
    let set = flow.variables.iter().chain(template.variables());
    let mut reading = Reading {
        template,
        variables: set.cloned().collect(),
        lists: &flow.lists,
        name,
        limits,
        chance,
        payloads: &payloads,
        exploits: Vec::new(),
        notes: flow.notes.clone(),
        anywhere: None,
        specimen: sample::of(&vulnerability.cwe).or_else(|| sample::hinted(&hints)),
    };
    for &(stage, number) in &flow.blocks {
        if let Some(block) = template.http.get(number - 1) {
            reading.block(stage, number, block)?;
        }
    }
    let Reading {
        exploits,
        notes,
        anywhere,
        ..
    } = reading;
    // What comes before such a block only prepares for it.
    if let Some(why) = anywhere {
        return Err(why);
    }
    if exploits.is_empty() {
        return Err(format!("{name}: its `http` sends no request"));
    }
    Ok(Description {
        id: identifier(&template.id),
        title: match info.name.trim() {
            "" => template.id.clone(),
            title => title.to_owned(),
        },
        severity: severity(&info.severity),
        vulnerability,
        hints,
        notes,
        source: name.to_owned(),
        exploits,
    })
}

/// Words for what kind of vulnerability it is.
fn hints(info: &Info) -> Vec<String> {
    let tags = info.tags.texts.iter().flat_map(|tags| tags.split(','));
    tags.map(|tag| tag.trim().to_owned()).collect()
}

/// What was read of a template so far.
struct Reading<'t> {
    template: &'t Template,
    /// Of the flow and the template, those first that win.
    variables: Vec<(String, String)>,
    /// What the flow takes one after the other.
    lists: &'t [(String, Rc<Texts>)],
    name: &'t str,
    limits: &'t Limits,
    chance: u64,
    /// Of each block, with those that are in files beside the template.
    payloads: &'t [Vec<Payload>],
    exploits: Vec<Exploit>,
    notes: Vec<String>,
    /// Why a block that fuzzes whatever it is given is not looked at.
    anywhere: Option<String>,
    /// What stands for payloads that are in files of the scanner's.
    specimen: Option<&'static str>,
}

impl<'t> Reading<'t> {
    /// Raw requests of a block are sent one after the other; each path is tried by itself.
    fn block(&mut self, stage: usize, number: usize, block: &'t Block) -> Result<(), String> {
        if let Some(rules) = &block.fuzzing
            && !block.names_endpoint()
        {
            self.anywhere = Some(format!(
                "{}:{}: it fuzzes the {} of whatever request it is given and names no endpoint of its own; import each request that it finds a fault with, as `curl` or `http`",
                self.name,
                rules.line,
                fuzzing::told(&rules.value)
            ));
            return Ok(());
        }
        let method = block.method.texts.first().map_or("GET", String::as_str);
        let sequences: Vec<Vec<Form<'_>>> = match block.raw.is_empty() {
            false => vec![block.raw.iter().map(Form::Raw).collect()],
            true => {
                let forms = block.path.iter().map(|path| vec![Form::Path(method, path)]);
                forms.collect()
            }
        };
        let bound = self.limits.steps;
        if sequences.iter().any(|forms| forms.len() > bound) {
            let name = self.name;
            return Err(format!("{name}: more than {bound} requests in one block"));
        }
        let room = self.limits.exploits.saturating_sub(self.exploits.len());
        let combinations = self.combinations(block, number, room / sequences.len().max(1));
        let rules = match &block.fuzzing {
            Some(rules) => Some(
                Rule::all(&rules.value)
                    .map_err(|why| format!("{}:{}: `fuzzing`: {why}", self.name, rules.line))?,
            ),
            None => None,
        };
        let mut room = Room {
            payloads: room,
            requests: room,
            bytes: self.limits.request_bytes,
            left_out: false,
        };
        'all: for (at, combination) in combinations.iter().enumerate() {
            for (path, forms) in sequences.iter().enumerate() {
                if self.exploits.len() >= self.limits.exploits {
                    room.left_out = rules.is_some();
                    break 'all;
                }
                let rendering = Rendering {
                    template: self.template,
                    variables: &self.variables,
                    block,
                    combination,
                    name: self.name,
                    limits: self.limits,
                    chance: self.chance,
                };
                let name = format!("http {number}, path {}, payload {}", path + 1, at + 1);
                let found = match &rules {
                    None => vec![rendering.steps(forms)?],
                    Some(rules) => rendering.fuzzed(forms, rules, &mut room)?,
                };
                let several = found.len() > 1;
                for (way, steps) in found.into_iter().enumerate() {
                    let name = match several {
                        true => format!("{name}, way {}", way + 1),
                        false => name.clone(),
                    };
                    if !steps.is_empty() {
                        self.exploits.push(Exploit { name, stage, steps });
                    }
                }
                if rules.is_some() && room.payloads == 0 {
                    break 'all;
                }
            }
        }
        if room.left_out {
            self.notes.push(format!(
                "http {number}: not all that its fuzzing rules make of a request is looked at"
            ));
        }
        Ok(())
    }

    /// The payloads that there is room for; what is left out is noted.
    fn combinations(
        &mut self,
        block: &'t Block,
        number: usize,
        room: usize,
    ) -> Vec<Combination<'t>> {
        let attack = block.attack.as_deref().unwrap_or_default();
        let payloads = self.payloads.get(number - 1);
        let payloads = payloads.map_or(&[][..], Vec::as_slice);
        let mut found = payloads::combinations(payloads, self.lists, attack, room.max(1));
        if found.left_out > 0 {
            self.notes.push(format!(
                "http {number}: {} combinations of payloads are not looked at",
                found.left_out
            ));
        }
        for (name, why) in found.unread {
            let specimen = self.specimen.filter(|_| !is_credential(name));
            let what = match specimen {
                Some(_) => "a plain specimen of the class stands for them",
                None => "they are not looked at",
            };
            self.notes.push(format!(
                "http {number}: the payloads `{name}` are in a file that is not read: {why}; {what}"
            ));
            for combination in &mut found.combinations {
                combination.extend(specimen.map(|specimen| (name, specimen)));
            }
        }
        found.combinations
    }
}

/// Whether a payload is for trying who may sign in.
fn is_credential(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [
        "user", "pass", "pwd", "cred", "key", "token", "login", "mail",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

struct Rendering<'t> {
    template: &'t Template,
    variables: &'t [(String, String)],
    block: &'t Block,
    combination: &'t Combination<'t>,
    name: &'t str,
    limits: &'t Limits,
    chance: u64,
}

impl Rendering<'_> {
    fn steps(&self, forms: &[Form<'_>]) -> Result<Vec<Step>, String> {
        let mut first = self.context(self.chance.wrapping_mul(2))?;
        let mut again = self.context(self.chance.wrapping_mul(2).wrapping_add(1))?;
        let mut steps = Vec::new();
        for (at, form) in forms.iter().enumerate() {
            let at_line = |why| format!("{}:{}: {why}", self.name, form.line());
            let bound = self.limits.request_bytes;
            let request = form
                .rendered(self.block, &mut first, bound)
                .map_err(at_line)?;
            let other = form
                .rendered(self.block, &mut again, bound)
                .map_err(at_line)?;
            steps.push(Step {
                again: (other != request).then_some(other),
                request,
                success: (at + 1 == forms.len())
                    .then(|| success(self.block))
                    .flatten(),
                unknowns: Vec::new(),
                attacked: None,
            });
        }
        for step in &mut steps {
            step.unknowns = first.unknowns().to_vec();
        }
        Ok(steps)
    }

    /// What the rules make of a request, each way by itself, as far as there is room.
    fn fuzzed(
        &self,
        forms: &[Form<'_>],
        rules: &[Rule<'_>],
        room: &mut Room,
    ) -> Result<Vec<Vec<Step>>, String> {
        let mut first = self.context(self.chance.wrapping_mul(2))?;
        let mut again = self.context(self.chance.wrapping_mul(2).wrapping_add(1))?;
        let mut found = Vec::new();
        for step in self.steps(forms)? {
            let others = step.again.as_ref().unwrap_or(&step.request);
            for rule in rules.iter().filter(|rule| !rule.told.fuzz.0.is_empty()) {
                let places = rule.places(&step.request, room);
                let other_places = rule.places(others, room);
                for (name, payload) in &rule.told.fuzz.0 {
                    if room.payloads == 0 || room.requests == 0 {
                        room.left_out = true;
                        return Ok(found);
                    }
                    room.payloads -= 1;
                    let change = |context: &mut Context<'_>| {
                        let rendered = context.render(payload.as_bytes());
                        rendered
                            .map(|rendered| Change::new(rule, name.as_deref(), rendered))
                            .map_err(|why| format!("{}: `fuzz`: {why}", self.name))
                    };
                    let requests = change(&mut first)?.of(&step.request, &places, room);
                    let others = change(&mut again)?.of(others, &other_places, room);
                    for (request, other) in requests.into_iter().zip(others) {
                        room.requests = room.requests.saturating_sub(1);
                        found.push(vec![Step {
                            again: (other != request).then_some(other),
                            request,
                            success: step.success.clone(),
                            unknowns: [&step.unknowns[..], first.unknowns()].concat(),
                            attacked: None,
                        }]);
                    }
                }
            }
        }
        Ok(found)
    }

    fn context(&self, seed: u64) -> Result<Context<'_>, String> {
        let lenient = self.block.skip_variables_check;
        let mut context = Context::new(&self.template.id, seed, self.variables, lenient);
        for (name, value) in self.combination {
            let rendered = context
                .render(value.as_bytes())
                .map_err(|why| format!("{}: payload `{name}`: {why}", self.name))?;
            context.set(name, Value::bytes(rendered));
        }
        Ok(context)
    }
}

/// What the first matchers ask of the answer, as far as a document can say it.
fn success(block: &Block) -> Option<Success> {
    if block.matchers_condition == "or" {
        return None;
    }
    let mut success = Success::default();
    let plain = |text: &&String| !text.contains("{{") && !text.trim().is_empty();
    for matcher in block
        .matchers
        .iter()
        .filter(|matcher| !matcher.negative && !matcher.internal)
    {
        let of_body = matcher.part.is_empty() || matcher.part.starts_with("body");
        match matcher.kind.as_str() {
            "status" if matcher.status.texts.len() == 1 => {
                success.status = matcher
                    .status
                    .texts
                    .first()
                    .and_then(|text| text.parse().ok());
            }
            "word" if of_body => {
                success.body_contains = matcher.words.texts.iter().find(plain).cloned();
            }
            "regex" if of_body && matcher.regex.texts.len() == 1 => {
                let pattern = matcher.regex.texts.iter().find(plain);
                success.body_matches = pattern
                    .filter(|pattern| regex::bytes::Regex::new(pattern).is_ok())
                    .map(|pattern| pattern.clone().into());
            }
            _ => {}
        }
    }
    (!success.is_empty()).then_some(success)
}

fn severity(text: &str) -> Severity {
    match text.to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "high" => Severity::High,
        "medium" => Severity::Medium,
        _ => Severity::Low,
    }
}

fn vulnerability(info: &Info, id: &str) -> Vulnerability {
    let words = |texts: &[String]| -> Vec<String> {
        let words = texts.iter().flat_map(|text| text.split(','));
        words
            .map(|word| word.trim().to_ascii_uppercase())
            .filter(|word| !word.is_empty())
            .collect()
    };
    let classification = info.classification.as_ref();
    let mut aliases = classification.map_or_else(Vec::new, |known| words(&known.cve_id.texts));
    aliases.retain(|alias| !alias.eq_ignore_ascii_case(id));
    Vulnerability {
        aliases,
        cwe: classification.map_or_else(Vec::new, |known| words(&known.cwe_id.texts)),
        affects: classification.map_or_else(Vec::new, |known| known.cpe.texts.clone()),
        fixed_in: None,
        known_exploited: false,
        references: info.reference.texts.clone(),
    }
}
