//! Questions of other proxies are judged as the requests that they are about.

use engine::Oversize;

use crate::support::{Client, ask, plan, start};
use gateway::{Config, Role};

fn config() -> Config {
    Config::for_questions(([127, 0, 0, 1], 0).into(), Role::ForwardAuth)
}

/// A question as nginx asks it, with further lines.
fn question(method: &str, target: &str, lines: &str) -> String {
    format!(
        "GET /stopgap HTTP/1.1\r\nHost: asked\r\nX-Forwarded-Method: {method}\r\n\
         X-Forwarded-Uri: {target}\r\nX-Forwarded-Host: app.example\r\n{lines}\r\n"
    )
}

#[tokio::test]
async fn a_question_is_answered_for_the_request_that_it_is_about() {
    let rules = r#"
        SecRule ARGS|REQUEST_HEADERS "@contains attack" "id:1,phase:2,deny,status:406"
        SecRule REQUEST_METHOD "@streq DELETE" "id:2,phase:1,deny,status:403"
        SecRule REQUEST_HEADERS:Host "@streq evil.example" "id:3,phase:1,redirect:/away"
        SecRule REQUEST_URI "@beginsWith /dropped" "id:4,phase:1,drop"
        SecRule REQBODY_ERROR "!@eq 0" "id:5,phase:2,deny,status:400"
    "#;
    let (running, address) = start(config(), plan(rules, Some(1000), Oversize::Block)).await;
    let cases = [
        (question("GET", "/?q=mug", ""), 204),
        (question("GET", "/?q=attack", ""), 403),
        (question("GET", "/?q=%61ttack", ""), 403),
        (question("GET", "/", "X-A: attack\r\n"), 403),
        (
            question("POST", "/", "Content-Type: application/json\r\n"),
            204,
        ),
        (
            question(
                "POST",
                "/",
                "Content-Type: multipart/form-data; boundary=x\r\n",
            ),
            204,
        ),
        (question("DELETE", "/", ""), 403),
        (question("GET", "/dropped", ""), 403),
        // Where the proxy sends the body too, it is inspected.
        (
            question(
                "POST",
                "/",
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n",
            ) + "q=attack",
            403,
        ),
        (
            question(
                "POST",
                "/",
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n",
            ) + "q=mug",
            204,
        ),
        // The client's request is named in one way, or not at all.
        (question("GET", "/", "X-Forwarded-Uri: /?q=mug\r\n"), 403),
        (question("GET", "/#?q=attack", ""), 403),
        (question("GET", "q=attack", ""), 403),
        (question("", "/", ""), 403),
        (
            question("GET", "/", "").replace("app.example", "evil.example"),
            403,
        ),
        (
            question("GET", "/", "").replace("X-Forwarded-Uri", "X-Original-Uri"),
            403,
        ),
    ];
    for (question, expected) in cases {
        let response = ask(address, question.clone()).await;
        assert_eq!(response.status, expected, "{question}");
        assert!(!response.head.contains("location"), "{question}");
    }
    running.stop().await;
}

#[tokio::test]
async fn what_would_be_taken_out_is_refused_for_nobody_takes_it_out() {
    let rules = "SecRule REQUEST_HEADERS:X-Internal \"@unconditionalMatch\" \"id:1,phase:1,strip:header:x-internal\"";
    let (running, address) = start(config(), plan(rules, None, Oversize::Block)).await;
    let with = question("GET", "/", "X-Internal: 1\r\n");
    assert_eq!(ask(address, with).await.status, 403);
    assert_eq!(ask(address, question("GET", "/", "")).await.status, 204);
    running.stop().await;
}

#[tokio::test]
async fn a_question_is_read_to_its_end_or_the_answer_says_that_its_connection_ends() {
    let rules = r#"
        SecRule REQUEST_URI "@beginsWith /stopped" "id:1,phase:1,deny,status:403"
        SecRule REQUEST_BODY "@contains attack" "id:2,phase:2,deny,status:403"
    "#;
    let plan = plan(rules, Some(10), Oversize::PassAndRecord);
    let (running, address) = start(config(), plan).await;
    let lines = "Transfer-Encoding: chunked\r\n";
    let mut client = Client::connect(address).await;
    // What passes does so before its end has come, and the next question comes on the same connection.
    for _ in 0..2 {
        client.send(question("POST", "/", lines)).await;
        client.send("14\r\naaaaaaaaaaaaaaaaaaaa\r\n").await;
        client.is_read().await;
        client.send("1\r\na\r\n0\r\n\r\n").await;
        let response = client.response().await;
        assert_eq!(response.status, 204);
        assert!(
            !response.head.contains("connection: close"),
            "{}",
            response.head
        );
    }
    client.send(question("POST", "/stopped", lines)).await;
    client.send("1\r\na\r\n").await;
    let response = client.response().await;
    assert_eq!(response.status, 403);
    assert!(
        response.head.contains("connection: close"),
        "{}",
        response.head
    );
    assert_eq!(client.rest().await, "");
    running.stop().await;
}
