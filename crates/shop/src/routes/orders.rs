//! The cart and the orders.

use hyper::StatusCode;
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

use crate::account;
use crate::database::{Failure, trim};
use crate::page::{self, Response, escape, price};
use crate::request::Request;
use crate::server::App;

const QUANTITY: i64 = 99;
const ITEMS: usize = 50;

/// Product and quantity.
type Item = (i64, i64);

pub(crate) async fn cart(app: &App, request: &Request) -> Result<Response, Failure> {
    let Some(user) = account::current(app, request).await? else {
        let text = "<p>Your cart is empty.</p>";
        return Ok(page::html(app, StatusCode::OK, "Cart", text));
    };
    let lines = app.database.with(move |db| {
        let query = "SELECT name, quantity, price * quantity FROM carts
            JOIN products ON products.id = product_id WHERE user_id = ? ORDER BY carts.id";
        let mut statement = db.prepare(query)?;
        let line =
            |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
        let lines: rusqlite::Result<Vec<(String, i64, i64)>> =
            statement.query_map([user.id], line)?.collect();
        lines
    });
    let lines = lines.await?;
    let total = price(lines.iter().map(|line| line.2).sum());
    let mut body = String::from("<table>");
    for (name, quantity, pence) in lines {
        let (name, sum) = (escape(&name), price(pence));
        body.push_str(&format!("<tr><td>{name}<td>{quantity}<td>{sum}"));
    }
    body.push_str(&format!(
        "<tr><th>Total<th><th>{total}</table><form method=\"post\" action=\"/orders\">\
         <input name=\"coupon\" placeholder=\"Coupon\"><button>Order</button></form>"
    ));
    Ok(page::html(app, StatusCode::OK, "Cart", &body))
}

pub(crate) async fn add_to_cart(app: &App, request: &Request) -> Result<Response, Failure> {
    let number = |name| {
        request
            .parameter(name)
            .and_then(|text| text.trim().parse().ok())
    };
    let Some(product) = number("product") else {
        return Ok(page::not_found(app));
    };
    let quantity: i64 = number("quantity").unwrap_or(1).clamp(1, QUANTITY);
    let user = account::current_or_guest(app, request).await?;
    let added = app.database.with(move |db| {
        let added = db.execute(
            "INSERT INTO carts (user_id, product_id, quantity)
             SELECT ?, id, ? FROM products WHERE id = ?
             ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = excluded.quantity",
            (user.id, quantity, product),
        )?;
        trim(db, "carts")?;
        Ok(added)
    });
    if added.await? == 0 {
        return Ok(page::not_found(app));
    }
    Ok(page::with_session(page::redirect("/cart"), &user.token))
}

/// Orders what is in the cart.
pub(crate) async fn check_out(app: &App, request: &Request) -> Result<Response, Failure> {
    let Some(user) = account::current(app, request).await? else {
        return Ok(page::redirect("/cart"));
    };
    let coupon = request.parameter("coupon").filter(|text| !text.is_empty());
    let placed = app.database.with(move |db| {
        let mut statement =
            db.prepare("SELECT product_id, quantity FROM carts WHERE user_id = ?")?;
        let item = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let items: rusqlite::Result<Vec<Item>> =
            statement.query_map([user.id], item)?.take(ITEMS).collect();
        let placed = place(db, user.id, &items?, coupon.as_deref())?;
        db.execute("DELETE FROM carts WHERE user_id = ?", [user.id])?;
        Ok(placed)
    });
    let body = match placed.await? {
        Some((id, total)) => format!(
            "<p>Thank you. Your order is <a href=\"/invoice?order={id}\">{id}</a>, {}.</p>",
            price(total)
        ),
        None => "<p>Your cart is empty.</p>".to_owned(),
    };
    Ok(page::html(app, StatusCode::OK, "Order", &body))
}

/// `{"items": [{"product": 1, "quantity": 2}], "coupon": "WELCOME10"}`
pub(crate) async fn order(app: &App, request: &Request) -> Result<Response, Failure> {
    let document: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let items = document["items"].as_array().map(Vec::as_slice);
    let items: Option<Vec<Item>> = items
        .unwrap_or_default()
        .iter()
        .take(ITEMS)
        .map(|item| {
            let quantity = item["quantity"].as_i64().unwrap_or(1);
            Some((item["product"].as_i64()?, quantity.clamp(1, QUANTITY)))
        })
        .collect();
    let coupon = document["coupon"].as_str().map(str::to_owned);
    let user = account::current_or_guest(app, request).await?;
    let placed = app.database.with(move |db| {
        let items = items.unwrap_or_default();
        place(db, user.id, &items, coupon.as_deref())
    });
    let response = match placed.await? {
        Some((id, total)) => page::json(StatusCode::CREATED, &json!({"order": id, "total": total})),
        None => page::json(
            StatusCode::UNPROCESSABLE_ENTITY,
            &json!({"error": "name at least one product that is in the shop"}),
        ),
    };
    Ok(page::with_session(response, &user.token))
}

/// Places an order of the products that exist; its number and sum in pence.
fn place(
    db: &Connection,
    user: i64,
    items: &[Item],
    coupon: Option<&str>,
) -> rusqlite::Result<Option<(i64, i64)>> {
    let mut total = 0;
    for (product, quantity) in items {
        let query = "SELECT price FROM products WHERE id = ?";
        let price = db.query_row(query, [product], |row| row.get::<_, i64>(0));
        total += price.optional()?.unwrap_or(0) * quantity;
    }
    if total == 0 {
        return Ok(None);
    }
    if coupon == Some("WELCOME10") {
        total -= total / 10;
    }
    db.execute(
        "INSERT INTO orders (user_id, total, coupon) VALUES (?, ?, ?)",
        (user, total, coupon),
    )?;
    let id = db.last_insert_rowid();
    trim(db, "orders")?;
    Ok(Some((id, total)))
}
