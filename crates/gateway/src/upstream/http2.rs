//! HTTP/2 to an upstream: one connection, opened anew when it is closed.

use std::time::Duration;

use http::{Request, Response, Uri};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;

use super::connect::Connector;
use super::{Failure, failure};
use crate::body::{Body, UpstreamBody};

pub(super) struct Http2 {
    connector: Connector,
    origin: Uri,
    open: tokio::sync::Mutex<Option<http2::SendRequest<Body>>>,
}

impl Http2 {
    pub(super) fn new(connector: Connector, origin: Uri) -> Self {
        Self {
            connector,
            origin,
            open: tokio::sync::Mutex::default(),
        }
    }

    pub(super) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<Response<UpstreamBody>, Failure> {
        let mut sender = self.sender().await.map_err(Failure::Unreached)?;
        let response = sender.send_request(request).await;
        response
            .map(|response| response.map(UpstreamBody::from))
            .map_err(|why| failure(&why))
    }

    async fn sender(&self) -> Result<http2::SendRequest<Body>, String> {
        let mut open = self.open.lock().await;
        if let Some(sender) = &*open
            && !sender.is_closed()
        {
            return Ok(sender.clone());
        }
        let stream = self
            .connector
            .clone()
            .call(self.origin.clone())
            .await
            .map_err(|why| why.to_string())?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(Duration::from_secs(20)))
            .handshake(stream)
            .await
            .map_err(|why| why.to_string())?;
        tokio::spawn(async move {
            if let Err(why) = connection.await {
                tracing::debug!("an upstream connection ended: {why}");
            }
        });
        *open = Some(sender.clone());
        Ok(sender)
    }
}
