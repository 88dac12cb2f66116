//! Rules as the evaluator runs them: names resolved, constants folded.

use std::sync::Arc;

use seclang::Location;

use super::gate::Gate;
use super::query::Query;
use super::signature::Signature;
use crate::body::xpath::XPath;
use crate::language::variables::Variable;
use crate::operators::{self, RestPath};
use crate::places::Places;
use crate::transaction::tx::TxNames;
use crate::transformations::unicode_map::UnicodeMap;

/// Rules in the order of evaluation, by phase.
#[derive(Default)]
pub(crate) struct Program {
    pub(crate) phases: [Vec<Step>; 5],
    pub(crate) engine: EngineMode,
    /// Whether SecLang asked for request bodies (`SecRequestBodyAccess On`).
    pub(crate) request_body: bool,
    /// Whether SecLang asked for response bodies.
    pub(crate) response_body: bool,
    pub(crate) request_body_limit: Option<usize>,
    pub(crate) argument_separator: u8,
    pub(crate) settings: Settings,
    /// Names and versions of the rule sets (`SecComponentSignature`).
    pub(crate) components: Vec<String>,
    /// What is loaded and does nothing here, or not what its author may think.
    pub(crate) warnings: Vec<(Option<Location>, String)>,
    /// What the rules look at, so that nothing else is collected.
    pub(crate) uses: Uses,
    /// Whether a rule asks what an earlier one matched.
    pub(crate) reads_matched: bool,
    /// The variables of `TX` that rules name, and what they hold from the start.
    pub(crate) tx: TxNames,
    /// The phases as queries; none: every rule runs in its turn.
    pub(crate) queries: Option<Box<[Query; 5]>>,
}

impl Program {
    /// The links of all rules, in their order.
    pub(super) fn links_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        let steps = self.phases.iter_mut().flatten();
        steps.flat_map(|step| match step {
            Step::Rule(rule) => rule.links.as_mut_slice(),
            Step::Marker(_) => &mut [],
        })
    }
}

/// What directives say of bodies, cookies and collections.
pub(crate) struct Settings {
    /// A body that is larger than the limit is inspected as far as it is held.
    pub(crate) request_body_partial: bool,
    /// Bytes of a body without its uploaded files.
    pub(crate) request_body_no_files_limit: Option<usize>,
    pub(crate) response_body_limit: Option<usize>,
    /// A response that is larger than the limit is answered 500.
    pub(crate) response_body_reject: bool,
    /// Media types of responses that are inspected, lower case; `null` for those without one.
    pub(crate) response_types: Vec<String>,
    pub(crate) arguments_limit: Option<usize>,
    pub(crate) json_depth: Option<usize>,
    /// Uploaded files of one request.
    pub(crate) files_limit: Option<usize>,
    /// `SecCookieFormat 1`: as RFC 2965 has it, with quotes and `$Version`.
    pub(crate) cookie_version_1: bool,
    /// Instead of `;` between cookies.
    pub(crate) cookie_separator: u8,
    /// `WEBAPPID`, which tells the collections of several applications apart.
    pub(crate) web_app_id: String,
    /// Seconds after which a persistent collection that is not used is forgotten.
    pub(crate) collection_timeout: u64,
    pub(crate) xml_into_args: XmlIntoArgs,
    /// The code page of `t:urlDecodeUni` (`SecUnicodeMapFile`).
    pub(crate) unicode: Option<Arc<UnicodeMap>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_body_partial: false,
            request_body_no_files_limit: None,
            response_body_limit: None,
            response_body_reject: false,
            response_types: vec!["text/plain".to_owned(), "text/html".to_owned()],
            arguments_limit: None,
            json_depth: None,
            files_limit: None,
            cookie_version_1: false,
            cookie_separator: b';',
            web_app_id: "default".to_owned(),
            collection_timeout: 3600,
            xml_into_args: XmlIntoArgs::Off,
            unicode: None,
        }
    }
}

/// Whether the texts of an XML body are parameters too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum XmlIntoArgs {
    #[default]
    Off,
    /// Beside `XML`.
    On,
    /// Instead of `XML`.
    Only,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum EngineMode {
    #[default]
    On,
    DetectionOnly,
    Off,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Uses {
    pub(crate) request_body: bool,
    pub(crate) response_head: bool,
    pub(crate) response_body: bool,
    /// XPath expressions, which need the tree of an XML body.
    pub(crate) xml_tree: bool,
}

/// A place in a phase.
pub(crate) enum Step {
    Rule(Box<Rule>),
    Marker(String),
}

pub(crate) struct Rule {
    /// 0 for a `SecAction` or `SecRule` without one.
    pub(crate) id: u64,
    pub(crate) phase: u8,
    /// The rule and those chained to it.
    pub(crate) links: Vec<Link>,
    pub(crate) message: Text,
    /// `logdata`.
    pub(crate) data: Text,
    pub(crate) tags: Arc<[String]>,
    pub(crate) severity: Option<u8>,
    /// `rev`.
    pub(crate) revision: Option<Box<str>>,
    pub(crate) disruptive: Disruptive,
    /// Whether a match is reported.
    pub(crate) log: bool,
    /// None: what comes of one value depends on more than that value.
    pub(crate) alone: Option<Box<Alone>>,
    pub(crate) skip: usize,
    pub(crate) skip_after: Option<String>,
}

/// A chain that can be told value by value; see `plan/alone.rs`.
pub(crate) struct Alone {
    /// By which number values are remembered that alone lead nowhere.
    pub(crate) number: u32,
    /// With what the names of the variables begin that it sets.
    pub(crate) start: Box<[u8]>,
    /// Selectors of others that may mean one of them all the same.
    pub(crate) readers: Vec<Arc<dyn operators::Operator>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Disruptive {
    Pass,
    Block { status: u16 },
    Redirect { status: u16, location: Text },
    Drop,
    Allow(Allow),
    Strip(crate::decision::Strip),
}

/// What `allow` lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allow {
    Transaction,
    Phase,
    Request,
}

pub(crate) struct Link {
    pub(crate) targets: Vec<Target>,
    /// None for a `SecAction`.
    pub(crate) test: Option<Test>,
    /// Positions in the registry of transformations.
    pub(crate) transformations: Vec<u16>,
    pub(crate) multi_match: bool,
    pub(crate) capture: bool,
    pub(crate) effects: Vec<Effect>,
    /// The bits of what the transformations may put into a value; none: anything.
    pub(crate) makes: Option<Signature>,
    /// By which number values are remembered of which the test says no; none if
    /// that depends on more than the value.
    pub(crate) remembered: Option<u32>,
    /// The number of the list of targets, if what it means stays the same within a phase, and
    /// no rule takes from it.
    pub(crate) selection: Option<u32>,
}

#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) variable: Variable,
    pub(crate) counted: bool,
    pub(crate) excluded: bool,
    pub(crate) selector: Selector,
    /// The number of the name, or of the expression for names, that it selects by, among those
    /// of the plan.
    pub(crate) name: Option<u32>,
}

#[derive(Clone)]
pub(crate) enum Selector {
    All,
    Name(Text),
    Pattern(Arc<dyn operators::Operator>),
    /// What an expression selects of an XML body, and the expression as written.
    Path(Arc<XPath>, String),
}

pub(crate) struct Test {
    pub(crate) negated: bool,
    pub(crate) check: Check,
    /// Values that it keeps out cannot match.
    pub(crate) gate: Gate,
}

#[derive(Clone)]
pub(crate) enum Check {
    Plain {
        function: fn(&[u8], &[u8], &mut operators::Hit) -> bool,
        argument: Text,
        /// Whether a value that matches contains the argument, ASCII case ignored.
        contains: bool,
    },
    Compiled(Arc<dyn operators::Operator>),
    /// Its argument has macros, so it is compiled whenever it is asked.
    Expanded(&'static operators::Spec, Text),
}

/// What a match does besides deciding.
#[derive(Clone)]
pub(crate) enum Effect {
    SetTx {
        name: Text,
        change: Change,
    },
    /// The same in a persistent collection.
    SetKept {
        collection: Collection,
        name: Text,
        change: Change,
    },
    /// Chooses the record of a persistent collection, by its key.
    InitCollection {
        collection: Collection,
        key: Text,
    },
    /// A variable of a persistent collection is forgotten after so many seconds.
    Expire {
        collection: Collection,
        name: Text,
        seconds: Text,
    },
    /// Sets a variable of `ENV`, for this transaction.
    SetEnv {
        name: String,
        value: Text,
    },
    /// `GEO` becomes what the database says of the address that matched.
    Place(Arc<Places>),
    /// `ARGS_PATH` becomes the parts of the path that matched.
    PathParts(Arc<RestPath>),
    RemoveRules(std::ops::RangeInclusive<u64>),
    RemoveRulesByTag(Text),
    RemoveRulesByMessage(Text),
    RemoveTarget {
        rules: std::ops::RangeInclusive<u64>,
        variable: Variable,
        selector: Selector,
    },
    RemoveTargetByTag {
        tag: Text,
        variable: Variable,
        selector: Selector,
    },
    RemoveTargetByMessage {
        message: Text,
        variable: Variable,
        selector: Selector,
    },
    Engine(EngineMode),
    BodyProcessor(Processor),
    ForceRequestBody,
    RequestBodyAccess(bool),
    ResponseBodyAccess(bool),
    RequestBodyLimit(usize),
    ResponseBodyLimit(usize),
    XmlIntoArgs(XmlIntoArgs),
}

/// A collection that outlives the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Collection {
    Global,
    Ip,
    Resource,
    Session,
    User,
}

#[derive(Clone)]
pub(crate) enum Change {
    Set(Text),
    Add(Text),
    Subtract(Text),
    Unset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processor {
    Urlencoded,
    Multipart,
    Json,
    Xml,
}

impl Processor {
    /// As rules write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Urlencoded => "URLENCODED",
            Self::Multipart => "MULTIPART",
            Self::Json => "JSON",
            Self::Xml => "XML",
        }
    }
}

/// Text with macros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    Plain(String),
    /// As it was written, and its pieces.
    Template(String, Vec<Piece>),
}

impl Default for Text {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

impl Text {
    /// Whether it is this, as it was written.
    pub(crate) fn is(&self, written: &str) -> bool {
        self.written() == written
    }

    /// As it was written.
    pub(crate) fn written(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Template(text, _) => text,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Variable(Variable, Option<String>),
}

/// For errors while lowering.
pub(crate) struct Fault {
    pub(crate) location: Option<Location>,
    pub(crate) message: String,
}
