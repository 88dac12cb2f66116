//! `application/x-www-form-urlencoded`, as WHATWG's URL standard section 5.1 parses it.

use super::{Anomaly, Kind, Sink};
use crate::limits::Limits;

/// A parameter's name and value, decoded: memory that is used again and again.
#[derive(Default)]
pub(crate) struct Pair {
    pub(crate) name: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

/// Parses a query string or a form body: names and values with `+` and `%XX` decoded once.
pub(crate) fn parse(
    input: &[u8],
    separator: u8,
    limits: &Limits,
    pair: &mut Pair,
    sink: &mut dyn Sink,
) {
    let Pair { name, value } = pair;
    let mut fields = 0;
    for field in input
        .split(|&byte| byte == separator)
        .filter(|field| !field.is_empty())
    {
        fields += 1;
        if fields > limits.arguments {
            sink.anomaly(Anomaly::TooManyArguments);
            return;
        }
        let (left, right) = match memchr::memchr(b'=', field) {
            Some(at) => (field.get(..at), field.get(at + 1..)),
            None => (Some(field), None),
        };
        decode(left.unwrap_or_default(), name, sink);
        decode(right.unwrap_or_default(), value, sink);
        sink.field(Kind::Field, name, value);
    }
}

fn decode(text: &[u8], decoded: &mut Vec<u8>, sink: &mut dyn Sink) {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    decoded.clear();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'+', _) => decoded.push(b' '),
            (b'%', [high, low, tail @ ..]) if digit(*high).is_some() && digit(*low).is_some() => {
                let value = digit(*high).unwrap_or(0) * 16 + digit(*low).unwrap_or(0);
                decoded.push(value as u8);
                rest = tail;
            }
            (b'%', _) => {
                sink.anomaly(Anomaly::InvalidPercentEncoding);
                decoded.push(b'%');
            }
            _ => decoded.push(byte),
        }
    }
    if memchr::memchr(0, decoded).is_some() {
        sink.anomaly(Anomaly::NulByte);
    }
}
