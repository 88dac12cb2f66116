//! Access for programs, in the order of its names.

use ledger::Token;

use crate::records::{as_expected, written};
use crate::{Change, Error, Limits, Page, Paging, Session, Stored};

impl Session<'_> {
    /// One token.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn token(&mut self, id: &str) -> Result<Stored<Token>, Error> {
        self.one("token", "token", id)
    }

    /// One token, and the hash of its secret: SHA-256, in hexadecimal.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn token_with_hash(&mut self, id: &str) -> Result<(Stored<Token>, String), Error> {
        self.one_with_hash("token", "token", id)
    }

    /// Tokens, those that have ended too.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn tokens(&mut self, paging: Paging<'_>) -> Result<Page<Stored<Token>>, Error> {
        self.page("token", paging)
    }
}

impl Change<'_> {
    /// Adds a token; of its secret the hash alone is kept.
    ///
    /// # Errors
    /// There is one already, or it is malformed.
    pub fn add_token(&mut self, token: &Token, hash: &str) -> Result<Stored<Token>, Error> {
        token.check(self.now_ms(), &Limits::records())?;
        let body = written(token)?;
        let added = self.connection.execute(
            "INSERT INTO token (id, version, body, hash) VALUES ($1, 1, $2, $3)
             ON CONFLICT (id) DO NOTHING",
            &[token.id.as_str().into(), body.as_str().into(), hash.into()],
        )?;
        if added == 0 {
            return Err(Error::exists(format!("token {}", token.id)));
        }
        self.note("token.add", &format!("token/{}", token.id), &body)?;
        Ok(Stored {
            version: 1,
            value: token.clone(),
        })
    }

    /// Takes a token back, for good.
    ///
    /// # Errors
    /// It is not there, or was taken back already; or it is no longer as it was seen.
    pub fn revoke_token(&mut self, id: &str, seen: Option<i64>) -> Result<Stored<Token>, Error> {
        let now = self.token(id)?;
        as_expected(&format!("token {id}"), now.version, seen)?;
        if now.value.revoked_ms.is_some() {
            return Err(Error::refused(format!("token {id} was taken back already")));
        }
        let value = Token {
            revoked_ms: Some(self.now_ms()),
            ..now.value
        };
        let (version, body) = (now.version + 1, written(&value)?);
        self.connection.execute(
            "UPDATE token SET version = $1, body = $2 WHERE id = $3",
            &[version.into(), body.as_str().into(), id.into()],
        )?;
        self.note("token.revoke", &format!("token/{id}"), &body)?;
        Ok(Stored { version, value })
    }
}
