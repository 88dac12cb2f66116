//! Other people's proxies, as `stopgap ingress snippet` configures them, in front of the shop:
//! what stands in a head is stopped, and ordinary use goes on.
//!
//! `cargo xtask test` installs the proxies.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "support/cases.rs"]
mod cases;
mod support;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cases::{Case, Cases, answer, works};
use patch::Request;
use support::{PATIENCE, Running};
use tokio::net::TcpStream;

/// What a patch takes out of requests; a proxy that asks cannot, so those with it are refused.
const STRIPPED: &str = "X-Internal-Subrequest";

/// An address that is free now.
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A proxy as a process of its own, ended by its process id.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn started(command: &mut Command) -> Proxy {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Ok(child) => Proxy(child),
        Err(why) => panic!("{name}: {why}; as root: apt-get install {name}"),
    }
}

fn nginx(snippet: &str, folder: &Path) -> Proxy {
    let place = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {place}/{what};\n"))
        .concat();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/error.log;\n\
         events {{}}\nhttp {{\naccess_log off;\n{temporary}{snippet}}}\n"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text).unwrap();
    started(Command::new("nginx").arg("-c").arg(file))
}

fn caddy(snippet: &str, folder: &Path) -> Proxy {
    let file = folder.join("Caddyfile");
    std::fs::write(&file, format!("{{\n\tadmin off\n}}\n{snippet}")).unwrap();
    started(
        Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(file)
            .env("HOME", folder),
    )
}

async fn answers(address: SocketAddr) {
    let tried = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, tried).await.unwrap();
}

async fn protects(name: &str, start: fn(&str, &Path) -> Proxy) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let shop = shop::Shop::start(any, "2.0.0").await.unwrap();
    let patches = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/shop");
    let gateway = Running::start(&[
        "--forward-auth",
        "--listen",
        "127.0.0.1:0",
        "--app",
        "shop",
        "--patch",
        patches.to_str().unwrap(),
    ]);
    let asked = gateway.address("listening on ");
    let listen = free();
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(["ingress", "snippet", name])
        .args(["--gateway", &asked.to_string()])
        .args(["--upstream", &shop.address().to_string()])
        .args(["--listen", &listen.to_string()])
        .output()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let proxy = start(std::str::from_utf8(&output.stdout).unwrap(), folder.path());
    answers(listen).await;

    let cases: Cases = toml::from_str(shop::CASES).unwrap();
    let (mut wrong, mut stopped, mut beyond) = (Vec::new(), 0, 0);
    for case in &cases.exploit {
        // Some proxies refuse an exploit by themselves, or make it harmless.
        let has_body = !Request::from_raw(case.request.as_bytes())
            .unwrap()
            .body
            .is_empty();
        match works(listen, case).await {
            // They send no body with their questions.
            true if has_body => beyond += 1,
            true => wrong.push(format!("works: {}", case.name)),
            false => stopped += 1,
        }
    }
    let others = |case: &&Case| !case.request.contains(STRIPPED);
    for case in cases.benign.iter().filter(others) {
        if works(shop.address(), case).await && !works(listen, case).await {
            let answer = answer(listen, case).await;
            let status = answer.lines().next().unwrap_or_default().to_owned();
            wrong.push(format!("stopped: {}, {status}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    assert!(stopped >= 10, "{name}: only {stopped}");
    assert!(beyond > 0, "docs/ingress.md says that bodies are not seen");

    // Nobody answers its questions: it forwards nothing.
    gateway.signal("-TERM");
    drop(gateway);
    let first = &cases.benign[0];
    assert!(!works(listen, first).await, "{name} forwards unasked");
    drop(proxy);
    shop.stop().await;
}

#[tokio::test]
async fn nginx_asks_before_it_forwards() {
    protects("nginx", nginx).await;
}

#[tokio::test]
async fn caddy_asks_before_it_forwards() {
    protects("caddy", caddy).await;
}

#[test]
fn a_word_that_would_end_a_configurations_word_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(["ingress", "snippet", "nginx", "--upstream", "a:1;b:2"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("host and port"), "{errors}");
}
