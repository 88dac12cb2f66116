//! Rules and cases to a document, checked before it is handed out.

use patch::document::{
    Body, Case, Cases, Condition, Deny, Document, Effect, Located, Member, Place, PlaceKind,
    RequestForm, Rule, Scope, Severity, Short, Vulnerability,
};
use patch::{Level, Request, Source};

use crate::{Description, Options};

/// What was decided.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) scope: Scope,
    pub(super) body: Body,
    pub(super) rules: Vec<Rule>,
    pub(super) effect: Option<Effect>,
    pub(super) exploits: Vec<Case>,
    pub(super) benign: Vec<Case>,
}

/// The document of a draft.
pub(super) fn document(draft: Draft, description: &Description, options: &Options) -> Document {
    Document {
        stopgap: 1.into(),
        id: description.id.clone().into(),
        title: description.title.clone().into(),
        severity: description.severity,
        vulnerability: description.vulnerability.clone(),
        reason: Some(options.reason.into()),
        owner: Some(options.owner.clone().into()),
        expires: Some(options.expires.to_string().into()),
        effect: draft.effect,
        limits: Vec::new(),
        scope: draft.scope,
        body: draft.body,
        rules: draft.rules.into_iter().map(Located::from).collect(),
        cases: Cases {
            exploit: draft.exploits.into_iter().map(Located::from).collect(),
            benign: draft.benign.into_iter().map(Located::from).collect(),
        }
        .into(),
    }
}

/// A document that looks for one class in the query parameter `v`.
pub(super) fn probe(id: String, class: Condition) -> Source {
    let place = Place {
        kind: PlaceKind::Query,
        member: Some(Member::Name("v".to_owned())),
    };
    Source {
        name: id.clone(),
        document: Document {
            stopgap: 1.into(),
            id: id.clone().into(),
            title: id.into(),
            severity: Severity::Low,
            vulnerability: Vulnerability::default(),
            reason: None,
            owner: None,
            expires: None,
            effect: None,
            limits: Vec::new(),
            scope: Scope::default(),
            body: Body::default(),
            rules: vec![deny(vec![place], class).into()],
            cases: Cases::default().into(),
        },
    }
}

/// The plainest deny.
pub(super) fn deny(places: Vec<Place>, condition: Condition) -> Rule {
    Rule::Deny(Deny {
        places,
        decode: None,
        condition,
        and: Vec::new(),
        status: None,
    })
}

/// The text of a document that lints.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn checked(
    document: &Document,
    comments: &[String],
    options: &Options,
) -> Result<String, String> {
    let yaml = document.to_yaml(comments)?;
    let source = Source::parse(&document.id.value, &yaml).map_err(|problem| problem.to_string())?;
    let problems = patch::lint(&source, options.today);
    let error = problems
        .into_iter()
        .find(|problem| problem.level == Level::Error);
    match error {
        Some(problem) => Err(problem.message),
        None => Ok(yaml),
    }
}

/// A request as a document has it: raw where it is text, otherwise with its body in base64.
pub(crate) fn form(request: &Request) -> RequestForm {
    let wire = raw(request);
    match String::from_utf8(wire) {
        Ok(text) => RequestForm::Raw(text),
        Err(_) => RequestForm::Short(Box::new(short(request))),
    }
}

fn raw(request: &Request) -> Vec<u8> {
    let mut text = Vec::new();
    for part in [&request.method, &request.target, &request.version] {
        text.extend_from_slice(part);
        text.push(b' ');
    }
    text.pop();
    text.push(b'\n');
    for (name, value) in &request.headers {
        for part in [name.as_slice(), b": ", value, b"\n"] {
            text.extend_from_slice(part);
        }
    }
    text.push(b'\n');
    text.extend_from_slice(&request.body);
    text
}

/// Header values that are no text lose what is none.
fn short(request: &Request) -> Short {
    use base64::Engine as _;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Short {
        method: Some(text(&request.method)),
        path: text(&request.target),
        headers: request
            .headers
            .iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect(),
        body_base64: Some(base64::prelude::BASE64_STANDARD.encode(&request.body)),
        ..Short::default()
    }
}
