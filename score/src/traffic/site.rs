//! What is asked of sites in general: shops, editors, APIs, files, hooks. The same parameter
//! names as in attacks, elsewhere.

use patch::Request;
use serde_json::json;

use super::client::{self, File, encoded, pairs};
use super::kind::{self, Kind};
use super::pools::Pools;
use super::random::Random;

/// One request, which only the seed decides.
pub(crate) fn request(pools: &Pools, random: &mut Random) -> Request {
    match random.below(16) {
        0 | 1 => search(pools, random),
        2 | 3 => page(pools, random),
        4 => file(pools, random),
        5 => form(pools, random),
        6 => editor(pools, random),
        7 => login(pools, random),
        8 => api(pools, random),
        9 => graphql(pools, random),
        10 => upload(pools, random),
        11 => hook(pools, random),
        12 => xml(pools, random),
        13 => parameters(pools, random),
        14 => wordpress(pools, random),
        _ => telemetry(pools, random),
    }
}

fn get(target: &str, pools: &Pools, random: &mut Random) -> Request {
    client::request("GET", target, None, pools, random)
}

fn post_form(
    target: &str,
    fields: &[(String, String)],
    pools: &Pools,
    random: &mut Random,
) -> Request {
    let body = pairs(fields, true).into_bytes();
    let body = Some(("application/x-www-form-urlencoded".to_owned(), body));
    client::request("POST", target, body, pools, random)
}

fn send_json(
    method: &str,
    target: &str,
    value: &serde_json::Value,
    pools: &Pools,
    random: &mut Random,
) -> Request {
    let kind = random
        .pick(&["application/json", "application/json; charset=utf-8"])
        .to_owned();
    client::request(
        method,
        target,
        Some((kind, value.to_string().into_bytes())),
        pools,
        random,
    )
}

fn field(name: &str, kind: Kind, pools: &Pools, random: &mut Random) -> (String, String) {
    (name.to_owned(), kind.value(pools, random))
}

fn search(pools: &Pools, random: &mut Random) -> Request {
    let path = random
        .pick(&[
            "/",
            "/search",
            "/index.php",
            "/catalogsearch/result/",
            "/shop/",
            "/de/suche",
            "/wp-json/wp/v2/search",
            "/api/v1/search",
        ])
        .to_owned();
    let name = random
        .pick(&["q", "s", "search", "query", "keyword", "term"])
        .to_owned();
    let text = Kind::Search.value(pools, random);
    let form = random.chance(1, 2);
    let mut target = format!("{path}?{name}={}", encoded(&text, form));
    if random.chance(1, 2) {
        target.push_str(&format!(
            "&sort={}&page={}",
            Kind::Sort.value(pools, random),
            random.below(50)
        ));
    }
    get(&target, pools, random)
}

fn page(pools: &Pools, random: &mut Random) -> Request {
    let target = match random.below(7) {
        0 => format!(
            "/product/{}/{}",
            kind::integer(random),
            encoded(random.pick(&pools.titles), false)
        ),
        1 => format!(
            "/{}/{:02}/{}/",
            2015 + random.below(11),
            1 + random.below(12),
            random.pick(&pools.words).to_lowercase().replace(' ', "-")
        )
        .replace(|letter: char| !letter.is_ascii(), "x"),
        2 => format!(
            "/index.php?option=com_content&view=article&id={}&Itemid={}",
            kind::integer(random),
            random.below(500)
        ),
        3 => format!(
            "/category.php?cat={}&page={}",
            random.below(90),
            random.below(9)
        ),
        4 => format!(
            "/user/{}/profile?tab={}",
            encoded(random.pick(&pools.usernames), false),
            random.pick(&["posts", "likes", "about"])
        ),
        5 => format!(
            "/?utm_source=newsletter&utm_campaign={}&gclid={}",
            encoded(random.pick(&pools.titles), true),
            kind::token(random)
        ),
        _ => random
            .pick(&[
                "/",
                "/about",
                "/contact",
                "/login?next=%2Faccount%2Forders",
                "/robots.txt",
                "/sitemap.xml",
                "/feed/",
                "/wp-login.php",
                "/admin/",
                "/.well-known/security.txt",
                "/favicon.ico",
                "/user/login",
                "/phpmyadmin/",
                "/manager/html",
                "/actuator/health",
            ])
            .to_owned(),
    };
    get(&target, pools, random)
}

fn file(pools: &Pools, random: &mut Random) -> Request {
    let name = encoded(random.pick(&pools.files), false).replace("%2F", "/");
    let folder = random.pick(&[
        "assets",
        "static",
        "uploads/2024/05",
        "wp-content/uploads/2024/05",
        "wp-content/plugins/forms/css",
        "media",
        "themes/default",
        "download",
        "images",
        "js/vendor",
        "cgi-bin",
    ]);
    get(
        &format!("/{folder}/{name}?ver=6.5.{}", random.below(9)),
        pools,
        random,
    )
}

fn form(pools: &Pools, random: &mut Random) -> Request {
    let fields = [
        field("name", Kind::Name, pools, random),
        field("email", Kind::Email, pools, random),
        field("phone", Kind::Phone, pools, random),
        field("subject", Kind::Title, pools, random),
        field("message", Kind::Prose, pools, random),
        field("website", Kind::Url, pools, random),
        field("_token", Kind::Token, pools, random),
    ];
    let path = random
        .pick(&[
            "/contact",
            "/comments",
            "/wp-comments-post.php",
            "/support/tickets",
            "/guestbook.php",
        ])
        .to_owned();
    post_form(&path, &fields, pools, random)
}

fn editor(pools: &Pools, random: &mut Random) -> Request {
    let kind = match random.below(3) {
        0 => Kind::Markdown,
        1 => Kind::Code,
        _ => Kind::Html,
    };
    let title = Kind::Title.value(pools, random);
    let content = kind.value(pools, random);
    match random.chance(1, 2) {
        true => {
            let value = json!({ "title": title, "content": content, "status": "draft", "categories": [3, 7], "meta": {} });
            send_json(
                "PUT",
                &format!("/wp-json/wp/v2/posts/{}", kind::integer(random)),
                &value,
                pools,
                random,
            )
        }
        false => {
            let fields = [
                ("post_title".to_owned(), title),
                ("content".to_owned(), content),
                ("post_ID".to_owned(), kind::integer(random)),
                ("action".to_owned(), "editpost".to_owned()),
                field("_wpnonce", Kind::Token, pools, random),
                (
                    "_wp_http_referer".to_owned(),
                    "/wp-admin/post.php?post=12&action=edit".to_owned(),
                ),
            ];
            post_form("/wp-admin/post.php", &fields, pools, random)
        }
    }
}

fn login(pools: &Pools, random: &mut Random) -> Request {
    let (user, password) = (
        random.pick(&pools.usernames).to_owned(),
        random.pick(&pools.passwords).to_owned(),
    );
    match random.chance(1, 2) {
        true => send_json(
            "POST",
            "/api/auth/login",
            &json!({ "username": user, "password": password, "remember": true }),
            pools,
            random,
        ),
        false => {
            let path = random
                .pick(&[
                    "/wp-login.php",
                    "/login",
                    "/user/login",
                    "/j_security_check",
                    "/index.php?route=account/login",
                ])
                .to_owned();
            let fields = [
                ("username".to_owned(), user),
                ("password".to_owned(), password),
                (
                    "redirect_to".to_owned(),
                    Kind::Redirect.value(pools, random),
                ),
            ];
            post_form(&path, &fields, pools, random)
        }
    }
}

fn api(pools: &Pools, random: &mut Random) -> Request {
    let method = random.pick(&["POST", "PUT", "PATCH"]).to_owned();
    let path = random
        .pick(&[
            "/api/v1/orders",
            "/api/v2/users/42",
            "/rest/items",
            "/odata/Products",
            "/v1/query",
            "/api/settings",
        ])
        .to_owned();
    let value = kind::document(pools, random);
    send_json(&method, &path, &value, pools, random)
}

fn graphql(pools: &Pools, random: &mut Random) -> Request {
    let query = Kind::Graphql.value(pools, random);
    let variables = json!({ "first": 20, "q": random.pick(&pools.search), "input": { "body": random.pick(&pools.prose) } });
    send_json(
        "POST",
        "/graphql",
        &json!({ "query": query, "variables": variables, "operationName": null }),
        pools,
        random,
    )
}

fn upload(pools: &Pools, random: &mut Random) -> Request {
    let fields = [
        field("title", Kind::Title, pools, random),
        field("description", Kind::Prose, pools, random),
    ];
    let files = [
        ("file".to_owned(), File::any(pools, random)),
        ("images[]".to_owned(), File::any(pools, random)),
    ];
    let body = client::multipart(&fields, &files, random);
    let path = random
        .pick(&[
            "/upload",
            "/wp-admin/async-upload.php",
            "/api/files",
            "/profile/avatar",
            "/admin/import",
        ])
        .to_owned();
    client::request("POST", &path, Some(body), pools, random)
}

fn hook(pools: &Pools, random: &mut Random) -> Request {
    let value = json!({
        "action": "opened", "sender": { "login": random.pick(&pools.usernames) },
        "issue": { "title": random.pick(&pools.titles), "body": random.pick(&pools.markdown), "number": random.below(9_000) },
        "repository": { "clone_url": "https://git.example.org/team/project.git", "private": true },
        "commits": [{ "id": kind::token(random), "message": random.pick(&pools.prose), "modified": ["../README.md", "src/main.rs"] }],
    });
    send_json("POST", "/hooks/git", &value, pools, random)
}

/// A call of a web service, or a feed.
pub(crate) fn xml(pools: &Pools, random: &mut Random) -> Request {
    let path = random
        .pick(&[
            "/soap/orders",
            "/services/Catalog",
            "/xmlrpc.php",
            "/api/import.xml",
        ])
        .to_owned();
    let (kind, body) = xml_body(pools, random);
    client::request("POST", &path, Some((kind, body)), pools, random)
}

pub(crate) fn xml_body(pools: &Pools, random: &mut Random) -> (String, Vec<u8>) {
    let text = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let (name, title, note) = (
        text(random.pick(&pools.names)),
        text(random.pick(&pools.titles)),
        text(random.pick(&pools.prose)),
    );
    let body = match random.below(3) {
        0 => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:o=\"http://example.org/orders\"><soapenv:Header/><soapenv:Body><o:Create><o:customer>{name}</o:customer><o:note>{note}</o:note></o:Create></soapenv:Body></soapenv:Envelope>"
        ),
        1 => format!(
            "<order id=\"{}\"><customer>{name}</customer><title>{title}</title><note><![CDATA[{}]]></note></order>",
            kind::integer(random),
            random.pick(&pools.html)
        ),
        _ => format!(
            "<?xml version=\"1.0\"?><methodCall><methodName>metaWeblog.newPost</methodName><params><param><value><string>{title}</string></value></param><param><value><struct><member><name>description</name><value><string>{note}</string></value></member></struct></value></param></params></methodCall>"
        ),
    };
    let kind = random.pick(&[
        "text/xml; charset=utf-8",
        "application/xml",
        "application/soap+xml",
    ]);
    (kind.to_owned(), body.into_bytes())
}

/// Names that attacks use, with what they are made for.
fn parameters(pools: &Pools, random: &mut Random) -> Request {
    const NAMES: &[&str] = &[
        "id", "file", "page", "url", "redirect", "path", "name", "title", "content", "lang",
        "template", "host", "cat", "order", "action", "view", "token", "username", "comment",
        "data", "callback", "filter", "from", "type", "code",
    ];
    let fields: Vec<(String, String)> = (0..1 + random.below(4))
        .map(|_| {
            let name = random.pick(NAMES).to_owned();
            let value = Kind::of(&name, "").value(pools, random);
            (name, value)
        })
        .collect();
    let path = random
        .pick(&[
            "/index.php",
            "/view",
            "/app/page.jsp",
            "/cgi-bin/show.cgi",
            "/api/v1/items",
            "/default.aspx",
            "/wp-admin/admin-ajax.php",
            "/download.php",
            "/go",
        ])
        .to_owned();
    match random.chance(1, 3) {
        true => post_form(&path, &fields, pools, random),
        false => get(
            &format!("{path}?{}", pairs(&fields, random.chance(1, 2))),
            pools,
            random,
        ),
    }
}

fn wordpress(pools: &Pools, random: &mut Random) -> Request {
    let action = random
        .pick(&[
            "heartbeat",
            "query-attachments",
            "save-widget",
            "woocommerce_add_to_cart",
            "elementor_ajax",
            "wp-compression-test",
            "fetch-list",
            "inline-save",
        ])
        .to_owned();
    let fields = [
        ("action".to_owned(), action),
        field("_nonce", Kind::Token, pools, random),
        field("data", Kind::Json, pools, random),
        field("post_title", Kind::Title, pools, random),
        field("excerpt", Kind::Prose, pools, random),
    ];
    match random.below(3) {
        0 => get(
            &format!(
                "/wp-json/wp/v2/posts?search={}&per_page=10&orderby=date",
                encoded(random.pick(&pools.search), false)
            ),
            pools,
            random,
        ),
        1 => get(
            &format!(
                "/wp-admin/admin-ajax.php?action=load_more&page={}&category={}",
                random.below(9),
                encoded(random.pick(&pools.words), true)
            ),
            pools,
            random,
        ),
        _ => post_form("/wp-admin/admin-ajax.php", &fields, pools, random),
    }
}

fn telemetry(pools: &Pools, random: &mut Random) -> Request {
    let value = json!({ "events": (0..5).map(|_| kind::document(pools, random)).collect::<Vec<_>>(),
        "page": format!("https://www.example.org/?q={}", encoded(random.pick(&pools.search), false)),
        "error": "TypeError: Cannot read properties of null (reading 'x')\n    at a.b (/app.js:1:2345)" });
    send_json("POST", "/collect", &value, pools, random)
}
