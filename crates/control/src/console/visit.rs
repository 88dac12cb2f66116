//! One look at a page, or one form sent, by somebody who is signed in.

use std::collections::BTreeMap;

use ledger::{Area, Role, Token};

use super::render::Frame;
use super::session::Session;
use crate::problem::{Kind, Problem};
use crate::serve::Service;

/// Who comes, and with what.
pub(super) struct Visit<'a> {
    pub(super) service: &'a Service,
    pub(super) session: Session,
    pub(super) token: Token,
    /// The path's parameter.
    pub(super) id: Option<String>,
    pub(super) query: Fields,
    pub(super) form: Fields,
    pub(super) now_ms: i64,
}

/// What comes of it.
pub(super) enum Shown {
    Page(String),
    /// A page that is shown anew after so many seconds.
    Followed(String, u32),
    /// Something to keep, under this name.
    File {
        name: String,
        kind: &'static str,
        text: String,
    },
    /// What stands in a page and renews itself.
    Live(String),
    /// Something was done; this path shows it.
    Elsewhere(String),
    SignedOut,
}

/// Named texts of a query or a form; of a name that comes twice the last counts.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<String, String>);

impl Visit<'_> {
    pub(super) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    /// Whether forms that take this are shown.
    pub(super) fn may(&self, role: Role, area: Area) -> bool {
        self.token.allows(role, area)
    }

    /// Refuses whoever may not.
    pub(super) fn must(&self, role: Role, area: Area) -> Result<(), Problem> {
        if self.may(role, area) {
            return Ok(());
        }
        let detail = format!("this takes the role {role}, in the area {area}");
        Err(Problem::new(Kind::Forbidden, detail))
    }

    /// What is around every page, in the section with this path.
    pub(super) fn frame(&self, section: &str) -> Frame {
        Frame {
            section: section.to_owned(),
            who: self.token.who.clone(),
            role: self.token.role.name().to_owned(),
            form_key: self.session.form_key.clone(),
            now_ms: self.now_ms,
        }
    }
}

impl Fields {
    pub(super) fn of_query(text: &str) -> Self {
        Self(
            form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub(super) fn add(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// Empty where it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// As a query, with one more.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let others = self.0.iter().filter(|(known, _)| *known != name);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others);
        query.append_pair(name, value);
        query.finish()
    }
}
