//! Hostile clients: slow, broken, many.

use std::time::Duration;

use engine::Plan;

use crate::support::{Client, PATIENCE, Upstream, ask, config, get, no_attack, post, start};

#[tokio::test]
async fn slow_clients_do_not_starve_others_and_are_ended() {
    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.limits.head_ms = 1000;
    config.limits.body_idle_ms = 1000;
    let (running, address) = start(config, no_attack()).await;
    let mut slow = Vec::new();
    for count in 0..200 {
        let mut client = Client::connect(address).await;
        let start_of_request = match count % 3 {
            0 => "",
            1 => "GET / HTTP/1.1\r\nHost: app.",
            _ => "POST / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 9\r\n\r\na",
        };
        client.send(start_of_request).await;
        slow.push(client);
    }
    for _ in 0..50 {
        assert_eq!(ask(address, get("/")).await.status, 200);
        assert_eq!(ask(address, post("a=b")).await.status, 200);
    }
    for (count, mut client) in slow.into_iter().enumerate() {
        let end = client.rest().await;
        if count % 3 == 2 {
            assert!(end.starts_with("HTTP/1.1 408 "), "{end:?}");
        } else {
            assert_eq!(end, "");
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn a_body_that_trickles_for_too_long_is_408() {
    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.limits.body_total_ms = 300;
    let (running, address) = start(config, no_attack()).await;
    let mut client = Client::connect(address).await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 1000\r\n\r\n")
        .await;
    for _ in 0..100 {
        if client.try_send(b"x").await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(client.response().await.status, 408);
    assert_eq!(upstream.got(), "");
    running.stop().await;
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.limits.connections = 2;
    let (running, address) = start(config, Plan::empty()).await;
    let first = Client::connect(address).await;
    let second = Client::connect(address).await;
    let mut third = Client::connect(address).await;
    third.send(get("/third")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(upstream.got(), "");
    drop((first, second));
    assert_eq!(third.response().await.status, 200);
    running.stop().await;
}

#[tokio::test]
async fn a_connection_ends_in_good_order_after_its_last_request() {
    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.limits.connection_requests = 3;
    let (running, address) = start(config, Plan::empty()).await;
    let mut client = Client::connect(address).await;
    for count in 1..=3 {
        client.send(get("/")).await;
        let response = client.response().await;
        assert_eq!(response.status, 200);
        assert_eq!(response.head.contains("connection: close"), count == 3);
    }
    assert_eq!(client.rest().await, "");
    running.stop().await;
}

#[tokio::test]
async fn heads_beyond_the_bounds_are_refused() {
    let upstream = Upstream::ok().await;
    let (running, address) = start(config(upstream.address), Plan::empty()).await;
    let many = "X-A: 1\r\n".repeat(101);
    let large = format!("X-A: {}\r\n", "x".repeat(70_000));
    for lines in [many, large] {
        let request = format!("GET / HTTP/1.1\r\nHost: app.example\r\n{lines}\r\n");
        let mut client = Client::connect(address).await;
        client.send(request).await;
        let answer = client.rest().await;
        let refused = answer.starts_with("HTTP/1.1 431 ") || answer.starts_with("HTTP/1.1 400 ");
        assert!(refused, "{answer:?}");
    }
    assert_eq!(upstream.got(), "");
    running.stop().await;
}

#[tokio::test]
async fn bodies_held_by_all_requests_together_are_bounded() {
    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.limits.held_bytes = 1000;
    let (running, address) = start(config, no_attack()).await;
    let mut one = Client::connect(address).await;
    let body = "x".repeat(600);
    let request = post(&body);
    one.send(&request[..request.len() - 1]).await;
    // As soon as the first holds its part, there is no room for another.
    let end = tokio::time::Instant::now() + PATIENCE;
    while ask(address, &request).await.status != 503 {
        assert!(tokio::time::Instant::now() < end, "it finds room");
    }
    one.send("x").await;
    assert_eq!(one.response().await.status, 200);
    assert_eq!(ask(address, &request).await.status, 200);
    running.stop().await;
}

#[tokio::test]
async fn where_an_application_fails_open_a_body_without_room_passes_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.limits.held_bytes = 1000;
    config.application[0].fail = gateway::Fail::Open;
    config.events = Some(gateway::Events::to(file.clone()));
    let (running, address) = start(config, no_attack()).await;
    let body = format!("q=attack&{}", "x".repeat(600));
    let request = post(&body);
    assert_eq!(ask(address, &request).await.status, 403);
    let mut one = Client::connect(address).await;
    one.send(&request[..request.len() - 1]).await;
    // As soon as the first holds its part, there is no room for another.
    let end = tokio::time::Instant::now() + PATIENCE;
    while ask(address, &request).await.status != 200 {
        assert!(tokio::time::Instant::now() < end, "it does not pass");
    }
    assert!(upstream.got().contains(&body), "it passes whole");
    one.send("x").await;
    assert_eq!(one.response().await.status, 403);
    running.stop().await;
    let events = std::fs::read_to_string(&file).unwrap();
    let passed = events.lines().find(|line| line.contains("no room"));
    assert!(
        passed.is_some_and(|line| line.contains("\"action\":\"pass\"")),
        "{events}"
    );
}

#[tokio::test]
async fn stopping_lets_a_request_under_way_end() {
    let upstream = Upstream::ok().await;
    let (running, address) = start(config(upstream.address), no_attack()).await;
    let mut client = Client::connect(address).await;
    let request = post("a=bc");
    client.send(&request[..request.len() - 2]).await;
    let mut idle = Client::connect(address).await;
    idle.send(get("/")).await;
    assert_eq!(idle.response().await.status, 200);
    let stopping = tokio::spawn(running.stop());
    assert_eq!(idle.rest().await, "");
    client.send("bc").await;
    let response = client.response().await;
    assert_eq!(response.status, 200);
    assert!(response.head.contains("connection: close"));
    stopping.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.limits.stop_ms = 100;
    let (running, address) = start(config, no_attack()).await;
    let mut client = Client::connect(address).await;
    let request = post("a=bc");
    client.send(&request[..request.len() - 2]).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    running.stop().await;
    assert!(!client.rest().await.contains("200"));
}
