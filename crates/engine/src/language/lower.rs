//! Directives to [`Program`]: names resolved, defaults filled in, chains joined.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use seclang::{Action, Directive, DirectiveKind, Ruleset, Span};

use super::actions::{self, Actions, Verb};
use super::directives::{self, Apply, Given};
use super::nearest::unknown;
use super::text;
use super::update::{self, Update};
use super::variables::{self, Shape, Variable};
use crate::body::xpath::XPath;
use crate::limits::Limits;
use crate::operators::{
    self, Apart, Arguments, Build, Datasets, Operator, Resources, RestPath, Spec,
};
use crate::places::Places;
use crate::plan::gate::Gate;
use crate::plan::ir::{
    Check, Disruptive, Effect, Fault, Link, Program, Rule, Selector, Step, Target, Test, Text,
};

/// Operator, argument, and what the argument names: the file of the rule, a database, a list.
type PoolKey = (&'static str, String, Option<String>);

/// Compiled operators, shared by all rules that ask the same.
#[derive(Default)]
pub(crate) struct Pool {
    compiled: HashMap<PoolKey, Arc<dyn Operator>>,
}

/// Lowers rulesets into one program.
pub(crate) struct Lowering<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) resources: &'a dyn Resources,
    pub(crate) pool: &'a mut Pool,
    /// What comes of the rules.
    pub(crate) program: Program,
    defaults: [Default; 5],
    /// A chain that waits for its next rule.
    open: Option<(Rule, Span)>,
    ids: HashSet<u64>,
    sources: Option<&'a seclang::SourceMap>,
    /// Changes to rules, made at the end.
    pub(crate) updates: Vec<Update>,
    /// The database that `SecGeoLookupDb` has named so far.
    pub(crate) places: Option<Arc<Places>>,
    /// The lists that `SecDataset` has written so far.
    pub(crate) datasets: Datasets,
}

/// What rules of a phase do where they say nothing.
#[derive(Clone)]
pub(crate) struct Default {
    verb: Verb,
    pub(crate) status: u16,
    log: bool,
    transformations: Vec<u16>,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(
        limits: &'a Limits,
        resources: &'a dyn Resources,
        pool: &'a mut Pool,
    ) -> Self {
        let default = Default {
            verb: Verb::Pass,
            status: 403,
            log: true,
            transformations: Vec::new(),
        };
        Self {
            limits,
            resources,
            pool,
            program: Program {
                argument_separator: b'&',
                ..Program::default()
            },
            defaults: std::array::from_fn(|_| default.clone()),
            open: None,
            ids: HashSet::new(),
            sources: None,
            updates: Vec::new(),
            places: None,
            datasets: Datasets::new(),
        }
    }

    /// Adds a ruleset's directives to the program.
    pub(crate) fn add(&mut self, ruleset: &'a Ruleset) -> Result<(), Fault> {
        self.sources = Some(&ruleset.sources);
        for directive in &ruleset.directives {
            self.directive(directive)?;
        }
        match self.open.take() {
            Some((_, span)) => {
                Err(self.fault(span, "the chain ends here: no rule follows `chain`"))
            }
            None => Ok(()),
        }
    }

    /// Makes the changes that the rules ask for of each other.
    pub(crate) fn finish(mut self) -> Program {
        for update in std::mem::take(&mut self.updates) {
            let location = update.location.clone();
            if !update::apply(update, &mut self.program, &self.defaults) {
                let message = "this concerns no rule that is loaded".to_owned();
                self.program.warnings.push((location, message));
            }
        }
        self.program
    }

    fn fault(&self, span: Span, message: impl Into<String>) -> Fault {
        Fault {
            location: self.locate(span),
            message: message.into(),
        }
    }

    pub(crate) fn locate(&self, span: Span) -> Option<seclang::Location> {
        self.sources.map(|sources| sources.locate(span))
    }

    /// The file in which something stands.
    pub(crate) fn source(&self, span: Span) -> &'a str {
        self.sources.map_or("", |sources| sources.path(span))
    }

    pub(crate) fn warn(&mut self, span: Span, message: impl Into<String>) {
        let location = self.locate(span);
        self.program.warnings.push((location, message.into()));
    }

    fn directive(&mut self, directive: &Directive) -> Result<(), Fault> {
        match &directive.kind {
            DirectiveKind::Rule(rule) => {
                let mut read = self.read(&rule.actions)?;
                let targets = self.targets(&rule.targets, &read.namespaces)?;
                let test = self.test(&rule.operator)?;
                read.effects.extend(self.told(&rule.operator)?);
                self.rule(directive.span, read, targets, Some(test))
            }
            DirectiveKind::Action(list) => {
                let read = self.read(list)?;
                self.rule(directive.span, read, Vec::new(), None)
            }
            DirectiveKind::DefaultAction(list) => self.default_action(directive.span, list),
            DirectiveKind::Marker(name) => {
                for phase in &mut self.program.phases {
                    phase.push(Step::Marker(name.value.clone()));
                }
                Ok(())
            }
            DirectiveKind::Setting { name, arguments } => self.setting(name, arguments),
        }
    }

    fn read(&mut self, list: &[Action]) -> Result<Actions, Fault> {
        let mut read = actions::read(list).map_err(|(action, why)| self.fault(action.span, why))?;
        for (span, message) in read.warnings.drain(..) {
            self.warn(span, message);
        }
        Ok(read)
    }

    fn default_action(&mut self, span: Span, list: &[Action]) -> Result<(), Fault> {
        let read = self.read(list)?;
        let Some(phase) = read.phase else {
            return Err(self.fault(span, "SecDefaultAction needs a phase, such as `phase:2`"));
        };
        let verb = match read.disruptive {
            Some(Verb::Block) | None => {
                return Err(self.fault(span, "SecDefaultAction needs deny, drop, redirect or pass"));
            }
            Some(verb) => verb,
        };
        if let Some(default) = self.defaults.get_mut(usize::from(phase) - 1) {
            *default = Default {
                verb,
                status: read.status.unwrap_or(403),
                log: read.log.unwrap_or(true),
                transformations: read.transformations,
            };
        }
        Ok(())
    }

    fn rule(
        &mut self,
        span: Span,
        read: Actions,
        targets: Vec<Target>,
        test: Option<Test>,
    ) -> Result<(), Fault> {
        let phase = match &self.open {
            Some((rule, _)) => rule.phase,
            None => read.phase.unwrap_or(2),
        };
        let default = self.defaults.get(usize::from(phase) - 1).cloned();
        let Some(default) = default else {
            return Err(self.fault(span, "a rule's phase is 1 to 5"));
        };
        let mut transformations = Vec::new();
        if !read.clears_transformations {
            transformations.extend_from_slice(&default.transformations);
        }
        transformations.extend_from_slice(&read.transformations);
        self.note_uses(&targets);
        let link = Link {
            targets,
            test,
            transformations,
            multi_match: read.multi_match,
            capture: read.capture,
            effects: read.effects,
            makes: None,
            remembered: None,
            selection: None,
        };
        let mut rule = match self.open.take() {
            Some((mut rule, _)) => {
                if read.disruptive.is_some() {
                    return Err(self.fault(
                        span,
                        "a chained rule has no disruptive action; it belongs to the chain's first rule",
                    ));
                }
                rule.links.push(link);
                rule
            }
            None => {
                let status = read.status.unwrap_or(default.status);
                let verb = read.disruptive.unwrap_or(Verb::Block);
                if let Some(id) = read.id
                    && !self.ids.insert(id)
                {
                    return Err(
                        self.fault(span, format!("the id {id} is used twice; ids are unique"))
                    );
                }
                Rule {
                    id: read.id.unwrap_or(0),
                    phase,
                    links: vec![link],
                    message: read.message,
                    data: read.data,
                    tags: read.tags.into(),
                    severity: read.severity,
                    revision: read.revision,
                    disruptive: disruptive(verb, status, &default),
                    log: read.log.unwrap_or(default.log),
                    alone: None,
                    skip: 0,
                    skip_after: None,
                }
            }
        };
        if read.skip > 0 {
            rule.skip = read.skip;
        }
        if read.skip_after.is_some() {
            rule.skip_after = read.skip_after;
        }
        if read.chain {
            self.open = Some((rule, span));
        } else if let Some(steps) = self.program.phases.get_mut(usize::from(phase) - 1) {
            steps.push(Step::Rule(Box::new(rule)));
        }
        Ok(())
    }

    fn note_uses(&mut self, targets: &[Target]) {
        for target in targets {
            let uses = &mut self.program.uses;
            match variables::spec(target.variable).phase {
                2 => uses.request_body = true,
                3 => uses.response_head = true,
                4 => uses.response_body = true,
                _ => {
                    uses.request_body |=
                        matches!(target.variable, Variable::Args | Variable::ArgsNames);
                }
            }
        }
    }

    pub(crate) fn targets(
        &mut self,
        list: &[seclang::Target],
        namespaces: &[(String, String)],
    ) -> Result<Vec<Target>, Fault> {
        list.iter()
            .map(|target| self.target(target, namespaces))
            .collect()
    }

    fn target(
        &mut self,
        target: &seclang::Target,
        namespaces: &[(String, String)],
    ) -> Result<Target, Fault> {
        let Some(spec) = variables::find(&target.variable) else {
            return Err(self.fault(target.span, variables::missing(&target.variable)));
        };
        if target.selector.is_some() && spec.shape == Shape::Scalar {
            let message = format!(
                "`{}` has one value; leave out what follows the colon",
                spec.name
            );
            return Err(self.fault(target.span, message));
        }
        let selector = match &target.selector {
            None => Selector::All,
            Some(seclang::Selector::Literal(name)) => {
                let xml = matches!(spec.variable, Variable::Xml | Variable::RequestXml);
                if xml && !matches!(name.as_str(), "/*" | "//@*" | "external") {
                    let path = XPath::parse(name, namespaces)
                        .map_err(|why| self.fault(target.span, format!("XML:{name}: {why}")))?;
                    self.program.uses.xml_tree = true;
                    Selector::Path(Arc::new(path), name.clone())
                } else {
                    // As `setvar` writes them.
                    let name = match spec.variable {
                        Variable::Tx => &name.to_ascii_lowercase(),
                        _ => name,
                    };
                    Selector::Name(text::parse(name).map_err(|why| self.fault(target.span, why))?)
                }
            }
            Some(seclang::Selector::Regex(source)) => {
                let key = ("selector", source.clone(), None);
                match self.pool.compiled.get(&key) {
                    Some(known) => Selector::Pattern(Arc::clone(known)),
                    None => {
                        let built = pattern(source, self.limits)
                            .map_err(|why| self.fault(target.span, why))?;
                        if let Selector::Pattern(operator) = &built {
                            self.pool.compiled.insert(key, Arc::clone(operator));
                        }
                        built
                    }
                }
            }
        };
        Ok(Target {
            variable: spec.variable,
            counted: target.counted,
            excluded: target.excluded,
            selector,
            name: None,
        })
    }

    fn test(&mut self, operator: &seclang::Operator) -> Result<Test, Fault> {
        let Some(spec) = operators::find(&operator.name) else {
            let names = operators::ALL.iter().map(|spec| spec.name);
            return Err(self.fault(operator.span, unknown("operator", &operator.name, names)));
        };
        let check = match &spec.build {
            Build::Plain(function) | Build::Containing(function) => Check::Plain {
                function: *function,
                argument: text::parse(&operator.argument)
                    .map_err(|why| self.fault(operator.span, why))?,
                contains: matches!(spec.build, Build::Containing(_)),
            },
            // A `%{` that is no macro belongs to a regular expression.
            Build::Compiled(_)
                if !spec.reads_files()
                    && matches!(text::parse(&operator.argument), Ok(Text::Template(..))) =>
            {
                let argument = text::parse(&operator.argument)
                    .map_err(|why| self.fault(operator.span, why))?;
                Check::Expanded(spec, argument)
            }
            Build::Compiled(build) => {
                let source = self
                    .sources
                    .map_or("", |sources| sources.path(operator.span));
                let local = if spec.asks_places() {
                    self.places.as_ref().map(|places| places.name().to_owned())
                } else if spec.reads_datasets() {
                    let list = self.datasets.get(operator.argument.trim());
                    list.map(|lines| lines.join("\n"))
                } else {
                    spec.reads_files().then(|| source.to_owned())
                };
                let key = (spec.name, operator.argument.clone(), local);
                if let Some(known) = self.pool.compiled.get(&key) {
                    Check::Compiled(Arc::clone(known))
                } else {
                    let built: Arc<dyn Operator> = build(&self.arguments(operator))
                        .map_err(|why| self.fault(operator.span, format!("@{}: {why}", spec.name)))?
                        .into();
                    self.pool.compiled.insert(key, Arc::clone(&built));
                    Check::Compiled(built)
                }
            }
            Build::Refused(why) => {
                return Err(self.fault(operator.span, format!("@{}: {why}", spec.name)));
            }
        };
        Ok(Test {
            negated: operator.negated,
            check,
            gate: Gate::default(),
        })
    }

    fn arguments<'b>(&'b self, operator: &'b seclang::Operator) -> Arguments<'b> {
        Arguments {
            text: &operator.argument,
            limits: self.limits,
            resources: self.resources,
            source: self.source(operator.span),
            places: self.places.as_ref(),
            datasets: Some(&self.datasets),
        }
    }

    /// What variables tell of a match of the operator's.
    fn told(&self, operator: &seclang::Operator) -> Result<Option<Effect>, Fault> {
        let spec = operators::find(&operator.name);
        if spec.is_some_and(Spec::asks_places) {
            return Ok(self.places.clone().map(Effect::Place));
        }
        if !spec.is_some_and(Spec::names_path_parts) {
            return Ok(None);
        }
        if let Ok(Text::Template(..)) = text::parse(&operator.argument) {
            let message = "@restpath: its path holds no macros; name each part in braces alone";
            return Err(self.fault(operator.span, message));
        }
        let path = RestPath::new(&self.arguments(operator))
            .map_err(|why| self.fault(operator.span, format!("@restpath: {why}")))?;
        Ok(Some(Effect::PathParts(Arc::new(path))))
    }

    fn setting(&mut self, name: &seclang::Text, arguments: &[seclang::Text]) -> Result<(), Fault> {
        let Some(spec) = directives::find(&name.value) else {
            let names = directives::ALL.iter().map(|spec| spec.name);
            return Err(self.fault(name.span, unknown("directive", &name.value, names)));
        };
        match spec.apply {
            Apply::Set(apply) => {
                let given = Given {
                    span: name.span,
                    name: spec.name,
                    arguments,
                };
                apply(self, &given).map_err(|why| self.fault(name.span, why))
            }
            Apply::Ignored(why) => {
                self.warn(name.span, format!("{} does nothing here: {why}", spec.name));
                Ok(())
            }
            Apply::Refused(why) => {
                Err(self.fault(name.span, format!("{} is not offered: {why}", spec.name)))
            }
            // The parser leaves an include alone where no files are at hand.
            Apply::Syntax => Err(self.fault(
                name.span,
                format!(
                    "{} is not followed here; load the rules from a file",
                    spec.name
                ),
            )),
        }
    }
}

/// What a verb makes a rule do; `block` does what the default says.
pub(crate) fn disruptive(verb: Verb, status: u16, default: &Default) -> Disruptive {
    let verb = match verb {
        Verb::Block => default.verb.clone(),
        verb => verb,
    };
    match verb {
        Verb::Pass | Verb::Block => Disruptive::Pass,
        Verb::Deny => Disruptive::Block { status },
        Verb::Drop => Disruptive::Drop,
        Verb::Allow(what) => Disruptive::Allow(what),
        Verb::Redirect(location) => Disruptive::Redirect {
            status: if (300..400).contains(&status) {
                status
            } else {
                302
            },
            location,
        },
        Verb::Strip(what) => Disruptive::Strip(what),
    }
}

/// A selector's regular expression: unanchored, ASCII case ignored.
pub(crate) fn pattern(source: &str, limits: &Limits) -> Result<Selector, String> {
    let Some(Build::Compiled(build)) = operators::find("rx").map(|spec| &spec.build) else {
        return Err("regular expressions are not at hand".to_owned());
    };
    let text = format!("(?i){source}");
    build(&Arguments {
        text: &text,
        limits,
        resources: &operators::NoResources,
        source: "",
        places: None,
        datasets: None,
    })
    .map(|operator| Selector::Pattern(operator.into()))
}

impl Selector {
    /// Whether a member of this name is meant; never, if that takes macros to say.
    pub(crate) fn agrees(&self, name: &[u8], apart: &mut Apart) -> bool {
        match self {
            Self::All => true,
            Self::Name(Text::Plain(wanted)) => name.eq_ignore_ascii_case(wanted.as_bytes()),
            Self::Name(Text::Template(..)) => false,
            Self::Path(_, written) => name == written.as_bytes(),
            Self::Pattern(regex) => means(&**regex, name, apart),
        }
    }
}

/// Whether a selector's pattern means a member of this name.
pub(crate) fn means(pattern: &dyn operators::Operator, name: &[u8], apart: &mut Apart) -> bool {
    // PERF: few names of a document begin as the pattern asks.
    if let Some((start, whole)) = pattern.start()
        && memchr::memchr(b'\n', name).is_none()
    {
        let begins = begins(name, start);
        if !begins || whole {
            return begins;
        }
    }
    let mut hit = operators::Hit {
        apart: apart.take(),
        ..operators::Hit::unasked()
    };
    let means = pattern.matches(name, &mut hit);
    *apart = hit.apart;
    means
}

/// Whether the name begins so, in either case. Names of one document begin alike, so that their
/// last bytes tell them apart first.
fn begins(name: &[u8], start: &[u8]) -> bool {
    name.get(..start.len()).is_some_and(|own| {
        let mut pairs = own.iter().zip(start).rev();
        pairs.all(|(own, start)| own.eq_ignore_ascii_case(start))
    })
}
