//! HTTP/1 to an upstream: connections that wait to be used again.
//!
//! PERF: hyper-util's client, made for many hosts, finds a connection by hashing scheme and
//! authority and gives it back by a task of its own. Here an upstream has its own list, and a
//! response brings its connection back when it has been read. docs/performance.md, "What was tried".

use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::time::Duration;

use http::{Request, Response, StatusCode, Uri};
use hyper::client::conn::http1;
use tokio::time::{Instant, sleep};
use tower_service::Service;

use super::connect::Connector;
use super::{Failure, failure};
use crate::body::{Body, UpstreamBody};
use crate::limits::Limits;

type Sender = http1::SendRequest<Body>;

pub(super) struct Http1 {
    connector: Connector,
    origin: Uri,
    idle: Arc<IdleList>,
    keep: Duration,
    swept: Once,
}

/// Connections without a request, the one that was used last at the end.
#[derive(Debug)]
struct IdleList {
    list: Mutex<Vec<Idle>>,
    most: usize,
}

#[derive(Debug)]
struct Idle {
    sender: Sender,
    since: Instant,
}

/// A connection in use; closed when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    sender: Sender,
    home: Weak<IdleList>,
}

impl Http1 {
    pub(super) fn new(connector: Connector, origin: Uri, limits: &Limits) -> Self {
        let idle = Arc::new(IdleList {
            list: Mutex::default(),
            most: limits.upstream_idle,
        });
        Self {
            connector,
            origin,
            idle,
            keep: Duration::from_millis(limits.upstream_idle_ms),
            swept: Once::new(),
        }
    }

    /// Sends a request on a connection that waits, or on a new one. A request that such a
    /// connection ended without having begun to send goes to the next.
    pub(super) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<UpstreamBody>, Failure> {
        loop {
            let (mut sender, used) = match self.idle.take() {
                Some(sender) => (sender, true),
                None => (self.connect().await.map_err(Failure::Unreached)?, false),
            };
            match sender.try_send_request(request).await {
                // A tunnel keeps its connection.
                Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    return Ok(response.map(UpstreamBody::from));
                }
                Ok(response) => {
                    let home = Arc::downgrade(&self.idle);
                    let lease = Lease { sender, home };
                    return Ok(response.map(|incoming| UpstreamBody::leased(incoming, lease)));
                }
                Err(mut why) => match why.take_message() {
                    Some(unsent) if used => request = unsent,
                    _ => return Err(failure(why.error())),
                },
            }
        }
    }

    async fn connect(&self) -> Result<Sender, String> {
        self.swept.call_once(|| {
            tokio::spawn(IdleList::sweep(Arc::downgrade(&self.idle), self.keep));
        });
        let connecting = self.connector.clone().call(self.origin.clone());
        let stream = connecting.await.map_err(|why| why.to_string())?;
        let (sender, connection) = http1::Builder::new()
            .handshake(stream)
            .await
            .map_err(|why| why.to_string())?;
        tokio::spawn(async move {
            if let Err(why) = connection.with_upgrades().await {
                tracing::debug!("an upstream connection ended: {why}");
            }
        });
        Ok(sender)
    }
}

impl IdleList {
    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that was used last. One whose request is still being sent, though it was answered,
    /// is passed over.
    fn take(&self) -> Option<Sender> {
        let mut list = self.lock();
        let at = list.iter().rposition(|idle| idle.sender.is_ready())?;
        Some(list.remove(at).sender)
    }

    /// Closes those that waited too long, until the list is gone.
    async fn sweep(list: Weak<Self>, keep: Duration) {
        loop {
            sleep(keep / 4).await;
            let Some(list) = list.upgrade() else {
                return;
            };
            let is_fresh = |idle: &Idle| !idle.sender.is_closed() && idle.since.elapsed() < keep;
            list.lock().retain(is_fresh);
        }
    }
}

impl Lease {
    /// Lets the next request use the connection. Its response has been read.
    pub(crate) fn give_back(self) {
        let Some(home) = self.home.upgrade() else {
            return;
        };
        let mut list = home.lock();
        if self.sender.is_closed() || list.len() >= home.most {
            return;
        }
        list.push(Idle {
            sender: self.sender,
            since: Instant::now(),
        });
    }
}
