//! A campaign is taken back while a controller works on it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::side::Control;
use crate::{Organisation, PATIENCE, data};

/// Lets a controller work until the database is patched, says to it what `ask` says, and holds it to that.
fn taken_back(ask: impl FnOnce(&Control, &str)) {
    let here = Organisation::new();
    here.start_and_review();
    let control = Control::start(&here.data(), &[]);
    let token = here.well(&[
        "token", "add", "op", "--of", "op", "--role", "operator", "--who", "root", "--why",
        "a test",
    ]);
    let program = data("program.sh").display().to_string();
    let mut working = here
        .command(&["campaign", "run", "1", "--program", &program])
        .env("STOPGAP_SLEEP", "0.2")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let since = Instant::now();
    let has = |key: &str| here.log().iter().any(|it| it == key);
    while !has("production/1/db/apply") {
        assert!(since.elapsed() < PATIENCE, "{:#?}", here.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    ask(&control, token.trim());
    let ended = loop {
        if let Some(ended) = working.try_wait().unwrap() {
            break ended;
        }
        if since.elapsed() > PATIENCE {
            working.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let log = here.log();
    assert!(ended.success(), "it does not end by itself: {log:#?}");
    for asset in ["trial", "db"] {
        assert!(
            log.iter()
                .any(|it| it.ends_with(&format!("{asset}/roll-back"))),
            "{log:#?}"
        );
        assert_eq!(here.results()[asset], "rolled back", "{log:#?}");
        assert_eq!(here.finding("CVE-1", asset), "open");
    }
    assert!(!log.iter().any(|it| it.ends_with("app/apply")), "{log:#?}");
    assert_eq!(here.results()["app"], "skipped");
    // What was put on hold or stopped is not left so.
    for (begun, undone) in [("hold", "db/release"), ("app/stop", "app/start")] {
        let begun = log.iter().any(|it| it.ends_with(begun));
        assert!(
            !begun || log.iter().any(|it| it.ends_with(undone)),
            "{log:#?}"
        );
    }
    let (_, status) = control.call("GET /api/v1/campaigns/1/status", token.trim(), "");
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["state"], "taken back");
    assert_eq!(status["assets"]["rolled back"], 2);
    control.stop();
}

#[test]
fn a_rollback_asked_for_over_the_api_is_obeyed_by_a_controller_that_works() {
    taken_back(|control, token| {
        let (status, body) = control.call(
            "POST /api/v1/campaigns/1/moves",
            token,
            r#"{"roll-back":{}}"#,
        );
        assert_eq!(status, 200, "{body}");
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(told["value"]["state"], "taken back");
    });
}

/// The whole answer to a browser's call.
fn visit(control: &Control, call: &str, cookie: &str, form: &str) -> String {
    let mut stream = TcpStream::connect(&control.address).unwrap();
    let length = form.len();
    write!(
        stream,
        "{call} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncookie: stopgap-session={cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{form}",
        control.address
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}

#[test]
fn a_rollback_asked_for_in_the_console_is_obeyed_by_a_controller_that_works() {
    taken_back(|control, token| {
        let signed = visit(control, "POST /sign-in", "", &format!("token={token}"));
        let cookie = between(&signed, "stopgap-session=", ";").to_owned();
        let page = visit(control, "GET /campaigns/1", &cookie, "");
        assert!(page.contains("value=\"roll-back\""), "{page}");
        let field = |name: &str| between(&page, &format!("name=\"{name}\" value=\""), "\"");
        let form = format!(
            "form_key={}&seen={}&move=roll-back&why=it+is+slow",
            field("form_key"),
            field("seen")
        );
        let moved = visit(control, "POST /campaigns/1/moves", &cookie, &form);
        assert!(moved.starts_with("HTTP/1.1 303 "), "{moved}");
        assert!(visit(control, "GET /campaigns/1", &cookie, "").contains(">taken back</span>"));
    });
}
