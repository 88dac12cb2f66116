//! The body of a request: whether it must be held, and how it is read.

use super::collector::{Interests, JOINED, Reading, interest};
use super::{Oversize, State};
use crate::body::{Anomaly, content_coding};
use crate::language::variables::Variable;
use crate::plan::Plan;
use crate::plan::concern::Concern;
use crate::plan::ir::Processor;

pub(super) fn body_need(
    plan: &Plan,
    concerned: &[Concern],
    base: bool,
    limit: Option<usize>,
) -> Option<(usize, Oversize)> {
    let mut need: Option<(usize, Oversize)> = None;
    let program = &plan.base;
    let looks = program.runs_in(2) || program.uses.request_body || program.limits_request();
    if base && looks {
        let limit = limit
            .or(plan.base.request_body_limit)
            .unwrap_or(usize::MAX)
            .min(plan.limits().request_body_bytes);
        let oversize = match plan.base.settings.request_body_partial {
            true => Oversize::Partial,
            false => Oversize::Block,
        };
        need = Some((limit, oversize));
    }
    for concern in concerned {
        let Some((bytes, larger)) = plan.concerns.manner(concern).and_then(|it| it.body) else {
            continue;
        };
        need = Some(match need {
            None => (bytes, larger),
            Some((known, oversize)) => (known.max(bytes), strictest(oversize, larger)),
        });
    }
    need
}

fn strictest(a: Oversize, b: Oversize) -> Oversize {
    match (a, b) {
        (Oversize::Block, _) | (_, Oversize::Block) => Oversize::Block,
        (Oversize::Partial, _) | (_, Oversize::Partial) => Oversize::Partial,
        _ => Oversize::PassAndRecord,
    }
}

/// The body processor that the content type asks for.
///
/// SecLang knows two by itself and leaves JSON and XML to `ctl:requestBodyProcessor`;
/// for patches all are chosen.
pub(super) fn processor_of(state: &State, patches: bool) -> Option<Processor> {
    let content_type = state.inputs.header("content-type", &state.values)?;
    named(state.values.get(content_type), patches)
}

/// That of this content type.
fn named(content_type: &[u8], patches: bool) -> Option<Processor> {
    let essence = content_type
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default();
    let essence = essence.trim_ascii();
    let starts = |start: &[u8]| {
        let own = essence.get(..start.len());
        own.is_some_and(|own| own.eq_ignore_ascii_case(start))
    };
    let holds = |word: &[u8]| {
        let mut windows = essence.windows(word.len());
        windows.any(|window| window.eq_ignore_ascii_case(word))
    };
    // PHP takes what stands before a comma or a space.
    let first = essence.split(|byte| b", ".contains(byte)).next();
    let first = first.unwrap_or_default();
    if first.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        Some(Processor::Urlencoded)
    } else if starts(b"multipart/") {
        Some(Processor::Multipart)
    } else if patches && holds(b"json") {
        Some(Processor::Json)
    } else if patches && holds(b"xml") {
        Some(Processor::Xml)
    } else {
        None
    }
}

/// Decodes and parses the body that was held.
pub(super) fn read_body(plan: &Plan, state: &mut State, reading: Reading<'_>) {
    let State {
        concerned,
        joint,
        path,
        values,
        inputs,
        overrides,
        body,
        body_cut,
        need,
        outcome,
        ..
    } = state;
    if need.is_none() || (*body_cut && matches!(need, Some((_, Oversize::PassAndRecord)))) {
        return;
    }
    // Where nothing came there is nothing to decode: proxies that ask may show the head alone.
    if !body.is_empty()
        && let Some(coding) = inputs.header("content-encoding", values)
    {
        let decoded = content_coding::decode(values.get(coding), body, reading.limits);
        values.spend(body.len());
        if let Err(anomaly) = decoded {
            inputs.notice(anomaly, values);
        }
    }
    // General rules, a trace and a count of bytes may ask for anything.
    let general = plan.has_general_rules();
    let all = general || outcome.traces() || reading.settings.request_body_no_files_limit.is_some();
    let joined = !all && concerned.len() <= JOINED;
    if joined {
        joint.join(concerned.iter().map(|concern| interest(plan, concern)));
    }
    let interests = (!all).then_some(Interests {
        plan,
        concerned,
        joint: joined.then_some(joint),
    });
    let looks_at = |variable| interests.is_none_or(|interests| interests.has(variable));
    if looks_at(Variable::RequestBodyLength) {
        let length = values.intern(body.len().to_string().as_bytes());
        inputs.set(Variable::RequestBodyLength, length);
    }
    if body.is_empty() {
        return;
    }
    let other_type = match concerned.is_empty() {
        true => None,
        false => inputs.other_content_type(values),
    };
    if other_type.is_some() {
        inputs.notice(Anomaly::SeveralContentTypes, values);
    }
    // Some applications parse what looks like JSON or XML whatever its type says.
    let sniffed = match body
        .iter()
        // Beyond byte order marks, and the zeros of UTF-16.
        .find(|byte| !byte.is_ascii_whitespace() && !b"\0\xef\xbb\xbf\xfe\xff".contains(byte))
    {
        Some(b'{' | b'[') if !concerned.is_empty() => Some(Processor::Json),
        Some(b'<') if !concerned.is_empty() => Some(Processor::Xml),
        _ => None,
    };
    let processor = overrides.processor.or(sniffed);
    let content_type = path;
    content_type.clear();
    if let Some(id) = inputs.header("content-type", values) {
        content_type.extend_from_slice(values.get(id));
    }
    if let Some(processor) = processor {
        // What was found out is what rules see from now on.
        overrides.processor = Some(processor);
        inputs.process(processor, content_type, body, reading, interests, values);
        // A form that looks like a document is read as both. What does not parse
        // then is no fault: it claimed to be a form.
        if let (Processor::Urlencoded, Some(other)) = (processor, sniffed) {
            let noticed = inputs.noticed();
            inputs.process(other, content_type, body, reading, interests, values);
            inputs.forget(noticed, values);
        }
    }
    // Of several types the first or the last may count, so the body is read by both.
    if let Some(id) = other_type {
        let other = values.get(id).to_vec();
        if other != *content_type
            && let Some(processor) = named(&other, true)
        {
            overrides.processor.get_or_insert(processor);
            let noticed = inputs.noticed();
            inputs.process(processor, &other, body, reading, interests, values);
            inputs.forget(noticed, values);
        }
    }
    let without_files = match processor {
        Some(Processor::Multipart) => inputs.field_bytes(values),
        _ => body.len(),
    };
    let allowed = reading.settings.request_body_no_files_limit;
    if allowed.is_some_and(|allowed| without_files > allowed) {
        inputs.notice(Anomaly::TooLarge, values);
    }
    let raw_stays = matches!(
        processor,
        None | Some(Processor::Urlencoded | Processor::Json)
    ) || overrides.force_request_body
        || !concerned.is_empty();
    if raw_stays && looks_at(Variable::RequestBody) {
        let raw = values.intern(body);
        inputs.set(Variable::RequestBody, raw);
    }
}
