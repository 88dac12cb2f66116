//! What is told of requests: by which name, and in which shape.

use gateway::EventFormat;
use wire::Event;

use crate::support::{Upstream, ask, config, no_attack, plan, start};
use engine::Oversize;

/// The headers of this name in what an upstream got.
fn named<'a>(got: &'a str, name: &str) -> Vec<&'a str> {
    let lines = got.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(each, _)| *each == name)
        .map(|(_, value)| value)
        .collect()
}

#[tokio::test]
async fn a_request_has_one_name_for_the_upstream_the_event_and_the_page() {
    let rules = "SecRule ARGS:note \"@streq me\" \"id:1,phase:1,pass,log\"\n\
                 SecRule ARGS:q \"@streq attack\" \"id:2,phase:1,deny,status:403\"";
    for is_trusted in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("events.jsonl");
        let upstream = Upstream::ok().await;
        let mut config = config(upstream.address);
        config.events = Some(gateway::Events::to(file.clone()));
        if is_trusted {
            let loopback = "127.0.0.1".to_owned();
            config.trusted_proxies = vec![loopback.try_into().unwrap()];
        }
        let (running, address) = start(config, plan(rules, None, Oversize::Block)).await;
        let with = |target: &str, lines: &str| {
            format!("GET {target} HTTP/1.1\r\nHost: app.example\r\n{lines}\r\n")
        };
        let given = "X-Request-Id: from-before\r\n";
        for (target, lines) in [("/?note=me", given), ("/?note=me", ""), ("/", given)] {
            assert_eq!(ask(address, with(target, lines)).await.status, 200);
        }
        let page = ask(address, with("/?q=attack", given)).await.body;
        running.stop().await;

        let text = std::fs::read_to_string(&file).unwrap();
        let events: Vec<_> = text
            .lines()
            .map(|line| Event::from_line(line).unwrap())
            .collect();
        let got = upstream.got();
        let ids = named(&got, "x-request-id");
        let [first, second, stopped] = &events[..] else {
            panic!("{text}");
        };
        assert_eq!(ids.len(), 3, "each request has one: {got}");
        assert_eq!(ids[1], second.reference);
        assert!(page.contains(&stopped.reference), "{page}");
        let before = is_trusted.then_some("from-before");
        assert_eq!(first.request_id.as_deref(), before);
        assert_eq!(stopped.request_id.as_deref(), before);
        assert_eq!(second.request_id, None);
        match is_trusted {
            true => assert_eq!((ids[0], ids[2]), ("from-before", "from-before")),
            false => assert_eq!(ids[0], first.reference),
        }
        assert_eq!(got.contains("from-before"), is_trusted, "{got}");
    }
}

#[tokio::test]
async fn where_nobody_traces_a_readable_trace_goes_on_as_it_came() {
    let good = "traceparent: 01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more\r\n";
    let broken = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01\r\n";
    let state = "tracestate: a=1\r\ntracestate: b=2\r\n";
    let cases = [
        (format!("{good}{state}"), vec![good, state]),
        (good.to_owned(), vec![good]),
        (format!("{good}{good}{state}"), vec![]),
        (format!("{broken}{state}"), vec![]),
        (state.to_owned(), vec![]),
        (String::new(), vec![]),
    ];
    for (lines, expected) in cases {
        let upstream = Upstream::ok().await;
        let (running, address) = start(config(upstream.address), no_attack()).await;
        let asked = format!("GET / HTTP/1.1\r\nHost: app.example\r\n{lines}\r\n");
        assert_eq!(ask(address, asked).await.status, 200);
        running.stop().await;
        let got = upstream.got();
        let got = got.split_inclusive('\n');
        let got: String = got.filter(|line| line.starts_with("trace")).collect();
        assert_eq!(got, expected.concat(), "{lines}");
    }
}

#[tokio::test]
async fn events_can_be_written_for_systems_that_read_ocsf() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let upstream = Upstream::ok().await;
    let mut config = config(upstream.address);
    config.events = Some(gateway::Events {
        format: EventFormat::Ocsf,
        ..gateway::Events::to(file.clone())
    });
    let (running, address) = start(config, no_attack()).await;
    let asked = "GET /p?q=attack HTTP/1.1\r\nHost: app.example\r\n\r\n";
    assert_eq!(ask(address, asked).await.status, 403);
    running.stop().await;
    let text = std::fs::read_to_string(&file).unwrap();
    let [line] = text.lines().collect::<Vec<_>>()[..] else {
        panic!("one line for one event: {text}");
    };
    for part in [
        "\"class_uid\":4002",
        "\"disposition_id\":2",
        "\"ip\":\"127.0.0.1\"",
        "\"hostname\":\"app.example\"",
        "\"query_string\":\"q=attack\"",
        "\"message\":\"an attack\"",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
}
