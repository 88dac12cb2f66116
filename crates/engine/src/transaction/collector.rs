//! What parsers find, filed by variable.

use super::inputs::{Inputs, Item};
use super::values::Values;
use crate::body::{Anomaly, Kind, Sink, XmlEvent};
use crate::language::variables::{Variable, VariableSet};
use crate::limits::Limits;
use crate::operators::Apart;
use crate::plan::Plan;
use crate::plan::concern::Concern;
use crate::plan::interest::{Field, Interest, Joint};
use crate::plan::ir::{Settings, XmlIntoArgs};

/// How a request is to be read.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// Between the parameters of a query or form.
    pub(crate) separator: u8,
    pub(crate) settings: &'a Settings,
    pub(crate) limits: &'a Limits,
    /// Whether the texts of XML are parameters too.
    pub(crate) xml_into_args: XmlIntoArgs,
    /// Whether some rule has an XPath expression.
    pub(crate) xml_tree: bool,
    /// The variables that rules look at.
    pub(crate) used: VariableSet,
}

/// Files what a parser finds.
pub(super) struct Collector<'a> {
    pub(super) inputs: &'a mut Inputs,
    pub(super) values: &'a mut Values,
    pub(super) reading: Reading<'a>,
    /// Whether fields are those of the query, and not of a body.
    pub(super) query: bool,
    /// Who looks at fields of the body; none: every field is kept.
    pub(super) interests: Option<Interests<'a>>,
    /// Whether no field's name holds a line end.
    pub(super) one_line: bool,
}

/// The patches that concern a request, where no general rule does.
#[derive(Clone, Copy)]
pub(super) struct Interests<'a> {
    pub(super) plan: &'a Plan,
    pub(super) concerned: &'a [Concern],
    /// Of all of them, where they are few.
    pub(super) joint: Option<&'a Joint>,
}

/// Patches whose interests are joined at most: to join those of more takes longer than to ask each
/// of them for the names of a field.
pub(super) const JOINED: usize = 4;

impl Interests<'_> {
    /// Whether a rule looks at the variable.
    pub(super) fn has(&self, variable: Variable) -> bool {
        let mut manners = self
            .concerned
            .iter()
            .map(|it| self.plan.concerns.manner(it));
        manners.any(|manner| manner.is_none_or(|manner| manner.used.has(variable)))
    }

    fn wants(&self, field: &Field<'_>, apart: &mut Apart) -> bool {
        match self.joint {
            Some(joint) if joint.wants_every() => return true,
            Some(joint) if !joint.may_want(field) => return false,
            _ => {}
        }
        let texts = field.texts();
        let mut named = self.concerned.iter();
        named.any(|concern| {
            concern.fields.may_be_in(texts)
                && interest(self.plan, concern)
                    .is_none_or(|interest| interest.wants(field, texts, apart))
        })
    }
}

/// What a concerned patch looks at; none: everything.
pub(super) fn interest<'a>(plan: &'a Plan, concern: &Concern) -> Option<&'a Interest> {
    let patch = plan.patches.get(concern.patch as usize)?;
    patch.interest.as_ref()
}

impl Sink for Collector<'_> {
    fn field(&mut self, kind: Kind, name: &[u8], value: &[u8]) {
        let limits = self.reading.limits;
        let arguments = self.inputs.arguments();
        let allowed = self.reading.settings.arguments_limit;
        let beyond = matches!(kind, Kind::Field | Kind::Json)
            && allowed.is_some_and(|allowed| arguments >= allowed);
        if beyond || self.inputs.count() >= limits.arguments {
            self.inputs.notice(Anomaly::TooManyArguments, self.values);
            return;
        }
        if let (Kind::Field | Kind::Json, false, Some(interests)) =
            (kind, self.query, self.interests)
            && !interests.wants(
                &Field::new(name, value, self.one_line, &interests.plan.scan.signatures),
                &mut self.values.apart,
            )
        {
            self.inputs.left_out += 1;
            return;
        }
        let item = Item {
            name: self.values.intern(name),
            value: self.values.intern(value),
        };
        match kind {
            Kind::Field if self.query => self.inputs.query.push(item),
            Kind::Field | Kind::Json => self.inputs.body.push(item),
            Kind::Cookie => self.inputs.cookies.push(item),
            Kind::FileContent => self.inputs.file_contents.push(item),
            Kind::FileName => {
                let files = self.reading.settings.files_limit;
                if files.is_some_and(|files| self.inputs.file_names.len() >= files) {
                    self.anomaly(Anomaly::MultipartTooManyFiles);
                }
                self.inputs.file_names.push(item);
            }
            Kind::PartHeader => self.inputs.part_headers.push(item),
            Kind::XmlText | Kind::XmlAttribute | Kind::XmlExternal => {
                self.xml_field(kind, name, item);
            }
        }
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        self.inputs.notice(anomaly, self.values);
    }

    fn wants_duplicates(&self) -> bool {
        self.interests
            .is_none_or(|interests| interests.has(Variable::BodyAnomalies))
    }

    fn xml(&mut self, event: XmlEvent<'_>) {
        if !self.reading.xml_tree {
            return;
        }
        // An element may have a few nodes without being a value of its own.
        const NODES: usize = 8;
        let limit = self.reading.limits.arguments.saturating_mul(NODES);
        if self.inputs.document.len() < limit || matches!(event, XmlEvent::Close) {
            self.inputs.document.add(event);
        } else {
            self.anomaly(Anomaly::TooManyArguments);
        }
    }
}

impl<'a> Collector<'a> {
    /// For what a head holds.
    pub(super) fn of_head(
        inputs: &'a mut Inputs,
        values: &'a mut Values,
        reading: Reading<'a>,
    ) -> Self {
        Self {
            inputs,
            values,
            reading,
            query: true,
            interests: None,
            one_line: false,
        }
    }

    fn xml_field(&mut self, kind: Kind, path: &[u8], item: Item) {
        let how = self.reading.xml_into_args;
        if kind == Kind::XmlText && how != XmlIntoArgs::Off {
            let name = [b"xml", path].concat();
            let name: Vec<u8> = name
                .iter()
                .map(|&byte| if byte == b'/' { b'.' } else { byte })
                .collect();
            let name = self.values.intern(&name);
            self.inputs.body.push(Item { name, ..item });
            if how == XmlIntoArgs::Only {
                return;
            }
        }
        let name: &[u8] = match kind {
            Kind::XmlText => b"/*",
            Kind::XmlAttribute => b"//@*",
            _ => b"external",
        };
        let name = self.values.intern(name);
        self.inputs.xml.push(Item { name, ..item });
    }
}
