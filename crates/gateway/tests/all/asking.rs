//! What proxies that ask in protocols of their own may send, and what they may not.

use engine::Oversize;
use gateway::{Config, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{PATIENCE, no_attack, plan, start};

fn config(role: Role) -> Config {
    Config::for_questions(([127, 0, 0, 1], 0).into(), role)
}

/// A frame of SPOP with its length in front; none of the lengths here needs two bytes.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 7 + u8::try_from(payload.len()).unwrap()];
    frame.extend_from_slice(&[kind, 0, 0, 0, 1, 5, 9]);
    frame.extend_from_slice(payload);
    frame
}

fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    [&[length], text.as_bytes()].concat()
}

/// As the specification of SPOE has it: names are texts, strings type 8, numbers type 3.
fn hello(version: &str, more: &[u8]) -> Vec<u8> {
    let frame_size = [&text("max-frame-size")[..], &[3, 0xf0, 0x80, 0x70]].concat();
    let version = [&text("supported-versions")[..], &[8], &text(version)[..]].concat();
    frame(1, &[&version[..], &frame_size, more].concat())
}

fn notification(target: &str, body: &str) -> Vec<u8> {
    let string = |name: &str, value: &str| [&text(name)[..], &[8], &text(value)[..]].concat();
    let kind = "application/x-www-form-urlencoded";
    let lines = ["host", "a", "content-type", kind, "", ""]
        .map(text)
        .concat();
    let headers = [
        &text("headers")[..],
        &[9, u8::try_from(lines.len()).unwrap()],
        &lines,
    ]
    .concat();
    let arguments = [
        string("method", "POST"),
        string("target", target),
        string("version", "1.1"),
        headers,
        string("body", body),
    ];
    frame(
        3,
        &[&text("request")[..], &[5], &arguments.concat()].concat(),
    )
}

/// What the agent answers to these bytes until it closes, or waits for more.
async fn said(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut said = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut said)).await;
    read.unwrap().unwrap();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn haproxy_is_answered_frame_by_frame() {
    let (running, address) = start(config(Role::Spoe), no_attack()).await;
    let greeting = hello("2.0", &[]);
    let talk = |frames: &[Vec<u8>]| [&greeting[..], &frames.concat()].concat();

    let answer = said(address, &talk(&[notification("/", "q=mug")])).await;
    assert!(
        answer.contains("verdict") && answer.contains("pass"),
        "{answer:?}"
    );
    assert!(answer.contains("pipelining"), "{answer:?}");
    // Several at once are answered all.
    let both = [notification("/", "q=attack"), notification("/?q=mug", "")];
    let answer = said(address, &talk(&both)).await;
    assert!(
        answer.contains("deny") && answer.contains("pass"),
        "{answer:?}"
    );
    assert!(answer.contains("reference"), "{answer:?}");

    let check = [&text("healthcheck")[..], &[0x11]].concat();
    let answer = said(address, &hello("1.0, 2.0", &check)).await;
    assert!(answer.contains("max-frame-size"), "{answer:?}");
    running.stop().await;
}

#[tokio::test]
async fn frames_that_break_the_rules_end_the_connection_with_a_reason() {
    let (running, address) = start(config(Role::Spoe), no_attack()).await;
    let greeting = hello("2.0", &[]);
    let mut cut = notification("/", "q=mug");
    cut[8] = 0;
    let mut short = notification("/", "q=mug");
    short[3] -= 3;
    let cases: [(Vec<u8>, &str); 7] = [
        (vec![0xff; 64], "larger than was agreed"),
        (notification("/", ""), "out of turn"),
        (hello("1.0", &[]), "not spoken"),
        ([&greeting[..], &greeting].concat(), "out of turn"),
        ([&greeting[..], &cut].concat(), "cut in pieces"),
        ([&greeting[..], &short].concat(), "ends early"),
        (
            [&greeting[..], &frame(3, &[1, 2, 0xff, 0xff])].concat(),
            "ends early",
        ),
    ];
    for (bytes, reason) in cases {
        let answer = said(address, &bytes).await;
        assert!(answer.contains(reason), "{reason}: {answer:?}");
        assert!(!answer.contains("pass"), "{answer:?}");
    }
    // Others are served all the same.
    let bytes = [&greeting[..], &notification("/", "q=mug")].concat();
    assert!(said(address, &bytes).await.contains("pass"));
    assert!(
        running
            .metrics()
            .contains("stopgap_failures_total{kind=\"spoe\"} 7")
    );
    running.stop().await;
}

#[tokio::test]
async fn what_does_not_read_as_a_request_is_refused() {
    let rules = "SecRule ARGS \"@contains attack\" \"id:1,phase:2,deny\"";
    let (running, address) = start(config(Role::Spoe), plan(rules, None, Oversize::Block)).await;
    for target in ["/#?q=attack", "q", "", "http:///", "http://b/"] {
        let bytes = [hello("2.0", &[]), notification(target, "")].concat();
        let answer = said(address, &bytes).await;
        assert!(answer.contains("deny"), "{target:?}: {answer:?}");
    }
    running.stop().await;
}

/// Asks over HTTP/2 as Envoy does, with the bytes of gRPC; the code of its end.
async fn processed(address: std::net::SocketAddr, path: &str, bytes: Vec<u8>) -> String {
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let stream = TcpStream::connect(address).await.unwrap();
    let executor = TokioExecutor::new();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(executor, TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = http::Request::post(format!("http://a{path}"))
        .body(Full::new(bytes::Bytes::from(bytes)))
        .unwrap();
    let response = timeout(PATIENCE, sender.send_request(request)).await;
    let response = response.unwrap().unwrap();
    let body = timeout(PATIENCE, response.into_body().collect()).await;
    let body = body.unwrap().unwrap();
    let trailers = body.trailers().unwrap();
    trailers["grpc-status"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn streams_that_break_grpc_end_with_its_codes() {
    let (running, address) = start(config(Role::ExtProc), no_attack()).await;
    let path = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";
    let cases: [(&str, &[u8], &str); 6] = [
        (path, &[], "0"),
        // It is cut: the client is gone.
        (path, &[0, 0, 0], "0"),
        (path, &[1, 0, 0, 0, 1, 0], "12"),
        (path, &[0, 0xff, 0xff, 0xff, 0xff], "8"),
        (path, &[0, 0, 0, 0, 2, 0x12, 0x7f], "3"),
        ("/other", &[], "12"),
    ];
    for (path, bytes, code) in cases {
        let ended = processed(address, path, bytes.to_vec()).await;
        assert_eq!(ended, code, "{path} {bytes:?}");
    }
    running.stop().await;
}
