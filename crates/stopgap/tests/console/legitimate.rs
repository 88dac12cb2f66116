//! A request that was stopped wrongly: in a real browser, from the hit to the patch that lets it pass.

use crate::site::{application, becomes};
use crate::up::Up;
use crate::webdriver::Browser;
use crate::{STAGE, judge, sign_in};

const EXPLOIT: &str = "/search?q=0+UNION+SELECT+name,+password+FROM+users";
const LEGITIMATE: &str = "/search?q=shoes&comment=1+OR+1=1";

/// It looks where nobody attacks, too.
const PATCH: &str = r#"stopgap: 1
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
    - { name: union, request: { path: /search, query: { q: "0 UNION SELECT name, password FROM users" } } }
  benign:
    - { name: shoes, request: { path: /search, query: { q: red shoes } } }
"#;

const STAGES: [&str; 5] = [
    "shadow",
    "canary 5 %",
    "canary 25 %",
    "canary 50 %",
    "enforce",
];

#[test]
fn a_request_that_was_legitimate_passes_after_what_a_person_does_about_its_hit() {
    let data = tempfile::tempdir().unwrap();
    let up = Up::start(data.path(), application(), &["--one-person"]);
    let gateway = up.place("gateway");
    let url = format!("http://{}", up.place("console"));
    let browser = Browser::start();
    let at = |path: &str| browser.open(&format!("{url}{path}"));
    let enforce = || {
        browser.type_into("#why", "somebody attacks it");
        browser.click("form[aria-label='Roll it out'] button");
        for stage in STAGES {
            browser.type_into("#why", "nothing speaks against it");
            browser.click("button[value=promote]");
            browser.sees_in(STAGE, stage);
        }
    };
    sign_in(&browser, &url, up.token());
    at("/patches/new");
    browser.run(
        "document.querySelector('#document').value = arguments[0]",
        &[PATCH.into()],
    );
    browser.type_into("#fix", "ticket 7");
    browser.type_into("form[aria-label='Write one'] #why", "search takes SQL");
    browser.click("form[aria-label='Write one'] button");
    browser.sees("It was never rolled out.");
    enforce();
    becomes(gateway, EXPLOIT, "HTTP/1.1 403");
    becomes(gateway, LEGITIMATE, "HTTP/1.1 403");

    // Among the hits is the one that tells of the comment; it comes when the gateway has brought it.
    browser.opens_until(&format!("{url}/hits"), "/search?q=shoes&comment=");
    judge(&browser, "hits-of-a-patch");
    browser.run(
        "for (const row of document.querySelectorAll('tbody tr')) \
         if (row.textContent.includes('comment=')) row.querySelector(\"a[href^='/hits/legitimate']\").id = 'wrong'",
        &[],
    );
    browser.click("#wrong");
    browser.sees("The smallest change that lets it pass");
    browser.sees("rule 1 leaves query.comment alone");
    judge(&browser, "legitimate");
    browser.type_into(
        "form[aria-label='Keep a new version'] #why",
        "a comment on shoes",
    );
    browser.click("form[aria-label='Keep a new version'] button");
    browser.finds("form[aria-label='Roll it out']");
    becomes(gateway, LEGITIMATE, "HTTP/1.1 403");

    // What is deployed stays until the new version has come as far.
    enforce();
    becomes(gateway, LEGITIMATE, "HTTP/1.1 200");
    becomes(gateway, EXPLOIT, "HTTP/1.1 403");
}
