//! Every bound of the gateway, in one place.

use serde::Deserialize;

/// What clients and upstreams may use at most. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at one time, tunnels included; further ones wait in the listen queue. 10,000.
    pub connections: usize,
    /// Requests on one connection, then it is closed in good order. 10,000.
    pub connection_requests: u64,
    /// Concurrent streams on one HTTP/2 connection. 128.
    pub streams: u32,
    /// Bytes of a request's head, at least 8,192. 65,536.
    pub head_bytes: usize,
    /// Header lines of a request. 100.
    pub headers: usize,
    /// From the connection, or the end of the request before, to the end of the head; also the
    /// TLS handshake, and how long a connection may idle. 30,000.
    pub head_ms: u64,
    /// Between two pieces of a request body. 30,000.
    pub body_idle_ms: u64,
    /// From the head to the end of the request body. 600,000.
    pub body_total_ms: u64,
    /// Bytes of bodies held for inspection in all requests together; beyond it, 503, or as `fail`
    /// says. 512 MiB.
    pub held_bytes: usize,
    /// Bytes of one frame of SPOP, or one message of `ext_proc`, or of what is read of a question's
    /// body beyond what rules want; at least 256. 4 MiB.
    pub message_bytes: usize,
    /// How long a client may refuse to read while an answer waits. 60,000.
    pub write_idle_ms: u64,
    /// To connect to an upstream. 5,000.
    pub connect_ms: u64,
    /// From the end of the forwarded request to the head of its response, up to twice that where
    /// the body was streamed. 60,000.
    pub response_ms: u64,
    /// How long an idle upstream connection is kept; less than the upstream keeps it, so that no
    /// request meets its closing. 4,000, since some servers close after 5,000.
    pub upstream_idle_ms: u64,
    /// Idle connections kept to each upstream. 256.
    pub upstream_idle: usize,
    /// How long a tunnel (WebSocket) may be silent. 600,000.
    pub tunnel_idle_ms: u64,
    /// How long requests under way may take to end when the gateway stops. 10,000.
    pub stop_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connection_requests: 10_000,
            streams: 128,
            head_bytes: 64 * 1024,
            headers: 100,
            head_ms: 30_000,
            body_idle_ms: 30_000,
            body_total_ms: 600_000,
            held_bytes: 512 * 1024 * 1024,
            message_bytes: 4 * 1024 * 1024,
            write_idle_ms: 60_000,
            connect_ms: 5_000,
            response_ms: 60_000,
            upstream_idle_ms: 4_000,
            upstream_idle: 256,
            tunnel_idle_ms: 600_000,
            stop_ms: 10_000,
        }
    }
}
