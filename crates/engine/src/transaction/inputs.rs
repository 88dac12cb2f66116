//! What a request and its response hold, by variable.

use std::fmt::Display;
use std::io::Write as _;

use super::collector::{Collector, Interests, Reading};
use super::time;
use super::values::{ValueId, Values};
use crate::body::document::Document;
use crate::body::urlencoded::Pair;
use crate::body::{Anomaly, charset};
use crate::context::Context;
use crate::language::variables::{Variable, VariableSet};
use crate::plan::ir::Processor;
use crate::plan::path::{path_of, query_of};
use crate::request::{RequestHead, ResponseHead};

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
    headers: Vec<Item>,
    pub(super) cookies: Vec<Item>,
    pub(super) file_names: Vec<Item>,
    pub(super) file_contents: Vec<Item>,
    pub(super) part_headers: Vec<Item>,
    pub(super) xml: Vec<Item>,
    pub(super) document: Document,
    response_headers: Vec<Item>,
    json: crate::body::json::Scratch,
    /// Fields of the body that were not kept since nothing looks at them.
    pub(super) left_out: usize,
    anomalies: Vec<Item>,
    noticed: Vec<Anomaly>,
    /// Scratch.
    pair: Pair,
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
        self.document.clear();
        self.noticed.clear();
        self.left_out = 0;
        self.json.shrink();
        for items in [
            &mut self.query,
            &mut self.body,
            &mut self.headers,
            &mut self.cookies,
            &mut self.file_names,
            &mut self.file_contents,
            &mut self.part_headers,
            &mut self.xml,
            &mut self.response_headers,
            &mut self.anomalies,
        ] {
            items.clear();
        }
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
            V::MultipartMissingSemicolon => self.flag(Anomaly::MultipartMissingSemicolon),
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

    pub(crate) fn fill_request(
        &mut self,
        head: &RequestHead<'_>,
        reading: Reading<'_>,
        context: &Context,
        values: &mut Values,
    ) {
        let Reading {
            separator,
            settings,
            limits,
            ..
        } = reading;
        let mut pair = std::mem::take(&mut self.pair);
        let whole = query_of(head.target);
        let query = whole.split(|&byte| byte == b'#').next().unwrap_or_default();
        self.fill_line(head, query, reading.used, values);
        self.fill_ends(head, context, reading.used, values);
        let mut count = 0;
        head.headers.for_each(&mut |name, value| {
            count += 1;
            if count > limits.headers {
                return;
            }
            let item = Item {
                name: values.intern(name),
                value: values.intern(value),
            };
            self.headers.push(item);
        });
        if count > limits.headers {
            self.notice(Anomaly::TooManyArguments, values);
        }
        let mut collector = Collector {
            inputs: self,
            values,
            reading,
            query: true,
            interests: None,
            one_line: false,
        };
        crate::body::urlencoded::parse(query, separator, limits, &mut pair, &mut collector);
        if query.len() < whole.len() {
            // A server that gets a fragment may take it as query: its last
            // parameter, and what follows, is read that way too.
            let last = memchr::memrchr(separator, query).map_or(0, |at| at + 1);
            let rest = whole.get(last..).unwrap_or_default();
            crate::body::urlencoded::parse(rest, separator, limits, &mut pair, &mut collector);
        }
        if reading.used.has(Variable::AuthType) || reading.used.has(Variable::RemoteUser) {
            self.fill_credentials(values);
        }
        for at in 0..self.headers.len() {
            let Some(item) = self.headers.get(at).copied() else {
                continue;
            };
            if values.get(item.name).eq_ignore_ascii_case(b"cookie") {
                pair.name.clear();
                pair.name.extend_from_slice(values.get(item.value));
                let mut collector = Collector {
                    inputs: self,
                    values,
                    reading,
                    query: true,
                    interests: None,
                    one_line: false,
                };
                crate::body::cookies::parse(&pair.name, settings, limits, &mut collector);
            }
        }
        self.pair = pair;
    }

    /// The request line and its parts, as far as rules look at them.
    fn fill_line(
        &mut self,
        head: &RequestHead<'_>,
        query: &[u8],
        used: VariableSet,
        values: &mut Values,
    ) {
        let path = path_of(head.target);
        let uri = match head.target.first() {
            Some(b'/') => head.target,
            _ => {
                let offset = (path.as_ptr() as usize).wrapping_sub(head.target.as_ptr() as usize);
                head.target.get(offset..).unwrap_or(head.target)
            }
        };
        let mut buffer = std::mem::take(&mut self.pair.name);
        buffer.clear();
        let path = if percent_decode(path, &mut buffer) {
            buffer.as_slice()
        } else {
            path
        };
        let basename = path
            .rsplit(|&byte| matches!(byte, b'/' | b'\\'))
            .next()
            .unwrap_or_default();
        let server_name = match memchr::memrchr(b':', head.host) {
            Some(colon) => head.host.get(..colon).unwrap_or_default(),
            None => head.host,
        };
        for (variable, value) in [
            (Variable::RequestMethod, head.method),
            (Variable::RequestProtocol, head.version),
            (Variable::RequestUri, uri),
            (Variable::RequestUriRaw, head.target),
            (Variable::RequestFilename, path),
            (Variable::PathInfo, path),
            (Variable::RequestBasename, basename),
            (Variable::QueryString, query),
            (Variable::ServerName, server_name),
        ] {
            if used.has(variable) {
                let value = values.intern(value);
                self.set(variable, value);
            }
        }
        let whole = [
            Variable::RequestLine,
            Variable::FullRequest,
            Variable::FullRequestLength,
        ];
        if whole.into_iter().any(|variable| used.has(variable)) {
            buffer.clear();
            buffer.extend_from_slice(head.method);
            for part in [head.target, head.version] {
                buffer.push(b' ');
                buffer.extend_from_slice(part);
            }
            let line = values.intern(&buffer);
            self.set(Variable::RequestLine, line);
        }
        self.pair.name = buffer;
    }

    /// Who speaks with whom, and when, as far as rules look at it.
    fn fill_ends(
        &mut self,
        head: &RequestHead<'_>,
        context: &Context,
        used: VariableSet,
        values: &mut Values,
    ) {
        for (variable, value) in [
            (Variable::UniqueId, context.unique_id.as_bytes()),
            // The release of ModSecurity whose rules are understood: 3.0.15.
            (Variable::ModsecBuild, b"030150000"),
        ] {
            if used.has(variable) {
                let value = values.intern(value);
                self.set(variable, value);
            }
        }
        let (client, server) = (head.client, head.server);
        let addresses: [(Variable, &dyn Display); 5] = [
            (Variable::RemoteAddr, &client.ip()),
            (Variable::RemoteHost, &client.ip()),
            (Variable::RemotePort, &client.port()),
            (Variable::ServerAddr, &server.ip()),
            (Variable::ServerPort, &server.port()),
        ];
        let mut buffer = std::mem::take(&mut self.pair.name);
        for (variable, shown) in addresses {
            if used.has(variable) {
                buffer.clear();
                // Writing to memory does not fail.
                let _ = write!(buffer, "{shown}");
                let value = values.intern(&buffer);
                self.set(variable, value);
            }
        }
        self.pair.name = buffer;
        if time::ALL.into_iter().any(|variable| used.has(variable)) {
            for (variable, value) in time::parts(context.now) {
                let value = values.intern(value.as_bytes());
                self.set(variable, value);
            }
        }
    }

    /// `AUTH_TYPE` and `REMOTE_USER`, as the client claims them.
    fn fill_credentials(&mut self, values: &mut Values) {
        let Some(header) = self.header("authorization", values) else {
            return;
        };
        let header = values.get(header).trim_ascii().to_vec();
        let end = memchr::memchr(b' ', &header).unwrap_or(header.len());
        let (scheme, rest) = header.split_at(end);
        let kind = values.intern(scheme);
        self.set(Variable::AuthType, kind);
        if !scheme.eq_ignore_ascii_case(b"basic") {
            return;
        }
        let mut decoded = Vec::new();
        if let Some(spec) = crate::transformations::find("base64Decode")
            && (spec.apply)(rest.trim_ascii(), &mut decoded)
        {
            let user = decoded.split(|&byte| byte == b':').next();
            let user = values.intern(user.unwrap_or_default());
            self.set(Variable::RemoteUser, user);
        }
    }

    pub(crate) fn fill_response(&mut self, head: &ResponseHead<'_>, values: &mut Values) {
        let status = values.intern(head.status.to_string().as_bytes());
        self.set(Variable::ResponseStatus, status);
        let protocol = values.intern(head.version);
        self.set(Variable::ResponseProtocol, protocol);
        let line = [head.version, b" ", head.status.to_string().as_bytes()].concat();
        let line = values.intern(&line);
        self.set(Variable::StatusLine, line);
        head.headers.for_each(&mut |name, value| {
            let item = Item {
                name: values.intern(name),
                value: values.intern(value),
            };
            if name.eq_ignore_ascii_case(b"content-type") {
                let essence = value.split(|&byte| byte == b';').next();
                let essence = values.intern(essence.unwrap_or_default().trim_ascii());
                self.set(Variable::ResponseContentType, essence);
            }
            self.response_headers.push(item);
        });
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

/// Decodes `%XX` once; `false` if there is none.
fn percent_decode(text: &[u8], decoded: &mut Vec<u8>) -> bool {
    if memchr::memchr(b'%', text).is_none() {
        return false;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if let (b'%', [high, low, tail @ ..]) = (byte, after)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            decoded.push((high * 16 + low) as u8);
            rest = tail;
        } else {
            decoded.push(byte);
        }
    }
    true
}
