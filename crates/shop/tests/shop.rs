//! The shop's flaws are real, and its ordinary use works.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::Deserialize;
use shop::{ADMIN, CASES, CUSTOMER, Running, SECRET, Shop};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Deserialize)]
struct Cases {
    exploit: Vec<Case>,
    benign: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    flaw: String,
    #[serde(default)]
    from_version: u32,
    request: String,
    #[serde(alias = "success")]
    expect: Expect,
}

#[derive(Deserialize)]
struct Expect {
    status: u16,
    body_contains: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The session's cookie, as it is to be sent.
    fn session(&self) -> &str {
        let at = self.head.find("session=").unwrap();
        self.head[at..].split(';').next().unwrap()
    }
}

async fn start(version: &str) -> Running {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    Shop::start(any, version).await.unwrap()
}

/// Sends raw HTTP whose head's lines may end in `\n`.
async fn send(shop: &Running, request: &str) -> Answer {
    let (head, body) = request.split_once("\n\n").unwrap();
    let head = head.replace("\r\n", "\n").replace('\n', "\r\n");
    let raw = format!("{head}\r\nConnection: close\r\n\r\n{body}");
    let mut stream = TcpStream::connect(shop.address()).await.unwrap();
    stream.write_all(raw.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

async fn get(shop: &Running, target: &str, headers: &str) -> Answer {
    send(
        shop,
        &format!("GET {target} HTTP/1.1\nHost: app\n{headers}\n"),
    )
    .await
}

async fn post(shop: &Running, target: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let head = format!("POST {target} HTTP/1.1\nHost: app\n{form}\nContent-Length: {length}");
    send(shop, &format!("{head}\n{headers}\n{body}")).await
}

async fn run(cases: &[Case], number: u32, shop: &Running) {
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| case.from_version <= number) {
        let answer = send(shop, &case.request).await;
        let Expect {
            status,
            body_contains,
        } = &case.expect;
        if answer.status != *status || !answer.body.contains(body_contains) {
            let (name, body) = (&case.name, &answer.body);
            wrong.push(format!("{}: {name}: {}: {body}", case.flaw, answer.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_exploit_works_on_every_version() {
    let cases: Cases = toml::from_str(CASES).unwrap();
    for number in [1, 2] {
        let shop = start(&format!("{number}.4.0")).await;
        run(&cases.exploit, number, &shop).await;
        shop.stop().await;
    }
}

#[tokio::test]
async fn every_ordinary_use_works_on_every_version() {
    let cases: Cases = toml::from_str(CASES).unwrap();
    for number in [1, 2] {
        let shop = start(&format!("{number}.4.0")).await;
        run(&cases.benign, number, &shop).await;
        shop.stop().await;
    }
}

#[test]
fn each_flaw_has_exploits_and_ordinary_uses() {
    let cases: Cases = toml::from_str(CASES).unwrap();
    let flaws = |cases: &[Case]| -> BTreeSet<String> {
        cases.iter().map(|case| case.flaw.clone()).collect()
    };
    assert_eq!(flaws(&cases.exploit).len(), 5);
    assert_eq!(flaws(&cases.exploit), flaws(&cases.benign));
}

#[tokio::test]
async fn what_the_traversal_reads_is_the_secret_of_this_instance() {
    let shop = start("1").await;
    let answer = get(&shop, "/static/%2e%2e/private/settings.ini", "").await;
    assert!(answer.body.contains(SECRET), "{}", answer.body);
}

#[tokio::test]
async fn the_version_stands_in_the_header_and_on_the_page() {
    for (version, form) in [("1.8.2", "\"/search\""), ("2.0.0-rc1", "\"/v2/search\"")] {
        let shop = start(version).await;
        for target in ["/", "/nowhere", "/products/1"] {
            let answer = get(&shop, target, "").await;
            let header = format!("x-shop-version: {version}\r\n");
            assert!(answer.head.contains(&header), "{}", answer.head);
            assert!(answer.body.contains(&format!("version {version}")));
            assert!(answer.body.contains(form), "{}", answer.body);
        }
    }
    let shop = start("1.8.2").await;
    assert_eq!(get(&shop, "/v2/search?term=mug", "").await.status, 404);
}

#[tokio::test]
async fn a_customer_logs_in_orders_and_logs_out() {
    let shop = start("1").await;
    let login = |account: shop::Credentials| {
        format!("email={}&password={}", account.email, account.password)
    };
    let answer = post(&shop, "/login", "", &login(CUSTOMER)).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let cookie = format!("Cookie: a=b; {}\n", answer.session());

    let account = get(&shop, "/account", &cookie).await;
    assert!(account.body.contains("Alice"), "{}", account.body);
    assert_eq!(get(&shop, "/admin", &cookie).await.status, 401);

    let added = post(&shop, "/cart", &cookie, "product=1&quantity=2").await;
    assert_eq!(added.status, 303);
    let cart = get(&shop, "/cart", &cookie).await;
    assert!(cart.body.contains("£25.00"), "{}", cart.body);
    let order = post(&shop, "/orders", &cookie, "coupon=WELCOME10").await;
    assert!(order.body.contains("£22.50"), "{}", order.body);
    let empty = post(&shop, "/orders", &cookie, "").await;
    assert!(empty.body.contains("empty"), "{}", empty.body);

    assert_eq!(post(&shop, "/logout", &cookie, "").await.status, 303);
    assert_eq!(get(&shop, "/account", &cookie).await.status, 303);

    let admin = post(&shop, "/login", "", &login(ADMIN)).await;
    let cookie = format!("Cookie: {}\n", admin.session());
    let orders = get(&shop, "/admin", &cookie).await;
    assert!(orders.body.contains("1003"), "{}", orders.body);

    let wrong = post(&shop, "/login", "", "email=alice@shop.example&password=x").await;
    assert_eq!(wrong.status, 401);
    let quoted = post(&shop, "/login", "", "email='+OR+1=1--&password=x").await;
    assert_eq!(quoted.status, 401, "the login has no flaw");
}

#[tokio::test]
async fn what_mass_assignment_grants_lasts_for_the_session() {
    let shop = start("1").await;
    let answer = post(&shop, "/api/account", "", "{\"is_admin\":true}").await;
    let cookie = format!("Cookie: {}\n", answer.session());
    assert_eq!(get(&shop, "/admin", &cookie).await.status, 200);
}

#[tokio::test]
async fn instances_share_nothing() {
    let (one, other) = (start("1").await, start("1").await);
    let answer = post(&one, "/api/account", "", "{\"is_admin\":true}").await;
    let cookie = format!("Cookie: {}\n", answer.session());
    assert_eq!(get(&other, "/admin", &cookie).await.status, 401);
    one.stop().await;
    assert_eq!(get(&other, "/healthz", "").await.status, 200);
}

#[tokio::test]
async fn a_tool_that_does_not_end_is_ended_and_what_it_printed_is_shown() {
    let shop = start("1").await;
    let answer = get(&shop, "/invoice?order=1;echo+begun;sleep+600", "").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("begun"), "{}", answer.body);
    let answer = get(&shop, "/invoice?order=1;yes", "").await;
    assert!(answer.body.len() < 32 * 1024, "{}", answer.body.len());
}

#[tokio::test]
async fn a_query_that_does_not_end_is_given_up() {
    let shop = start("1").await;
    let endless = "WITH+RECURSIVE+n(i)+AS+(SELECT+1+UNION+ALL+SELECT+i%2b1+FROM+n)+SELECT+count(*),1,1,1,1+FROM+n--";
    let answer = get(
        &shop,
        &format!("/search?q=zzz'+UNION+SELECT+*+FROM+({endless}"),
        "",
    )
    .await;
    assert_eq!(
        answer.status, 200,
        "an invalid query is asked again as text"
    );
    let endless = endless.replace("--", ")--");
    let answer = get(
        &shop,
        &format!("/search?q=zzz'+UNION+SELECT+*+FROM+({endless}"),
        "",
    )
    .await;
    assert_eq!(answer.status, 500, "{}", answer.body);
    assert_eq!(get(&shop, "/search?q=mug", "").await.status, 200);
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let shop = start("1").await;
    let head = "POST /api/account HTTP/1.1\nHost: app\nContent-Length: 70000\n\n";
    let answer = send(&shop, &format!("{head}{}", " ".repeat(70_000))).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn a_strangers_web_page_is_refused() {
    let shop = start("1").await;
    for header in ["Sec-Fetch-Site: cross-site", "Origin: https://evil.com"] {
        let answer = get(&shop, "/invoice?order=1", &format!("{header}\n")).await;
        assert_eq!(answer.status, 403, "{header}");
    }
}

#[tokio::test]
async fn it_starts_on_loopback_only_and_stops_listening_when_told() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = Shop::start(everywhere, "1").await.unwrap_err();
    assert!(error.to_string().contains("loopback"), "{error}");
    // Where no other test listens: its port may be another's as soon as it is free.
    let apart = SocketAddr::from(([127, 0, 0, 73], 0));
    let shop = Shop::start(apart, "1").await.unwrap();
    let address = shop.address();
    let taken = Shop::start(address, "1").await.unwrap_err();
    assert!(taken.is_address_in_use());
    shop.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    assert!(Shop::start(any, "1\n2").await.is_err());
}
