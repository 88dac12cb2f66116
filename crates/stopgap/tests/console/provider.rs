//! Signing in at a provider of identities that others have made, as a browser sees it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::side::Control;
use super::webdriver::Browser;
use super::{ENTER, installed, judge};

/// A certified implementation of OpenID Connect; from npm, the last that runs on the Node of Debian 12.
const PROVIDER: &str = "oidc-provider@8.8.1";

/// Ended by its own process id.
struct Provider {
    child: Child,
    issuer: String,
    /// It ends once nobody takes what it tells.
    _output: BufReader<ChildStdout>,
}

impl Provider {
    /// One that leads back there.
    fn start(redirect: &str) -> Self {
        let folder = installed(PROVIDER, "oidc-provider/package.json");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/console/provider.mjs");
        let mut child = Command::new("node")
            .args([script, folder.to_str().unwrap(), redirect])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let issuer = line.trim().to_owned();
        assert!(issuer.starts_with("http"), "the provider has not started");
        Self {
            child,
            issuer,
            _output: output,
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn somebody_signs_in_at_a_provider_of_identities_and_out_again() {
    let data = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = free.local_addr().unwrap().to_string();
    drop(free);
    let url = format!("http://{listen}");
    let provider = Provider::start(&format!("{url}/sign-in/return"));
    let issuer = &provider.issuer;
    // As docs/console.md has it.
    let settings = format!(
        "issuer = \"{issuer}\"\nclient = \"stopgap\"\nsecret_file = \"oidc-secret\"\n\
         console = \"{url}\"\nscopes = [\"profile\", \"groups\"]\n\
         [[roles]]\nclaim = \"groups\"\nvalue = \"security\"\nrole = \"operator\"\n\
         [[roles]]\nclaim = \"groups\"\nvalue = \"staff\"\nrole = \"viewer\"\n"
    );
    let file = data.path().join("oidc.toml");
    std::fs::write(&file, settings).unwrap();
    let secret = data.path().join("oidc-secret");
    std::fs::write(&secret, "a secret: of + many % signs\n").unwrap();
    let ledger = data.path().join("ledger");
    let control = Control::start_at(&listen, &ledger, &["--oidc", file.to_str().unwrap()]);

    let browser = Browser::start();
    browser.open(&format!("{url}/"));
    browser.sees(&format!("Sign in at {issuer}"));
    judge(&browser, "sign-in-provider");
    browser.click("a.button");
    browser.finds("input[name=login]:focus");
    browser.press(&format!("ann\u{e004}anything{ENTER}"));
    // The provider asks whether the console may know.
    browser.finds("input[name=prompt][value=consent]");
    browser.click("button[type=submit]");
    browser.sees("Nothing needs a decision.");
    browser.sees("ann, operator");

    browser.click("form[action='/sign-out'] button");
    browser.sees("Sign out there, too");
    browser.click("main p a:not(.button)");
    browser.finds("form[action$='/session/end/confirm']");
    assert!(browser.address().starts_with(issuer.as_str()));
    control.stop();
}
