//! A real browser, by the W3C's WebDriver protocol.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long something may take to appear on a page.
const PATIENCE: Duration = Duration::from_secs(20);
/// What WebDriver calls the reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Chromium without a window; ended with its driver.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// What both leave behind, also when they end in good order.
    _files: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", files.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let port = line.split_once("successfully on port ")?.1;
            port.trim_end_matches('.').parse().ok()
        });
        // It blocks once nobody takes what it tells.
        std::thread::spawn(move || lines.for_each(drop));
        let mut browser = Self {
            driver,
            port: port.unwrap(),
            session: String::new(),
            _files: files,
        };
        let options = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1200,900",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": options },
            "timeouts": { "script": 60_000 },
        } } });
        let opened = browser.call("POST", "/session", &wanted);
        opened["sessionId"]
            .as_str()
            .unwrap()
            .clone_into(&mut browser.session);
        browser
    }

    /// What the driver answers; a test fails where it tells an error.
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.asked(method, path, body);
        assert!(answer.get("error").is_none(), "{method} {path}: {answer}");
        answer
    }

    fn asked(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = match method {
            "POST" => body.to_string(),
            _ => String::new(),
        };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let (name, value) = match line.trim_end() {
                "" => break,
                line => line.split_once(':').unwrap_or((line, "")),
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut bytes = vec![0; length];
        reader.read_exact(&mut bytes).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()["value"].take()
    }

    fn of_session(&self, method: &str, path: &str, body: &Value) -> Value {
        self.call(method, &format!("/session/{}/{path}", self.session), body)
    }

    pub(crate) fn open(&self, url: &str) {
        self.of_session("POST", "url", &json!({ "url": url }));
    }

    /// Where the browser is.
    pub(crate) fn address(&self) -> String {
        let address = self.of_session("GET", "url", &Value::Null);
        address.as_str().unwrap().to_owned()
    }

    /// Types into what the selector finds.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        self.with(selector, "value", &json!({ "text": text }));
    }

    /// Goes from place to place and presses keys, without a mouse.
    pub(crate) fn press(&self, keys: &str) {
        let presses: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                let key = key.to_string();
                [
                    json!({ "type": "keyDown", "value": key }),
                    json!({ "type": "keyUp", "value": key }),
                ]
            })
            .collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keys", "actions": presses }] });
        self.of_session("POST", "actions", &actions);
    }

    pub(crate) fn click(&self, selector: &str) {
        self.with(selector, "click", &json!({}));
    }

    /// Does something with what the selector finds, once it is there: a page may just be going,
    /// and its elements with it.
    fn with(&self, selector: &str, action: &str, body: &Value) {
        let path = format!("/session/{}/element", self.session);
        let wanted = json!({ "using": "css selector", "value": selector });
        self.until(selector, || {
            let found = self.asked("POST", &path, &wanted);
            let Some(element) = found[ELEMENT].as_str() else {
                return false;
            };
            let done = self.asked("POST", &format!("{path}/{element}/{action}"), body);
            done.get("error").is_none()
        });
    }

    /// Waits until there is such an element.
    pub(crate) fn finds(&self, selector: &str) {
        let path = format!("/session/{}/element", self.session);
        let wanted = json!({ "using": "css selector", "value": selector });
        self.until(selector, || {
            self.asked("POST", &path, &wanted).get("error").is_none()
        });
    }

    /// Waits until it holds.
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(
                begun.elapsed() < PATIENCE,
                "{what:?} is not on {}: {}",
                self.address(),
                self.text()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// All text of the page, as it is seen; none while it is going.
    fn text(&self) -> String {
        self.text_of("body")
    }

    fn text_of(&self, selector: &str) -> String {
        let path = format!("/session/{}/execute/sync", self.session);
        let script = "return document.querySelector(arguments[0])?.innerText";
        let body = json!({ "script": script, "args": [selector] });
        let text = self.asked("POST", &path, &body);
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page tells this.
    pub(crate) fn sees(&self, text: &str) {
        self.until(text, || self.text().contains(text));
    }

    /// Opens it again and again until it tells this.
    pub(crate) fn opens_until(&self, url: &str, text: &str) {
        self.until(text, || {
            self.open(url);
            self.text().contains(text)
        });
    }

    /// Waits until this is all that the element says.
    pub(crate) fn sees_in(&self, selector: &str, text: &str) {
        self.until(text, || self.text_of(selector) == text);
    }

    /// What a script returns.
    pub(crate) fn run(&self, script: &str, arguments: &[Value]) -> Value {
        let body = json!({ "script": script, "args": arguments });
        self.of_session("POST", "execute/sync", &body)
    }

    /// What a script gives to the function that is its last argument.
    pub(crate) fn wait_for(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.of_session("POST", "execute/async", &body)
    }

    /// As somebody sees it who prefers this: `light` or `dark`.
    pub(crate) fn prefer(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        let body =
            json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": [feature] } });
        self.of_session("POST", "goog/cdp/execute", &body);
    }

    /// A picture of the page, as base64 of a PNG.
    pub(crate) fn picture(&self) -> String {
        let picture = self.of_session("GET", "screenshot", &Value::Null);
        picture.as_str().unwrap().to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // It may have ended by itself; the driver ends it otherwise.
            self.asked(
                "DELETE",
                &format!("/session/{}", self.session),
                &Value::Null,
            );
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
