//! The messages of `envoy.service.ext_proc.v3.ExternalProcessor`, as far as they are used: fields
//! that are not named are skipped. A `oneof` is a choice of optional fields.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

/// `ProcessingRequest`: what Envoy shows.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Shown {
    #[prost(message, optional, tag = "2")]
    pub(super) request_headers: Option<HttpHeaders>,
    #[prost(message, optional, tag = "3")]
    pub(super) response_headers: Option<HttpHeaders>,
    #[prost(message, optional, tag = "4")]
    pub(super) request_body: Option<HttpBody>,
    #[prost(message, optional, tag = "5")]
    pub(super) response_body: Option<HttpBody>,
    /// What the configuration asks for, by the filter's name.
    #[prost(map = "string, message", tag = "9")]
    pub(super) attributes: HashMap<String, Attributes>,
}

/// `HttpHeaders`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HttpHeaders {
    #[prost(message, optional, tag = "1")]
    pub(super) headers: Option<Lines>,
    #[prost(bool, tag = "3")]
    pub(super) end_of_stream: bool,
}

/// `HeaderMap`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Lines {
    #[prost(message, repeated, tag = "1")]
    pub(super) headers: Vec<Line>,
}

/// `HeaderValue`: the value is in one of two fields.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Line {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) raw_value: Bytes,
}

/// `HttpBody`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HttpBody {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) body: Bytes,
    #[prost(bool, tag = "2")]
    pub(super) end_of_stream: bool,
}

/// `google.protobuf.Struct`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Attributes {
    #[prost(map = "string, message", tag = "1")]
    pub(super) fields: HashMap<String, Attribute>,
}

/// `google.protobuf.Value`, of texts.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(string, optional, tag = "3")]
    pub(super) text: Option<String>,
}

/// `ProcessingResponse`: what Envoy is to do.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Told {
    #[prost(message, optional, tag = "1")]
    pub(super) request_headers: Option<GoOn>,
    #[prost(message, optional, tag = "2")]
    pub(super) response_headers: Option<GoOn>,
    #[prost(message, optional, tag = "3")]
    pub(super) request_body: Option<GoOn>,
    #[prost(message, optional, tag = "4")]
    pub(super) response_body: Option<GoOn>,
    #[prost(message, optional, tag = "7")]
    pub(super) immediate_response: Option<Instead>,
    #[prost(message, optional, tag = "9")]
    pub(super) mode_override: Option<Mode>,
}

/// `HeadersResponse` and `BodyResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GoOn {
    #[prost(message, optional, tag = "1")]
    pub(super) response: Option<Common>,
}

/// `CommonResponse`; its status, left out, lets the request go on.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Common {
    #[prost(message, optional, tag = "2")]
    pub(super) header_mutation: Option<Mutation>,
}

/// `HeaderMutation`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Mutation {
    #[prost(message, repeated, tag = "1")]
    pub(super) set_headers: Vec<SetLine>,
    #[prost(string, repeated, tag = "2")]
    pub(super) remove_headers: Vec<String>,
}

/// `HeaderValueOption`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SetLine {
    #[prost(message, optional, tag = "1")]
    pub(super) header: Option<Line>,
    /// `HeaderAppendAction`.
    #[prost(int32, tag = "3")]
    pub(super) append_action: i32,
}

/// `OVERWRITE_IF_EXISTS_OR_ADD`.
pub(super) const OVERWRITE: i32 = 2;

/// `ImmediateResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Instead {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<Status>,
    #[prost(message, optional, tag = "2")]
    pub(super) headers: Option<Mutation>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) body: Bytes,
    /// For Envoy's own log.
    #[prost(string, tag = "5")]
    pub(super) details: String,
}

/// `HttpStatus`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Status {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
}

/// `ProcessingMode`: what of the request and the response is shown from now on.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Mode {
    #[prost(int32, tag = "1")]
    pub(super) request_headers: i32,
    #[prost(int32, tag = "2")]
    pub(super) response_headers: i32,
    #[prost(int32, tag = "3")]
    pub(super) request_body: i32,
    #[prost(int32, tag = "4")]
    pub(super) response_body: i32,
    #[prost(int32, tag = "5")]
    pub(super) request_trailers: i32,
    #[prost(int32, tag = "6")]
    pub(super) response_trailers: i32,
}

impl Mode {
    /// Heads, and trailers, are shown or not.
    const SEND: i32 = 1;
    const SKIP: i32 = 2;
    /// A body as far as Envoy's buffer holds it, and nothing of it is forwarded meanwhile.
    const BUFFERED_PARTIAL: i32 = 3;

    pub(super) fn new(request_body: bool, response: bool, response_body: bool) -> Self {
        let held = |is| if is { Self::BUFFERED_PARTIAL } else { 0 };
        Self {
            request_headers: Self::SEND,
            response_headers: if response { Self::SEND } else { Self::SKIP },
            request_body: held(request_body),
            response_body: held(response_body),
            request_trailers: Self::SKIP,
            response_trailers: Self::SKIP,
        }
    }
}

impl Line {
    pub(super) fn bytes(&self) -> &[u8] {
        match self.raw_value.is_empty() {
            true => self.value.as_bytes(),
            false => &self.raw_value,
        }
    }
}

impl Mutation {
    pub(super) fn set(&mut self, name: &str, value: &[u8]) {
        let header = Line {
            key: name.to_owned(),
            value: String::new(),
            raw_value: Bytes::copy_from_slice(value),
        };
        self.set_headers.push(SetLine {
            header: Some(header),
            append_action: OVERWRITE,
        });
    }
}
