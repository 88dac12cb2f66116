//! What probes send: exploit cases that do no harm wherever they arrive.

use std::time::Duration;

use control::{Prober, Sendable};
use patch::document::{Case, Document};
use patch::{Request, Source};

use crate::live::Target;
use crate::workshop::Bench;

/// How long an answer to a probe may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Methods that ask for nothing but an answer (RFC 9110, 9.2.1).
const SAFE: [&[u8]; 3] = [b"GET", b"HEAD", b"OPTIONS"];

impl Prober for Bench {
    fn case(&self, document: &str, hosts: &[(Option<String>, String)]) -> Result<Sendable, String> {
        let source = Source::parse("document", document).map_err(|why| why.to_string())?;
        let document = &source.document;
        let host = hosts.iter().find(|host| is_for(document, host));
        let (_, host) = host.ok_or(
            "it is for none of the applications that the ingress point is known to lead to",
        )?;
        let host = host.rsplit_once(':').map_or(host.as_str(), |(name, port)| {
            let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
            if is_port { name } else { host }
        });
        let cases = document.cases.exploit.iter();
        let mut inert = cases.filter_map(|case| inert(case).map(|request| (&case.name, request)));
        let (case, mut request) = inert.next().ok_or(
            "none of its exploit cases is known to do no harm: a GET without a body, or `inert: true`",
        )?;
        request
            .headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case(b"host"));
        let named = (b"Host".to_vec(), host.as_bytes().to_vec());
        request.headers.insert(0, named);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Sendable {
            case: case.clone(),
            method: text(&request.method),
            host: host.to_owned(),
            target: text(&request.target),
            bytes: request.wire(),
        })
    }

    fn send(&self, address: &str, request: &[u8]) -> Result<u16, String> {
        let target = Target::parse(address, None, PATIENCE);
        let answer = target.and_then(|target| target.send(request));
        answer
            .map(|answer| answer.status)
            .map_err(|why| format!("{why:#}"))
    }
}

/// Whether the document is for the application, and the host.
fn is_for(document: &Document, (application, host): &(Option<String>, String)) -> bool {
    let scope = &document.scope;
    let named = |name: &str| scope.apps.iter().any(|pattern| fits(pattern, name));
    let of_app = match application {
        Some(application) => scope.apps.is_empty() || named(application),
        // Whichever it is.
        None => scope.apps.is_empty() || named("*"),
    };
    let host = host.split(':').next().unwrap_or_default();
    of_app && (scope.hosts.is_empty() || scope.hosts.iter().any(|pattern| fits(pattern, host)))
}

/// `*` stands for any run of characters.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(text),
        Some((before, after)) => {
            let rest = text.get(before.len()..);
            let begins = text.get(..before.len());
            begins.is_some_and(|begin| begin.eq_ignore_ascii_case(before))
                && rest.is_some_and(|rest| {
                    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
                    let mut tails = ends.filter_map(|at| rest.get(at..));
                    tails.any(|tail| fits(after, tail))
                })
        }
    }
}

/// The request of a case that does no harm.
fn inert(case: &Case) -> Option<Request> {
    let request = Request::of(&case.request).ok()?;
    let is_safe = SAFE.contains(&request.method.as_slice()) && request.body.is_empty();
    case.inert.unwrap_or(is_safe).then_some(request)
}
