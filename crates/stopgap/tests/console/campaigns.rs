//! A campaign in a real browser: reviewed, consented to, started, followed, reported.

use std::path::Path;

use serde_json::{Value, json};

use crate::side::Control;
use crate::webdriver::Browser;
use crate::{judge, sign_in, stopgap, token};

/// A database, the application on it and an asset for trials; one vulnerability is exploited.
fn fill(control: &Control, op: &str) {
    let post = |path: &str, body: &Value| {
        let call = format!("POST /api/v1/{path}");
        let (status, told) = control.call(&call, op, &body.to_string());
        assert_eq!(status, 201, "{told}");
    };
    for (id, exploited) in [("CVE-1", true), ("CVE-2", false)] {
        let advisory =
            json!({ "id": id, "title": "A flaw", "severity": "high", "exploited": exploited });
        post("advisories", &advisory);
    }
    for (id, environment, depends_on) in [
        ("trial", "test", json!([])),
        ("db", "production", json!([])),
        ("app", "production", json!(["db"])),
    ] {
        let asset = json!({ "id": id, "title": id, "kind": "server", "environment": environment,
            "criticality": "high", "depends_on": depends_on });
        post("assets", &asset);
        for advisory in ["CVE-1", "CVE-2"] {
            let finding = json!({ "advisory": advisory, "subject": { "asset": id } });
            post("findings", &finding);
        }
    }
}

fn campaign(words: &[&str], data: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/campaign");
    let world = data.join("world");
    std::fs::create_dir_all(&world).unwrap();
    let words = [&["campaign"], words].concat();
    let mut command = stopgap(&words, data);
    command
        .env("STOPGAP_WORLD", world)
        .env("USER", "ops@example.org")
        .current_dir(here);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
}

#[test]
fn a_campaign_is_brought_to_its_report() {
    let data = tempfile::tempdir().unwrap();
    let control = Control::start(data.path(), &[]);
    let op = token(data.path(), "ops@example.org", "operator");
    let shop = token(data.path(), "shop@example.org", "approver");
    fill(&control, &op);
    let url = format!("http://{}", control.address);
    let browser = Browser::start();
    let at = |path: &str| browser.open(&format!("{url}{path}"));

    sign_in(&browser, &url, &op);
    // What is exploited and neither shielded nor fixed stands before the rest.
    browser.sees_in(".cards li:first-child h2", "CVE-1 in asset/trial");
    browser.sees_in(
        ".cards li:first-child p:last-child",
        "First: it is exploited now, unshielded and unfixed",
    );
    judge(&browser, "today-of-both-halves");
    at("/campaigns");
    browser.click("a[href='/campaigns/new']");
    browser.sees("Look at the plan");
    judge(&browser, "campaign-new");
    let description =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/campaign/december.yaml");
    let description = std::fs::read_to_string(description).unwrap();
    browser.run(
        "document.querySelector('#description').value = arguments[0]",
        &[json!(description)],
    );
    browser.type_into("#why", "the month");
    browser.click("button[value=look]");
    browser.sees("Nothing is kept yet.");
    judge(&browser, "campaign-looked-at");
    browser.click("button[value=keep]");
    // The page of the campaign: the one before it tells of December, too.
    browser.finds("button[value=start]");
    at("/calendar");
    browser.sees("wave 1, 1 asset");
    judge(&browser, "calendar");

    at("/campaigns/1");
    browser.type_into("#why", "it is time");
    browser.click("button[value=start]");
    browser.sees("started");
    for ring in ["production", "test"] {
        at("/inbox");
        browser.click(&format!("a[href$='ring={ring}']"));
        browser.sees("is due");
        browser.type_into("#release_notes", "https://vendor.example/notes");
        browser.type_into("#known_issues", "none that we have");
        browser.type_into("#why", "read both");
        judge(&browser, &format!("review-for-{ring}"));
        browser.click("form[aria-label='Sign the review'] button");
        browser.sees("Inbox");
    }
    browser.sees("No vendor patch waits for a review.");
    browser.click("header button");
    sign_in(&browser, &url, &shop);
    at("/inbox");
    browser.sees("shop in production");
    judge(&browser, "inbox");
    browser.type_into("#why-1", "we are closed that night");
    browser.click("button[value=consent]");
    browser.sees("No campaign waits for consent.");
    at("/campaigns/1");
    browser.sees("3 open");
    judge(&browser, "campaign");

    campaign(
        &["run", "1", "--no-wait", "--program", "./program.sh"],
        data.path(),
    );
    browser.click("a[href='/campaigns/1?follow=1']");
    browser.sees("3 done");
    judge(&browser, "campaign-followed");
    at("/campaigns/1/report");
    browser.sees("consents to shop in production");
    judge(&browser, "campaign-report");
    for page in ["campaigns", "inventory"] {
        at(&format!("/{page}"));
        browser.sees("Stopgap");
        judge(&browser, &format!("{page}-of-a-campaign"));
    }
    browser.sees("no-owner");
    control.stop();
}
