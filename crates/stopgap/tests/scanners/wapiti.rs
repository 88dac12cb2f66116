//! wapiti, which crawls an application and tries attacks at every parameter it finds.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::Value;

use crate::demo::Demo;
use crate::tool::said;

/// Longer than a scan takes, in seconds.
const PATIENCE: u32 = 240;
/// Those of its attacks that need no server of its makers, nor guess files by the thousand.
const ATTACKS: &str = "sql,blindsql,exec,file,xss,permanentxss,crlf,redirect";
/// Pages that no other page leads to, or only a customer's.
const PAGES: [&str; 3] = [
    "/invoice?order=1001",
    "/admin-tools/thumbnail?file=mug.svg",
    "/search?q=mug",
];

/// What it found: kind, path and parameter of each.
fn found(at: SocketAddr) -> BTreeSet<(String, String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let (report, session) = (
        folder.path().join("report.json"),
        folder.path().join("session"),
    );
    let mut arguments = vec![format!("--url=http://{at}/"), format!("--module={ATTACKS}")];
    arguments.extend(PAGES.map(|page| format!("--start=http://{at}{page}")));
    let with = [
        "--scope=folder",
        "--no-bugreport",
        "--format=json",
        "--max-scan-time=180",
    ];
    arguments.extend(with.map(str::to_owned));
    arguments.push(format!("--store-session={}", session.display()));
    arguments.push(format!("--output={}", report.display()));
    said(PATIENCE, "wapiti", &arguments);
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let kinds = report["vulnerabilities"].as_object().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = kinds.iter().flat_map(|(kind, found)| {
        let found = found.as_array().unwrap().iter();
        found.map(|one| (kind.clone(), text(&one["path"]), text(&one["parameter"])))
    });
    all.collect()
}

#[test]
fn the_shop_is_found_vulnerable_directly_and_not_through_the_gateway() {
    let demo = Demo::of(None);
    let (directly, through) = std::thread::scope(|scope| {
        let directly = scope.spawn(|| found(demo.direct));
        let through = found(demo.protected);
        (directly.join().unwrap(), through)
    });
    let execution = directly.iter().any(|(kind, path, parameter)| {
        (kind.as_str(), path.as_str(), parameter.as_str())
            == ("Command execution", "/invoice", "order")
    });
    assert!(execution, "directly: {directly:#?}");
    assert!(through.is_empty(), "through the gateway: {through:#?}");
    demo.end();
}
