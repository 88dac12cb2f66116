//! Calls of the API, each by somebody.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use control::{Examined, Keys, Limits, Made, Refined, Secret, Service, Workshop};
use http_body_util::BodyExt;
use ledger::rollout::Policy;
use ledger::{Advisory, Area, Proof, Reason, Role, Severity, Token, sha256};
use serde_json::Value;
use store::{By, Location, Store};
use tower::ServiceExt;
use wire::Event;

pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap().as_millis()).unwrap()
}

pub(crate) struct Api {
    router: Router,
    pub(crate) store: Arc<Store>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// A page that came back.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The problem's status and what is wrong.
    pub(crate) fn problem(&self) -> (u16, &str) {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        assert_eq!(self.body["status"], self.status);
        (self.status, self.body["detail"].as_str().unwrap())
    }
}

impl Api {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        Self::set_up(limits, |service| service)
    }

    pub(crate) fn set_up(limits: Limits, set_up: impl FnOnce(Service) -> Service) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::folder(folder.path());
        let store = Arc::new(Store::open(&location, store::Limits::default()).unwrap());
        let keys = Keys::open(&folder.path().join("keys")).unwrap();
        let policy = Policy { two_persons: true };
        let service = Service::new(Arc::clone(&store), policy, keys, Arc::new(now_ms), limits);
        Self {
            router: set_up(service.with_workshop(Arc::new(Bench))).router(),
            store,
            runtime: tokio::runtime::Runtime::new().unwrap(),
            _folder: folder,
        }
    }

    /// Somebody's token: its name and its secret.
    pub(crate) fn token(
        &self,
        who: &str,
        role: Role,
        areas: &[Area],
        expires_ms: i64,
    ) -> (String, String) {
        let id = format!("{who}-{role}-{}-{expires_ms}", areas.len());
        let id = areas.iter().fold(id, |id, area| format!("{id}-{area}"));
        let secret = Secret::new(&id).unwrap();
        let token = Token {
            id: id.clone(),
            who: who.to_owned(),
            role,
            areas: areas.to_vec(),
            expires_ms,
            revoked_ms: None,
        };
        let by = By {
            who: "root",
            why: "a test",
            now_ms: 0,
        };
        self.store
            .change(&by, |it| it.add_token(&token, &secret.hash()))
            .unwrap();
        (id, secret.text())
    }

    pub(crate) fn somebody(&self, who: &str, role: Role) -> String {
        self.token(who, role, &[], i64::MAX).1
    }

    /// A call with these headers and no others.
    pub(crate) fn bare(&self, call: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (method, path) = call.split_once(' ').unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (head, body) = response.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                body: serde_json::from_slice(&bytes).unwrap_or_default(),
            }
        })
    }

    /// A page of the console, and what came with it.
    pub(crate) fn page(&self, visit: &str, cookie: &str, form: &str) -> Page {
        let cookie = format!("other=1; stopgap-session={cookie}");
        self.visit(visit, &[("cookie", &cookie)], form)
    }

    /// A page, by a browser that sends these headers.
    pub(crate) fn visit(&self, visit: &str, headers: &[(&str, &str)], form: &str) -> Page {
        let (method, path) = visit.split_once(' ').unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(form.to_owned())).unwrap();
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (head, body) = response.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            Page {
                status: head.status.as_u16(),
                headers: head.headers,
                html: String::from_utf8(bytes.to_vec()).unwrap(),
            }
        })
    }

    /// A call with a token and a reason.
    pub(crate) fn call(
        &self,
        secret: &str,
        call: &str,
        more: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {secret}");
        let mut headers = vec![
            ("authorization", bearer.as_str()),
            ("stopgap-why", "a test"),
        ];
        headers.extend(more);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.bare(call, &headers, &body)
    }

    /// A call that goes well.
    pub(crate) fn done(&self, secret: &str, call: &str, body: &Value) -> Answer {
        let answer = self.call(secret, call, &[], body);
        assert!((200..300).contains(&answer.status), "{call}: {answer:?}");
        answer
    }
}

/// Stands for whoever understands documents: a line is a title, `bad` is none.
struct Bench;

impl Workshop for Bench {
    fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        vec![("curl", "command lines")]
    }

    fn make(&self, _: &str, name: &str, text: &str) -> Vec<Result<Made, String>> {
        vec![match text {
            "bad" => Err(format!("{name}: it is bad")),
            text => Ok(Made {
                document: format!("{text} of {name}"),
                fix: "release 2".to_owned(),
            }),
        }]
    }

    fn ready(&self, advisory: &str) -> Option<Made> {
        (advisory == "CVE-1").then(|| Made {
            document: "taken".to_owned(),
            fix: "release 3".to_owned(),
        })
    }

    fn examine(&self, document: &str, now_ms: i64) -> Result<Examined, Vec<String>> {
        if document.contains("bad") {
            return Err(vec!["line 1: it is bad".to_owned()]);
        }
        Ok(Examined {
            id: "made".to_owned(),
            title: document.lines().next().unwrap_or_default().to_owned(),
            advisory: Advisory {
                title: "Another flaw".to_owned(),
                ..Advisory::new("CVE-2", Severity::High)
            },
            owner: "web".to_owned(),
            reason: Reason::ThirdParty,
            expires_ms: now_ms + 1,
            proof: Proof {
                digest: sha256(document.as_bytes()),
                objections: Vec::new(),
                proven_ms: now_ms,
            },
        })
    }

    fn explain(&self, document: &str) -> String {
        format!("explained: {document}")
    }

    fn draw(&self, document: &str) -> Result<String, Vec<String>> {
        Ok(format!("<b>drawn</b> {}", document.len()))
    }

    fn draw_hit(&self, patch: &str, event: &Event) -> String {
        format!("<b>{patch}</b> in {}", event.reference)
    }

    fn style(&self) -> &'static str {
        ".drawn {}"
    }

    fn refine(&self, document: &str, event: &Event) -> Result<Option<Refined>, String> {
        let document = format!("{document}but not {}\n", event.path);
        let reasons = vec!["this path is left out".to_owned()];
        Ok(Some(Refined { document, reasons }))
    }

    fn fetch(&self, address: &str) -> Result<String, String> {
        match address.starts_with("https://") {
            true => Ok(format!("what {address} says")),
            false => Err(format!("{address} cannot be asked")),
        }
    }

    fn difference(&self, before: &str, after: &str) -> String {
        format!("-{before}+{after}")
    }
}
