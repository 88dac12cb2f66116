//! Health and metrics, on an address of their own.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::body::Body;
use crate::proxy::Proxy;

/// Connections at one time.
const CONNECTIONS: usize = 64;

/// Serves until every `Running` is gone; while the gateway stops it is live but not ready.
pub(crate) async fn run(listener: TcpListener, proxy: Arc<Proxy>, stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (proxy, stop) = (Arc::clone(&proxy), stop.clone());
        connections.spawn(async move {
            let service = service_fn(|request| {
                let response = answer(&proxy, &request, *stop.borrow());
                std::future::ready(Ok::<_, Infallible>(response))
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(why) = served {
                tracing::debug!("an admin connection ended: {why}");
            }
            drop(permit);
        });
    }
}

fn answer(proxy: &Proxy, request: &Request<Incoming>, stopping: bool) -> Response<Body> {
    let (status, text) = match request.uri().path() {
        "/-/live" => (StatusCode::OK, "live\n".to_owned()),
        "/-/ready" if stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned()),
        "/-/ready" => (StatusCode::OK, "ready\n".to_owned()),
        "/metrics" => (StatusCode::OK, proxy.render_metrics()),
        _ => (
            StatusCode::NOT_FOUND,
            "here are /-/live, /-/ready and /metrics\n".to_owned(),
        ),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static(wire::Exposition::CONTENT_TYPE),
    );
    response
}
