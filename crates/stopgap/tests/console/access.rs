//! Who may what, in a real browser: people's own passwords, and in which parts of the ledger others may.

use std::io::Write;
use std::process::Stdio;

use crate::side::Control;
use crate::webdriver::Browser;
use crate::{judge, stopgap};

const FIRST: &str = "correct horse battery";
const SECOND: &str = "another horse battery";

#[test]
fn an_admin_changes_their_password_and_says_in_which_parts_others_may() {
    let data = tempfile::tempdir().unwrap();
    let words = "user add root --role admin --who root --why first";
    let words: Vec<_> = words.split(' ').collect();
    let mut added = stopgap(&words, data.path());
    let mut added = added
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = added.stdin.take().unwrap();
    writeln!(input, "{FIRST}").unwrap();
    drop(input);
    assert!(added.wait().unwrap().success());
    let control = Control::start(data.path(), &[]);
    let url = format!("http://{}", control.address);
    let browser = Browser::start();
    let settings = format!("{url}/settings");

    browser.open(&url);
    browser.type_into("#name", "root");
    browser.type_into("#password", FIRST);
    browser.click("form:has(#password) button");
    browser.sees("Nothing needs a decision.");
    browser.open(&settings);
    browser.sees("The new one again");
    judge(&browser, "settings-of-an-admin");
    browser.type_into("#old", FIRST);
    browser.type_into("#new", SECOND);
    browser.type_into("#again", SECOND);
    browser.click("form[aria-label='Change your password'] button");
    browser.sees("Your password is another now");
    judge(&browser, "password-changed");
    // Nothing is sent again by a reload, and it was told.
    browser.run("location.reload()", &[]);
    browser.opens_until(&settings, "The new one again");
    let told = browser.run(
        "return document.body.innerText.includes('another now')",
        &[],
    );
    assert_eq!(told, false);

    // Neither all parts nor any is no answer.
    let add = "form[aria-label='Add somebody']";
    browser.type_into("#person", "bob");
    browser.type_into("#person-why", "new");
    browser.click(&format!("{add} input[value=these]"));
    browser.click(&format!("{add} button"));
    browser.sees("say in which parts of the ledger");
    judge(&browser, "no-part-of-the-ledger");
    browser.open(&settings);
    browser.type_into("#person", "bob");
    browser.type_into("#person-why", "new");
    browser.click(&format!("{add} input[value=these]"));
    browser.click(&format!("{add} input[name=area-patches]"));
    browser.click(&format!("{add} button"));
    browser.sees("The secret of bob");
    browser.sees("viewer in patches");
    judge(&browser, "somebody-was-added");

    // Who takes the last part away has to say that they mean all.
    let change = "form[aria-label='Change the role']";
    browser.open(&format!("{settings}/people/bob"));
    judge(&browser, "person");
    browser.click(&format!("{change} input[name=area-patches]"));
    browser.type_into("#role-why", "less");
    browser.click(&format!("{change} button"));
    browser.sees("say in which parts of the ledger");
    browser.open(&format!("{settings}/people/bob"));
    browser.sees("viewer in patches");
    browser.click(&format!("{change} input[name=area-patches]"));
    browser.click(&format!("{change} input[value=all]"));
    browser.type_into("#role-why", "all of it");
    browser.click(&format!("{change} button"));
    browser.sees("Change bob");
    let bob = "return [...document.querySelectorAll('tr')].find(it => it.innerText.startsWith('bob')).innerText";
    let bob = browser.run(bob, &[]);
    assert!(!bob.as_str().unwrap().contains(" in patches"), "{bob}");
    control.stop();
}
