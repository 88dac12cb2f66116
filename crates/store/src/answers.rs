//! What was answered to calls that may come again, so that they are carried out once.

use crate::{Change, Error};

/// How long an answer is remembered, in milliseconds.
const REMEMBERED_MS: i64 = 24 * 60 * 60 * 1000;

/// A call that may come again.
#[derive(Debug, Clone, Copy)]
pub struct Repeatable<'a> {
    /// The token with which it comes.
    pub token: &'a str,
    /// What the caller names it.
    pub key: &'a str,
    /// Tells it from other calls: a digest of what it asks for.
    pub request: &'a str,
}

impl Change<'_> {
    /// What was answered when the call came before; none: it has not.
    ///
    /// # Errors
    /// Its key was used for another call, or the database cannot be asked.
    pub fn answered(&mut self, call: &Repeatable<'_>) -> Result<Option<String>, Error> {
        let row = self.connection.first(
            "SELECT request, body FROM answer WHERE token = $1 AND idempotency_key = $2",
            &[call.token.into(), call.key.into()],
        )?;
        let Some(row) = row else { return Ok(None) };
        if row.text(0)? != call.request {
            return Err(Error::refused(
                "this idempotency key was used for another call: choose a new one for each call",
            ));
        }
        Ok(Some(row.text(1)?.to_owned()))
    }

    /// Remembers an answer, for a day.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn remember(&mut self, call: &Repeatable<'_>, answer: &str) -> Result<(), Error> {
        let now_ms = self.now_ms();
        let before = now_ms.saturating_sub(REMEMBERED_MS);
        self.connection
            .execute("DELETE FROM answer WHERE time_ms < $1", &[before.into()])?;
        let values = [
            call.token.into(),
            call.key.into(),
            now_ms.into(),
            call.request.into(),
            answer.into(),
        ];
        self.connection.execute(
            "INSERT INTO answer (token, idempotency_key, time_ms, request, body)
             VALUES ($1, $2, $3, $4, $5)",
            &values,
        )?;
        Ok(())
    }
}
