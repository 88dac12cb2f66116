//! Which page answers which request.

mod catalogue;
mod orders;
mod people;
mod tools;

use hyper::body::Incoming;
use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use crate::database::Failure;
use crate::guard;
use crate::page::{self, Response};
use crate::request::Request;
use crate::server::App;

/// Answers a request; every answer carries the shop's version.
pub(crate) async fn answer(app: &App, request: hyper::Request<Incoming>) -> Response {
    let mut response = if guard::admits(request.headers()) {
        match Request::read(request).await {
            Some(request) => route(app, &request).await.unwrap_or_else(|failure| {
                let text = format!("<p>{}</p>", page::escape(&failure.to_string()));
                page::html(app, StatusCode::INTERNAL_SERVER_ERROR, "Sorry", &text)
            }),
            None => {
                let text = "<p>The request is too large or too slow.</p>";
                page::html(app, StatusCode::PAYLOAD_TOO_LARGE, "Sorry", text)
            }
        }
    } else {
        let text = "<p>The shop does not answer requests of other sites.</p>";
        page::html(app, StatusCode::FORBIDDEN, "Forbidden", text)
    };
    let version = app.version_header.clone();
    response.headers_mut().insert("x-shop-version", version);
    response
}

async fn route(app: &App, request: &Request) -> Result<Response, Failure> {
    if let Some(name) = request.path.strip_prefix("/static/") {
        return Ok(catalogue::file(app, name).await);
    }
    let path = percent_decode_str(&request.path).decode_utf8_lossy();
    let reads = request.method == Method::GET || request.method == Method::HEAD;
    let posts = request.method == Method::POST;
    match path.trim_end_matches('/') {
        "" if reads => catalogue::home(app).await,
        "/healthz" if reads => Ok(page::bytes(StatusCode::OK, "text/plain", "ok\n")),
        "/search" if reads || posts => catalogue::search(app, request, "q").await,
        "/v2/search" if (reads || posts) && app.has_second_search() => {
            catalogue::search(app, request, "term").await
        }
        "/api/products" if reads => catalogue::list(app).await,
        "/cart" if reads => orders::cart(app, request).await,
        "/cart" if posts => orders::add_to_cart(app, request).await,
        "/orders" if posts => orders::check_out(app, request).await,
        "/api/orders" if posts => orders::order(app, request).await,
        "/login" if reads => Ok(people::login_page(app, StatusCode::OK, "")),
        "/login" if posts => people::log_in(app, request).await,
        "/logout" if posts => people::log_out(app, request).await,
        "/account" if reads => people::account(app, request).await,
        "/account" if posts => people::change_by_form(app, request).await,
        "/api/account" if reads => people::account_json(app, request).await,
        "/api/account" if posts => people::change_by_json(app, request).await,
        "/admin" if reads => people::admin(app, request).await,
        "/api/admin/users" if reads => people::users_json(app, request).await,
        "/admin-tools/thumbnail" if reads || posts => tools::thumbnail(app, request).await,
        "/invoice" if reads || posts => tools::invoice(app, request).await,
        other => match other.strip_prefix("/products/").map(str::parse) {
            Some(Ok(id)) if reads => catalogue::product(app, id).await,
            _ => Ok(page::not_found(app)),
        },
    }
}
