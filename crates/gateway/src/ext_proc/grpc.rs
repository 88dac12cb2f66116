//! gRPC's framing: messages with their length in front, both ways on one HTTP/2 stream.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use hyper::body::Incoming;
use prost::Message;

/// Why a stream ends; the code is gRPC's.
#[derive(Debug)]
pub(super) struct End(pub(super) u16, pub(super) &'static str);

const OK: u16 = 0;
const INVALID: u16 = 3;
const EXHAUSTED: u16 = 8;
pub(super) const UNIMPLEMENTED: u16 = 12;

/// A flag, and a length of four bytes.
const PREFIX: usize = 5;

/// Messages as they come.
pub(super) struct Messages<B = Incoming> {
    body: B,
    pending: BytesMut,
    most: usize,
}

impl<B: http_body::Body<Data = Bytes> + Unpin> Messages<B> {
    pub(super) fn new(body: B, most: usize) -> Self {
        let pending = BytesMut::new();
        Self {
            body,
            pending,
            most,
        }
    }

    /// The next message; none: the other side has ended the stream, or is gone.
    pub(super) async fn next<M: Message + Default>(&mut self) -> Result<Option<M>, End> {
        loop {
            if let Some(length) = length(&self.pending, self.most)?
                && self.pending.len() >= PREFIX + length
            {
                self.pending.advance(PREFIX);
                let message = M::decode(self.pending.split_to(length).freeze());
                let malformed = |_| End(INVALID, "a message is malformed");
                return message.map(Some).map_err(malformed);
            }
            let Some(Ok(frame)) = self.body.frame().await else {
                return Ok(None);
            };
            if let Ok(data) = frame.into_data() {
                self.pending.extend_from_slice(&data);
            }
        }
    }
}

/// The length of the message that begins here, as soon as it is known.
fn length(pending: &[u8], most: usize) -> Result<Option<usize>, End> {
    let Some((&[compressed, a, b, c, d], _)) = pending.split_first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    if compressed != 0 {
        return Err(End(UNIMPLEMENTED, "messages must not be compressed"));
    }
    match usize::try_from(u32::from_be_bytes([a, b, c, d])) {
        Ok(length) if length <= most => Ok(Some(length)),
        _ => Err(End(EXHAUSTED, "a message is too large")),
    }
}

/// The answers to them.
pub(super) type Answers = Sender<Bytes>;

/// A response that answers are sent on.
pub(super) fn response() -> (Answers, Response<Channel<Bytes>>) {
    let (answers, body) = Channel::new(1);
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    (answers, response)
}

/// Sends a message; false: nobody takes it any more.
pub(super) async fn send(answers: &mut Answers, message: &impl Message) -> bool {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(PREFIX + length);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    // The room that it needs grows with it.
    message.encode(&mut bytes).is_ok() && answers.send_data(bytes.freeze()).await.is_ok()
}

/// Ends the stream.
pub(super) async fn end(mut answers: Answers, end: Result<(), End>) {
    let End(code, why) = end.err().unwrap_or(End(OK, ""));
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code));
    if !why.is_empty() {
        trailers.insert("grpc-message", HeaderValue::from_static(why));
    }
    // The other side may be gone.
    let _: Result<_, _> = answers.send(Frame::trailers(trailers)).await;
}
