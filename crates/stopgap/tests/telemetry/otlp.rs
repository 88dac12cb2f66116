//! Events, lines of the log and traces, as a collector gets them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::mpsc::Receiver;

use serde_json::Value;

use crate::notices::{header, listen, webhook};
use crate::side::Control;
use crate::site;
use crate::support::{PATIENCE, Running};

const PATCH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../patch/testdata/patches/traversal.yaml"
);

/// The first record of a kind that is as wanted.
fn found(collected: &Receiver<String>, path: &str, wanted: &dyn Fn(&Value) -> bool) -> Value {
    let (outer, scoped, each) = match path {
        "/v1/logs" => ("resourceLogs", "scopeLogs", "logRecords"),
        _ => ("resourceSpans", "scopeSpans", "spans"),
    };
    loop {
        let request = collected.recv_timeout(PATIENCE).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert_eq!(header(head, "content-type"), "application/json");
        if !head.starts_with(&format!("POST {path} ")) {
            continue;
        }
        let message: Value = serde_json::from_str(body).unwrap();
        let told = message[outer][0][scoped][0][each].as_array().unwrap();
        if let Some(found) = told.iter().find(|record| wanted(record)) {
            return found.clone();
        }
    }
}

/// Its attributes, each as the text of its value.
fn attributes(record: &Value) -> BTreeMap<String, String> {
    let attributes = record["attributes"].as_array().unwrap().iter();
    let pairs = attributes.map(|each| {
        let value = each["value"].as_object().unwrap().values().next().unwrap();
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (each["key"].as_str().unwrap().to_owned(), value)
    });
    pairs.collect()
}

#[test]
fn a_collector_gets_the_event_of_a_stopped_request_and_its_trace() {
    let (port, collected) = listen(webhook);
    let upstream = format!("http://{}", site::application());
    let collector = format!("http://127.0.0.1:{port}");
    let gateway = Running::start(&[
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        &upstream,
        "--patch",
        PATCH,
        "--otlp",
        &collector,
    ]);
    let address = gateway.address("listening on ");
    let answer = site::get(address, site::ATTACK);
    assert!(answer.contains(" 403 "), "{answer}");
    // The first message is refused for a while, so it comes again.
    let event = found(&collected, "/v1/logs", &|it| {
        it["eventName"] == "stopgap.event"
    });
    let of_event = attributes(&event);
    assert_eq!(of_event["stopgap.action"], "block");
    assert_eq!(of_event["http.request.method"], "GET");
    assert_eq!(of_event["http.response.status_code"], "403");
    assert!(of_event["stopgap.patches"].contains("CVE-2024-23334"));
    assert_eq!(event["severityNumber"], 13);
    let trace = event["traceId"].as_str().unwrap();
    assert_eq!(trace.len(), 32);
    let span = found(&collected, "/v1/traces", &|it| it["traceId"] == trace);
    assert_eq!(span["spanId"], event["spanId"]);
    assert_eq!(attributes(&span)["http.response.status_code"], "403");
    let time = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
    assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
}

/// Answers a request, and tells its head.
fn upstream(mut stream: TcpStream, _: usize) -> String {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let head = lines
        .map(Result::unwrap)
        .take_while(|line| !line.is_empty());
    let head: Vec<_> = head.collect();
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(answer).unwrap();
    head.join("\n")
}

#[test]
fn a_traced_request_goes_on_as_a_part_of_its_span() {
    const CONFIG: &str = r#"
        [[listen]]
        address = "127.0.0.1:0"
        [[application]]
        name = "app"
        upstreams = ["http://127.0.0.1:UPSTREAM"]
    "#;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let lines = format!(
        "traceparent: 00-{trace}-00f067aa0ba902b7-00\r\ntracestate: a=1\r\nX-Request-Id: one\r\n"
    );
    for is_trusted in [true, false] {
        let (port, collected) = listen(webhook);
        let (application, heads) = listen(upstream);
        let trusted = if is_trusted { "[\"127.0.0.1\"]" } else { "[]" };
        let config = CONFIG.replace("UPSTREAM", &application.to_string());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gateway.toml");
        std::fs::write(&file, format!("trusted_proxies = {trusted}\n{config}")).unwrap();
        let collector = format!("http://127.0.0.1:{port}");
        let file = file.to_str().unwrap();
        let gateway = Running::start(&["--config", file, "--otlp", &collector]);
        let address = gateway.address("listening on ");
        site::ask(address, "/", &format!("app\r\n{}", lines.trim_end()));
        let head = heads.recv_timeout(PATIENCE).unwrap();
        let span = found(&collected, "/v1/traces", &|_| true);
        let [of_trace, of_span] = ["traceId", "spanId"].map(|id| span[id].as_str().unwrap());
        let flags = if is_trusted { "00" } else { "01" };
        assert_eq!(
            header(&head, "traceparent"),
            format!("00-{of_trace}-{of_span}-{flags}")
        );
        // Of a trace that is not believed, nothing goes on.
        assert_eq!(of_trace == trace, is_trusted);
        assert_eq!(span["parentSpanId"] == "00f067aa0ba902b7", is_trusted);
        assert_eq!(head.contains("tracestate: a=1"), is_trusted, "{head}");
        assert_eq!(header(&head, "x-request-id") == "one", is_trusted);
    }
}

#[test]
fn what_a_request_that_is_not_traced_brings_goes_on_as_it_came() {
    let (port, collected) = listen(webhook);
    let (application, heads) = listen(upstream);
    let application = format!("http://127.0.0.1:{application}");
    let collector = format!("http://127.0.0.1:{port}");
    let gateway = Running::start(&[
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        &application,
        "--otlp",
        &collector,
        "--otlp-one-in",
        "2",
    ]);
    let address = gateway.address("listening on ");
    let came = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for is_traced in [true, false, true, false] {
        site::ask(address, "/", &format!("app\r\ntraceparent: {came}"));
        let head = heads.recv_timeout(PATIENCE).unwrap();
        let went = header(&head, "traceparent");
        assert_eq!(went != came, is_traced);
        if is_traced {
            // What the next hop was told of is the span that the collector gets.
            found(&collected, "/v1/traces", &|span| {
                let [trace, span] = ["traceId", "spanId"].map(|id| span[id].as_str().unwrap());
                went == format!("00-{trace}-{span}-01")
            });
        }
    }
}

#[test]
fn calls_of_the_control_side_are_traced_with_what_they_log() {
    let (port, collected) = listen(webhook);
    let folder = tempfile::tempdir().unwrap();
    let collector = format!("http://127.0.0.1:{port}");
    let control = Control::start(folder.path(), &["--otlp", &collector]);
    control.call("POST /api/v1/assets", "none", "{}");
    let line = found(&collected, "/v1/logs", &|it| {
        it["body"]["stringValue"] == "answered" && it["traceId"].is_string()
    });
    assert_eq!(attributes(&line)["http.response.status_code"], "401");
    let span = found(&collected, "/v1/traces", &|it| {
        it["traceId"] == line["traceId"]
    });
    assert_eq!(span["name"], "POST /api/v1/assets");
    control.stop();
}

#[test]
fn a_collector_that_is_away_stops_nothing() {
    let upstream = format!("http://{}", site::application());
    let gateway = Running::start(&[
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        &upstream,
        "--patch",
        PATCH,
        "--otlp",
        "http://127.0.0.1:9",
    ]);
    let address = gateway.address("listening on ");
    for _ in 0..20 {
        assert!(site::get(address, site::ATTACK).contains(" 403 "));
    }
}
