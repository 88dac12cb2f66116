//! Answers: pages and JSON.

use http_body_util::Full;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION, SET_COOKIE};
use serde_json::Value;

use crate::server::App;

pub(crate) type Response = hyper::Response<Full<Bytes>>;

/// A page: the shop's frame around `body`, which is HTML; `title` is text.
pub(crate) fn html(app: &App, status: StatusCode, title: &str, body: &str) -> Response {
    let title = escape(title);
    let version = escape(&app.version);
    let search = search_form(app, "");
    let text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} - Corner Shop</title>\
         <link rel=\"stylesheet\" href=\"/static/site.v1.2.css\"></head><body>\
         <header><b><a href=\"/\">Corner Shop</a></b>{search}\
         <a href=\"/cart\">Cart</a><a href=\"/account\">Account</a></header>\
         <main><h1>{title}</h1>{body}</main>\
         <footer>Corner Shop, version {version}. Vulnerable on purpose: for demonstrations only.\
         </footer></body></html>\n"
    );
    bytes(status, "text/html; charset=utf-8", text)
}

/// The search form, as this version has it.
pub(crate) fn search_form(app: &App, term: &str) -> String {
    let (action, name) = if app.has_second_search() {
        ("/v2/search", "term")
    } else {
        ("/search", "q")
    };
    let term = escape(term);
    format!(
        "<form action=\"{action}\"><input name=\"{name}\" value=\"{term}\" placeholder=\"Search\"></form>"
    )
}

pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    bytes(status, "application/json", value.to_string())
}

pub(crate) fn bytes(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// An answer that sends the browser on, by GET.
pub(crate) fn redirect(to: &'static str) -> Response {
    let mut response = bytes(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    let to = HeaderValue::from_static(to);
    response.headers_mut().insert(LOCATION, to);
    response
}

pub(crate) fn not_found(app: &App) -> Response {
    let text = "<p>There is nothing here.</p>";
    html(app, StatusCode::NOT_FOUND, "Not found", text)
}

/// The same answer with the session's cookie.
pub(crate) fn with_session(mut response: Response, token: &str) -> Response {
    let cookie = format!("session={token}; Path=/; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Text as HTML, also within an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

/// A price in pence as text.
pub(crate) fn price(pence: i64) -> String {
    format!("£{}.{:02}", pence / 100, pence % 100)
}
