//! What an evasion is, and all of them.

use serde_json::Value;

use super::multipart::Parts;
use super::{
    body_coding, charset, class, cookie, fields, framing, header, json, moved, multipart,
    parameters, path, text, xml,
};
use crate::request::Request;

/// One way to write a request that some application takes for the same.
#[derive(Debug, Clone, Copy)]
pub struct Evasion {
    /// What is changed; unique.
    pub name: &'static str,
    /// Which place of a request, or which class of attacks.
    pub group: Group,
    /// Who takes the changed request for the same.
    pub reader: &'static str,
    change: Change,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Request(fn(&Request) -> Option<Request>),
    Json(fn(&Request, &Value) -> Option<Request>),
    Multipart(fn(&Request, Parts) -> Option<Request>),
    Xml(fn(&[u8]) -> Vec<u8>),
    XmlTexts(fn(&[u8]) -> Vec<u8>),
    Cookies(cookie::Pair),
    CookieLines(cookie::Line),
    Header(header::Change),
    Headers(header::Lines),
    Path(fn(&[u8]) -> Vec<u8>),
    /// Each parameter as it is written in a query or a form.
    Written(fn(&[u8], &[u8]) -> Vec<u8>),
    /// Query and form as a whole.
    Whole(fn(&[u8]) -> Vec<u8>),
    Value {
        concerns: fn(&[u8]) -> bool,
        change: fn(&[u8]) -> Vec<u8>,
    },
}

/// Lists the groups: the variant, its title.
macro_rules! groups {
    ($($variant:ident $title:literal;)*) => {
        /// Where evasions change a request, or what attack they dress up.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Group {
            $(#[doc = $title] $variant,)*
        }

        impl Group {
            /// As a heading.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                }
            }

            /// In the order of the reference page.
            pub fn all() -> &'static [Self] {
                &[$(Self::$variant,)*]
            }
        }
    };
}

groups! {
    Path "The path";
    Parameters "Parameters of queries and forms";
    Moved "Parameters in another place";
    Json "JSON";
    Multipart "Multipart";
    Xml "XML";
    Cookie "Cookies";
    Header "Headers";
    Charset "Character sets";
    BodyCoding "Body codings";
    Framing "Methods and framing";
    Text "Any value";
    Sql "SQL";
    Shell "Shell commands";
    Markup "HTML and script";
    Traversal "File names";
    Expression "Templates and expressions";
    Url "URLs";
    Serial "Serialised objects";
}

/// Every evasion, in the order of the groups.
pub fn all() -> impl Iterator<Item = &'static Evasion> {
    [
        path::ALL,
        parameters::ALL,
        moved::ALL,
        json::ALL,
        multipart::ALL,
        xml::ALL,
        cookie::ALL,
        header::ALL,
        charset::ALL,
        body_coding::ALL,
        framing::ALL,
        text::ALL,
        class::sql::ALL,
        class::shell::ALL,
        class::markup::ALL,
        class::traversal::ALL,
        class::expression::ALL,
        class::url::ALL,
        class::serial::ALL,
    ]
    .into_iter()
    .flatten()
}

impl Evasion {
    /// The changed request; none where there is nothing that could be changed.
    pub fn apply(&self, request: &Request) -> Option<Request> {
        let changed = match self.change {
            Change::Request(change) => change(request)?,
            Change::Json(change) => change(request, &fields::json(request)?)?,
            Change::Multipart(change) => change(request, Parts::read(request)?)?,
            Change::Xml(change) => with_xml(request, change)?,
            Change::XmlTexts(change) => with_xml(request, |body| xml::with_texts(body, &change))?,
            Change::Cookies(change) => cookie::with_pairs(request, change),
            Change::CookieLines(change) => cookie::with_lines(request, change),
            Change::Header(change) => header::with_each(request, change),
            Change::Headers(change) => header::with_own(request, change),
            Change::Path(change) => fields::with_path(request, change),
            Change::Written(change) => fields::with_written(request, change),
            Change::Whole(change) => fields::with_urlencoded(request, &change),
            Change::Value { concerns, change } => fields::with_values(request, concerns, change),
        };
        (changed != *request).then_some(changed)
    }

    pub(super) const fn request(
        group: Group,
        name: &'static str,
        reader: &'static str,
        change: fn(&Request) -> Option<Request>,
    ) -> Self {
        Self {
            name,
            group,
            reader,
            change: Change::Request(change),
        }
    }

    pub(super) const fn json(
        name: &'static str,
        reader: &'static str,
        change: fn(&Request, &Value) -> Option<Request>,
    ) -> Self {
        Self {
            name,
            group: Group::Json,
            reader,
            change: Change::Json(change),
        }
    }

    pub(super) const fn multipart(
        name: &'static str,
        reader: &'static str,
        change: fn(&Request, Parts) -> Option<Request>,
    ) -> Self {
        Self {
            name,
            group: Group::Multipart,
            reader,
            change: Change::Multipart(change),
        }
    }

    pub(super) const fn xml(
        name: &'static str,
        reader: &'static str,
        change: fn(&[u8]) -> Vec<u8>,
    ) -> Self {
        Self {
            name,
            group: Group::Xml,
            reader,
            change: Change::Xml(change),
        }
    }

    pub(super) const fn xml_texts(
        name: &'static str,
        reader: &'static str,
        change: fn(&[u8]) -> Vec<u8>,
    ) -> Self {
        Self {
            name,
            group: Group::Xml,
            reader,
            change: Change::XmlTexts(change),
        }
    }

    pub(super) const fn cookies(
        name: &'static str,
        reader: &'static str,
        change: cookie::Pair,
    ) -> Self {
        Self {
            name,
            group: Group::Cookie,
            reader,
            change: Change::Cookies(change),
        }
    }

    pub(super) const fn cookie_lines(
        name: &'static str,
        reader: &'static str,
        change: cookie::Line,
    ) -> Self {
        Self {
            name,
            group: Group::Cookie,
            reader,
            change: Change::CookieLines(change),
        }
    }

    pub(super) const fn header(
        name: &'static str,
        reader: &'static str,
        change: header::Change,
    ) -> Self {
        Self {
            name,
            group: Group::Header,
            reader,
            change: Change::Header(change),
        }
    }

    pub(super) const fn headers(
        name: &'static str,
        reader: &'static str,
        change: header::Lines,
    ) -> Self {
        Self {
            name,
            group: Group::Header,
            reader,
            change: Change::Headers(change),
        }
    }

    pub(super) const fn path(
        name: &'static str,
        reader: &'static str,
        change: fn(&[u8]) -> Vec<u8>,
    ) -> Self {
        Self {
            name,
            group: Group::Path,
            reader,
            change: Change::Path(change),
        }
    }

    pub(super) const fn written(
        name: &'static str,
        reader: &'static str,
        change: fn(&[u8], &[u8]) -> Vec<u8>,
    ) -> Self {
        Self {
            name,
            group: Group::Parameters,
            reader,
            change: Change::Written(change),
        }
    }

    pub(super) const fn whole(
        name: &'static str,
        reader: &'static str,
        change: fn(&[u8]) -> Vec<u8>,
    ) -> Self {
        Self {
            name,
            group: Group::Parameters,
            reader,
            change: Change::Whole(change),
        }
    }

    pub(super) const fn value(
        group: Group,
        name: &'static str,
        reader: &'static str,
        concerns: fn(&[u8]) -> bool,
        change: fn(&[u8]) -> Vec<u8>,
    ) -> Self {
        Self {
            name,
            group,
            reader,
            change: Change::Value { concerns, change },
        }
    }
}

fn with_xml(request: &Request, change: impl Fn(&[u8]) -> Vec<u8>) -> Option<Request> {
    xml::is_xml(request).then(|| fields::with_body(request, change(&request.body)))
}
