//! The console in a real browser: from a mailed proof of concept to a patch that is enforced,
//! each page without a violation that axe-core finds, in light and dark.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod campaigns;
mod legitimate;
mod provider;
#[path = "../support/control.rs"]
mod side;
#[path = "../support/site.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod site;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;
#[path = "../support/up.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod up;
mod webdriver;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use base64_simd::STANDARD;
use serde_json::Value;

use side::Control;
use webdriver::Browser;

/// The rules that pages are held to; from npm, once.
const AXE: &str = "axe-core@4.10.3";
/// WebDriver's names of keys.
const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

/// Where a page tells how far a rollout has come.
const STAGE: &str = "li[aria-current]";

const EXPLOIT: &str =
    "GET /download?file=../../../../etc/passwd HTTP/1.1\nHost: shop.example.org\nAccept: */*\n\n";

fn stopgap(words: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stopgap"));
    command.args(words).arg("--data").arg(data);
    command.env_remove("STOPGAP_DATABASE");
    command
}

fn token(data: &Path, who: &str, role: &str) -> String {
    let words = [
        "token", "add", "--of", who, "--role", role, "--who", "root", "--why", "a test", who,
    ];
    let made = stopgap(&words, data).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// What tests leave for whoever wants to look.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The script of axe-core. Tests run at the same time: one of them installs it.
fn axe() -> &'static str {
    static SCRIPT: LazyLock<String> = LazyLock::new(|| {
        let script = "axe-core/axe.min.js";
        let folder = installed(AXE, script);
        std::fs::read_to_string(folder.join("node_modules").join(script)).unwrap()
    });
    &SCRIPT
}

/// Where a package of npm is, which has this file.
fn installed(package: &str, file: &str) -> PathBuf {
    let folder = folder(package);
    if !folder.join("node_modules").join(file).exists() {
        // Beside its place, so that what is there is whole.
        let new = folder.join("new");
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
        let installed = npm.arg(&new).arg(package).status().unwrap();
        assert!(installed.success());
        std::fs::rename(new.join("node_modules"), folder.join("node_modules")).unwrap();
    }
    folder
}

/// A page is fit for everybody, in both schemes; a picture of it is kept.
fn judge(browser: &Browser, name: &str) {
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        browser.run(axe(), &[]);
        let found = browser.wait_for(
            "const done = arguments[arguments.length - 1]; \
             axe.run().then(found => done(found.violations.map(each => \
             [each.id, each.nodes.map(node => node.html).slice(0, 3)])))",
        );
        assert_eq!(found, Value::Array(Vec::new()), "{name}, {scheme}");
        let picture = STANDARD.decode_to_vec(browser.picture()).unwrap();
        std::fs::write(
            folder("console").join(format!("{name}-{scheme}.png")),
            picture,
        )
        .unwrap();
    }
    browser.prefer("light");
}

fn sign_in(browser: &Browser, url: &str, token: &str) {
    browser.open(&format!("{url}/sign-in"));
    // The field gets the focus: no mouse is needed.
    browser.finds("#token:focus");
    browser.press(&format!("{token}{ENTER}"));
    browser.sees("Sign out");
}

#[test]
fn a_proof_of_concept_becomes_a_patch_that_is_enforced() {
    let data = tempfile::tempdir().unwrap();
    let control = Control::start(data.path(), &[]);
    let (ann, bob) = (
        token(data.path(), "ann", "operator"),
        token(data.path(), "bob", "approver"),
    );
    let url = format!("http://{}", control.address);
    let browser = Browser::start();
    let at = |path: &str| browser.open(&format!("{url}{path}"));
    at("/");
    browser.sees("Your token");
    judge(&browser, "sign-in");
    sign_in(&browser, &url, &ann);
    browser.sees("Nothing needs a decision.");

    // The first thing that the tab key reaches leads past the navigation.
    browser.press(&TAB.to_string());
    let focused = browser.run("return document.activeElement.textContent", &[]);
    assert_eq!(focused, "Skip to the content");

    let proof = data.path().join("CVE-2026-0001.http");
    std::fs::write(&proof, EXPLOIT).unwrap();
    at("/patches/new");
    judge(&browser, "new-patch");
    browser.click("option[value=http]");
    browser.type_into("#file", proof.to_str().unwrap());
    browser.click("form[aria-label='Make one from a description'] button");
    browser.sees("Review it, then keep it");
    let document = browser.run("return document.querySelector('#document').value", &[]);
    assert!(
        document.as_str().unwrap().contains("/download"),
        "{document}"
    );
    judge(&browser, "review");
    browser.run("document.querySelector('#fix').value = ''", &[]);
    browser.type_into("#fix", "ticket 7");
    browser.type_into(
        "form[aria-label='Write one'] #why",
        "somebody mailed an exploit",
    );
    browser.click("form[aria-label='Write one'] button");
    browser.sees("It was never rolled out.");
    judge(&browser, "patch");

    // The exploit as people read it, what stops it, and another version of the document.
    browser.click("a[href$='/proof']");
    browser.click("summary");
    browser.sees("../../../../etc/passwd");
    browser.finds("tr.hit mark");
    judge(&browser, "proof");
    at("/patches/CVE-2026-0001/document");
    judge(&browser, "document");
    browser.run(
        "const it = document.querySelector('#document'); it.value = it.value.replace(/^title: .*$/m, 'title: Downloads')",
        &[],
    );
    browser.type_into("#why", "a better title");
    browser.click("form[aria-label='Keep a new version'] button");
    browser.sees("Downloads");
    browser.click("a[href$='/history']");
    browser.sees("+title: Downloads");
    judge(&browser, "history");
    at("/patches/CVE-2026-0001");

    browser.type_into("#why", "it is attacked");
    browser.click("form[aria-label='Roll it out'] button");
    browser.sees("nobody has consented to enforcing yet");
    let promote = |why: &str| {
        browser.type_into("#why", why);
        browser.click("button[value=promote]");
    };
    for stage in ["shadow", "canary 5 %", "canary 25 %", "canary 50 %"] {
        promote("nothing speaks against it");
        browser.sees_in(STAGE, stage);
    }
    judge(&browser, "rollout");
    promote("all is well");
    browser.sees("somebody other than who started it must approve it first");
    judge(&browser, "refused");

    at("/rollouts/1");
    browser.click("header button");
    browser.sees("Your token");
    sign_in(&browser, &url, &bob);
    browser.sees("waits for somebody's consent");
    judge(&browser, "today");
    browser.click("main a[href='/rollouts/1']");
    browser.type_into("#why", "I have read it");
    browser.click("button[value=approve]");
    browser.sees("bob, ");
    promote("both of us agree");
    browser.sees_in(STAGE, "enforce");

    for page in [
        "findings",
        "patches",
        "rollouts",
        "coverage",
        "hits",
        "inventory",
        "audit",
        "settings",
    ] {
        browser.click(&format!("nav a[href='/{page}']"));
        browser.sees("Stopgap");
        judge(&browser, page);
    }
    at("/audit");
    browser.sees("both of us agree");
    let (_, log) = control.call("GET /api/v1/audit/verification", &ann, "");
    assert!(log.contains("\"holds\":true"), "{log}");
    control.stop();
}
