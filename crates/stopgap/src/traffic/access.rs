//! Access logs: the request line and a few headers, nothing of bodies.
//!
//! Sources: the predefined format `combined` of nginx's ngx_http_log_module, the formats
//! `common` and `combined` of Apache's mod_log_config, and Envoy's default format string
//! in its access log documentation.

use anyhow::{anyhow, bail};
use engine::Exchange;
use patch::prove::Recorded;

use super::Record;

/// A line of nginx or Apache: `ADDRESS IDENT USER [TIME] "REQUEST" STATUS BYTES`, and
/// perhaps `"REFERER" "USER AGENT"`.
pub(super) fn combined(line: &[u8]) -> anyhow::Result<Record> {
    let texts = quoted(line)?;
    let (method, target, version) = request_line(texts.first().map_or(&[], Vec::as_slice))?;
    let mut exchange = exchange(method, target, version);
    add(&mut exchange, "Referer", texts.get(1));
    add(&mut exchange, "User-Agent", texts.get(2));
    let headers: &[&str] = match texts.len() {
        1 | 2 => &[],
        _ => &["referer", "user-agent"],
    };
    Ok(record(exchange, headers))
}

/// A line of Envoy: `[TIME] "METHOD PATH PROTOCOL" …`, and at its end `"X-FORWARDED-FOR"
/// "USER-AGENT" "X-REQUEST-ID" "AUTHORITY" "UPSTREAM"`.
pub(super) fn envoy(line: &[u8]) -> anyhow::Result<Record> {
    let texts = quoted(line)?;
    let (method, target, version) = request_line(texts.first().map_or(&[], Vec::as_slice))?;
    let mut exchange = exchange(method, target, version);
    // Of another number of texts, nobody knows which is which.
    let [_, forwarded, agent, id, authority, _] = texts.as_slice() else {
        return Ok(record(exchange, &[]));
    };
    add(&mut exchange, "Host", Some(authority));
    add(&mut exchange, "X-Forwarded-For", Some(forwarded));
    add(&mut exchange, "User-Agent", Some(agent));
    add(&mut exchange, "X-Request-Id", Some(id));
    Ok(record(
        exchange,
        &["host", "user-agent", "x-forwarded-for", "x-request-id"],
    ))
}

fn record(exchange: Exchange, headers: &'static [&'static str]) -> Record {
    Record {
        id: None,
        exchange,
        recorded: Recorded {
            headers: Some(headers),
            body: false,
        },
    }
}

/// A header that was there; `-` stands for one that was not.
fn add(exchange: &mut Exchange, name: &str, value: Option<&Vec<u8>>) {
    if let Some(value) = value.filter(|value| *value != b"-") {
        exchange.headers.push((name.into(), value.clone()));
    }
}

fn exchange(method: &[u8], target: &[u8], version: &[u8]) -> Exchange {
    Exchange {
        method: method.to_vec(),
        target: target.to_vec(),
        version: version.to_vec(),
        ..Exchange::default()
    }
}

/// Method, target and version.
pub(super) fn request_line(text: &[u8]) -> anyhow::Result<(&[u8], &[u8], &[u8])> {
    let wrong = || {
        anyhow!(
            "`{}` is no request line",
            String::from_utf8_lossy(text.get(..text.len().min(80)).unwrap_or_default())
        )
    };
    let space = |byte: &u8| *byte == b' ';
    let first = text.iter().position(space).ok_or_else(wrong)?;
    let last = text.iter().rposition(space).ok_or_else(wrong)?;
    let (method, rest) = text.split_at(first);
    let version = text.get(last + 1..).unwrap_or_default();
    let target = rest.get(1..last - first).ok_or_else(wrong)?;
    let is_method = !method.is_empty() && method.iter().all(u8::is_ascii_alphabetic);
    if !is_method || target.is_empty() || !version.starts_with(b"HTTP/") {
        return Err(wrong());
    }
    Ok((method, target, version))
}

/// The texts in quotes, unescaped: `\"`, `\\`, `\xHH` and what C has for white space.
fn quoted(line: &[u8]) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut texts = Vec::new();
    let mut rest = line.trim_ascii();
    while let Some(open) = rest.iter().position(|&byte| byte == b'"') {
        rest = rest.get(open + 1..).unwrap_or_default();
        let mut text = Vec::new();
        loop {
            let Some((&byte, after)) = rest.split_first() else {
                bail!("a quotation mark is missing");
            };
            rest = after;
            match byte {
                b'"' => break,
                b'\\' => rest = escape(rest, &mut text),
                other => text.push(other),
            }
        }
        texts.push(text);
    }
    match texts.is_empty() {
        true => bail!("there is no text in quotation marks, so no request line"),
        false => Ok(texts),
    }
}

/// What follows a backslash; what follows that.
fn escape<'r>(rest: &'r [u8], text: &mut Vec<u8>) -> &'r [u8] {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    if let [b'x', high, low, after @ ..] = rest
        && let (Some(high), Some(low)) = (digit(high), digit(low))
    {
        text.push((high * 16 + low) as u8);
        return after;
    }
    let Some((&byte, after)) = rest.split_first() else {
        text.push(b'\\');
        return rest;
    };
    match byte {
        b'n' => text.push(b'\n'),
        b'r' => text.push(b'\r'),
        b't' => text.push(b'\t'),
        b'v' => text.push(0x0b),
        b'"' | b'\\' => text.push(byte),
        other => text.extend_from_slice(&[b'\\', other]),
    }
    after
}
