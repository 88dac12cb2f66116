//! Content codings of bodies.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::catalogue::{Evasion, Group};
use super::fields::with_body;
use crate::request::Request;

const DECODES: &str =
    "servers that decode request bodies, such as Express and Apache with mod_deflate";

pub(super) const ALL: &[Evasion] = &[
    of("the body in gzip", |request| coded(request, "gzip", gzip)),
    of("the body in gzip, named x-gzip", |request| {
        coded(request, "x-gzip", gzip)
    }),
    of("the body in gzip, named in capitals", |request| {
        coded(request, "GZIP", gzip)
    }),
    of("the body in deflate", |request| {
        coded(request, "deflate", zlib)
    }),
    of("the body in deflate without its frame", |request| {
        coded(request, "deflate", deflate)
    }),
    of("the body in br", |request| coded(request, "br", brotli)),
    of("the body in gzip twice", |request| {
        coded(request, "gzip, gzip", |body| gzip(&gzip(body)?))
    }),
    of("the body said to be coded as identity", |request| {
        coded(request, "identity", |body| Some(body.to_vec()))
    }),
];

const fn of(name: &'static str, change: fn(&Request) -> Option<Request>) -> Evasion {
    Evasion::request(Group::BodyCoding, name, DECODES, change)
}

fn coded(request: &Request, coding: &str, encode: fn(&[u8]) -> Option<Vec<u8>>) -> Option<Request> {
    let named = |(name, _): &(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(b"content-encoding");
    if request.body.is_empty() || request.headers.iter().any(named) {
        return None;
    }
    let mut request = with_body(request, encode(&request.body)?);
    request.set_header("Content-Encoding", coding);
    Some(request)
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn zlib(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn deflate(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn brotli(body: &[u8]) -> Option<Vec<u8>> {
    let mut coded = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut coded, 4096, 1, 18);
    encoder.write_all(body).ok()?;
    drop(encoder);
    Some(coded)
}
