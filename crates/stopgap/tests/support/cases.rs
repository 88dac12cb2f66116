//! The shop's own cases, and whether they work at an address.

use std::net::SocketAddr;

use patch::Request;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Deserialize)]
pub(crate) struct Cases {
    pub(crate) exploit: Vec<Case>,
    pub(crate) benign: Vec<Case>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) request: String,
    #[serde(alias = "success")]
    pub(crate) expect: Expect,
}

#[derive(Deserialize)]
pub(crate) struct Expect {
    pub(crate) status: u16,
    pub(crate) body_contains: String,
}

pub(crate) async fn answer(address: SocketAddr, case: &Case) -> String {
    let request = Request::from_raw(case.request.as_bytes()).unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A proxy may refuse before it has read all.
    let _ = stream.write_all(&request.wire()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) async fn works(address: SocketAddr, case: &Case) -> bool {
    let answer = answer(address, case).await;
    let status = format!("HTTP/1.1 {}", case.expect.status);
    answer.starts_with(&status) && answer.contains(&case.expect.body_contains)
}
