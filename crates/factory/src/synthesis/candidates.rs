//! Rules that could stop an attack, the narrowest first.

use patch::document::{
    Body, Condition, Decode, Deny, Member, Oversize, Paths, Place, PlaceKind, Rule, Traversal,
    Unparsable, UrlShape, When,
};

use super::classes::Class;
use super::endpoint;
use super::leads::{Carrier, Lead};
use super::parts::Part;
use super::path;
use super::shape::Shape;
use crate::Step;

/// A rule and the requests that it concerns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) paths: Paths,
    pub(super) body: Body,
    pub(super) rule: Rule,
}

impl Candidate {
    /// Whether only hosts within are stopped, not others that the application may be meant to fetch.
    pub(super) fn is_of_inner_hosts(&self) -> bool {
        matches!(&self.rule, Rule::Deny(deny)
            if matches!(&deny.condition, Condition::Regex(known) if known == INNER_HOST))
    }

    /// The same for exploits whose own body does not parse.
    pub(super) fn lenient(mut self) -> Self {
        self.body.unparsable = Unparsable::Pass;
        self
    }
}

/// Absolute paths of systems; a path of an application may begin with a slash too.
const SYSTEM_PATHS: &str = r"(?i)\A\s*(?:file:)?[/\\]*(?:etc|proc|root|sys|dev|bin|sbin|boot|windows|winnt|inetpub|program files)(?:[/\\]|\z)|\A\s*(?:file:|[a-z]:[/\\])|\x00";

/// A path on a drive, and one to files of the system.
const DRIVE: &str = r"(?i)\A\s*[a-z]:[/\\]";
const SYSTEM_DRIVE: &str =
    r"(?i)\A\s*[a-z]:[/\\]+(?:windows|winnt|inetpub|boot\.ini)(?:[/\\]|\s*\z)";

/// Whole paths that no application names its own files by, and what PHP opens beside files (its
/// manual, "Supported Protocols and Wrappers").
const ELSEWHERE: &str = r"(?i)\A\s*(?:[/\\]+(?:etc|proc|boot|windows|winnt|var[/\\]log)[/\\]|file:|[a-z]:[/\\]|(?:php|phar|zip|expect|glob|rar|ogg|ssh2(?:\.\w+)?|compress\.\w+|data)://|data:(?:,|;|text/plain))";

/// A host within, also in a URL: of this computer, of private networks (RFC 1918, 3927, 6598), or
/// the data of clouds about themselves.
const INNER_HOST: &str = r"(?i)\A\s*(?:[a-z][a-z0-9+.-]{1,20}:)?[/\\]*(?:[^/\\?#@]*@)?(?:(?:[\w-]+\.)*localhost\b|(?:0|10|127)\.\d|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|(?:metadata|instance-data)(?:[:/\\?#]|\s*\z|\.(?:google\.internal|goog|tencentyun\.com|packet\.net|platformequinix\.com)\b)|(?:0x[0-9a-f]+|0[0-7]+|\d{8,10})(?:[.:/\\?#]|\s*\z)|0\s*\z|\[[0-9a-f:.]+\]|::)";

/// The end of a line, also as decoders make one that cut letters to a byte.
const LINE_BREAK: &str = r"[\r\n]|\xe5\x98[\x8a\x8d]|(?i)%0[ad]";

/// A share of another computer.
const SHARE: &str = r"\A\s*\\\\[^\\\s]";

/// A file of the system or of an application, and nothing else.
const FILE_ALONE: &str = r"(?i)\A\s*(?:file:)?[^\s<>]*(?:\b(?:etc|proc|sys|windows|winnt)[/\\]|(?:WEB|META|BOOT)-INF\b)[^\s<>]*\z";

/// An expression of a template that computes, where people write of templates.
const COMPUTES: &str = r"(?is)(?:\{\{|\{%|[$#*~@]\{|<%|\[\[)[^{}<>]{0,200}?(?:\w\s*\(|\d\s*[*+/-]\s*['\x22]?\d|__|\b(?:import|request|config|self)\b)|\}\}\}\s*\{\{|\{\{\s*/?\s*(?:groovy|python|velocity|async)\b|\{%-?\s*(?:if|for|set|import|include|extends|macro|block|with|raw)\b|<#(?:assign|global|local|include|import)\b|\?new\s*\(|\?(?:eval|interpret)\b\s*[(.]|\?api\s*\.\s*\w+\s*[(.]|#set\s*\(|(?:'|\\u0027)[\s+]+\{[^{}]*[*+(.@][^{}]*\}[\s+]+(?:'|\\u0027)|\.(?:getClass|forName|getRuntime)\s*\([^()]*(?:\)\s*\.|\()";

/// Programs that attackers run.
macro_rules! programs {
    () => {
        "cat|id|curl|wget|ping|nslookup|sh|bash|nc|ncat|ls|whoami|uname|sleep|echo|python[23]?|perl|php|touch|rm|cp|mv|chmod|powershell|cmd|certutil"
    };
}

/// A function of bash, which old ones read from any variable and so from any header.
pub(super) const FUNCTION: &str = r"\A\s*\(\)\s*\{";

/// A program that attackers run, as the first word.
const COMMAND_LINE: &str = concat!(
    r"(?i)\A\s*(?:[\w.~/\\:-]*[/\\])?(?:",
    programs!(),
    r")(?:\.exe)?(?:[\s;|&<>]|\z)"
);

/// A command within a text of a document: substituted, or behind a value without a space.
const COMMAND_TEXT: &str = concat!(
    r"\$\([^)]*\)|\A[^\s<>]{0,100}(?:[;|\r\n\x60]|&&?)\s*(?:/|(?:",
    programs!(),
    r")(?:[\s;|&/$\x60]|\z))"
);

/// A command within a path; folders have names of programs, too.
const COMMAND_PATH: &str = concat!(
    r"\$\([^)]*\)|\$\{?IFS|[;|&\r\n\x60]\s*(?:",
    programs!(),
    r")(?:[\s;|&/$\x60<>]|\z)"
);

/// A whole path that is a URL, or that browsers take for one to another host.
const LINK_PATH: &str = r"(?i)\A[/\\]{2,}[^/\\]|\A/?[a-z][a-z0-9+.-]{1,20}:[/\\]";

/// The beginning of a script; files hold anything, so no more than that.
const SCRIPT_FILE: &str = r"(?i)<\?php\b|<\?=\s*[$\w'\x22(`]{3}|<%@?\s*(?:page|import|language)\b|<%=\s*[\w.]{3}|<jsp:|<script\s[^>]{0,60}(?:runat|php)|\A#!\s*/";

/// The rules for a lead.
pub(super) fn of(lead: &Lead, step: &Step, parts: &[Part]) -> Vec<Candidate> {
    let shape = lead.carrier.shape();
    let mut conditions = Vec::new();
    let number = matches!(&lead.carrier, Carrier::Value(part)
        if part.value.trim_ascii_start().first().is_some_and(u8::is_ascii_digit));
    if let (Some(pattern), true) = (shape.pattern(), number && lead.decode.is_empty()) {
        conditions.push(Condition::NotLike(pattern.to_owned()));
    }
    conditions.extend(named(lead));
    match &lead.carrier {
        Carrier::Path(prefix) if lead.class.condition == Condition::PathConfusion => {
            let pattern = path::confusion(&step.request.target, prefix.len());
            conditions.extend(pattern.map(Condition::Regex));
        }
        carrier => {
            // In a document a rule looks at all texts, and must not find only others.
            let own = |condition: &Condition| match (carrier, condition) {
                (Carrier::Value(part), Condition::Regex(pattern)) => {
                    !in_document(part) || !lead.decode.is_empty() || matches(pattern, &part.value)
                }
                _ => true,
            };
            conditions.extend(denied(lead.class, carrier).into_iter().filter(own));
        }
    }
    let (paths, selectors) = match &lead.carrier {
        Carrier::Path(prefix) => {
            let dots = lead.class.condition == Condition::Traversal(Traversal::DotSegments);
            let prefix = if dots {
                endpoint::above(prefix)
            } else {
                prefix
            };
            (endpoint::before(prefix, &step.unknowns), Vec::new())
        }
        Carrier::Value(part) | Carrier::Name(part) => {
            let endpoint = endpoint::of(&step.request.target, parts, part.name(), &step.unknowns);
            (endpoint.paths, endpoint.selectors)
        }
    };
    let scopes = match &lead.carrier {
        Carrier::Path(_) if paths == Paths::default() => vec![endpoint::odd_roots(), paths],
        // A parameter of every page is no endpoint.
        _ if paths == Paths::default() => Vec::new(),
        _ => vec![paths],
    };
    conditions
        .into_iter()
        .flat_map(|condition| scopes.iter().map(move |paths| (condition.clone(), paths)))
        .map(|(condition, paths)| Candidate {
            paths: paths.clone(),
            body: body(lead),
            rule: deny(
                lead,
                condition,
                [selectors.clone(), unformed(lead, step)].concat(),
            ),
        })
        .collect()
}

/// What is found in a whole body is meant of bodies that are no forms: fields of forms
/// have places of their own. Documents and objects are told from forms by what they are, and
/// some applications read them whatever the request calls them.
fn unformed(lead: &Lead, step: &Step) -> Vec<When> {
    let whole = lead
        .places
        .iter()
        .any(|place| place.kind == PlaceKind::Body);
    let told = [Condition::Xxe, Condition::Deserialization].contains(&lead.class.condition);
    match whole && !told {
        true if step.request.media_type() == "application/x-www-form-urlencoded" => vec![markup()],
        true => vec![no_form()],
        false => Vec::new(),
    }
}

/// Of requests whose body is a document, whatever they call it.
fn markup() -> When {
    When {
        places: vec![Place {
            kind: PlaceKind::Body,
            member: None,
        }],
        decode: None,
        condition: Condition::Regex(r"\A\s*<".to_owned()),
    }
}

/// Of requests that say what they bring, and that is no form.
fn no_form() -> When {
    const FORMS: &str = r"(?i)\s*(?:multipart/form-data|application/x-www-form-urlencoded)\b.*";
    When {
        places: vec![Place {
            kind: PlaceKind::Header,
            member: Some(Member::Name("Content-Type".to_owned())),
        }],
        decode: None,
        condition: Condition::NotLike(FORMS.to_owned()),
    }
}

/// Rules that belong beside a rule, since the same attack comes otherwise, too.
pub(super) fn beside(rule: &Rule) -> Vec<Rule> {
    let Rule::Deny(deny) = rule else {
        return Vec::new();
    };
    [
        unsaid(deny),
        misnamed(deny),
        unclimbing(deny),
        climbing(deny),
    ]
    .into_iter()
    .flatten()
    .map(Rule::Deny)
    .collect()
}

/// The same of requests that do not say what they bring, where a rule is meant of what is no
/// form.
fn unsaid(deny: &Deny) -> Option<Deny> {
    let mut deny = deny.clone();
    let said = no_form();
    let condition = deny.and.iter_mut().find(|when| **when == said)?;
    condition.condition = Condition::Absent;
    Some(deny)
}

/// The same of requests that call a body a form which is none, as clients do where nothing is
/// said: all of it is a name then.
fn misnamed(deny: &Deny) -> Option<Deny> {
    deny.and.contains(&no_form()).then(|| Deny {
        places: vec![Place {
            kind: PlaceKind::ArgsNames,
            member: None,
        }],
        and: deny
            .and
            .iter()
            .filter(|when| **when != no_form())
            .cloned()
            .collect(),
        ..deny.clone()
    })
}

/// Where a parameter leads out of its folder by dots, an application that puts nothing in front
/// takes a whole path as well. Its own files may have one that begins with a slash.
fn unclimbing(deny: &Deny) -> Option<Deny> {
    use PlaceKind as P;
    let parameter = |place: &Place| matches!(place.kind, P::Query | P::Form | P::Json | P::Args);
    let dots = deny.condition == Condition::Traversal(Traversal::DotSegments);
    (dots && deny.places.iter().all(parameter)).then(|| Deny {
        decode: Some(match &deny.decode {
            Some(steps) => steps.clone(),
            None => vec![Decode::Url, Decode::Url],
        }),
        condition: Condition::Regex(ELSEWHERE.to_owned()),
        ..deny.clone()
    })
}

/// Where a parameter names a file by its whole path, dots lead to the same file.
fn climbing(deny: &Deny) -> Option<Deny> {
    let elsewhere = matches!(&deny.condition, Condition::Regex(known) if known == ELSEWHERE);
    elsewhere.then(|| Deny {
        decode: None,
        condition: Condition::Traversal(Traversal::DotSegments),
        ..deny.clone()
    })
}

/// What a value is of itself, where its class says less.
fn named(lead: &Lead) -> Option<Condition> {
    let Carrier::Value(part) = &lead.carrier else {
        return None;
    };
    use Condition as C;
    use PlaceKind as P;
    let parameter = matches!(part.place.kind, P::Query | P::Form | P::Json);
    let shape = lead.carrier.shape();
    let text = matches!(shape, Shape::Text | Shape::RichText);
    let pattern = match &lead.class.condition {
        // A file by its whole path, or by what PHP opens beside files.
        C::SensitiveFile | C::Ssrf(UrlShape::Internal)
            if parameter && !text && shape != Shape::Url =>
        {
            ELSEWHERE
        }
        // Of hosts, only those within: to name others is what the parameter is for.
        C::Ssrf(UrlShape::Host) => INNER_HOST,
        C::HeaderInjection if !text && shape != Shape::Other => LINE_BREAK,
        C::Command if shape == Shape::Command => COMMAND_LINE,
        C::CommandInjection if part.place.kind == P::Header => FUNCTION,
        _ => return None,
    };
    let fits = lead.decode.is_empty() && matches(pattern, &part.value);
    fits.then(|| C::Regex(pattern.to_owned()))
}

/// Whether a value is the name of a program that attackers run, or begins with it.
pub(super) fn is_command_line(value: &[u8]) -> bool {
    matches(COMMAND_LINE, value)
}

pub(super) fn matches(pattern: &str, value: &[u8]) -> bool {
    let regex = regex::bytes::RegexBuilder::new(pattern)
        .unicode(false)
        .build();
    regex.is_ok_and(|regex| regex.is_match(value))
}

fn in_document(part: &Part) -> bool {
    matches!(part.place.kind, PlaceKind::Xml | PlaceKind::XmlAttributes)
}

/// What a class looks like at a place of this shape.
fn denied(class: &Class, carrier: &Carrier) -> Vec<Condition> {
    let shape = carrier.shape();
    let in_path = matches!(carrier, Carrier::Path(_));
    let at_root = matches!(carrier, Carrier::Path(prefix) if prefix.trim_matches('/').is_empty());
    let of_file =
        matches!(carrier, Carrier::Value(part) if part.place.kind == PlaceKind::FileContents);
    let in_xml = matches!(carrier, Carrier::Value(part) if in_document(part));
    use Condition as C;
    match (&class.condition, shape) {
        (C::Xss, _) if of_file => vec![C::ActiveMarkup],
        (C::CodeInjection, _) if of_file => vec![C::Regex(SCRIPT_FILE.to_owned())],
        (C::Xss, Shape::RichText | Shape::Text) => vec![C::ActiveMarkup, C::Xss],
        (C::SqlInjection, Shape::RichText | Shape::Text) => vec![C::SqlSyntax, C::SqlInjection],
        (C::SqlInjection, _) => vec![C::SqlInjection, C::SqlSyntax],
        (C::SensitiveFile, Shape::RichText | Shape::Text) => vec![C::Regex(FILE_ALONE.to_owned())],
        // What is named a template may be one.
        (
            C::TemplateInjection | C::ExpressionInjection,
            Shape::RichText | Shape::Text | Shape::File,
        ) => {
            vec![C::Regex(COMPUTES.to_owned()), class.condition.clone()]
        }
        (C::CommandInjection, _) if in_path => {
            vec![C::CommandInjection, C::Regex(COMMAND_PATH.to_owned())]
        }
        (C::CommandInjection, _) if in_xml => {
            vec![C::Regex(COMMAND_TEXT.to_owned()), C::CommandInjection]
        }
        // Documents tell where something lies on a drive, which is no attack.
        (C::Traversal(Traversal::Absolute), _)
            if in_xml && matches!(carrier, Carrier::Value(part) if matches(DRIVE, &part.value)) =>
        {
            vec![C::Regex(SYSTEM_DRIVE.to_owned())]
        }
        (C::Traversal(Traversal::Absolute), _) if in_xml => vec![
            C::Regex(SYSTEM_PATHS.to_owned()),
            C::Regex(SHARE.to_owned()),
        ],
        // A path has no host of its own.
        (C::Ssrf(UrlShape::OtherHost), _) if at_root => vec![C::Regex(LINK_PATH.to_owned())],
        (C::Ssrf(UrlShape::OtherHost), _) if in_path => vec![C::Ssrf(UrlShape::Any)],
        (C::Traversal(Traversal::Absolute), Shape::Path | Shape::Url | Shape::Other) => {
            vec![C::Regex(SYSTEM_PATHS.to_owned()), class.condition.clone()]
        }
        _ => vec![class.condition.clone()],
    }
}

fn deny(lead: &Lead, condition: Condition, and: Vec<When>) -> Rule {
    let of_file = lead
        .places
        .iter()
        .any(|place| place.kind == PlaceKind::FileContents);
    let decode = match (&condition, lead.decode.is_empty()) {
        (Condition::NotLike(_), _) => None,
        // The target as received is not decoded.
        (Condition::Regex(_), _) if lead.class.condition == Condition::PathConfusion => None,
        (Condition::Regex(_), _) if matches!(lead.carrier, Carrier::Path(_)) => {
            Some(vec![Decode::Url, Decode::Url])
        }
        (Condition::Regex(_), _) if of_file => None,
        (Condition::Regex(known), true) if known == ELSEWHERE => Some(vec![Decode::Url; 2]),
        (Condition::Regex(_), true) => Some(vec![Decode::Url]),
        (_, true) => None,
        (_, false) => Some(lead.decode.clone()),
    };
    Rule::Deny(Deny {
        places: lead.places.clone(),
        decode,
        condition,
        and,
        status: None,
    })
}

/// A body is held for the part that a parameter may be in, but where the attack came
/// elsewhere, bodies that are large or odd are none of the patch's business.
fn body(lead: &Lead) -> Body {
    let in_body = match &lead.carrier {
        Carrier::Value(part) | Carrier::Name(part) => !matches!(
            part.place.kind,
            PlaceKind::Query | PlaceKind::Header | PlaceKind::Credentials | PlaceKind::Cookie
        ),
        Carrier::Path(_) => false,
    };
    Body {
        oversize: Oversize::Partial,
        unparsable: match in_body {
            true => Unparsable::Block,
            false => Unparsable::Pass,
        },
        ..Body::default()
    }
}
