//! Calls of the control side: signed, bounded in bytes and time.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::uri::{Authority, Scheme};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{
    Attestation, Bundle, Delivered, Delivery, Enrol, Enrolled, PrivateKey, SignedCall, Wanted,
};

use crate::web::{Web, client_of};

/// Until a call must be answered.
const ANSWER: Duration = Duration::from_secs(20);
/// The same, of the call that waits for the next bundle: the control side waits up to 25 s.
const NEXT_BUNDLE: Duration = Duration::from_secs(40);
/// How long a connection may wait for the next call.
const IDLE: Duration = Duration::from_secs(20);
/// Bytes of an answer, at most: no bundle has more.
pub(super) const ANSWER_BYTES: usize = 32 * 1024 * 1024;
const _: () = assert!(ANSWER_BYTES == Bundle::BYTES);

/// Where the control side is.
pub(super) struct Control {
    scheme: Scheme,
    authority: Authority,
    client: Web,
}

/// Calls it as a member of the fleet.
pub(super) struct Calls {
    control: Control,
    /// As whom.
    name: String,
    key: PrivateKey,
}

/// A call that did not do what it was for.
pub(super) enum Failed {
    /// The control side says that it cannot.
    Refused(StatusCode, String),
    /// It was not reached, or does not make sense.
    Away(anyhow::Error),
    /// Its answer is longer than [`ANSWER_BYTES`].
    TooLong,
}

impl Control {
    /// Reads `https://HOST[:PORT]`, or `http://` for this machine.
    pub(super) fn parse(url: &str, authorities: Option<&Path>) -> anyhow::Result<Self> {
        let uri: Uri = url
            .parse()
            .with_context(|| format!("`{url}` is no address of the control side"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            bail!("`{url}` is no address of the control side: write https://host:port");
        };
        let plain = !authority.as_str().contains('@') && matches!(uri.path(), "" | "/");
        if !plain || uri.query().is_some() {
            bail!("`{url}` says more than where the control side is: write https://host:port");
        }
        let host = authority.host().trim_matches(['[', ']']);
        let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        if scheme != &Scheme::HTTPS && !(scheme == &Scheme::HTTP && here) {
            bail!(
                "`{url}`: the control side of another machine is called by https:// alone; \
                 http:// is for 127.0.0.1"
            );
        }
        let mut kept = Client::builder(TokioExecutor::new());
        let kept = kept.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new());
        Ok(Self {
            scheme: scheme.clone(),
            authority: authority.clone(),
            client: client_of(kept, authorities)?,
        })
    }

    /// Joins the fleet, by a token that counts once.
    pub(super) async fn enrol(&self, token: &str, enrol: &Enrol) -> Result<Enrolled, Failed> {
        let request = Request::post("/api/v1/fleet/enrol")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json");
        let (status, answer) = self.send(request, json(enrol)?, ANSWER).await?;
        read(status, &answer)
    }

    async fn send(
        &self,
        request: http::request::Builder,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<(StatusCode, Bytes), Failed> {
        let exchange = async {
            let mut request = request.body(Full::from(body)).context("no request")?;
            let target = request.uri().path_and_query().map_or("/", |it| it.as_str());
            *request.uri_mut() = Uri::builder()
                .scheme(self.scheme.clone())
                .authority(self.authority.clone())
                .path_and_query(target)
                .build()
                .context("no address")?;
            let response = self.client.request(request).await;
            let response = response.context("no answer")?;
            let status = response.status();
            match Limited::new(response.into_body(), ANSWER_BYTES)
                .collect()
                .await
            {
                Ok(body) => Ok((status, body.to_bytes())),
                Err(why) if why.is::<LengthLimitError>() => Err(Failed::TooLong),
                Err(why) => Err(Failed::Away(anyhow!("the answer is cut short: {why}"))),
            }
        };
        let late = || anyhow!("no answer within {} s", within.as_secs());
        let answer = tokio::time::timeout(within, exchange).await;
        answer.map_err(|_| late())?
    }
}

impl Calls {
    pub(super) fn new(control: Control, name: String, key: PrivateKey) -> Self {
        Self { control, name, key }
    }

    /// The bundle after this number, as it was signed; none if there is none for a while.
    pub(super) async fn bundle(&self, after: u64) -> Result<Option<Bytes>, Failed> {
        let target = format!("/api/v1/fleet/bundle?after={after}");
        match self
            .call(Method::GET, &target, Vec::new(), NEXT_BUNDLE)
            .await?
        {
            (StatusCode::OK, sealed) => Ok(Some(sealed)),
            (StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT, _) => Ok(None),
            (status, answer) => Err(refused(status, &answer)),
        }
    }

    pub(super) async fn documents(&self, wanted: &Wanted) -> Result<Vec<String>, Failed> {
        self.ask("/api/v1/fleet/documents", wanted).await
    }

    pub(super) async fn attest(&self, attestation: &Attestation) -> Result<(), Failed> {
        let target = "/api/v1/fleet/attestations";
        let call = self.call(Method::POST, target, json(attestation)?, ANSWER);
        match call.await? {
            (status, _) if status.is_success() => Ok(()),
            (status, answer) => Err(refused(status, &answer)),
        }
    }

    pub(super) async fn deliver(&self, delivery: &Delivery) -> Result<Delivered, Failed> {
        self.ask("/api/v1/fleet/events", delivery).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        target: &str,
        what: &impl Serialize,
    ) -> Result<T, Failed> {
        let (status, answer) = self.call(Method::POST, target, json(what)?, ANSWER).await?;
        read(status, &answer)
    }

    async fn call(
        &self,
        method: Method,
        target: &str,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<(StatusCode, Bytes), Failed> {
        let call = SignedCall {
            method: method.as_str(),
            target,
            body: &body,
        };
        let signed = call.sign(&self.name, &self.key, now_ms() / 1000);
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(CONTENT_TYPE, "application/json")
            .header("content-digest", signed.content_digest)
            .header("signature-input", signed.input)
            .header("signature", signed.signature);
        self.control.send(request, body, within).await
    }
}

/// Milliseconds since 1970-01-01 UTC.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

fn json(what: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    Ok(serde_json::to_vec(what)?)
}

fn read<T: DeserializeOwned>(status: StatusCode, answer: &Bytes) -> Result<T, Failed> {
    if !status.is_success() {
        return Err(refused(status, answer));
    }
    let read = serde_json::from_slice(answer).context("the answer is not understood");
    read.map_err(Failed::Away)
}

/// What the control side says of why it cannot, as far as it does (RFC 9457).
fn refused(status: StatusCode, answer: &[u8]) -> Failed {
    #[derive(serde::Deserialize)]
    struct Problem {
        title: Option<String>,
        detail: Option<String>,
    }
    let told: Option<Problem> = serde_json::from_slice(answer).ok();
    let told = told.and_then(|problem| problem.detail.or(problem.title));
    Failed::Refused(status, told.unwrap_or_default())
}

impl From<anyhow::Error> for Failed {
    fn from(why: anyhow::Error) -> Self {
        Self::Away(why)
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(StatusCode::UNAUTHORIZED, why) => write!(
                f,
                "the control side does not know this gateway, or not any more: {why}; enrol it again"
            ),
            Self::Refused(status, why) => write!(f, "the control side answers {status}: {why}"),
            Self::TooLong => write!(
                f,
                "the control side answers with more than {ANSWER_BYTES} bytes"
            ),
            Self::Away(why) => write!(f, "the control side is not reached: {why:#}"),
        }
    }
}
