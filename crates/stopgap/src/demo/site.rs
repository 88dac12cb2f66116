//! Where requests go, and what became of them.

use std::net::SocketAddr;
use std::time::Duration;

use patch::document::{Case, Located, Success};
use patch::{Expected, Reply, Request};

use crate::live::Target;
use crate::patch::judge;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests under way at once: applications of one process answer no faster to more.
const PARALLEL: usize = 4;

/// An address, and the name under which it is asked.
pub(super) struct Site {
    address: SocketAddr,
    host: Option<String>,
}

impl Site {
    pub(super) fn new(address: SocketAddr, host: Option<String>) -> Self {
        Self { address, host }
    }

    /// Which of some requests do there what their cases say, in their order.
    pub(super) async fn tries<'c>(
        &self,
        tries: impl IntoIterator<Item = (&'c Request, &'c Case)>,
    ) -> anyhow::Result<Vec<bool>> {
        let mut tries = tries.into_iter();
        let mut worked = Vec::new();
        loop {
            let mut running = Vec::new();
            for (request, case) in tries.by_ref().take(PARALLEL) {
                running.push((self.begin(request), case.success.as_ref()));
            }
            if running.is_empty() {
                return Ok(worked);
            }
            for (reply, success) in running {
                worked.push(does(reply.await?, success)?);
            }
        }
    }

    /// Whether each case works, as it is written.
    pub(super) async fn works(&self, cases: &[&Case]) -> anyhow::Result<Worked> {
        let requests = requests(cases)?;
        let cases = cases.iter().copied();
        Ok(Worked(self.tries(requests.iter().zip(cases)).await?))
    }

    /// The same; those that did not work are tried once more, since an application that has just
    /// started may not have answered them.
    pub(super) async fn works_in_two(&self, cases: &[&Case]) -> anyhow::Result<Worked> {
        let mut worked = self.works(cases).await?;
        for (case, worked) in cases.iter().zip(&mut worked.0) {
            if !*worked {
                *worked = self.works(&[case]).await?.all();
            }
        }
        Ok(worked)
    }

    /// The answer to one request; none if there is no answer.
    pub(super) async fn answer(&self, request: &Request) -> anyhow::Result<Option<Reply>> {
        Ok(self.begin(request).await?.ok())
    }

    fn begin(&self, request: &Request) -> tokio::task::JoinHandle<anyhow::Result<Reply>> {
        let mut request = request.clone();
        if let Some(host) = &self.host {
            for (name, value) in &mut request.headers {
                if name.eq_ignore_ascii_case(b"host") {
                    *value = host.clone().into_bytes();
                }
            }
        }
        let target = Target::new(self.address, PATIENCE);
        tokio::task::spawn_blocking(move || target.send(&request.wire()))
    }
}

/// No answer: it did not work.
fn does(reply: anyhow::Result<Reply>, success: Option<&Success>) -> anyhow::Result<bool> {
    match reply {
        Ok(reply) => Ok(judge(success, &reply)? == Expected::Yes),
        Err(_) => Ok(false),
    }
}

/// Which of some cases worked.
#[derive(PartialEq)]
pub(super) struct Worked(Vec<bool>);

impl Worked {
    pub(super) fn count(&self) -> usize {
        self.0.iter().filter(|worked| **worked).count()
    }

    pub(super) fn of(&self) -> usize {
        self.0.len()
    }

    pub(super) fn all(&self) -> bool {
        self.count() == self.of()
    }

    pub(super) fn none(&self) -> bool {
        self.count() == 0
    }

    /// Such as `3 of 4 exploits work`.
    pub(super) fn told(&self, what: &str) -> String {
        format!("{} of {} {what}", self.count(), self.of())
    }
}

/// The cases without their places.
pub(super) fn plain(cases: &[Located<Case>]) -> Vec<&Case> {
    cases.iter().map(|case| &case.value).collect()
}

/// The cases' requests, in their order.
pub(super) fn requests(cases: &[&Case]) -> anyhow::Result<Vec<Request>> {
    let request = |case: &&Case| {
        Request::of(&case.request).map_err(|why| anyhow::anyhow!("case {}: {why}", case.name))
    };
    cases.iter().map(request).collect()
}
