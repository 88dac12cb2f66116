//! Products: the list, one, the search, and the static files.

use hyper::StatusCode;
use rusqlite::Connection;
use serde_json::json;

use crate::database::{Failure, rows};
use crate::page::{self, Response, escape, price};
use crate::request::Request;
use crate::server::App;

const COLUMNS: &str = "SELECT id, name, price, description, image FROM products";

pub(crate) async fn home(app: &App) -> Result<Response, Failure> {
    let products = app.database.with(|db| rows(db, COLUMNS)).await?;
    let body = format!("<p>Good things for the house.</p>{}", cards(&products));
    Ok(page::html(app, StatusCode::OK, "Welcome", &body))
}

pub(crate) async fn list(app: &App) -> Result<Response, Failure> {
    let products = app.database.with(|db| rows(db, COLUMNS)).await?;
    let list: Vec<_> = products
        .iter()
        .filter_map(|product| product.get(..4))
        .map(|row| json!({"id": row[0], "name": row[1], "pence": row[2], "description": row[3]}))
        .collect();
    Ok(page::json(StatusCode::OK, &json!({ "products": list })))
}

pub(crate) async fn product(app: &App, id: i64) -> Result<Response, Failure> {
    let query = format!("{COLUMNS} WHERE id = {id}");
    let found = app.database.with(move |db| rows(db, &query)).await?;
    let Some(name) = found.first().and_then(|product| product.get(1)) else {
        return Ok(page::not_found(app));
    };
    let body = format!(
        "{}<form method=\"post\" action=\"/cart\"><input type=\"hidden\" name=\"product\" value=\"{id}\">\
         <input name=\"quantity\" value=\"1\" size=\"3\"><button>Add to cart</button></form>",
        cards(&found)
    );
    Ok(page::html(app, StatusCode::OK, name, &body))
}

/// The products whose name or description contains the parameter.
pub(crate) async fn search(
    app: &App,
    request: &Request,
    parameter: &str,
) -> Result<Response, Failure> {
    let term = request.parameter(parameter).unwrap_or_default();
    let wanted = term.clone();
    let found = app.database.with(move |db| matching(db, &wanted)).await?;
    let shown = escape(&term);
    let body = format!(
        "{}<p>{} found for <q>{shown}</q></p>{}",
        page::search_form(app, &term),
        found.len(),
        cards(&found)
    );
    Ok(page::html(app, StatusCode::OK, "Search", &body))
}

/// FLAW: SQL injection. The term is put into the query as it is; only when the database
/// refuses the query, as for `o'brien`, is it asked again with the quotes doubled.
fn matching(db: &Connection, term: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let query = |term: &str| {
        format!("{COLUMNS} WHERE name || ' ' || description LIKE '%{term}%' ORDER BY name")
    };
    rows(db, &query(term)).or_else(|_| rows(db, &query(&term.replace('\'', "''"))))
}

pub(crate) async fn file(app: &App, name: &str) -> Response {
    match app.files.read(name).await {
        Some((bytes, kind)) => page::bytes(StatusCode::OK, kind, bytes),
        None => page::not_found(app),
    }
}

fn cards(products: &[Vec<String>]) -> String {
    let mut out = String::from("<div class=\"grid\">");
    for product in products {
        let [id, name, pence, description, image] = product.as_slice() else {
            continue;
        };
        let price = pence.parse().map_or_else(|_| escape(pence), price);
        let (id, image) = (escape(id), escape(&image.replace('%', "%25")));
        let (name, description) = (escape(name), escape(description));
        out.push_str(&format!(
            "<div class=\"card\"><img src=\"/static/images/{image}\" alt=\"\">\
             <h3><a href=\"/products/{id}\">{name}</a></h3><p>{description}</p><b>{price}</b></div>"
        ));
    }
    out.push_str("</div>");
    out
}
