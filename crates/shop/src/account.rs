//! Users and their sessions.

use std::hash::{BuildHasher, RandomState};

use rusqlite::{Connection, OptionalExtension};
use serde_json::{Map, Value, json};

use crate::database::{Failure, trim};
use crate::request::Request;
use crate::seed::password_hash;
use crate::server::App;

/// The user of a session.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) email: Option<String>,
    pub(crate) display_name: String,
    pub(crate) newsletter: bool,
    pub(crate) is_admin: bool,
    /// The session's token.
    pub(crate) token: String,
}

impl User {
    pub(crate) fn json(&self) -> Value {
        json!({
            "email": self.email,
            "display_name": self.display_name,
            "newsletter": self.newsletter,
            "is_admin": self.is_admin,
        })
    }
}

/// The columns of `users` that a visitor may set, and one too many.
///
/// FLAW: mass assignment. `is_admin` is set from the visitor's fields like the others.
const FIELDS: &[&str] = &["display_name", "email", "newsletter", "is_admin"];

/// The user of the request's session.
pub(crate) async fn current(app: &App, request: &Request) -> Result<Option<User>, Failure> {
    let Some(token) = request.session().map(str::to_owned) else {
        return Ok(None);
    };
    app.database.with(move |db| find(db, &token)).await
}

/// The user of the request's session; if there is none, a new guest.
pub(crate) async fn current_or_guest(app: &App, request: &Request) -> Result<User, Failure> {
    if let Some(user) = current(app, request).await? {
        return Ok(user);
    }
    let guest = app.database.with(|db| {
        db.execute("INSERT INTO users (display_name) VALUES ('Guest')", [])?;
        let id = db.last_insert_rowid();
        trim(db, "users")?;
        open_session(db, id)
    });
    guest.await?.ok_or(Failure::GivenUp)
}

/// Opens a session for the user with this e-mail address and password.
pub(crate) async fn log_in(
    app: &App,
    email: String,
    password: &str,
) -> Result<Option<User>, Failure> {
    let hash = password_hash(password);
    let work = move |db: &Connection| {
        let query = "SELECT id FROM users WHERE email = ? AND password_hash = ?";
        let id = db.query_row(query, (email, hash), |row| row.get(0));
        match id.optional()? {
            Some(id) => open_session(db, id),
            None => Ok(None),
        }
    };
    app.database.with(work).await
}

pub(crate) async fn log_out(app: &App, token: String) -> Result<(), Failure> {
    let work = move |db: &Connection| db.execute("DELETE FROM sessions WHERE token = ?", [token]);
    app.database.with(work).await.map(drop)
}

/// Sets the user's columns from the fields of that name; other fields are left alone.
pub(crate) async fn change(
    app: &App,
    user: &User,
    fields: Map<String, Value>,
) -> Result<User, Failure> {
    let (id, token) = (user.id, user.token.clone());
    let work = move |db: &Connection| {
        for (name, value) in fields {
            let known = FIELDS.iter().any(|each| each.eq_ignore_ascii_case(&name));
            if !known {
                continue;
            }
            let value = match value {
                Value::Bool(value) => Some(i64::from(value).to_string()),
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            db.execute(
                &format!("UPDATE OR IGNORE users SET {name} = ? WHERE id = ?"),
                (value, id),
            )?;
        }
        find(db, &token)
    };
    app.database.with(work).await?.ok_or(Failure::GivenUp)
}

fn find(db: &Connection, token: &str) -> rusqlite::Result<Option<User>> {
    let query = "SELECT users.id, email, coalesce(display_name, ''), newsletter, is_admin
        FROM sessions JOIN users ON users.id = sessions.user_id WHERE token = ?";
    // A flag may hold whatever the visitor has sent; the words of forms count as set.
    let flag = |value: rusqlite::types::Value| match value {
        rusqlite::types::Value::Integer(number) => number != 0,
        rusqlite::types::Value::Text(text) => matches!(text.as_str(), "true" | "on" | "yes"),
        _ => false,
    };
    db.query_row(query, [token], |row| {
        Ok(User {
            id: row.get(0)?,
            email: row.get(1)?,
            display_name: row.get(2)?,
            newsletter: flag(row.get(3)?),
            is_admin: flag(row.get(4)?),
            token: token.to_owned(),
        })
    })
    .optional()
}

fn open_session(db: &Connection, user_id: i64) -> rusqlite::Result<Option<User>> {
    let random = || RandomState::new().hash_one(user_id);
    let token = format!("{:016x}{:016x}", random(), random());
    db.execute(
        "INSERT INTO sessions (token, user_id) VALUES (?, ?)",
        (&token, user_id),
    )?;
    trim(db, "sessions")?;
    find(db, &token)
}
