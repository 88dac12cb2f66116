//! Webhooks and mail, to listeners of their own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use base64_simd::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::side::Control;
use crate::support::PATIENCE;
use crate::up::run;

/// Takes connections, each by a thread; what they told, in its order.
pub(super) fn listen(
    take: impl Fn(TcpStream, usize) -> String + Clone + Send + 'static,
) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, told) = channel();
    std::thread::spawn(move || {
        for (at, stream) in listener
            .incoming()
            .map_while(Result::ok)
            .take(100)
            .enumerate()
        {
            let (sender, take) = (sender.clone(), take.clone());
            std::thread::spawn(move || sender.send(take(stream, at)));
        }
    });
    (port, told)
}

/// One request; the first is answered with an error.
pub(super) fn webhook(mut stream: TcpStream, at: usize) -> String {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut line) = (String::new(), String::new());
    while line != "\r\n" {
        head.push_str(&line);
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    let length = header(&head, "content-length").parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let status = if at == 0 { "503 Later" } else { "204 Taken" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    format!("{head}\r\n{}", String::from_utf8(body).unwrap())
}

pub(super) fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(each, _)| each.eq_ignore_ascii_case(name));
    found.unwrap_or_else(|| panic!("no {name}: {head}")).1
}

/// A mail server, as far as one message goes.
fn mail(mut stream: TcpStream, _: usize) -> String {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let (mut told, mut in_data) = (String::new(), false);
    stream.write_all(b"220 mail.example\r\n").unwrap();
    while let Some(Ok(line)) = lines.next() {
        told.push_str(&line);
        told.push('\n');
        let answer = match (in_data, &*line) {
            (true, ".") => "250 taken",
            (true, _) => continue,
            (_, "DATA") => "354 go on",
            (_, "QUIT") => "221 bye",
            _ => "250 mail.example",
        };
        in_data = line == "DATA";
        if write!(stream, "{answer}\r\n").is_err() || line == "QUIT" || line == "." {
            break;
        }
    }
    told
}

#[test]
fn a_change_is_told_by_webhook_and_by_mail() {
    let folder = tempfile::tempdir().unwrap();
    let (hook, hooked) = listen(webhook);
    let (smtp, mailed) = listen(mail);
    let smtp = format!("smtp://127.0.0.1:{smtp}");
    let more = ["--smtp", &smtp, "--mail-from", "stopgap@example.org"];
    let control = Control::start(folder.path(), &more);
    let data = folder.path().to_str().unwrap();
    let by = ["--who", "root", "--why", "a test", "--data", data];
    let with = |words: &[&str]| run(&[words, &by].concat());
    let subscribe = |id: &str, to: &str| {
        let words = [
            "subscription",
            "add",
            id,
            "--to",
            to,
            "--action",
            "token.add",
        ];
        with(&words)
    };
    let secret = subscribe("hook", &format!("http://127.0.0.1:{hook}/in?a=b"));
    subscribe("mail", "mailto:ops@example.org");
    with(&["token", "add", "ci", "--of", "ann", "--role", "viewer"]);

    let first = hooked.recv_timeout(PATIENCE).unwrap();
    let again = hooked.recv_timeout(PATIENCE).unwrap();
    for request in [&first, &again] {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /in?a=b HTTP/1.1"), "{head}");
        let told: Value = serde_json::from_str(body).unwrap();
        assert_eq!(told["type"], "token.add");
        assert_eq!(told["data"]["subject"], "token/ci");
        assert_eq!(header(head, "webhook-id"), header(&first, "webhook-id"));
        let key = secret.trim().strip_prefix("whsec_").unwrap();
        let key = STANDARD.decode_to_vec(key).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        let (id, time) = (
            header(head, "webhook-id"),
            header(head, "webhook-timestamp"),
        );
        mac.update(format!("{id}.{time}.{body}").as_bytes());
        let expected = STANDARD.encode_to_string(mac.finalize().into_bytes());
        assert_eq!(header(head, "webhook-signature"), format!("v1,{expected}"));
    }
    let message = mailed.recv_timeout(PATIENCE).unwrap();
    for line in [
        "MAIL FROM:<stopgap@example.org>",
        "RCPT TO:<ops@example.org>",
        "Subject: token.add: token/ci, a test",
    ] {
        assert!(message.contains(line), "{line} in {message}");
    }
    assert!(message.contains("Message-ID: <audit-"), "{message}");
    let listed = run(&["subscription", "list", "--data", data]);
    assert!(
        listed.contains("mailto:ops@example.org") && !listed.contains("whsec_"),
        "{listed}"
    );
    with(&["subscription", "remove", "hook"]);
    control.stop();
}
