//! `stopgap gateway` as an operator runs it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/site.rs"]
mod site;
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use site::{ATTACK, application, becomes, get, traversal};
use support::{PATIENCE, Running};

#[test]
fn patches_come_and_go_with_their_files_and_a_bad_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("CVE-2024-23334.yaml");
    std::fs::write(&file, traversal()).unwrap();
    let upstream = format!("http://{}", application());
    let patches = folder.path().to_str().unwrap();
    let gateway = Running::start(&[
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        &upstream,
        "--patch",
        patches,
        "--admin",
        "127.0.0.1:0",
    ]);
    let address = gateway.address("listening on ");
    let admin = gateway.address("health and metrics on http://");
    let page = get(address, ATTACK);
    assert!(page.starts_with("HTTP/1.1 403"));
    let reference = page.split_once("<code>").unwrap().1;
    let reference = reference.split('<').next().unwrap();
    assert!(gateway.told("stopped").contains(reference));
    assert!(get(address, "/static/site.css").starts_with("HTTP/1.1 200"));
    assert!(get(admin, "/-/ready").starts_with("HTTP/1.1 200"));

    // A bad document: told, counted, and the running patches stay.
    let bad = folder.path().join("bad.yaml");
    std::fs::write(&bad, traversal().replace("owner:", "onwer:")).unwrap();
    assert!(
        gateway
            .told("the patches stay as they were")
            .contains("bad.yaml:7:1")
    );
    assert!(get(address, ATTACK).starts_with("HTTP/1.1 403"));
    assert!(get(admin, "/metrics").contains("stopgap_plan_reloads_total{outcome=\"failure\"} 1"));
    std::fs::remove_file(&bad).unwrap();

    // Rollback: one command.
    std::fs::remove_file(&file).unwrap();
    becomes(address, ATTACK, "HTTP/1.1 200");
    std::fs::write(&file, traversal()).unwrap();
    becomes(address, ATTACK, "HTTP/1.1 403");

    gateway.signal("-TERM");
    gateway.told("stopping");
    let mut gateway = gateway;
    assert!(gateway.child.wait().unwrap().success());
}

#[test]
fn only_the_files_that_are_named_are_read_again_as_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, text: &str| std::fs::write(at(name), text).unwrap();
    let rule =
        |word: &str| format!("SecRule ARGS \"@contains {word}\" \"id:1,phase:1,deny,log\"\n");
    write("own.conf", &rule("bad"));
    std::fs::create_dir(at("patches")).unwrap();
    write("patches/p.yaml", &traversal());
    let (upstream, events) = (format!("http://{}", application()), at("events.jsonl"));
    // As someone may name them who starts it in another folder.
    let here = std::env::current_dir().unwrap();
    let up = "../".repeat(here.components().count() - 1);
    let (rules, patches) = (
        format!("{up}.{}", at("own.conf")),
        format!("{up}.{}", at("patches")),
    );
    let gateway = Running::start(&[
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        &upstream,
        "--rules",
        &rules,
        "--patch",
        &patches,
        "--events",
        &events,
        "--admin",
        "127.0.0.1:0",
    ]);
    let address = gateway.address("listening on ");
    let admin = gateway.address("health and metrics on http://");
    // Its own events, what others write beside the rules, and notes beside the patches.
    assert!(get(address, "/?a=bad").starts_with("HTTP/1.1 403"));
    let end = Instant::now() + PATIENCE;
    while std::fs::metadata(&events).unwrap().len() == 0 {
        assert!(Instant::now() < end, "no event is written");
        std::thread::sleep(Duration::from_millis(20));
    }
    write("other.log", "a line\n");
    write("patches/notes.txt", "a line\n");
    std::fs::create_dir(at("beside")).unwrap();
    std::thread::sleep(Duration::from_millis(600));
    let reloads = |count: u32| format!("stopgap_plan_reloads_total{{outcome=\"success\"}} {count}");
    assert!(get(admin, "/metrics").contains(&reloads(0)));
    write("own.conf", &rule("worse"));
    becomes(address, "/?a=worse", "HTTP/1.1 403");
    assert!(get(admin, "/metrics").contains(&reloads(1)));
    std::fs::remove_file(at("patches/p.yaml")).unwrap();
    becomes(address, ATTACK, "HTTP/1.1 200");
}

fn configure(path: &Path, host: &str, upstream: SocketAddr, mode: &str) {
    let text = format!(
        "patches = [{{ path = \"patches\", mode = \"{mode}\" }}]\n\
         [events]\nfile = \"events.jsonl\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\n\
         [[application]]\nname = \"a\"\nhosts = [\"{host}\"]\nupstreams = [\"http://{upstream}\"]\n\
         [[application]]\nname = \"b\"\nhosts = [\"b.example\"]\nupstreams = [\"http://{upstream}\"]\n"
    );
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_configuration_is_read_again_on_sighup_and_shadow_only_records() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("patches")).unwrap();
    std::fs::write(folder.path().join("patches/p.yaml"), traversal()).unwrap();
    let file = folder.path().join("gateway.toml");
    let upstream = application();
    configure(&file, "other", upstream, "shadow");
    let gateway = Running::start(&["--config", file.to_str().unwrap()]);
    let address = gateway.address("listening on ");
    assert!(
        get(address, "/").starts_with("HTTP/1.1 421"),
        "no application has this host"
    );
    configure(&file, "app", upstream, "shadow");
    gateway.signal("-HUP");
    gateway.told("1 patches are in use");
    assert!(
        get(address, ATTACK).starts_with("HTTP/1.1 200"),
        "shadow stops nothing"
    );

    std::fs::write(&file, "nonsense").unwrap();
    gateway.signal("-HUP");
    gateway.told("the configuration stays as it was");
    assert!(get(address, "/").starts_with("HTTP/1.1 200"));

    configure(&file, "app", upstream, "enforce");
    gateway.signal("-HUP");
    becomes(address, ATTACK, "HTTP/1.1 403");
    gateway.signal("-TERM");
    gateway.told("stopping");
    let mut gateway = gateway;
    assert!(gateway.child.wait().unwrap().success());
    let events = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
    let events: Vec<serde_json::Value> = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["action"], "pass");
    assert_eq!(events[0]["matches"][0]["enforced"], false);
    assert_eq!(events[0]["matches"][0]["patch"], "CVE-2024-23334");
    assert_eq!(events.last().unwrap()["action"], "block");
}

#[test]
fn a_gateway_with_a_bad_patch_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.yaml");
    std::fs::write(
        &file,
        traversal().replace("/static/site.css", "/static/../site.css"),
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args([
            "gateway",
            "--upstream",
            "http://127.0.0.1:1",
            "--listen",
            "127.0.0.1:0",
            "--patch",
        ])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("case `stylesheet`: this benign request is stopped"),
        "{said}"
    );
}

#[test]
fn rules_with_their_includes_concern_every_request() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    write(
        "more.conf",
        "SecRule ARGS \"@pmFromFile words.data\" \"id:1,phase:2,deny,status:418\"",
    );
    write("words.data", "attack\n");
    let rules = write("rules.conf", "SecRuleEngine On\nInclude m*.conf\n");
    let upstream = format!("http://{}", application());
    let gateway = Running::start(&[
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        &upstream,
        "--rules",
        rules.to_str().unwrap(),
    ]);
    let address = gateway.address("listening on ");
    assert!(get(address, "/?q=an+attack").starts_with("HTTP/1.1 418"));
    assert!(get(address, "/?q=shoes").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_patch_for_another_application_is_told_and_app_names_the_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.yaml");
    std::fs::write(
        &file,
        traversal().replace("apps: [\"*\"]", "apps: [\"museum*\"]"),
    )
    .unwrap();
    let upstream = format!("http://{}", application());
    let start = |more: &[&str]| {
        let patch = file.to_str().unwrap();
        let usual = [
            "--listen",
            "127.0.0.1:0",
            "--upstream",
            &upstream,
            "--patch",
            patch,
        ];
        Running::start(&[&usual[..], more].concat())
    };
    let other = start(&[]);
    let address = other.address("listening on ");
    assert!(
        other
            .told("patch CVE-2024-23334 stops nothing here")
            .contains("called default")
    );
    assert!(get(address, ATTACK).starts_with("HTTP/1.1 200"));
    let own = start(&["--app", "museum-2"]);
    assert!(get(own.address("listening on "), ATTACK).starts_with("HTTP/1.1 403"));
}

#[test]
fn the_configuration_in_the_documentation_is_understood() {
    let text = include_str!("../../../docs/gateway.md");
    let (_, rest) = text.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let config = gateway::Config::parse(example, "gateway.toml").unwrap();
    assert_eq!(config.application[0].name, "shop");
}
