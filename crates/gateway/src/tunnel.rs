//! WebSocket: after the upgrade both sides speak as they like.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Version};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::server::Connection;

/// Takes the request's promise of a tunnel, if it asks for a WebSocket.
pub(crate) fn wanted(request: &mut http::request::Parts) -> Option<OnUpgrade> {
    let asked = request.extensions.get::<OnUpgrade>().is_some()
        && request.version == Version::HTTP_11
        && request.method == Method::GET
        && is(&request.headers, UPGRADE, "websocket")
        && names(&request.headers, "upgrade");
    asked
        .then(|| request.extensions.remove::<OnUpgrade>())
        .flatten()
}

/// Gives the head of a 101 back what a tunnel needs.
pub(crate) fn accept(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Carries bytes both ways until one side ends, neither speaks for long, or the gateway stops.
pub(crate) async fn carry(
    client: OnUpgrade,
    upstream: OnUpgrade,
    connection: Arc<Connection>,
    idle: Duration,
) {
    let (client, upstream) = match tokio::try_join!(client, upstream) {
        Ok(both) => both,
        Err(why) => {
            tracing::debug!("a tunnel was not opened: {why}");
            return;
        }
    };
    let spoken = AtomicBool::new(true);
    let mut stop = connection.stop.clone();
    tokio::select! {
        outcome = both_ways(client, upstream, &spoken) => {
            if let Err(why) = outcome {
                tracing::debug!("a tunnel ended: {why}");
            }
        }
        () = silence(&spoken, idle) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn both_ways(
    client: Upgraded,
    upstream: Upgraded,
    spoken: &AtomicBool,
) -> std::io::Result<()> {
    let (client_reads, client_writes) = tokio::io::split(TokioIo::new(client));
    let (upstream_reads, upstream_writes) = tokio::io::split(TokioIo::new(upstream));
    tokio::try_join!(
        one_way(client_reads, upstream_writes, spoken),
        one_way(upstream_reads, client_writes, spoken),
    )?;
    Ok(())
}

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    spoken: &AtomicBool,
) -> std::io::Result<()> {
    let mut space = vec![0; 8 * 1024];
    loop {
        let count = from.read(&mut space).await?;
        spoken.store(true, Ordering::Relaxed);
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(space.get(..count).unwrap_or_default()).await?;
        to.flush().await?;
    }
}

async fn silence(spoken: &AtomicBool, idle: Duration) {
    while spoken.swap(false, Ordering::Relaxed) {
        tokio::time::sleep(idle).await;
    }
}

fn is(headers: &HeaderMap, name: http::HeaderName, expected: &str) -> bool {
    headers
        .get(name)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(expected.as_bytes()))
}

fn names(headers: &HeaderMap, option: &str) -> bool {
    headers.get_all(CONNECTION).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value
                .split(',')
                .any(|each| each.trim().eq_ignore_ascii_case(option))
        })
    })
}
