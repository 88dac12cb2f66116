//! What is stopped never reaches the application, and is told of.

use std::time::Duration;

use crate::support::{Client, Upstream, ask, config, get, no_attack, parse, plan, post, start};
use engine::{Input, Limits, NoResources, Oversize};
use wire::{Action, Event};

#[tokio::test]
async fn of_a_blocked_request_nothing_arrives_not_even_the_head() {
    let upstream = Upstream::ok().await;
    let (running, address) = start(config(upstream.address), no_attack()).await;
    let response = ask(address, get("/?q=attack")).await;
    assert_eq!(response.status, 403);
    assert!(response.head.contains("content-type: text/html"));
    assert_eq!(ask(address, post("q=attack")).await.status, 403);
    assert_eq!(upstream.got(), "");
    running.stop().await;
}

#[tokio::test]
async fn a_body_is_held_across_its_chunks() {
    let head = "POST / HTTP/1.1\r\nHost: app.example\r\nTransfer-Encoding: chunked\r\n\r\n";
    let upstream = Upstream::ok().await;
    let (running, address) = start(config(upstream.address), no_attack()).await;

    let mut client = Client::connect(address).await;
    client.send(head).await;
    for chunk in ["3\r\nq=a\r\n", "3\r\ntta\r\n", "2\r\nck\r\n"] {
        client.send(chunk).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(upstream.got(), "");
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.response().await.status, 403);
    assert_eq!(upstream.got(), "");

    let mut client = Client::connect(address).await;
    client.send(head).await;
    client
        .send("3\r\nq=a\r\n3\r\ntta\r\n0\r\nX-Trailer: attack\r\n\r\n")
        .await;
    assert_eq!(client.response().await.status, 200);
    let got = upstream.got();
    assert!(got.contains("q=atta") && !got.contains("attack"), "{got}");
    running.stop().await;
}

#[tokio::test]
async fn a_larger_body_is_blocked_or_passes_as_the_patch_says() {
    let rules = r#"SecRule ARGS|REQUEST_BODY "@contains attack" "id:1,phase:2,deny,status:403""#;
    let large = "a=".to_owned() + &"x".repeat(200_000) + "attack";
    for (oversize, start_of_body, expected) in [
        (Oversize::Block, "", 413),
        (Oversize::Partial, "", 200),
        (Oversize::Partial, "attack", 403),
        (Oversize::PassAndRecord, "attack", 200),
    ] {
        let upstream = Upstream::ok().await;
        let (running, address) =
            start(config(upstream.address), plan(rules, Some(1000), oversize)).await;
        let body = format!("{start_of_body}{large}");
        let response = ask(address, post(&body)).await;
        assert_eq!(response.status, expected, "{oversize:?}");
        if expected == 200 {
            assert!(upstream.got().ends_with(&body));
        } else {
            assert_eq!(upstream.got(), "");
        }
        running.stop().await;
    }
}

#[tokio::test]
async fn patches_redirect_and_drop() {
    let rules = "SecRule ARGS:q \"@streq away\" \"id:1,phase:1,redirect:https://other.example/x,status:302\"\n\
                 SecRule ARGS:q \"@streq gone\" \"id:2,phase:1,drop\"";
    let upstream = Upstream::ok().await;
    let (running, address) =
        start(config(upstream.address), plan(rules, None, Oversize::Block)).await;
    let response = ask(address, get("/?q=away")).await;
    assert_eq!(response.status, 302);
    assert!(
        response
            .head
            .contains("location: https://other.example/x\r\n")
    );
    let mut client = Client::connect(address).await;
    client.send(get("/?q=gone")).await;
    assert_eq!(client.rest().await, "");
    assert_eq!(upstream.got(), "");
    running.stop().await;
}

#[tokio::test]
async fn responses_are_inspected_where_a_rule_asks() {
    let rules = "SecRule RESPONSE_STATUS \"@streq 418\" \"id:1,phase:3,deny,status:502\"\n\
                 SecRule RESPONSE_BODY \"@contains leak\" \"id:2,phase:4,deny,status:500\"";
    for (response, expected) in [
        ("HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n", 502),
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na leak", 500),
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure", 200),
    ] {
        let upstream = Upstream::start(response).await;
        let (running, address) =
            start(config(upstream.address), plan(rules, None, Oversize::Block)).await;
        let response = ask(address, get("/")).await;
        assert_eq!(response.status, expected);
        assert!(!response.body.contains("leak"));
        assert!(upstream.got().contains("accept-encoding: identity"));
        running.stop().await;
    }
}

#[tokio::test]
async fn parts_are_stripped_before_the_request_is_forwarded() {
    let upstream = Upstream::ok().await;
    let rules = "SecRule REQUEST_HEADERS:X-Original-Url \"@unconditionalMatch\" \"id:1,phase:1,strip:header:x-original-url\"\n\
                 SecRule REQUEST_COOKIES:s \"@unconditionalMatch\" \"id:2,phase:1,strip:cookie:s\"\n\
                 SecRule ARGS:debug \"@unconditionalMatch\" \"id:3,phase:2,strip:query:debug\"";
    let (running, address) =
        start(config(upstream.address), plan(rules, None, Oversize::Block)).await;
    let request = "GET /p?a=1&debug=2 HTTP/1.1\r\nHost: app.example\r\nX-Original-Url: /admin\r\nCookie: s=1; t=2\r\n\r\n";
    assert_eq!(ask(address, request).await.status, 200);
    let got = upstream.got();
    assert!(got.starts_with("GET /p?a=1 HTTP/1.1\r\n"), "{got}");
    assert!(
        got.contains("cookie: t=2\r\n") && !got.contains("/admin"),
        "{got}"
    );
    running.stop().await;
}

#[tokio::test]
async fn clients_that_prefer_json_get_a_problem_document() {
    let upstream = Upstream::ok().await;
    let (running, address) = start(config(upstream.address), no_attack()).await;
    let request =
        "GET /?q=attack HTTP/1.1\r\nHost: app.example\r\nAccept: application/json\r\n\r\n";
    let response = ask(address, request).await;
    assert!(
        response
            .head
            .contains("content-type: application/problem+json")
    );
    assert!(
        response.body.contains("\"status\":403"),
        "{}",
        response.body
    );
    running.stop().await;
}

#[tokio::test]
async fn events_tell_what_was_done_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.ingress = "edge".to_owned();
    config.events = Some(gateway::Events {
        format: gateway::EventFormat::Stopgap,
        file: file.clone(),
        queue: 100,
    });
    let rules = "SecRule ARGS|REQUEST_HEADERS|REQUEST_COOKIES \"@contains attack\" \"id:1,phase:1,deny,status:403,severity:2,msg:'saw %{MATCHED_VAR}'\"\n\
                 SecRule ARGS:note \"@streq me\" \"id:2,phase:1,pass,log,msg:'noted'\"";
    let (running, address) = start(config, plan(rules, None, Oversize::Block)).await;
    let blocked = ask(address, get("/p?q=attack&token=hush1")).await;
    let secret = |line: &str| {
        format!("GET /?password=hush2 HTTP/1.1\r\nHost: app.example\r\n{line}\r\n\r\n")
    };
    for line in [
        "Authorization: attack-hush3",
        "Cookie: sid=attack-hush4",
        "X-Api-Key: attack-hush5",
    ] {
        assert_eq!(ask(address, secret(line)).await.status, 403);
    }
    assert_eq!(ask(address, get("/?secret=attack-hush6")).await.status, 403);
    assert_eq!(ask(address, get("/?note=me")).await.status, 200);
    assert_eq!(ask(address, get("/?note=other")).await.status, 200);
    let metrics = running.metrics();
    running.stop().await;

    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("hush"), "{text}");
    let events: Vec<Event> = text
        .lines()
        .map(|line| Event::from_line(line).unwrap())
        .collect();
    assert_eq!(events.len(), 6);
    let first = &events[0];
    assert!(blocked.body.contains(&first.reference));
    assert_eq!(first.action, Action::Block);
    assert_eq!(
        (first.ingress.as_str(), first.application.as_str()),
        ("edge", "default")
    );
    assert_eq!(
        (first.client.as_str(), first.method.as_str()),
        ("127.0.0.1", "GET")
    );
    assert_eq!(
        (first.host.as_str(), first.path.as_str()),
        ("app.example", "/p?q=attack&token=***")
    );
    assert_eq!(first.status, Some(403));
    let found = &first.matches[0];
    assert_eq!(found.patch.as_deref(), Some("CVE-1"));
    assert_eq!((found.rule, found.phase, found.enforced), (1, 1, true));
    assert_eq!(
        (found.target.as_str(), found.value.as_str()),
        ("ARGS:q", "attack")
    );
    assert_eq!(
        (found.message.as_str(), found.severity),
        ("saw attack", Some(2))
    );
    assert_eq!(events[5].action, Action::Pass);
    assert_eq!(events[5].status, Some(200));
    assert!(
        metrics.contains("stopgap_decisions_total{patch=\"CVE-1\",action=\"block\"} 5\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("stopgap_decisions_total{patch=\"CVE-1\",action=\"pass\"} 1\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn shadow_and_strip_are_told_apart_from_block_and_pass() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.events = Some(gateway::Events::to(file.clone()));
    let patch = |id: &str, mode, rules| engine::PatchRules {
        id: id.to_owned(),
        mode,
        rules: vec![parse(rules)],
        ..engine::PatchRules::default()
    };
    let deny = r#"SecRule ARGS:q "@streq attack" "id:1,phase:1,deny,status:403""#;
    let strip = r#"SecRule ARGS:debug "@unconditionalMatch" "id:1,phase:1,strip:query:debug""#;
    let input = engine::Input {
        rules: Vec::new(),
        patches: vec![
            patch("shadowed", engine::Mode::Shadow, deny),
            patch("stripping", engine::Mode::Enforce, strip),
        ],
    };
    let plan = engine::compile(&input, engine::Limits::default(), &engine::NoResources).unwrap();
    let (running, address) = start(config, plan).await;
    assert_eq!(ask(address, get("/?q=attack")).await.status, 200);
    assert_eq!(ask(address, get("/?debug=1")).await.status, 200);
    let metrics = running.metrics();
    running.stop().await;

    let text = std::fs::read_to_string(&file).unwrap();
    let events: Vec<Event> = text
        .lines()
        .map(|line| Event::from_line(line).unwrap())
        .collect();
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.action, event.matches[0].enforced))
        .collect();
    assert_eq!(told, [(Action::Pass, false), (Action::Strip, true)]);
    for line in [
        "stopgap_decisions_total{patch=\"shadowed\",action=\"shadow\"} 1\n",
        "stopgap_decisions_total{patch=\"stripping\",action=\"strip\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[tokio::test]
async fn what_rules_count_by_client_outlives_requests_and_plans() {
    let counting = || {
        let rules = r#"SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.seen=+1"
            SecRule IP:seen "@gt 3" "id:2,phase:1,deny,status:429"
            SecRule TIME_YEAR "@lt 2020" "id:3,phase:1,deny,status:500""#;
        let input = Input {
            rules: vec![parse(rules)],
            patches: Vec::new(),
        };
        engine::compile(&input, Limits::default(), &NoResources).unwrap()
    };
    let upstream = Upstream::ok().await;
    let (running, address) = start(config(upstream.address), counting()).await;
    for _ in 0..2 {
        assert_eq!(ask(address, get("/")).await.status, 200);
    }
    running.swap(counting());
    assert_eq!(ask(address, get("/")).await.status, 200);
    assert_eq!(ask(address, get("/")).await.status, 429);
    running.stop().await;
}
