//! What passes, passes whole and truthfully.

use crate::support::{Client, Upstream, ask, config, get, no_attack, plan, post, start};
use std::time::Duration;

use engine::{Oversize, Plan};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

#[tokio::test]
async fn requests_pass_with_their_bodies_and_without() {
    for plan in [Plan::empty(), no_attack()] {
        let upstream = Upstream::ok().await;
        let (running, address) = start(config(upstream.address), plan).await;
        let mut client = Client::connect(address).await;
        client.send(get("/a?b=c")).await;
        assert_eq!(client.response().await.body, "ok");
        client.send(post("x=1")).await;
        assert_eq!(client.response().await.body, "ok");
        let got = upstream.got();
        assert!(got.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{got}");
        assert!(got.ends_with("\r\n\r\nx=1"), "{got}");
        assert!(got.contains("\r\nhost: app.example\r\n"), "{got}");
        running.stop().await;
    }
}

#[tokio::test]
async fn the_client_is_told_to_the_application_and_cannot_lie() {
    let lies = "GET / HTTP/1.1\r\nHost: app.example\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=9.9.9.9\r\n\r\n";
    for (trusted, expected) in [
        (false, ["127.0.0.1", "http", "app.example"]),
        (true, ["9.9.9.9, 127.0.0.1", "https", "evil"]),
    ] {
        let upstream = Upstream::ok().await;
        let mut config = config(upstream.address);
        if trusted {
            config
                .trusted_proxies
                .push("127.0.0.0/8".to_owned().try_into().unwrap());
        }
        let (running, address) = start(config, Plan::empty()).await;
        assert_eq!(ask(address, lies).await.status, 200);
        let got = upstream.got();
        let [client, proto, host] = expected;
        for line in [
            format!("x-forwarded-for: {client}\r\n"),
            format!("x-forwarded-proto: {proto}\r\n"),
            format!("x-forwarded-host: {host}\r\n"),
        ] {
            assert!(got.contains(&line), "{line} {got}");
        }
        assert_eq!(got.contains("forwarded: for=9"), trusted);
        running.stop().await;
    }
}

#[tokio::test]
async fn headers_of_one_hop_stay_there() {
    let upstream = Upstream::start(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=5\r\nX: y\r\n\r\n",
    )
    .await;
    let (running, address) = start(config(upstream.address), Plan::empty()).await;
    let request = "GET / HTTP/1.1\r\nHost: app.example\r\nConnection: X-Hop, Cookie\r\nConnection: X-Too\r\nX-Hop: 1\r\nX-Too: 2\r\nCookie: a=b\r\nTE: gzip\r\nUpgrade: h2c\r\nProxy-Authorization: x\r\n\r\n";
    let response = ask(address, request).await;
    assert!(response.head.contains("x: y") && !response.head.contains("keep-alive"));
    let got = upstream.got();
    for gone in [
        "x-hop",
        "x-too",
        "te:",
        "upgrade",
        "proxy-authorization",
        "connection",
    ] {
        assert!(!got.contains(gone), "{gone} {got}");
    }
    assert!(got.contains("cookie: a=b"), "{got}");
    running.stop().await;
}

#[tokio::test]
async fn a_client_that_waits_for_continue_gets_it_while_its_body_is_held() {
    let upstream = Upstream::ok().await;
    let (running, address) = start(config(upstream.address), no_attack()).await;
    let head =
        "POST / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    let mut client = Client::connect(address).await;
    client.send(head).await;
    let interim = client.read_until("\r\n\r\n").await;
    assert!(interim.starts_with("HTTP/1.1 100"), "{interim}");
    assert_eq!(upstream.got(), "");
    client.send("a=1").await;
    assert_eq!(client.response().await.status, 200);
    running.stop().await;
}

#[tokio::test]
async fn events_of_a_stream_arrive_one_by_one() {
    let rules = r#"SecRule RESPONSE_BODY "@contains never" "id:1,phase:4,deny""#;
    for plan in [Plan::empty(), plan(rules, None, Oversize::Block)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (running, address) = start(config(listener.local_addr().unwrap()), plan).await;
        let mut client = Client::connect(address).await;
        client.send(get("/events")).await;
        let (mut upstream, _) = listener.accept().await.unwrap();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        upstream.write_all(head.as_bytes()).await.unwrap();
        for count in 0..3 {
            // The next is written only when this one has arrived.
            let event = format!("data: {count}\n\n");
            let chunk = format!("{:x}\r\n{event}\r\n", event.len());
            upstream.write_all(chunk.as_bytes()).await.unwrap();
            client.read_until(&event).await;
        }
        drop(upstream);
        drop(client);
        running.stop().await;
    }
}

#[tokio::test]
async fn a_websocket_is_a_tunnel_and_other_upgrades_are_not() {
    let rules = r#"SecRule ARGS "@contains attack" "id:1,phase:2,deny,status:403""#;
    for plan in [Plan::empty(), plan(rules, None, Oversize::Block)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (running, address) = start(config(listener.local_addr().unwrap()), plan).await;
        let mut client = Client::connect(address).await;
        client
            .send("GET /chat HTTP/1.1\r\nHost: app.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n\r\n")
            .await;
        let (stream, _) = listener.accept().await.unwrap();
        let mut upstream = Client::from(stream);
        let head = upstream.read_until("\r\n\r\n").await;
        assert!(head.contains("upgrade: websocket\r\n"), "{head}");
        assert!(head.contains("sec-websocket-key: x\r\n"), "{head}");
        upstream
            .send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\nfirst")
            .await;
        let head = client.read_until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 101") && head.contains("sec-websocket-accept: y"));
        client.read_until("first").await;
        // Not HTTP at all, and longer than a read.
        client.send("\0\n\n\x01".repeat(10_000)).await;
        client.send("last").await;
        upstream.read_until("last").await;
        upstream.send("answer").await;
        client.read_until("answer").await;
        running.stop().await;
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_502() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (running, address) = start(config(address), Plan::empty()).await;
    assert_eq!(ask(address, get("/")).await.status, 502);
    let metrics = running.metrics();
    assert!(metrics.contains("stopgap_failures_total{kind=\"upstream\"} 1"));
    running.stop().await;
}

#[tokio::test]
async fn hosts_choose_the_application() {
    let (one, two) = (Upstream::ok().await, Upstream::ok().await);
    let text = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\n\
         [[application]]\nname = \"one\"\nhosts = [\"one.example\"]\nupstreams = [\"http://{}\"]\n\
         [[application]]\nname = \"two\"\nhosts = [\"*.two.example\"]\nupstreams = [\"http://{}\"]\n",
        one.address, two.address
    );
    let config = gateway::Config::parse(&text, "test.toml").unwrap();
    let (running, address) = start(config, Plan::empty()).await;
    let to = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    assert_eq!(ask(address, to("ONE.example:80")).await.status, 200);
    assert_eq!(ask(address, to("a.two.example")).await.status, 200);
    assert_eq!(ask(address, to("three.example")).await.status, 421);
    assert!(one.got().contains("ONE.example") && !one.got().contains("two"));
    assert!(two.got().contains("a.two.example"));
    running.stop().await;
}

#[tokio::test]
async fn health_and_metrics_have_an_address_of_their_own() {
    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.admin = Some("127.0.0.1:0".parse().unwrap());
    let (running, address) = start(config, Plan::empty()).await;
    assert_eq!(ask(address, get("/metrics")).await.body, "ok");
    let admin = running.admin_address().unwrap();
    assert_eq!(ask(admin, get("/-/live")).await.body, "live\n");
    assert_eq!(ask(admin, get("/-/ready")).await.body, "ready\n");
    let metrics = ask(admin, get("/metrics")).await.body;
    assert!(metrics.contains("stopgap_requests_total 1\n"), "{metrics}");
    assert_eq!(ask(admin, get("/")).await.status, 404);
    running.stop().await;
}

#[tokio::test]
async fn an_upstream_that_cannot_be_reached_gives_way_to_the_next() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    for plan in [Plan::empty(), no_attack()] {
        let upstream = Upstream::ok().await;
        let mut config = config(gone);
        let other = format!("http://{}", upstream.address);
        config.application[0]
            .upstreams
            .push(other.try_into().unwrap());
        let (running, address) = start(config, plan.clone()).await;
        for _ in 0..4 {
            assert_eq!(ask(address, get("/")).await.status, 200);
        }
        if plan.patches() > 0 {
            // Held bodies can be sent once more.
            assert_eq!(ask(address, post("a=b")).await.status, 200);
        }
        running.stop().await;
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_504_and_a_slow_upload_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut silent = config(listener.local_addr().unwrap());
    silent.limits.response_ms = 50;
    let (running, address) = start(silent, Plan::empty()).await;
    assert_eq!(ask(address, get("/")).await.status, 504);
    assert_eq!(ask(address, post("a=b")).await.status, 504);
    running.stop().await;

    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.limits.response_ms = 500;
    let (running, address) = start(config, Plan::empty()).await;
    let mut client = Client::connect(address).await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 12\r\n\r\n")
        .await;
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.send("x").await;
    }
    assert_eq!(client.response().await.status, 200);
    running.stop().await;
}
