//! Smuggling: what two servers could read differently is refused, the rest forwarded in one form.

use std::time::Duration;

use engine::Plan;
use serde::Deserialize;

use crate::support::{Client, Upstream, config, get, no_attack, post, start};

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    bytes: String,
    expect: String,
}

#[tokio::test]
async fn every_request_of_the_table_is_refused_or_forwarded_in_one_form() {
    let table: Table = toml::from_str(include_str!("../../testdata/framing.toml")).unwrap();
    for case in &table.case {
        for in_pieces in [false, true] {
            judge(case, in_pieces).await;
        }
    }
}

/// Without the line that names the request, which differs each time.
fn without_id(got: &str) -> String {
    let lines = got.split_inclusive("\r\n");
    let (ids, others): (Vec<_>, Vec<_>) =
        lines.partition(|line| line.starts_with("x-request-id: "));
    assert_eq!(ids.len(), got.matches(" HTTP/1.1\r\n").count(), "{got}");
    others.concat()
}

async fn judge(case: &Case, in_pieces: bool) {
    let name = format!("{} (in pieces: {in_pieces})", case.name);
    let upstream = Upstream::ok().await;
    let (running, address) = start(config(upstream.address), Plan::empty()).await;
    let mut client = Client::connect(address).await;
    // Refused early, the rest cannot be sent.
    let piece = if in_pieces { 1 } else { case.bytes.len() };
    for piece in case.bytes.as_bytes().chunks(piece) {
        if client.try_send(piece).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    match case.expect.as_str() {
        "400" => {
            let answer = client.rest().await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{name}: {answer:?}");
            assert_eq!(upstream.got(), "", "{name}");
        }
        "closed" => {
            let answer = client.rest().await;
            let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 400 ");
            assert!(refused, "{name}: {answer:?}");
            assert!(!upstream.got().ends_with("0\r\n\r\n"), "{name}");
        }
        forwarded => {
            assert_eq!(client.response().await.status, 200, "{name}");
            let head = |text: &str| text.split_once("\r\n\r\n").map(|(head, _)| head.to_owned());
            let got = without_id(&upstream.got());
            if in_pieces {
                // Chunks follow the pieces.
                assert_eq!(head(&got), head(forwarded), "{name}");
            } else {
                assert_eq!(got, forwarded, "{name}");
            }
        }
    }
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn a_second_request_is_refused_after_the_first_is_answered() {
    let upstream = Upstream::ok().await;
    let (running, address) = start(config(upstream.address), no_attack()).await;
    let smuggled = "POST /two HTTP/1.1\r\nHost: app.example\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /three HTTP/1.1\r\nHost: app.example\r\n\r\n";
    for first in [get("/one"), post("a=b")] {
        let mut client = Client::connect(address).await;
        client.send(format!("{first}{smuggled}")).await;
        assert_eq!(client.response().await.status, 200);
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    assert!(!upstream.got().contains("/two") && !upstream.got().contains("/three"));
    // Counted when the connection has ended.
    while !running.metrics().contains("{kind=\"framing\"} 2\n") {
        tokio::task::yield_now().await;
    }
    running.stop().await;
}

#[tokio::test]
async fn pipelined_requests_are_each_inspected() {
    let upstream = Upstream::ok().await;
    let (running, address) = start(config(upstream.address), no_attack()).await;
    let mut client = Client::connect(address).await;
    let all = [
        get("/1"),
        post("q=2"),
        get("/?q=attack"),
        post("q=attack"),
        get("/3"),
    ];
    client.send(all.concat()).await;
    for expected in [200, 200, 403, 403, 200] {
        assert_eq!(client.response().await.status, expected);
    }
    assert!(!upstream.got().contains("attack"));
    running.stop().await;
}

#[tokio::test]
async fn an_early_answer_to_a_large_body_is_not_lost() {
    let upstream = Upstream::ok().await;
    let (running, address) = start(config(upstream.address), no_attack()).await;
    let head = "POST /?q=attack HTTP/1.1\r\nHost: app.example\r\nContent-Length: 2000000\r\n\r\n";
    let mut client = Client::connect(address).await;
    client.send(head).await;
    client.send("x".repeat(900_000)).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    // The client sends all the same; what it sends must not reset the connection.
    let rest = client.try_send("x".repeat(1_100_000).as_bytes()).await;
    assert_eq!(client.response().await.status, 413, "{rest:?}");
    assert_eq!(upstream.got(), "");
    running.stop().await;
}
