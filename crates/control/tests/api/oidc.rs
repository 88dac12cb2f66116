//! Signing in at a provider of identities, which does as each test says.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::{Ask, Exchanging, Limits, Line, OidcRole, OidcSettings};
use ledger::Role;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::console::between;
use crate::harness::{Api, Page, now_ms};

const ISSUER: &str = "https://login.example";

/// A key that signs, by its name.
struct Signer {
    name: &'static str,
    pair: EcdsaKeyPair,
}

impl Signer {
    fn new(name: &'static str) -> Self {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let key = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random).unwrap();
        Self { name, pair }
    }

    fn published(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.name,
            "x": part(&point[1..33]), "y": part(&point[33..]),
        })
    }

    fn sign(&self, head: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(head), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.unwrap()))
    }
}

/// What the provider answers, and what it was asked.
struct Provider {
    published: Value,
    keys: Vec<Value>,
    tokens: (u16, String),
    asked: Vec<(String, String, String)>,
    /// It never answers what the code is given for.
    is_silent: bool,
}

struct Wire(Mutex<Provider>);

impl Line for Wire {
    fn exchange<'a>(&'a self, ask: &'a Ask, _: usize) -> Exchanging<'a> {
        let mut provider = self.0.lock().unwrap();
        let (form, authorization) = (&ask.form, &ask.authorization);
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        let asked = (ask.url.clone(), text(form), text(authorization));
        provider.asked.push(asked);
        if provider.is_silent && ask.form.is_some() {
            return Box::pin(std::future::pending());
        }
        let answer = match ask.url.strip_prefix(ISSUER) {
            Some("/.well-known/openid-configuration") => Ok((200, provider.published.to_string())),
            Some("/keys") => Ok((200, json!({ "keys": provider.keys }).to_string())),
            Some("/token") => Ok(provider.tokens.clone()),
            _ => Err("nobody answers".to_owned()),
        };
        let answer = answer.map(|(status, body)| (status, body.into_bytes()));
        Box::pin(async move { answer })
    }
}

struct World {
    api: Api,
    wire: Arc<Wire>,
    signer: Signer,
}

/// A sign-in that has begun.
struct Begun {
    cookie: String,
    state: String,
    nonce: String,
    place: String,
}

impl World {
    fn new() -> Self {
        Self::within(Limits::default())
    }

    fn within(limits: Limits) -> Self {
        let signer = Signer::new("one");
        let provider = Provider {
            published: json!({
                "issuer": ISSUER, "authorization_endpoint": format!("{ISSUER}/authorize?tenant=1"),
                "token_endpoint": format!("{ISSUER}/token"), "jwks_uri": format!("{ISSUER}/keys"),
                "end_session_endpoint": format!("{ISSUER}/out"),
            }),
            keys: vec![signer.published()],
            tokens: (500, String::new()),
            asked: Vec::new(),
            is_silent: false,
        };
        let wire = Arc::new(Wire(Mutex::new(provider)));
        let rule = |value: &str, role| OidcRole {
            claim: "/realm/groups".to_owned(),
            value: value.to_owned(),
            role,
            areas: Vec::new(),
        };
        let settings = OidcSettings {
            issuer: ISSUER.to_owned(),
            client: "stop gap".to_owned(),
            secret: Some("s:e+cret".to_owned()),
            console: "https://console.example/".to_owned(),
            scopes: vec!["groups".to_owned()],
            name: "preferred_username".to_owned(),
            roles: vec![
                rule("security", Role::Operator),
                rule("staff", Role::Viewer),
            ],
        };
        let line: Arc<dyn Line> = wire.clone();
        let api = Api::set_up(limits, |it| it.with_oidc(settings, line).unwrap());
        Self { api, wire, signer }
    }

    fn begin(&self) -> Begun {
        let page = self.api.visit("GET /sign-in/provider", &[], "");
        assert_eq!(page.status, 303, "{}", page.html);
        let (place, cookie) = (page.header("location"), page.header("set-cookie"));
        assert!(
            cookie.contains("; HttpOnly; SameSite=Lax; Path=/sign-in; Max-Age=600; Secure"),
            "{cookie}"
        );
        let part = |name: &str| between(&format!("{place}&"), &format!("&{name}="), "&").to_owned();
        Begun {
            cookie: between(cookie, "__Secure-stopgap-signing-in=", ";").to_owned(),
            state: part("state"),
            nonce: part("nonce"),
            place: place.to_owned(),
        }
    }

    /// What the provider says of Ann, now.
    fn claims(&self, begun: &Begun) -> Value {
        let now = now_ms() / 1000;
        json!({
            "iss": ISSUER, "aud": "stop gap", "sub": "248289761001", "nonce": begun.nonce,
            "iat": now, "exp": now + 300, "preferred_username": "ann",
            "realm": { "groups": ["staff", "security"] },
        })
    }

    fn gives(&self, token: &str) {
        let tokens = json!({ "id_token": token, "access_token": "x", "token_type": "Bearer" });
        self.wire.0.lock().unwrap().tokens = (200, tokens.to_string());
    }

    fn come_back(&self, cookie: &str, query: &str) -> Page {
        let cookie = format!("__Secure-stopgap-signing-in={cookie}");
        let visit = format!("GET /sign-in/return?{query}");
        self.api.visit(&visit, &[("cookie", &cookie)], "")
    }

    fn returns(&self, begun: &Begun) -> Page {
        let query = format!("code=c&state={}", begun.state);
        self.come_back(&begun.cookie, &query)
    }

    /// A sign-in of whom these claims are, signed as by default.
    fn sign_in(&self, change: impl FnOnce(&mut Value)) -> Page {
        let begun = self.begin();
        let mut claims = self.claims(&begun);
        change(&mut claims);
        let head = json!({ "alg": "ES256", "kid": self.signer.name });
        self.gives(&self.signer.sign(&head, &claims));
        self.returns(&begun)
    }
}

/// A token for a sign-in.
type Made<'a> = &'a dyn Fn(&Begun) -> String;

/// Somebody is signed in: what the cookie holds.
fn session(page: &Page) -> &str {
    assert_eq!(page.status, 200, "{}", page.html);
    assert_eq!(page.header("refresh"), "0; url=/");
    let cookie = page.header("set-cookie");
    assert!(
        cookie.contains("; HttpOnly; SameSite=Strict; Path=/; Secure"),
        "{cookie}"
    );
    between(cookie, "stopgap-session=", ";")
}

/// The sign-in is under way no more.
const OVER: &str =
    "__Secure-stopgap-signing-in=; HttpOnly; SameSite=Lax; Path=/sign-in; Max-Age=0; Secure";

/// What the page tells of what only the log may.
const LOGGED: &str = "the provider gives no answer of use: the log tells why";

fn refused(page: &Page, why: &str) {
    assert_eq!(page.status, 401, "{}", page.html);
    let cookies = page.headers.get_all("set-cookie").iter();
    for cookie in cookies {
        assert_eq!(cookie, OVER);
    }
    assert!(page.html.contains(why), "{why}: {}", page.html);
}

#[test]
fn somebody_signs_in_at_the_provider_with_the_role_that_the_claims_give() {
    let world = World::new();
    let sign_in = world.api.page("GET /sign-in", "", "").html;
    assert!(
        sign_in.contains("Sign in at https://login.example"),
        "{sign_in}"
    );
    assert!(sign_in.contains("name=\"password\""), "{sign_in}");
    let begun = world.begin();
    for part in [
        "https://login.example/authorize?tenant=1&response_type=code&client_id=stop+gap&",
        "&redirect_uri=https%3A%2F%2Fconsole.example%2Fsign-in%2Freturn&scope=openid+groups&",
        "&code_challenge_method=S256",
    ] {
        assert!(begun.place.contains(part), "{}", begun.place);
    }
    let head = json!({ "alg": "ES256", "kid": "one" });
    world.gives(&world.signer.sign(&head, &world.claims(&begun)));
    let page = world.returns(&begun);
    let cookie = session(&page);
    let mut cookies = page.headers.get_all("set-cookie").iter();
    assert!(cookies.any(|it| it == OVER), "{page:?}");
    // The code was shown with what the challenge was of, and by the console.
    let asked = world.wire.0.lock().unwrap().asked.pop().unwrap();
    let (_, verifier) = asked.1.split_once("code_verifier=").unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
    let challenge = format!("code_challenge={}&", URL_SAFE_NO_PAD.encode(digest));
    assert!(
        begun.place.contains(&challenge),
        "{} {}",
        begun.place,
        asked.1
    );
    // `stop+gap:s%3Ae%2Bcret`, as RFC 6749, 2.3.1 has it.
    assert_eq!(asked.2, "Basic c3RvcCtnYXA6cyUzQWUlMkJjcmV0");

    let today = world.api.page("GET /", cookie, "").html;
    assert!(today.contains("ann, operator"), "{today}");
    let out = world.api.page("GET /sign-in?out", "", "").html;
    assert!(
        out.contains("https://login.example/out?client_id=stop+gap"),
        "{out}"
    );

    // Whose groups have changed has another role the next time; who may nothing does not get in.
    let page = world.sign_in(|it| it["realm"]["groups"] = json!("staff"));
    let today = world.api.page("GET /", session(&page), "").html;
    assert!(today.contains("ann, viewer"), "{today}");
    refused(
        &world.sign_in(|it| it["realm"]["groups"] = json!(["security2"])),
        "ann may do nothing here",
    );
    refused(
        &world.sign_in(|it| it["preferred_username"] = Value::Null),
        "does not say your preferred_username",
    );
    refused(
        &world.sign_in(|it| it["preferred_username"] = json!("../x")),
        "must be letters",
    );
    refused(
        &world.sign_in(|it| it["preferred_username"] = json!("system")),
        "nobody is",
    );
    let log = world
        .api
        .store
        .read(|it| it.audit(Some("user/ann"), store::Paging::default()));
    let log = format!("{:?}", log.unwrap());
    assert!(
        log.contains("user.add") && log.contains("signed in at https://login.example"),
        "{log}"
    );
}

#[test]
fn one_client_does_not_keep_others_from_signing_in() {
    let world = World::within(Limits {
        oidc_ms: 3_000,
        ..Limits::default()
    });
    let head = json!({ "alg": "ES256", "kid": "one" });
    let of = |client: &str, begun: &Begun| {
        let cookie = format!("__Secure-stopgap-signing-in={}", begun.cookie);
        let headers = [("cookie", &*cookie), ("x-forwarded-for", client)];
        let visit = format!("GET /sign-in/return?code=c&state={}", begun.state);
        world.api.visit(&visit, &headers, "")
    };
    world.wire.0.lock().unwrap().is_silent = true;
    std::thread::scope(|scope| {
        let slow: Vec<_> = (0..Limits::default().oidc_client_sign_ins)
            .map(|_| {
                let begun = world.begin();
                scope.spawn(move || of("192.0.2.1", &begun))
            })
            .collect();
        let given = || {
            let provider = world.wire.0.lock().unwrap();
            provider
                .asked
                .iter()
                .filter(|it| it.0.ends_with("/token"))
                .count()
        };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while given() < slow.len() {
            assert!(std::time::Instant::now() < deadline, "{} came", given());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        world.wire.0.lock().unwrap().is_silent = false;
        let begun = world.begin();
        world.gives(&world.signer.sign(&head, &world.claims(&begun)));
        refused(
            &of("192.0.2.1", &begun),
            "too many sign in at one time, try again",
        );
        session(&of("192.0.2.2", &begun));
        for slow in slow {
            refused(&slow.join().unwrap(), LOGGED);
        }
    });
    let begun = world.begin();
    world.gives(&world.signer.sign(&head, &world.claims(&begun)));
    session(&of("192.0.2.1", &begun));
}

#[test]
fn a_name_is_one_persons_and_whoever_is_put_out_is_out() {
    let world = World::new();
    let page = world.sign_in(|_| {});
    let cookie = session(&page);
    refused(
        &world.sign_in(|it| it["sub"] = json!("2")),
        "the name of somebody else",
    );
    let by = store::By {
        who: "root",
        why: "a test",
        now_ms: 1,
    };
    let change = |id: &str| {
        world
            .api
            .store
            .change(&by, |it| it.change_password(id, "hash", None))
    };
    assert!(
        change("ann")
            .unwrap_err()
            .to_string()
            .contains("has no password")
    );
    // No password, not even an empty one, lets her in.
    let form = "name=ann&password=";
    assert_eq!(world.api.page("POST /sign-in", "", form).status, 401);
    world
        .api
        .store
        .change(&by, |it| it.remove_user("ann", None))
        .unwrap();
    assert_eq!(
        world.api.page("GET /", cookie, "").header("location"),
        "/sign-in"
    );
    refused(&world.sign_in(|_| {}), "was put out");
    world
        .api
        .store
        .change(&by, |it| it.restore_user("ann", None))
        .unwrap();
    session(&world.sign_in(|_| {}));
    // Nor does the provider give out the name of somebody with a password.
    let bob = ledger::User {
        id: "bob".to_owned(),
        role: Role::Admin,
        areas: Vec::new(),
        account: None,
        removed_ms: None,
    };
    world
        .api
        .store
        .change(&by, |it| it.add_user(&bob, "hash"))
        .unwrap();
    let page = world.sign_in(|it| it["preferred_username"] = json!("bob"));
    refused(&page, "the name of somebody else");
}

#[test]
fn what_is_not_said_for_this_sign_in_by_this_provider_counts_for_nothing() {
    let world = World::new();
    let now = now_ms() / 1000;
    let cases: [(&str, Value, &str); 6] = [
        ("iss", json!("https://other.example"), "not of"),
        ("aud", json!("other"), "not for"),
        ("aud", json!(["stop gap", "other"]), "not for"),
        ("nonce", json!("other"), "not the answer"),
        ("exp", json!(now - 61), "has ended"),
        ("iat", json!(now + 120), "only later"),
    ];
    for (name, value, why) in cases {
        refused(&world.sign_in(|it| it[name] = value), why);
    }
    // Within what clocks may differ.
    session(&world.sign_in(|it| it["exp"] = json!(now - 30)));

    let tokens: [(&str, Made<'_>); 5] = [
        ("algorithm", &|begun| {
            let head = json!({ "alg": "none" });
            let token = world.signer.sign(&head, &world.claims(begun));
            token[..=token.rfind('.').unwrap()].to_owned()
        }),
        ("algorithm", &|begun| {
            world.signer.sign(
                &json!({ "alg": "HS256", "kid": "one" }),
                &world.claims(begun),
            )
        }),
        ("no key", &|begun| {
            let head = json!({ "alg": "ES256", "kid": "one" });
            Signer::new("one").sign(&head, &world.claims(begun))
        }),
        ("no key", &|begun| {
            world.signer.sign(
                &json!({ "alg": "RS256", "kid": "one" }),
                &world.claims(begun),
            )
        }),
        ("critical", &|begun| {
            let head = json!({ "alg": "ES256", "kid": "one", "crit": ["b64"], "b64": false });
            world.signer.sign(&head, &world.claims(begun))
        }),
    ];
    for (why, token) in tokens {
        let begun = world.begin();
        world.gives(&token(&begun));
        refused(&world.returns(&begun), why);
    }
    let begun = world.begin();
    world.gives("a.b");
    refused(&world.returns(&begun), "no signed text");
}

#[test]
fn a_sign_in_ends_in_the_browser_in_which_it_began() {
    let world = World::new();
    let (mine, other) = (world.begin(), world.begin());
    let head = json!({ "alg": "ES256", "kid": "one" });
    world.gives(&world.signer.sign(&head, &world.claims(&mine)));
    let query = format!("code=c&state={}", mine.state);
    for cookie in ["", "x", &other.cookie] {
        refused(
            &world.come_back(cookie, &query),
            "did not begin in this browser",
        );
    }
    refused(
        &world.come_back(&mine.cookie, "code=c&state="),
        "did not begin in this browser",
    );
    let elsewhere = format!("{query}&iss=https://other.example");
    refused(
        &world.come_back(&mine.cookie, &elsewhere),
        "of another provider",
    );
    let denied = format!("state={}&error=access_denied%3Cb%3E", mine.state);
    let page = world.come_back(&mine.cookie, &denied);
    refused(&page, "access_denied");
    assert!(!page.html.contains("<b>"), "{}", page.html);
    session(&world.returns(&mine));

    // A provider that names itself in every answer does so in this.
    world.wire.0.lock().unwrap().published["authorization_response_iss_parameter_supported"] =
        json!(true);
    world.wire.0.lock().unwrap().keys = vec![Signer::new("two").published()];
    let begun = world.begin();
    world.gives(&world.signer.sign(
        &json!({ "alg": "ES256", "kid": "three" }),
        &world.claims(&begun),
    ));
    refused(&world.returns(&begun), "no key of the provider");
    refused(&world.returns(&world.begin()), "of another provider");
}

#[test]
fn keys_are_read_again_when_the_provider_signs_with_another() {
    let world = World::new();
    session(&world.sign_in(|_| {}));
    let next = Signer::new("two");
    world.wire.0.lock().unwrap().keys = vec![json!({ "kty": "new" }), next.published()];
    let begun = world.begin();
    world.gives(&next.sign(
        &json!({ "alg": "ES256", "kid": "two" }),
        &world.claims(&begun),
    ));
    session(&world.returns(&begun));
    // The old one counts no longer.
    refused(&world.sign_in(|_| {}), "no key of the provider");
}

#[test]
fn what_is_wrong_with_the_provider_is_told() {
    // Where the provider's places are, and why they do not answer, is not for everybody.
    for (name, value, secret) in [
        ("issuer", "https://other.example", "other.example"),
        ("token_endpoint", "http://login.example/token", "/token"),
        (
            "jwks_uri",
            "https://elsewhere.example/keys",
            "nobody answers",
        ),
    ] {
        let world = World::new();
        world.wire.0.lock().unwrap().published[name] = json!(value);
        let page = world.api.visit("GET /sign-in/provider", &[], "");
        refused(&page, LOGGED);
        assert!(page.html.contains("name=\"password\""), "{}", page.html);
        assert!(!page.html.contains(secret), "{}", page.html);
        assert!(!page.html.contains(value), "{}", page.html);
    }
    let world = World::new();
    for (tokens, why) in [
        ((502, "<html>".to_owned()), "502 and no JSON"),
        (
            (400, json!({ "error": "invalid_grant" }).to_string()),
            "invalid_grant",
        ),
        (
            (200, json!({ "access_token": "x" }).to_string()),
            "without an id_token",
        ),
    ] {
        let begun = world.begin();
        world.wire.0.lock().unwrap().tokens = tokens;
        refused(&world.returns(&begun), why);
    }
}

#[test]
fn only_what_was_begun_here_is_brought_to_the_provider() {
    let world = World::new();
    let asked = || world.wire.0.lock().unwrap().asked.len();
    let begun = world.begin();
    let before = asked();
    let old = now_ms() - 600_000;
    let (made, mark) = begun.cookie.rsplit_once('.').unwrap();
    let (_, secret) = made.split_once('.').unwrap();
    for cookie in [
        // How the state comes of the cookie is no secret; the key that signs it is.
        "x".to_owned(),
        secret.to_owned(),
        made.to_owned(),
        format!("{made}."),
        format!("{old}.{secret}.{mark}"),
        format!("{made}.{}", URL_SAFE_NO_PAD.encode([0; 32])),
    ] {
        let state = format!("stopgap sign-in state {cookie}");
        let state = ledger::sha256(state.as_bytes());
        let page = world.come_back(&cookie, &format!("code=c&state={state}"));
        refused(&page, "did not begin in this browser");
        assert_eq!(page.header("set-cookie"), OVER, "{cookie}");
    }
    assert_eq!(asked(), before);
}

#[test]
fn sign_ins_that_fail_at_the_provider_count_among_the_failures_of_a_minute() {
    let world = World::new();
    for _ in 0..Limits::default().failed_sign_ins {
        refused(&world.returns(&world.begin()), "500 and no JSON");
    }
    let begun = world.begin();
    let before = world.wire.0.lock().unwrap().asked.len();
    refused(&world.returns(&begun), "wait a minute");
    assert_eq!(world.wire.0.lock().unwrap().asked.len(), before);
}
