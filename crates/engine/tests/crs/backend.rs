//! The application behind the rules.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ftw::{Request, decode_base64};

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// What a request to `/reflect` asks for.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Wanted {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
    encoded_body: String,
}

/// Answers `/reflect` as its body asks, and all else with an empty 200.
pub(crate) fn answer(request: &Request) -> Response {
    let path = request.target.split(|&byte| byte == b'?').next();
    let mut response = Response {
        status: 200,
        headers: Vec::new(),
        body: Vec::new(),
    };
    let reflects = path.is_some_and(|path| path == b"/reflect" || path.starts_with(b"/reflect/"));
    if request.method != b"POST" || !reflects {
        return response;
    }
    let Ok(wanted) = serde_json::from_slice::<Wanted>(&request.body) else {
        response.status = 400;
        response.body = b"Invalid JSON in request body".to_vec();
        return response;
    };
    if wanted.status != 0 {
        response.status = wanted.status;
    }
    response.body = match wanted.body.is_empty() {
        true => decode_base64(&wanted.encoded_body),
        false => wanted.body.into_bytes(),
    };
    for (name, value) in wanted.headers {
        response
            .headers
            .push((name.into_bytes(), value.into_bytes()));
    }
    let typed = |(name, _): &(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(b"content-type");
    if !response.body.is_empty() && !response.headers.iter().any(typed) {
        let kind = sniff(&response.body).as_bytes().to_vec();
        response.headers.push((b"Content-Type".to_vec(), kind));
    }
    let length = response.body.len().to_string().into_bytes();
    response.headers.push((b"Content-Length".to_vec(), length));
    response
}

/// The type of a body whose application gives none, roughly as WHATWG's MIME sniffing has it.
fn sniff(body: &[u8]) -> &'static str {
    let start = body.trim_ascii_start();
    let tags = [
        "<!doctype html",
        "<html",
        "<head",
        "<script",
        "<iframe",
        "<h1",
        "<div",
        "<font",
        "<table",
        "<a",
        "<style",
        "<title",
        "<b",
        "<body",
        "<br",
        "<p",
        "<!--",
    ];
    let tagged = tags.iter().any(|tag| {
        start
            .get(..tag.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(tag.as_bytes()))
            && matches!(start.get(tag.len()), Some(b' ' | b'>'))
    });
    let binary = |&byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    match () {
        () if tagged => "text/html; charset=utf-8",
        () if start.starts_with(b"<?xml") => "text/xml; charset=utf-8",
        () if body.starts_with(b"\x1f\x8b\x08") => "application/x-gzip",
        () if body.iter().take(512).any(binary) => "application/octet-stream",
        () => "text/plain; charset=utf-8",
    }
}
