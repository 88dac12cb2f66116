//! The heads of a request and of its response, filed by variable.

use std::io::Write as _;
use std::net::IpAddr;

use super::collector::{Collector, Reading};
use super::inputs::{Inputs, Item};
use super::time;
use super::values::Values;
use crate::body::Anomaly;
use crate::context::Context;
use crate::language::variables::{Variable, VariableSet};
use crate::plan::path::{path_of, query_of};
use crate::request::{RequestHead, ResponseHead};

/// What the parameters of the query are looked at by.
const OF_QUERY: &[Variable] = &[
    Variable::Args,
    Variable::ArgsGet,
    Variable::ArgsNames,
    Variable::ArgsGetNames,
    Variable::ArgsCombinedSize,
];
/// What any header is looked at by.
const OF_HEADERS: &[Variable] = &[
    Variable::RequestHeaders,
    Variable::RequestHeadersNames,
    Variable::FullRequest,
    Variable::FullRequestLength,
];
/// What cookies are looked at by.
const OF_COOKIES: &[Variable] = &[Variable::RequestCookies, Variable::RequestCookiesNames];
/// What tells that there are too many of either, or that they do not parse.
const OF_FAULTS: &[Variable] = &[
    Variable::ReqbodyError,
    Variable::ReqbodyErrorMsg,
    Variable::ReqbodyProcessorError,
    Variable::ReqbodyProcessorErrorMsg,
    Variable::UrlencodedError,
    Variable::BodyAnomalies,
];

impl Inputs {
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
        let whole = query_of(head.target);
        let query = whole.split(|&byte| byte == b'#').next().unwrap_or_default();
        self.fill_line(head, query, reading.used, values);
        self.fill_ends(head, context, reading.used, values);
        self.fill_headers(head, reading, values);
        let mut pair = std::mem::take(&mut self.pair);
        let (query, whole) = match looks(reading.used, OF_QUERY) {
            true => (query, whole),
            false => (&[][..], &[][..]),
        };
        let mut collector = Collector::of_head(self, values, reading);
        crate::body::urlencoded::parse(query, separator, limits, &mut pair, &mut collector);
        if query.len() < whole.len() {
            // A server that gets a fragment may take it as query: its last
            // parameter, and what follows, is read that way too.
            let last = memchr::memrchr(separator, query).map_or(0, |at| at + 1);
            let rest = whole.get(last..).unwrap_or_default();
            crate::body::urlencoded::parse(rest, separator, limits, &mut pair, &mut collector);
        }
        if looks_at_credentials(reading.used) {
            self.fill_credentials(values);
        }
        let headers = match looks(reading.used, OF_COOKIES) {
            true => self.headers.len(),
            false => 0,
        };
        for at in 0..headers {
            let Some(item) = self.headers.get(at).copied() else {
                continue;
            };
            if values.get(item.name).eq_ignore_ascii_case(b"cookie") {
                pair.name.clear();
                pair.name.extend_from_slice(values.get(item.value));
                let mut collector = Collector::of_head(self, values, reading);
                crate::body::cookies::parse(&pair.name, settings, limits, &mut collector);
            }
        }
        self.pair = pair;
    }

    /// The headers, as far as rules look at them or a body is read by them.
    fn fill_headers(&mut self, head: &RequestHead<'_>, reading: Reading<'_>, values: &mut Values) {
        let Reading { limits, used, .. } = reading;
        let all = OF_HEADERS.iter().any(|variable| used.has(*variable));
        let cookies = looks(used, OF_COOKIES);
        let credentials = looks_at_credentials(used);
        // PERF: copies of headers that nothing looks at were a tenth of what most patches cost.
        let keeps = |name: &[u8]| {
            let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
            all || match name.len() {
                6 => cookies && is(b"cookie"),
                12 => is(b"content-type") || is(b"content_type"),
                13 => credentials && is(b"authorization"),
                16 => is(b"content-encoding"),
                _ => false,
            }
        };
        let mut count = 0;
        head.headers.for_each(&mut |name, value| {
            count += 1;
            if count <= limits.headers && keeps(name) {
                let item = Item {
                    name: values.intern(name),
                    value: values.intern(value),
                };
                self.headers.push(item);
            }
        });
        if count > limits.headers {
            self.notice(Anomaly::TooManyArguments, values);
        }
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
        let addresses = [
            (Variable::RemoteAddr, client.ip()),
            (Variable::RemoteHost, client.ip()),
            (Variable::ServerAddr, server.ip()),
        ];
        let ports = [
            (Variable::RemotePort, client.port()),
            (Variable::ServerPort, server.port()),
        ];
        let mut buffer = std::mem::take(&mut self.pair.name);
        for (variable, address) in addresses {
            if used.has(variable) {
                buffer.clear();
                write_address(address, &mut buffer);
                let value = values.intern(&buffer);
                self.set(variable, value);
            }
        }
        for (variable, port) in ports {
            if used.has(variable) {
                buffer.clear();
                // Writing to memory does not fail.
                let _ = write!(buffer, "{port}");
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
}

/// Whether rules look at one of these, or at what is noticed when they are read.
fn looks(used: VariableSet, variables: &[Variable]) -> bool {
    let mut variables = variables.iter().chain(OF_FAULTS);
    variables.any(|variable| used.has(*variable))
}

fn looks_at_credentials(used: VariableSet) -> bool {
    used.has(Variable::AuthType) || used.has(Variable::RemoteUser)
}

/// As `Display` has it, which takes a thousand instructions.
fn write_address(address: IpAddr, buffer: &mut Vec<u8>) {
    let IpAddr::V4(address) = address else {
        // Writing to memory does not fail.
        let _ = write!(buffer, "{address}");
        return;
    };
    for (at, octet) in address.octets().into_iter().enumerate() {
        if at > 0 {
            buffer.push(b'.');
        }
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let zeros = digits.iter().take(2).take_while(|digit| **digit == 0);
        let zeros = zeros.count();
        buffer.extend(digits.iter().skip(zeros).map(|digit| b'0' + digit));
    }
}

/// Decodes `%XX` once; `false` if there is none.
fn percent_decode(text: &[u8], decoded: &mut Vec<u8>) -> bool {
    if memchr::memchr(b'%', text).is_none() {
        return false;
    }
    crate::body::percent::decode(text, decoded);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_usual() {
        for text in ["0.0.0.0", "10.20.3.100", "255.1.90.9", "2001:db8::1"] {
            let mut written = Vec::new();
            write_address(text.parse().unwrap(), &mut written);
            assert_eq!(written, text.as_bytes());
        }
    }
}
