//! Access for programs, in the order of its names.

use ledger::Token;

use crate::cursor::{Kind, Part};
use crate::records::{parsed, written};
use crate::{Change, Error, Limits, Page, Paging, Session, Stored};

impl Session<'_> {
    /// One token.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn token(&mut self, id: &str) -> Result<Stored<Token>, Error> {
        self.token_with_hash(id).map(|(token, _)| token)
    }

    /// One token, and the hash of its secret: SHA-256, in hexadecimal.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn token_with_hash(&mut self, id: &str) -> Result<(Stored<Token>, String), Error> {
        let sql = "SELECT version, body, hash FROM token WHERE id = $1";
        let row = self.connection.first(sql, &[id.into()])?;
        let row = row.ok_or_else(|| Error::missing(format!("token {id}")))?;
        let stored = Stored {
            version: row.integer(0)?,
            value: parsed(row.text(1)?)?,
        };
        Ok((stored, row.text(2)?.to_owned()))
    }

    /// Tokens, those that have ended too.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn tokens(&mut self, paging: Paging<'_>) -> Result<Page<Stored<Token>>, Error> {
        let part = Part::of(paging, &[Kind::Text], self.limits)?;
        let after = part.after.clone().unwrap_or_else(|| vec!["".into()]);
        let rows = self.connection.query(
            "SELECT id, version, body FROM token WHERE id > $1 ORDER BY id LIMIT $2",
            &[after, vec![part.rows()]].concat(),
        )?;
        let entries = rows.iter().map(|row| {
            let stored = Stored {
                version: row.integer(1)?,
                value: parsed(row.text(2)?)?,
            };
            Ok((vec![row.text(0)?.into()], stored))
        });
        Ok(part.page(entries.collect::<Result<_, Error>>()?))
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
    /// It is not there, or was taken back already.
    pub fn revoke_token(&mut self, id: &str) -> Result<Stored<Token>, Error> {
        let now = self.token(id)?;
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
