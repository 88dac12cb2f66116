use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use jiff::civil::date;
use patch::Request;
use patch::document::Reason;
use serde::Deserialize;

use super::exploits;
use crate::{Limits, Options};

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    command: String,
    #[serde(default)]
    sends: Vec<String>,
    error: Option<String>,
    /// Beside the source.
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default = "yes")]
    peer: bool,
}

fn yes() -> bool {
    true
}

fn cases() -> Vec<Case> {
    let table = include_str!("../../../testdata/import/curl.toml");
    toml::from_str::<Table>(table).unwrap().case
}

fn options() -> Options {
    Options {
        owner: "team@example.org".to_owned(),
        reason: Reason::ThirdParty,
        expires: date(2027, 6, 30),
        today: date(2027, 1, 1),
        accept: false,
        hosts: Vec::new(),
        limits: Limits::default(),
        beside: crate::Beside::default(),
    }
}

/// What stands for a folder.
struct Files(BTreeMap<String, String>);

impl engine::Resources for Files {
    fn read(&self, name: &str, _: &str) -> Result<Vec<u8>, String> {
        let text = self.0.get(name).ok_or("it is not there")?;
        Ok(text.clone().into_bytes())
    }
}

/// Method and target, headers in no order, body; what says nothing left out.
type Sent = (String, BTreeSet<String>, String);

fn sent(request: &Request) -> Sent {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let boundary = request.headers.iter().find_map(|(_, value)| {
        let value = text(value);
        Some(value.split_once("boundary=")?.1.to_owned())
    });
    let plain = |text: String| match &boundary {
        Some(boundary) => text.replace(boundary, "BOUNDARY"),
        None => text,
    };
    let headers = request.headers.iter().map(|(name, value)| {
        let value = plain(text(value));
        format!("{}: {value}", text(name).to_ascii_lowercase())
    });
    const OWN: [&str; 4] = ["host: ", "user-agent: curl", "accept: */*", "expect: "];
    (
        format!("{} {}", text(&request.method), text(&request.target)),
        headers
            .filter(|line| !OWN.iter().any(|own| line.starts_with(own)))
            .collect(),
        plain(text(&request.body)).replace("\r\n", "\n"),
    )
}

fn expected(text: &str) -> Sent {
    let (head, body) = text.trim_start().split_once("\n\n").unwrap_or((text, ""));
    let (line, headers) = head.trim_start().split_once('\n').unwrap_or((head, ""));
    let raw = format!("{line} HTTP/1.1\n{headers}\n\n{body}").replacen("\n\n\n", "\n\n", 1);
    sent(&Request::from_raw(raw.as_bytes()).unwrap())
}

#[test]
fn commands_send_what_the_table_says() {
    for case in cases() {
        let options = Options {
            beside: crate::Beside::new(Files(case.files)),
            ..options()
        };
        let found = exploits(&case.command, "t.sh", &options);
        match (&case.error, found) {
            (Some(error), Err(why)) => assert!(why.contains(error), "{}: {why}", case.name),
            (None, Ok(exploits)) => {
                let steps = exploits.iter().flat_map(|exploit| &exploit.steps);
                let sent: Vec<Sent> = steps.map(|step| sent(&step.request)).collect();
                let expected: Vec<Sent> = case.sends.iter().map(|text| expected(text)).collect();
                assert_eq!(sent, expected, "{}", case.name);
            }
            (_, found) => panic!("{}: {found:?}", case.name),
        }
    }
}

#[test]
fn the_table_says_what_curl_sends() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: curl is not installed");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    for case in cases()
        .iter()
        .filter(|case| case.peer && case.error.is_none())
    {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in &case.files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut child = Command::new("bash")
            .args(["-c", &case.command])
            .current_dir(folder.path())
            .env("http_proxy", &proxy)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        for text in &case.sends {
            let stream = loop {
                match listener.accept() {
                    Ok((stream, _)) => break stream,
                    Err(_) => std::thread::sleep(std::time::Duration::from_millis(2)),
                }
                let ended = child.try_wait().unwrap();
                assert!(ended.is_none(), "{}: curl says {ended:?}", case.name);
            };
            stream.set_nonblocking(false).unwrap();
            assert_eq!(answer(stream), expected(text), "{}", case.name);
        }
        child.wait().unwrap();
    }
}

/// What one connection sends, answered.
fn answer(mut stream: TcpStream) -> Sent {
    let mut wire = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece).unwrap();
        wire.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&wire).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(read > 0, "{text}");
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut request = Request::from_raw(&wire).unwrap();
    // A proxy is told the whole URL.
    let target = String::from_utf8(request.target).unwrap();
    request.target = target.replacen("http://app", "", 1).into_bytes();
    request
        .headers
        .retain(|(name, _)| !name.eq_ignore_ascii_case(b"proxy-connection"));
    sent(&request)
}

/// What a text becomes is bounded, however short it is.
#[test]
fn a_short_text_cannot_stand_for_one_without_end() {
    let long = format!("a={}\n", "A".repeat(100_000));
    let endless = [
        long.clone() + "curl " + &"-H \"x: $a\" ".repeat(1000) + "http://h/",
        long.clone() + &"b=$a\n".repeat(1000) + "curl http://h/?b=$b",
        long.clone() + "curl " + &"-H \"x: $(echo $a)\" ".repeat(1000) + "http://h/",
        format!(
            "{long}echo $a > f\n{}curl -d @f http://h/",
            "echo b >> f\n".repeat(1000)
        ),
        (0..1000)
            .map(|n| format!("curl http://h/$v{n}\n"))
            .collect(),
    ];
    for text in endless {
        let why = exploits(&text, "a.curl", &options()).unwrap_err();
        assert!(why.contains("variables"), "{why}");
    }
    let plain = format!("{long}curl -d $a http://h/$v0/$v1");
    assert_eq!(exploits(&plain, "a.curl", &options()).unwrap().len(), 1);
}
