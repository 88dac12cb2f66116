//! Login, account and administration.

use hyper::StatusCode;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::account::{self, User};
use crate::database::{Failure, rows};
use crate::page::{self, Response, escape, price};
use crate::request::Request;
use crate::server::App;

/// The header by which the shop's own parts once called the administration.
const INTERNAL: &str = "x-internal-subrequest";

/// The login form below `message`, which is HTML.
pub(crate) fn login_page(app: &App, status: StatusCode, message: &str) -> Response {
    let body = format!(
        "{message}<form method=\"post\" action=\"/login\">\
         <p><input name=\"email\" placeholder=\"E-mail\">\
         <p><input name=\"password\" type=\"password\" placeholder=\"Password\">\
         <p><button>Log in</button></form>"
    );
    page::html(app, status, "Log in", &body)
}

pub(crate) async fn log_in(app: &App, request: &Request) -> Result<Response, Failure> {
    let email = request.parameter("email").unwrap_or_default();
    let password = request.parameter("password").unwrap_or_default();
    Ok(match account::log_in(app, email, &password).await? {
        Some(user) => page::with_session(page::redirect("/account"), &user.token),
        None => {
            let message = "<p>The e-mail address or the password is wrong.</p>";
            login_page(app, StatusCode::UNAUTHORIZED, message)
        }
    })
}

pub(crate) async fn log_out(app: &App, request: &Request) -> Result<Response, Failure> {
    if let Some(token) = request.session() {
        account::log_out(app, token.to_owned()).await?;
    }
    Ok(page::redirect("/"))
}

pub(crate) async fn account(app: &App, request: &Request) -> Result<Response, Failure> {
    let Some(user) = account::current(app, request).await? else {
        return Ok(page::redirect("/login"));
    };
    Ok(account_page(app, &user))
}

fn account_page(app: &App, user: &User) -> Response {
    let name = escape(&user.display_name);
    let email = escape(user.email.as_deref().unwrap_or("no e-mail address yet"));
    let admin = if user.is_admin {
        "<p>You are an administrator: <a href=\"/admin\">administration</a>.</p>"
    } else {
        ""
    };
    let body = format!(
        "<p>{name}, {email}</p>{admin}<form method=\"post\" action=\"/account\">\
         <p><input name=\"display_name\" value=\"{name}\">\
         <p><label><input type=\"checkbox\" name=\"newsletter\"> Newsletter</label>\
         <p><button>Save</button></form>\
         <form method=\"post\" action=\"/logout\"><button>Log out</button></form>"
    );
    page::html(app, StatusCode::OK, "Account", &body)
}

pub(crate) async fn account_json(app: &App, request: &Request) -> Result<Response, Failure> {
    Ok(match account::current(app, request).await? {
        Some(user) => page::json(StatusCode::OK, &user.json()),
        None => refused(),
    })
}

/// The fields of a form; a visitor without a session becomes a guest.
pub(crate) async fn change_by_form(app: &App, request: &Request) -> Result<Response, Failure> {
    let fields: Map<String, Value> = request
        .form()
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect();
    let user = account::current_or_guest(app, request).await?;
    let user = account::change(app, &user, fields).await?;
    Ok(page::with_session(account_page(app, &user), &user.token))
}

/// The fields of a JSON object, whatever content type the request declares.
pub(crate) async fn change_by_json(app: &App, request: &Request) -> Result<Response, Failure> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(&request.body) else {
        let error = json!({"error": "send a JSON object"});
        return Ok(page::json(StatusCode::BAD_REQUEST, &error));
    };
    let user = account::current_or_guest(app, request).await?;
    let user = account::change(app, &user, fields).await?;
    let response = page::json(StatusCode::OK, &user.json());
    Ok(page::with_session(response, &user.token))
}

/// Whether the request may see the administration.
///
/// FLAW: authorisation bypass. A header that any client can send is taken for the proof
/// that the shop itself asks.
async fn is_admin(app: &App, request: &Request) -> Result<bool, Failure> {
    if request.header(INTERNAL) == Some("1") {
        return Ok(true);
    }
    let user = account::current(app, request).await?;
    Ok(user.is_some_and(|user| user.is_admin))
}

pub(crate) async fn admin(app: &App, request: &Request) -> Result<Response, Failure> {
    if !is_admin(app, request).await? {
        let message = "<p>Please log in as an administrator.</p>";
        return Ok(login_page(app, StatusCode::UNAUTHORIZED, message));
    }
    let orders = app.database.with(|db| {
        let query = "SELECT orders.id, coalesce(email, 'guest'), total FROM orders
            LEFT JOIN users ON users.id = user_id ORDER BY orders.id DESC";
        rows(db, query)
    });
    let mut body = String::from("<h2>All orders</h2><table>");
    for order in orders.await? {
        let [id, email, total] = order.as_slice() else {
            continue;
        };
        let (email, total) = (escape(email), price(total.parse().unwrap_or(0)));
        body.push_str(&format!("<tr><td>{id}<td>{email}<td>{total}"));
    }
    body.push_str("</table>");
    Ok(page::html(app, StatusCode::OK, "Administration", &body))
}

pub(crate) async fn users_json(app: &App, request: &Request) -> Result<Response, Failure> {
    if !is_admin(app, request).await? {
        return Ok(refused());
    }
    let users = |db: &Connection| rows(db, "SELECT id, email, is_admin FROM users");
    let users = app.database.with(users).await?;
    Ok(page::json(StatusCode::OK, &json!({ "users": users })))
}

fn refused() -> Response {
    let error = json!({"error": "log in first"});
    page::json(StatusCode::UNAUTHORIZED, &error)
}
