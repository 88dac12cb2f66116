//! A request that was stopped wrongly: from the hit in the console to a patch that lets it pass.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use crate::PATIENCE;
use crate::site::{application, becomes};
use crate::up::{Up, run};

const EXPLOIT: &str = "/search?q=0+UNION+SELECT+name,+password+FROM+users";
const LEGITIMATE: &str = "/search?q=shoes&comment=1+OR+1=1";

/// It looks where nobody attacks, too.
const PATCH: &str = "\
stopgap: 1
id: SHOP-3
title: search takes SQL
severity: high
reason: third-party
owner: web@example.org
expires: 2099-01-01
scope: { methods: [GET], path: { exact: /search } }
rules:
  - deny: { where: [query.q, query.comment], when: sql-injection }
cases:
  exploit:
    - { name: union, request: { path: /search, query: { q: \"0 UNION SELECT name, password FROM users\" } } }
  benign:
    - { name: shoes, request: { path: /search, query: { q: red shoes } } }
";

/// Somebody who uses the console.
struct Visitor {
    console: SocketAddr,
    cookie: String,
    form_key: String,
}

impl Visitor {
    fn signed_in(up: &Up) -> Self {
        let mut visitor = Self {
            console: up.place("console"),
            cookie: String::new(),
            form_key: String::new(),
        };
        let answer = visitor.send("/sign-in", &[("token", up.token())]);
        visitor.cookie = between(&answer, "stopgap-session=", ";");
        visitor.form_key = between(&visitor.look("/"), "name=\"form_key\" value=\"", "\"");
        visitor
    }

    fn look(&self, path: &str) -> String {
        self.ask(&format!("GET {path}"), "")
    }

    /// The whole answer to a form.
    fn send(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("form_key", &self.form_key);
        let form = form.extend_pairs(fields).finish();
        self.ask(&format!("POST {path}"), &form)
    }

    fn ask(&self, call: &str, form: &str) -> String {
        let mut stream = TcpStream::connect(self.console).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "{call} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: stopgap-session={}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.cookie,
            form.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// What stands between the two, as a browser reads it.
fn between(text: &str, start: &str, end: &str) -> String {
    let found = text
        .split_once(start)
        .and_then(|(_, rest)| rest.split_once(end));
    let found = found.unwrap_or_else(|| unreachable!("{start}: {text}")).0;
    let written = [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ];
    let read = |text: String, (code, sign): (&str, &str)| text.replace(code, sign);
    written.into_iter().fold(found.to_owned(), read)
}

#[test]
fn a_request_that_was_legitimate_passes_after_a_new_version_and_the_exploit_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let up = Up::start(&data, application(), &["--one-person"]);
    let gateway = up.place("gateway");
    let (patch, proof) = (
        folder.path().join("patch.yaml"),
        folder.path().join("proof"),
    );
    let (patch, proof) = (patch.to_str().unwrap(), proof.to_str().unwrap());
    std::fs::write(patch, PATCH).unwrap();
    std::fs::write(proof, run(&["patch", "prove", "--json", patch])).unwrap();
    let data = data.to_str().unwrap();
    let ledger = ["--who", "op", "--why", "a test", "--data", data];
    let with = |words: &[&str]| run(&[words, &ledger].concat());
    let enforce = |rollout: &str| {
        for _ in ["shadow", "5 %", "25 %", "50 %", "enforce"] {
            with(&["rollout", "promote", rollout, "--one-person"]);
        }
    };
    let start = [
        "rollout",
        "start",
        "SHOP-3",
        "--document",
        patch,
        "--proof",
        proof,
    ];
    with(&[&start[..], &["--environment", "production"]].concat());
    enforce("1");
    becomes(gateway, EXPLOIT, "HTTP/1.1 403");
    becomes(gateway, LEGITIMATE, "HTTP/1.1 403");

    // Its hit comes to the console, which proposes the smallest change.
    let visitor = Visitor::signed_in(&up);
    let begun = Instant::now();
    let proposed = loop {
        let hits = visitor.look("/hits");
        let links = hits.split("href=\"/hits/legitimate?").skip(1);
        let pages = links.map(|rest| {
            let link = between(&format!("^{rest}"), "^", "\"");
            visitor.look(&format!("/hits/legitimate?{link}"))
        });
        let wanted = "rule 1 leaves query.comment alone";
        if let Some(page) = pages.into_iter().find(|page| page.contains(wanted)) {
            break page;
        }
        assert!(begun.elapsed() < PATIENCE, "{hits}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert!(
        proposed.contains("The smallest change that lets it pass"),
        "{proposed}"
    );
    let area = between(&proposed, "<textarea id=\"document\"", "</textarea>");
    let (_, document) = area.split_once('>').unwrap();
    let form = between(&proposed, "aria-label=\"Keep a new version\">", "</form>");
    let seen = between(&form, "name=\"seen\" value=\"", "\"");
    let change = [
        ("document", document),
        ("seen", &seen),
        ("why", "a comment on shoes"),
    ];
    let kept = visitor.send("/patches/SHOP-3/document", &change);
    assert!(kept.contains("location: /patches/SHOP-3\r\n"), "{kept}");
    becomes(gateway, LEGITIMATE, "HTTP/1.1 403");

    // A proof and a rollout of its own: then it passes.
    let begin = [("environment", "production"), ("why", "a comment on shoes")];
    let begun = visitor.send("/patches/SHOP-3/rollouts", &begin);
    assert!(begun.contains("location: /rollouts/2\r\n"), "{begun}");
    enforce("2");
    becomes(gateway, LEGITIMATE, "HTTP/1.1 200");
    becomes(gateway, EXPLOIT, "HTTP/1.1 403");
}
