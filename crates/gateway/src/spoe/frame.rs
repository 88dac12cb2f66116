//! Frames of SPOP, version 2.0: whatever bytes to values that borrow from them, and back.
//!
//! Strings stay bytes: what a client has sent need not be UTF-8, and must reach the rules as it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

pub(crate) const HAPROXY_HELLO: u8 = 1;
pub(crate) const HAPROXY_DISCONNECT: u8 = 2;
pub(crate) const NOTIFY: u8 = 3;
const AGENT_HELLO: u8 = 101;
const AGENT_DISCONNECT: u8 = 102;
const ACK: u8 = 103;

/// The frame is whole: none is cut in pieces, since that is not offered.
const FINAL: u32 = 1;
/// Variables live as long as the transaction.
const SCOPE_TRANSACTION: u8 = 2;
const SET_VARIABLE: u8 = 1;

/// One frame, without its length.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: u8,
    pub(crate) stream: u64,
    pub(crate) number: u64,
    pub(crate) payload: Reader<'a>,
}

impl<'a> Frame<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(bytes);
        let kind = reader.byte()?;
        let flags = reader.take(4)?;
        if flags != FINAL.to_be_bytes() {
            return Err(Malformed("the frame is cut in pieces, or aborted"));
        }
        Ok(Self {
            kind,
            stream: reader.number()?,
            number: reader.number()?,
            payload: reader,
        })
    }
}

/// A typed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(u64),
    Address(IpAddr),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address),
            _ => None,
        }
    }
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let cut = self.0.split_at_checked(count);
        let (taken, rest) = cut.ok_or(Malformed("the frame ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        match self.take(1)? {
            [byte] => Ok(*byte),
            _ => Err(Malformed("the frame ends early")),
        }
    }

    /// Four bits and more in the first byte, seven in each that follows.
    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let first = self.byte()?;
        let mut number = u64::from(first);
        if first < 0xf0 {
            return Ok(number);
        }
        let mut shift = 4;
        loop {
            let byte = self.byte()?;
            let part = u64::from(byte)
                .checked_mul(1_u64.checked_shl(shift).unwrap_or(0))
                .and_then(|part| number.checked_add(part));
            number = part.ok_or(Malformed("a number is too large"))?;
            if byte < 0x80 {
                return Ok(number);
            }
            shift += 7;
            if shift >= 64 {
                return Err(Malformed("a number is too large"));
            }
        }
    }

    /// A length, then as many bytes.
    pub(crate) fn text(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.number()?;
        let length = usize::try_from(length).map_err(|_| Malformed("the frame ends early"))?;
        self.take(length)
    }

    pub(crate) fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let kind = self.byte()?;
        Ok(match kind & 0x0f {
            0 => Value::Null,
            1 => Value::Bool(kind & 0x10 != 0),
            2..=5 => Value::Number(self.number()?),
            6 => {
                let octets = <[u8; 4]>::try_from(self.take(4)?);
                let octets = octets.map_err(|_| Malformed("the frame ends early"))?;
                Value::Address(Ipv4Addr::from(octets).into())
            }
            7 => {
                let octets = <[u8; 16]>::try_from(self.take(16)?);
                let octets = octets.map_err(|_| Malformed("the frame ends early"))?;
                Value::Address(Ipv6Addr::from(octets).into())
            }
            8 | 9 => Value::Bytes(self.text()?),
            _ => return Err(Malformed("a value's type is unknown")),
        })
    }

    /// A name and its value.
    pub(crate) fn named(&mut self) -> Result<(&'a [u8], Value<'a>), Malformed> {
        Ok((self.text()?, self.value()?))
    }
}

/// What HAProxy says of itself when it connects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    /// Bytes of the largest frame that it sends or takes.
    pub(crate) frame_bytes: u64,
    /// It only looks whether somebody answers.
    pub(crate) only_checks: bool,
}

impl Hello {
    pub(crate) fn read(mut payload: Reader<'_>) -> Result<Self, Malformed> {
        let mut frame_bytes = None;
        let mut only_checks = false;
        let mut speaks = false;
        while !payload.is_empty() {
            match payload.named()? {
                (b"supported-versions", Value::Bytes(versions)) => {
                    let mut versions = versions.split(|&byte| byte == b',');
                    speaks = versions.any(|version| version.trim_ascii().starts_with(b"2."));
                }
                (b"max-frame-size", Value::Number(bytes)) => frame_bytes = Some(bytes),
                (b"healthcheck", Value::Bool(is)) => only_checks = is,
                _ => {}
            }
        }
        if !speaks {
            return Err(Malformed("SPOP 2.0 is not spoken"));
        }
        let frame_bytes = frame_bytes.ok_or(Malformed("no size of frames is named"))?;
        Ok(Self {
            frame_bytes,
            only_checks,
        })
    }
}

/// A frame that is written, its length in front.
pub(crate) struct Written(Vec<u8>);

impl Written {
    fn new(kind: u8, stream: u64, number: u64) -> Self {
        let mut written = Self(vec![0; 4]);
        written.0.push(kind);
        written.0.extend_from_slice(&FINAL.to_be_bytes());
        written.number(stream);
        written.number(number);
        written
    }

    /// Answers a hello.
    pub(crate) fn hello(frame_bytes: u32) -> Vec<u8> {
        let mut written = Self::new(AGENT_HELLO, 0, 0);
        written.text(b"version");
        written.string(b"2.0");
        written.text(b"max-frame-size");
        written.unsigned(frame_bytes);
        written.text(b"capabilities");
        written.string(b"pipelining");
        written.end()
    }

    /// Says that the connection ends, and why.
    pub(crate) fn disconnect(status: u32, why: &str) -> Vec<u8> {
        let mut written = Self::new(AGENT_DISCONNECT, 0, 0);
        written.text(b"status-code");
        written.unsigned(status);
        written.text(b"message");
        written.string(why.as_bytes());
        written.end()
    }

    /// Begins the answer to a notification: variables follow.
    pub(crate) fn acknowledge(stream: u64, number: u64) -> Self {
        Self::new(ACK, stream, number)
    }

    pub(crate) fn set_text(&mut self, name: &str, value: &[u8]) {
        self.set(name);
        self.string(value);
    }

    pub(crate) fn set_number(&mut self, name: &str, value: u32) {
        self.set(name);
        self.unsigned(value);
    }

    fn set(&mut self, name: &str) {
        self.0
            .extend_from_slice(&[SET_VARIABLE, 3, SCOPE_TRANSACTION]);
        self.text(name.as_bytes());
    }

    fn unsigned(&mut self, value: u32) {
        self.0.push(3);
        self.number(u64::from(value));
    }

    fn string(&mut self, value: &[u8]) {
        self.0.push(8);
        self.text(value);
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text);
    }

    fn number(&mut self, number: u64) {
        let low = number.to_le_bytes()[0];
        if number < 0xf0 {
            self.0.push(low);
            return;
        }
        self.0.push(low | 0xf0);
        let mut rest = (number - 0xf0) >> 4;
        while rest >= 0x80 {
            self.0.push(rest.to_le_bytes()[0] | 0x80);
            rest = (rest - 0x80) >> 7;
        }
        self.0.push(rest.to_le_bytes()[0]);
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        let length = u32::try_from(self.0.len() - 4).unwrap_or(u32::MAX);
        for (to, from) in self.0.iter_mut().zip(length.to_be_bytes()) {
            *to = from;
        }
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_haproxy_writes_them() {
        // From the examples of the SPOE specification and the bounds between its lengths.
        let cases: [(u64, &[u8]); 8] = [
            (0, &[0]),
            (239, &[239]),
            (240, &[0xf0, 0]),
            (2287, &[0xff, 0x7f]),
            (2288, &[0xf0, 0x80, 0]),
            (264_431, &[0xff, 0xff, 0x7f]),
            (264_432, &[0xf0, 0x80, 0x80, 0]),
            (33_818_863, &[0xff, 0xff, 0xff, 0x7f]),
        ];
        for (number, bytes) in cases {
            assert_eq!(Reader(bytes).number(), Ok(number), "{number}");
            let mut written = Written(Vec::new());
            written.number(number);
            assert_eq!(written.0, bytes, "{number}");
        }
        for number in [u64::MAX, u64::MAX - 1, 1 << 63] {
            let mut written = Written(Vec::new());
            written.number(number);
            assert_eq!(Reader(&written.0).number(), Ok(number));
        }
        assert!(Reader(&[0xff; 12]).number().is_err());
    }
}
