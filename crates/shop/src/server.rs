//! Listening, and the bounds of a connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::database::Database;
use crate::files::Files;
use crate::{Error, Kind, routes};

const CONNECTIONS: usize = 256;
/// How long a connection may wait for the next request's head.
const HEAD: Duration = Duration::from_secs(60);
const CONNECTION: Duration = Duration::from_secs(600);
/// How long `stop` waits for the requests in progress.
const DRAIN: Duration = Duration::from_secs(2);

/// What the requests share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) database: Database,
    pub(crate) files: Files,
    pub(crate) version: String,
    pub(crate) version_header: HeaderValue,
}

impl App {
    /// Whether this version has the new search, `/v2/search?term=…`.
    pub(crate) fn has_second_search(&self) -> bool {
        let first = self.version.trim_start_matches('v').split('.').next();
        first.is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number >= 2))
    }
}

/// A shop that runs. When this is dropped it stops, and its files are removed.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Running {
    /// Where it listens, with the port that was given to it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, waits up to two seconds for the requests in progress, and removes
    /// the instance's files.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // The task ends by itself; that it was cancelled with the runtime is as good.
        drop(self.accepting.await);
    }
}

pub(crate) async fn start(address: SocketAddr, version: &str) -> Result<Running, Error> {
    if !address.ip().is_loopback() {
        return Err(Kind::NotLoopback(address).into());
    }
    let version_header =
        HeaderValue::from_str(version).map_err(|_| Kind::Version(version.to_owned()))?;
    let app = Arc::new(App {
        database: Database::open().map_err(Kind::Database)?,
        files: Files::write().map_err(Kind::Files)?,
        version: version.to_owned(),
        version_header,
    });
    let bind = |cause| Kind::Bind(address, cause);
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let (stop, stopped) = watch::channel(false);
    let accepting = tokio::spawn(accept(listener, app, stopped));
    Ok(Running {
        address,
        stop,
        accepting,
    })
}

async fn accept(listener: TcpListener, app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            // Also when the sender is gone: `Running` was dropped.
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    // Out of file descriptors, most likely: let some connections end.
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            continue;
        };
        let (app, stopped) = (Arc::clone(&app), stopped.clone());
        connections.spawn(async move {
            serve(stream, app, stopped).await;
            drop(slot);
        });
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(DRAIN, drained).await.is_err() {
        connections.shutdown().await;
    }
}

/// One connection, until it ends, the shop stops, or its time is over. Its errors are the
/// client's affair.
async fn serve(stream: TcpStream, app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(routes::answer(&app, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.changed() => {}
        () = sleep(CONNECTION) => {}
    }
    connection.as_mut().graceful_shutdown();
    drop(timeout(DRAIN, connection).await);
}
