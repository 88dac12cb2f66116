//! What a request and its response hold, by variable.

use std::borrow::Cow;

use super::collector::{Collector, Interests, Reading};
use super::values::{ValueId, Values};
use crate::body::document::Document;
use crate::body::urlencoded::Pair;
use crate::body::{Anomaly, charset};
use crate::language::variables::{Variable, VariableSet};
use crate::plan::ir::Processor;

/// A named value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    pub(crate) name: ValueId,
    pub(crate) value: ValueId,
}

/// The collections and single values of one transaction.
#[derive(Default)]
pub(crate) struct Inputs {
    scalars: Vec<(Variable, ValueId)>,
    pub(super) query: Vec<Item>,
    pub(super) body: Vec<Item>,
    pub(super) headers: Vec<Item>,
    pub(super) cookies: Vec<Item>,
    pub(super) file_names: Vec<Item>,
    pub(super) file_contents: Vec<Item>,
    pub(super) part_headers: Vec<Item>,
    pub(super) xml: Vec<Item>,
    pub(super) document: Document,
    pub(super) response_headers: Vec<Item>,
    json: crate::body::json::Scratch,
    /// Fields of the body that were not kept since nothing looks at them.
    pub(super) left_out: usize,
    anomalies: Vec<Item>,
    noticed: Vec<Anomaly>,
    /// Scratch.
    pub(super) pair: Pair,
}

/// What of the inputs a variable means.
pub(crate) enum Members<'a> {
    Values(&'a [Item], &'a [Item]),
    Names(&'a [Item], &'a [Item]),
    Sizes(&'a [Item]),
    Scalar(Option<ValueId>),
    Size(usize),
    /// Not an input: kept by the transaction.
    Kept,
}

impl Inputs {
    pub(crate) fn reset(&mut self) {
        self.scalars.clear();
        self.noticed.clear();
        self.left_out = 0;
        self.json.shrink();
        self.response_headers.clear();
        self.clear_fields();
    }

    /// Those of the request.
    fn clear_fields(&mut self) {
        for items in [
            &mut self.query,
            &mut self.body,
            &mut self.headers,
            &mut self.cookies,
            &mut self.file_names,
            &mut self.file_contents,
            &mut self.part_headers,
            &mut self.xml,
            &mut self.anomalies,
        ] {
            items.clear();
        }
        self.document.clear();
    }

    /// Leaves what no rule looks at from now on: fields of the request, and other variables than these.
    pub(super) fn leave_fields(&mut self, used: VariableSet) {
        self.clear_fields();
        self.scalars.retain(|(variable, _)| used.has(*variable));
    }

    pub(super) fn each_scalar(&mut self, each: &mut dyn FnMut(&mut ValueId)) {
        self.scalars.iter_mut().for_each(|(_, value)| each(value));
    }

    pub(crate) fn set(&mut self, variable: Variable, value: ValueId) {
        match self
            .scalars
            .iter_mut()
            .find(|(known, _)| *known == variable)
        {
            Some((_, old)) => *old = value,
            None => self.scalars.push((variable, value)),
        }
    }

    pub(crate) fn scalar(&self, variable: Variable) -> Option<ValueId> {
        self.scalars
            .iter()
            .find(|(known, _)| *known == variable)
            .map(|(_, value)| *value)
    }

    pub(crate) fn members(&self, variable: Variable, values: &Values) -> Members<'_> {
        use Variable as V;
        match variable {
            V::Args => Members::Values(&self.query, &self.body),
            V::ArgsGet => Members::Values(&self.query, &[]),
            V::ArgsPost => Members::Values(&self.body, &[]),
            V::ArgsNames => Members::Names(&self.query, &self.body),
            V::ArgsGetNames => Members::Names(&self.query, &[]),
            V::ArgsPostNames => Members::Names(&self.body, &[]),
            V::ArgsCombinedSize => Members::Size(
                self.query
                    .iter()
                    .chain(&self.body)
                    .map(|item| values.get(item.name).len() + values.get(item.value).len())
                    .sum(),
            ),
            V::Files | V::MultipartFilename => Members::Values(&self.file_names, &[]),
            V::FilesNames | V::MultipartName => Members::Names(&self.file_names, &[]),
            V::FilesTmpContent => Members::Values(&self.file_contents, &[]),
            V::FilesTmpNames => Members::Values(&[], &[]),
            V::FilesSizes => Members::Sizes(&self.file_contents),
            V::FilesCombinedSize => Members::Size(self.file_bytes(values)),
            V::MultipartPartHeaders => Members::Values(&self.part_headers, &[]),
            V::MultipartStrictError => Members::Size(usize::from(
                self.noticed
                    .iter()
                    .any(|anomaly| is_strict_multipart(*anomaly)),
            )),
            V::MultipartBoundaryQuoted => self.flag(Anomaly::MultipartBoundaryQuoted),
            V::MultipartBoundaryWhitespace => self.flag(Anomaly::MultipartBoundaryWhitespace),
            V::MultipartCrlfLfLines => self.flag(Anomaly::MultipartMixedLineEnds),
            V::MultipartDataAfter => self.flag(Anomaly::MultipartDataAfter),
            V::MultipartDataBefore => self.flag(Anomaly::MultipartDataBefore),
            V::MultipartFileLimitExceeded => self.flag(Anomaly::MultipartTooManyFiles),
            V::MultipartHeaderFolding => self.flag(Anomaly::MultipartHeaderFolding),
            V::MultipartInvalidHeaderFolding => self.flag(Anomaly::MultipartInvalidHeaderFolding),
            V::MultipartInvalidPart => self.flag(Anomaly::MultipartInvalidPart),
            V::MultipartInvalidQuoting => self.flag(Anomaly::MultipartInvalidQuoting),
            V::MultipartLfLine => self.flag(Anomaly::MultipartLfLine),
            V::MultipartMissingSemicolon | V::MultipartSemicolonMissing => {
                self.flag(Anomaly::MultipartMissingSemicolon)
            }
            V::MultipartUnmatchedBoundary => self.flag(Anomaly::MultipartUnmatchedBoundary),
            V::UrlencodedError => self.flag(Anomaly::InvalidPercentEncoding),
            V::ReqbodyError | V::ReqbodyProcessorError => Members::Size(usize::from(
                self.noticed.iter().any(|anomaly| is_unparsed(*anomaly)),
            )),
            V::BodyAnomalies => Members::Values(&self.anomalies, &[]),
            V::Xml | V::RequestXml => Members::Values(&self.xml, &[]),
            V::RequestHeaders => Members::Values(&self.headers, &[]),
            V::RequestHeadersNames => Members::Names(&self.headers, &[]),
            V::RequestCookies => Members::Values(&self.cookies, &[]),
            V::RequestCookiesNames => Members::Names(&self.cookies, &[]),
            V::ResponseHeaders => Members::Values(&self.response_headers, &[]),
            V::ResponseHeadersNames => Members::Names(&self.response_headers, &[]),
            V::Tx
            | V::Env
            | V::Geo
            | V::ArgsPath
            | V::Global
            | V::Ip
            | V::Resource
            | V::Session
            | V::User
            | V::SessionId
            | V::UserId
            | V::WebAppId
            | V::HighestSeverity
            | V::MscPcreError
            | V::MscPcreLimitsExceeded
            | V::FullRequest
            | V::FullRequestLength
            | V::ReqbodyProcessor
            | V::MatchedVar
            | V::MatchedVarName
            | V::MatchedVars
            | V::MatchedVarsNames
            | V::Rule => Members::Kept,
            V::ReqbodyProcessorErrorMsg => Members::Scalar(self.scalar(V::ReqbodyErrorMsg)),
            V::Status => Members::Scalar(self.scalar(V::ResponseStatus)),
            V::Duration => Members::Size(0),
            V::InboundErrorData => self.members(V::InboundDataError, values),
            V::InboundDataError | V::OutboundDataError if self.scalar(variable).is_none() => {
                Members::Size(0)
            }
            scalar => Members::Scalar(self.scalar(scalar)),
        }
    }

    fn flag(&self, anomaly: Anomaly) -> Members<'_> {
        Members::Size(usize::from(self.noticed.contains(&anomaly)))
    }

    /// The first header of that name (lower case).
    pub(crate) fn header(&self, name: &str, values: &Values) -> Option<ValueId> {
        self.headers
            .iter()
            .find(|item| values.get(item.name).eq_ignore_ascii_case(name.as_bytes()))
            .map(|item| item.value)
    }

    /// What servers may take for the content type beside the first header of that name: the last
    /// such header, also one whose name has an underscore.
    pub(crate) fn other_content_type(&self, values: &Values) -> Option<ValueId> {
        let reads_as_it = |item: &&Item| {
            let name = values.get(item.name);
            name.len() == "content-type".len()
                && (name.eq_ignore_ascii_case(b"content-type")
                    || name.eq_ignore_ascii_case(b"content_type"))
        };
        let mut found = self.headers.iter().filter(reads_as_it);
        let first = found.next()?;
        let alone = || values.get(first.name).contains(&b'_').then_some(first);
        let other = found.next_back().or_else(alone)?;
        Some(other.value)
    }

    /// Runs a body processor.
    pub(crate) fn process(
        &mut self,
        processor: Processor,
        content_type: &[u8],
        body: &[u8],
        reading: Reading<'_>,
        interests: Option<Interests<'_>>,
        values: &mut Values,
    ) {
        let Reading {
            separator, limits, ..
        } = reading;
        values.spend(body.len());
        let mut sink = Collector {
            inputs: self,
            values,
            reading,
            query: false,
            interests,
            one_line: false,
        };
        match processor {
            Processor::Urlencoded => {
                let mut pair = std::mem::take(&mut sink.inputs.pair);
                charset::form(content_type, body, &mut sink, |body, sink| {
                    crate::body::urlencoded::parse(body, separator, limits, &mut pair, sink);
                });
                sink.inputs.pair = pair;
            }
            Processor::Json => {
                let text = charset::document(content_type, body, &mut sink);
                // Only an escape puts a line end into a string.
                sink.one_line = memchr::memchr(b'\\', &text).is_none();
                let mut scratch = std::mem::take(&mut sink.inputs.json);
                crate::body::json::parse(&text, limits, &mut scratch, &mut sink);
                // Many readers take UTF-8 whatever the request says (RFC 8259 section 8.1).
                if matches!(text, Cow::Owned(_))
                    && std::str::from_utf8(body).is_ok()
                    && !body.contains(&0)
                {
                    sink.one_line = memchr::memchr(b'\\', body).is_none();
                    crate::body::json::parse(body, limits, &mut scratch, &mut sink);
                }
                sink.inputs.json = scratch;
            }
            Processor::Multipart => {
                charset::multipart(content_type, &mut sink);
                crate::body::multipart::parse(content_type, body, limits, &mut sink);
            }
            Processor::Xml => {
                let text = charset::document(content_type, body, &mut sink);
                crate::body::xml::parse(&text, limits, &mut sink);
                sink.inputs.document.finish();
            }
        }
    }

    pub(crate) fn notice(&mut self, anomaly: Anomaly, values: &mut Values) {
        if self.noticed.contains(&anomaly) {
            return;
        }
        self.noticed.push(anomaly);
        let name = values.intern(format!("{anomaly:?}").as_bytes());
        self.anomalies.push(Item { name, value: name });
        if is_unparsed(anomaly) {
            self.set(Variable::ReqbodyErrorMsg, name);
        }
    }

    /// How much has been noticed so far; for [`forget`](Self::forget).
    pub(crate) fn noticed(&self) -> usize {
        self.noticed.len()
    }

    /// Forgets what was noticed since, but not that something was left out.
    pub(crate) fn forget(&mut self, since: usize, values: &mut Values) {
        let later = self.noticed.split_off(since.min(self.noticed.len()));
        self.scalars
            .retain(|(variable, _)| *variable != Variable::ReqbodyErrorMsg);
        let kept: Vec<Anomaly> = std::mem::take(&mut self.noticed);
        self.anomalies.clear();
        let left_out = |anomaly: &Anomaly| {
            matches!(
                anomaly,
                Anomaly::TooManyArguments | Anomaly::TooDeep | Anomaly::TooLarge
            )
        };
        for anomaly in kept.into_iter().chain(later.into_iter().filter(left_out)) {
            self.notice(anomaly, values);
        }
    }

    /// Bytes of the uploaded files.
    pub(crate) fn file_bytes(&self, values: &Values) -> usize {
        self.file_contents
            .iter()
            .map(|item| values.get(item.value).len())
            .sum()
    }

    /// Bytes of a multipart body's header lines and fields, without its files.
    pub(crate) fn field_bytes(&self, values: &Values) -> usize {
        let parts = self.part_headers.iter().chain(&self.body);
        parts.map(|item| values.get(item.value).len()).sum()
    }

    /// The tree of an XML body.
    pub(super) fn document(&self) -> &Document {
        &self.document
    }

    /// The header lines as they came, for `FULL_REQUEST`.
    pub(super) fn header_lines(&self) -> &[Item] {
        &self.headers
    }

    /// Parameters of query and body, whether kept or not.
    pub(super) fn arguments(&self) -> usize {
        self.query.len() + self.body.len() + self.left_out
    }

    pub(super) fn count(&self) -> usize {
        self.arguments() + self.cookies.len() + self.xml.len()
    }
}

/// What `REQBODY_ERROR` says: the body is not what it claims, or was not seen whole.
fn is_unparsed(anomaly: Anomaly) -> bool {
    use Anomaly as A;
    matches!(
        anomaly,
        A::TooManyArguments
            | A::TooDeep
            | A::TooLarge
            | A::InvalidJson
            | A::InvalidXml
            | A::InvalidCompression
            | A::UnknownContentCoding
            | A::SeveralContentTypes
            | A::InvalidCharset
            | A::MultipartInvalidBoundary
            | A::MultipartTooManyParts
            | A::MultipartIncomplete
            | A::MultipartInvalidPart
            // Some frameworks decode base64 here; the rules have seen what it looks like before.
            | A::MultipartTransferEncoding
    )
}

/// What `MULTIPART_STRICT_ERROR` says, as ModSecurity's recommended configuration lists it.
fn is_strict_multipart(anomaly: Anomaly) -> bool {
    use Anomaly as A;
    matches!(
        anomaly,
        A::MultipartInvalidBoundary
            | A::MultipartBoundaryQuoted
            | A::MultipartBoundaryWhitespace
            | A::MultipartDataBefore
            | A::MultipartDataAfter
            | A::MultipartHeaderFolding
            | A::MultipartLfLine
            | A::MultipartMixedLineEnds
            | A::MultipartMissingSemicolon
            | A::MultipartInvalidQuoting
            | A::MultipartInvalidPart
            | A::MultipartInvalidHeader
            | A::MultipartInvalidHeaderFolding
            | A::MultipartLongBoundary
            | A::MultipartTooManyParts
            | A::MultipartIncomplete
            | A::MultipartDuplicateParameter
    )
}
