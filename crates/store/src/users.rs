//! People who sign in.

use ledger::{Area, Role, User};

use crate::records::{as_expected, written};
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
    /// Nobody has this name, was put out, or signs in without a password; or it is no longer as it was seen.
    pub fn change_password(
        &mut self,
        id: &str,
        hash: &str,
        seen: Option<i64>,
    ) -> Result<Stored<User>, Error> {
        self.seen_user(id, seen)?;
        let user = self.present_user(id)?.0;
        must_have_password(&user)?;
        self.keep_user("password", &user, hash)
    }

    /// Says what somebody may from now on.
    ///
    /// # Errors
    /// Nobody has this name, was put out, or has a role by what a provider says; or it is no longer as it
    /// was seen.
    pub fn change_user(
        &mut self,
        id: &str,
        (role, areas): (Role, &[Area]),
        seen: Option<i64>,
    ) -> Result<Stored<User>, Error> {
        self.seen_user(id, seen)?;
        let (user, hash) = self.present_user(id)?;
        must_have_password(&user)?;
        let areas = areas.to_vec();
        let user = User {
            role,
            areas,
            ..user
        };
        user.check(&Limits::records())?;
        self.keep_user("change", &user, &hash)
    }

    /// Lets in whom a provider of identities has shown, and keeps what they may now.
    ///
    /// # Errors
    /// Somebody else has this name, they are known by another name or were put out, or the name is malformed.
    pub fn admit_user(&mut self, user: &User) -> Result<Stored<User>, Error> {
        user.check(&Limits::records())?;
        let there = match self.user(&user.id) {
            Ok(there) => there,
            // No password has an empty hash.
            Err(why) if why.is_missing() => {
                self.must_be_new(user)?;
                return self.keep_user("add", user, "");
            }
            Err(why) => return Err(why),
        };
        let id = &user.id;
        if there.value.account != user.account {
            let why = format!("{id} is the name of somebody else, who signs in in another way");
            return Err(Error::refused(why));
        }
        if there.value.removed_ms.is_some() {
            return Err(Error::refused(format!("user {id} was put out")));
        }
        match there.value == *user {
            true => Ok(there),
            false => self.keep_user("change", user, ""),
        }
    }

    /// Puts somebody out: whoever is signed in by this name is so no more.
    ///
    /// # Errors
    /// Nobody has this name, or was put out already; or it is no longer as it was seen.
    pub fn remove_user(&mut self, id: &str, seen: Option<i64>) -> Result<Stored<User>, Error> {
        self.seen_user(id, seen)?;
        let (user, hash) = self.present_user(id)?;
        let removed_ms = Some(self.now_ms());
        self.keep_user("remove", &User { removed_ms, ..user }, &hash)
    }

    /// Lets in again whom a provider of identities shows, and who was put out.
    ///
    /// # Errors
    /// Nobody has this name, or was not put out, or has a password: with a new one they may come again; or it
    /// is no longer as it was seen.
    pub fn restore_user(&mut self, id: &str, seen: Option<i64>) -> Result<Stored<User>, Error> {
        self.seen_user(id, seen)?;
        let user = self.user(id)?.value;
        if user.removed_ms.is_none() {
            return Err(Error::refused(format!("user {id} was not put out")));
        }
        if user.account.is_none() {
            let why = format!("user {id} needs a new password to come again");
            return Err(Error::refused(why));
        }
        let removed_ms = None;
        self.keep_user("restore", &User { removed_ms, ..user }, "")
    }

    /// Whoever is known at the provider is one person here, whatever name it tells of them now:
    /// two names would be two persons who consent.
    fn must_be_new(&mut self, user: &User) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = self.users(Paging {
                after: after.as_deref(),
                most: None,
            })?;
            let mut known = page.items.iter().map(|it| &it.value);
            if let Some(known) = known.find(|it| it.account == user.account) {
                let (new, known) = (&user.id, &known.id);
                let why = format!("{new} is known here as {known}, by the same account");
                return Err(Error::refused(why));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn seen_user(&mut self, id: &str, seen: Option<i64>) -> Result<(), Error> {
        as_expected(&format!("user {id}"), self.user(id)?.version, seen)
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

fn must_have_password(user: &User) -> Result<(), Error> {
    match &user.account {
        None => Ok(()),
        Some(account) => Err(Error::refused(format!(
            "user {} has no password: {} says who that is and what they may",
            user.id, account.issuer
        ))),
    }
}
