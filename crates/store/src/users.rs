//! People who sign in with a password.

use ledger::User;

use crate::records::written;
use crate::{Change, Error, Limits, Page, Paging, Session, Stored};

impl Session<'_> {
    /// Somebody.
    ///
    /// # Errors
    /// Nobody has this name, or the database cannot be asked.
    pub fn user(&mut self, id: &str) -> Result<Stored<User>, Error> {
        self.one("person", "user", id)
    }

    /// Somebody, and the hash of the password.
    ///
    /// # Errors
    /// Nobody has this name, or the database cannot be asked.
    pub fn user_with_hash(&mut self, id: &str) -> Result<(Stored<User>, String), Error> {
        self.one_with_hash("person", "user", id)
    }

    /// People, those who were put out too, in the order of their names.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn users(&mut self, paging: Paging<'_>) -> Result<Page<Stored<User>>, Error> {
        self.page("person", paging)
    }
}

impl Change<'_> {
    /// Adds somebody, or gives who was put out access again; of the password a hash alone is kept.
    ///
    /// # Errors
    /// Somebody has this name already, or it is malformed.
    pub fn add_user(&mut self, user: &User, hash: &str) -> Result<Stored<User>, Error> {
        user.check(&Limits::records())?;
        match self.user_with_hash(&user.id) {
            Ok((there, _)) if there.value.removed_ms.is_none() => {
                return Err(Error::exists(format!("user {}", user.id)));
            }
            Ok(_) => {}
            Err(why) if why.is_missing() => {}
            Err(why) => return Err(why),
        }
        self.keep_user("add", user, hash)
    }

    /// Gives somebody another password.
    ///
    /// # Errors
    /// Nobody has this name, or was put out.
    pub fn change_password(&mut self, id: &str, hash: &str) -> Result<Stored<User>, Error> {
        let user = self.present_user(id)?.0;
        self.keep_user("password", &user, hash)
    }

    /// Puts somebody out: whoever is signed in by this name is so no more.
    ///
    /// # Errors
    /// Nobody has this name, or was put out already.
    pub fn remove_user(&mut self, id: &str) -> Result<Stored<User>, Error> {
        let (user, hash) = self.present_user(id)?;
        let removed_ms = Some(self.now_ms());
        self.keep_user("remove", &User { removed_ms, ..user }, &hash)
    }

    fn present_user(&mut self, id: &str) -> Result<(User, String), Error> {
        let (there, hash) = self.user_with_hash(id)?;
        match there.value.removed_ms {
            None => Ok((there.value, hash)),
            Some(_) => Err(Error::refused(format!("user {id} was put out already"))),
        }
    }

    fn keep_user(&mut self, what: &str, user: &User, hash: &str) -> Result<Stored<User>, Error> {
        let (id, body) = (user.id.as_str(), written(user)?);
        let row = self.connection.first(
            "INSERT INTO person (id, version, body, hash) VALUES ($1, 1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET version = person.version + 1, body = excluded.body,
             hash = excluded.hash RETURNING version",
            &[id.into(), body.as_str().into(), hash.into()],
        )?;
        self.note(&format!("user.{what}"), &format!("user/{id}"), &body)?;
        let row = row.ok_or_else(|| Error::damaged("nothing was written"))?;
        Ok(Stored {
            version: row.integer(0)?,
            value: user.clone(),
        })
    }
}
